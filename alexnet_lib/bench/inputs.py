"""Rows on the input (§2, §4.1): from bytes in memory, and from JPEG files, to a batch of floats."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..augmentation import PCAColorNoise, RandomCropFlip
from ..batches import Batches
from ..dataset import ImageSet
from ..images import decoding
from ..learning import TrainConfig
from ..paper import IMAGES
from ..processes import World
from .measure import NotMeasured, Pair, Row

BATCH, STORED = 128, 512  # images
FILES, SIDE, CROP = 1000, 160, 144  # of imagenette2-160
EIGENVALUES, EIGENVECTORS = torch.tensor([0.2, 0.02, 0.005]), torch.eye(3)  # of the noise; any will do


def per_image(crop: int) -> Callable:
    """torchvision's transforms for one image: crop, reflect, subtract the mean, add colour noise."""
    from torchvision.transforms import v2

    def noisy(image: Tensor) -> Tensor:
        return image + (EIGENVECTORS @ (0.1 * torch.randn(3) * EIGENVALUES) * 255)[:, None, None]

    cut = (v2.RandomCrop(crop), v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(torch.float32))
    return v2.Compose([*cut, v2.Normalize([120.0, 115.0, 104.0], [1.0] * 3), noisy])


def from_memory() -> Pair:
    """One batch out of bytes in memory, as `train` makes it."""
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(
        0, 256, (STORED, 3, IMAGES.stored, IMAGES.stored), dtype=torch.uint8, generator=draw
    )
    labels = torch.zeros(STORED, dtype=torch.int64)
    images = ImageSet(pixels, labels, ("noise",), "noise", "train", "random pixels")
    config = TrainConfig(held_out=0.0, rate_divisions=0, batch_size=BATCH)
    batches = Batches(images, torch.arange(STORED), config, World(0, 1, 0, torch.device("cpu")))
    transform, order = per_image(IMAGES.crop), torch.randperm(STORED, generator=draw)[:BATCH].tolist()
    return Pair(lambda: batches.step(0, 0), lambda: torch.stack([transform(pixels[k]) for k in order]), BATCH)


def from_files(root: Path) -> Pair:
    """Decode, crop, reflect and shift the first pictures of Imagenette, once through."""
    folder = root / "imagenette2-160" / "train"
    paths = sorted(folder.glob("*/*"))[::9][:FILES]
    if len(paths) < FILES:
        raise NotMeasured(f"{folder} has no {FILES} pictures: fetch imagenette, and name --root")
    crop, noise = RandomCropFlip(CROP), PCAColorNoise()
    noise.eigenvalues, noise.eigenvectors = EIGENVALUES.double(), EIGENVECTORS.double()
    mean = torch.full((3, 1, 1), 115.0)
    loader = torch.utils.data.DataLoader(
        _Files(paths, per_image(CROP)), BATCH, num_workers=2, persistent_workers=True
    )

    def ours():
        with decoding(paths, SIDE) as pictures:
            for stored in _batches(pictures):
                places = crop.places(len(stored), SIDE, SIDE)
                crop.cut(stored, places, mean, noise.shifts(len(stored)))

    return Pair(ours, lambda: [None for _ in loader], FILES)


def _batches(pictures: Iterator[Tensor]) -> Iterator[Tensor]:
    waiting = []
    for picture in pictures:
        waiting.append(picture)
        if len(waiting) == BATCH:
            yield torch.stack(waiting)
            waiting.clear()
    if waiting:
        yield torch.stack(waiting)


class _Files(torch.utils.data.Dataset):
    """Pictures by Pillow, rescaled and cropped to the stored size, and transformed."""

    def __init__(self, paths: list[Path], transform: Callable):
        from torchvision.transforms import v2

        self.paths, self.transform = paths, v2.Compose([v2.Resize(SIDE), v2.CenterCrop(SIDE), transform])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, k: int) -> Tensor:
        from PIL import Image

        return self.transform(Image.open(self.paths[k]).convert("RGB"))


def rows(root: Path) -> list[Row]:
    """From memory, and from files below `root`."""
    return [
        Row(
            "input/augment",
            "bytes in memory, one pass for each image into the batch",
            "torchvision's v2 transforms image by image, then stacked",
            "one copy of each crop; the colour shifts of a batch by one product of matrices",
            4.5,
            5.6,
            from_memory,
        ),
        Row(
            "input/decode",
            "threads that decode ahead, then the batch as above",
            "a DataLoader with 2 workers, Pillow and v2 transforms",
            "no tensors sent between processes, no Python for each transform",
            2.4,
            2.5,
            partial(from_files, root),
        ),
    ]
