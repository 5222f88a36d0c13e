"""Rows on the input (§2, §4.1): from bytes in memory, and from JPEG files, to a batch of floats."""

import atexit
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..augmentation import PCAColorNoise, RandomCropFlip
from ..data.batches import Batches
from ..data.images import decoding
from ..dataset import ImageSet, load
from ..learning import TrainConfig
from ..paper import IMAGES
from ..training.ranks import World
from .measure import NotMeasured, Pair, Row

BATCH, STORED = 128, 512  # images
FILES = 8 * BATCH  # of imagenette2-160
EIGENVALUES, EIGENVECTORS = torch.tensor([0.2, 0.02, 0.005]), torch.eye(3)  # of the noise; any will do
ALONE = World(0, 1, 0, torch.device("cpu"))


def per_image(crop: int) -> Callable:
    """torchvision's transforms for one image: crop, reflect, subtract the mean, add color noise."""
    from torchvision.transforms import v2

    def noisy(image: Tensor) -> Tensor:
        return image + (EIGENVECTORS @ (0.1 * torch.randn(3) * EIGENVALUES) * 255)[:, None, None]

    cut = (v2.RandomCrop(crop), v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(torch.float32))
    return v2.Compose([*cut, v2.Normalize([120.0, 115.0, 104.0], [1.0] * 3), noisy])


def from_picture(side: int, crop: int) -> Callable:
    """torchvision's transforms for a picture: rescale and crop it to a square of `side`, then as above."""
    from torchvision.transforms import v2

    return v2.Compose([v2.Resize(side), v2.CenterCrop(side), per_image(crop)])


def from_memory() -> Pair:
    """One batch out of bytes in memory, as `train` makes it."""
    draw = torch.Generator().manual_seed(0)
    usual = torch.randint(
        0, 256, (STORED, 3, IMAGES.stored, IMAGES.stored), dtype=torch.uint8, generator=draw
    )
    pixels = usual.contiguous(memory_format=torch.channels_last)  # as `load` leaves them
    labels = torch.zeros(STORED, dtype=torch.int64)
    images = ImageSet(pixels, labels, ("noise",), "noise", "train", "random pixels")
    batches = Batches(images, torch.arange(STORED), _config(IMAGES.stored, IMAGES.crop), ALONE)
    transform, order = per_image(IMAGES.crop), torch.randperm(STORED, generator=draw)[:BATCH].tolist()
    return Pair(lambda: batches.step(0, 0), lambda: torch.stack([transform(usual[k]) for k in order]), BATCH)


def from_files(root: Path) -> Pair:
    """Decode, crop, reflect and shift pictures of Imagenette, once through."""
    paths, side, size = _pictures(root)
    crop, noise = RandomCropFlip(size), PCAColorNoise()
    noise.eigenvalues, noise.eigenvectors = EIGENVALUES.double(), EIGENVECTORS.double()
    mean = torch.full((3, 1, 1), 115.0)
    loader = DataLoader(
        _Files(paths, from_picture(side, size)), BATCH, num_workers=2, persistent_workers=True
    )
    batches = torch.empty(FILES, 3, size, size).contiguous(memory_format=torch.channels_last)

    def ours():
        places, shifts = crop.places(FILES, side, side), noise.shifts(FILES)

        def cut(first: int, pictures: Tensor) -> None:
            rows = slice(first, first + len(pictures))
            crop.cut(pictures, places[rows], mean, shifts[rows], out=batches[rows])

        with one_thread(), decoding(paths, side, cut) as chunks:
            for _ in chunks:
                pass

    return Pair(ours, lambda: [None for _ in loader], FILES)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch with one thread, as a DataLoader's workers have it: those that decode fill the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def first_epoch(root: Path) -> Pair:
    """From a folder of JPEG files to the end of the first pass: what either way prepares counts."""
    from torchvision.datasets import ImageFolder

    paths, side, size = _pictures(root)
    kept = Path(mkdtemp())
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    folder = kept / "train"
    for path in paths:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name)

    def ours():
        with TemporaryDirectory(dir=kept) as cache:
            _one_pass(load(f"folder:{kept}", "train", size=side, cache=cache), size)

    def peer():
        files = ImageFolder(folder, from_picture(side, size))
        for _ in DataLoader(files, BATCH, shuffle=True, num_workers=2):
            pass

    return Pair(ours, peer, FILES)


def _one_pass(images: ImageSet, size: int) -> None:
    """The mean image and the noise's components, then every batch, as `train` makes them."""
    batches = Batches(images, torch.arange(len(images)), _config(images.images.shape[-1], size), ALONE)
    for step in range(batches.steps):
        batches.step(0, step)


def _config(side: int, size: int) -> TrainConfig:
    return TrainConfig(val_fraction=0.0, max_drops=0, batch_size=BATCH, image_size=side, crop=size)


def _pictures(root: Path) -> tuple[list[Path], int, int]:
    """Pictures of all classes, the side of a square in them that is not rescaled, and of a crop of it.

    Copies of Imagenette have shorter sides of 160 or of 224; rescaling is Pillow's work in either arm.
    """
    folder = root / "imagenette2-160" / "train"
    paths = sorted(folder.glob("*/*"))[::9][:FILES]
    if len(paths) < FILES:
        raise NotMeasured(f"{folder} has no {FILES} pictures: fetch imagenette, and name --root")
    with Image.open(paths[0]) as first:
        side = min(first.size)
    return paths, side, side * IMAGES.crop // IMAGES.stored


class _Files(Dataset):
    """Pictures by Pillow, transformed."""

    def __init__(self, paths: list[Path], transform: Callable):
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, k: int) -> Tensor:
        return self.transform(Image.open(self.paths[k]).convert("RGB"))


def rows(root: Path) -> list[Row]:
    """From memory, and from files below `root`."""
    return [
        Row(
            "input/augment",
            "bytes in memory, cut one by one in the cache, into a batch whose memory is used again",
            "torchvision's v2 transforms image by image, then stacked",
            "no change of order, no fresh pages; the color shifts of a batch by one product of matrices",
            4.5,
            5.6,
            from_memory,
        ),
        Row(
            "input/decode",
            "threads that decode pictures, and cut them into their batch at once",
            "a DataLoader with 2 workers, Pillow and v2 transforms",
            "no tensors sent between processes, no Python for each transform, no change of order",
            2.4,
            2.5,
            partial(from_files, root),
        ),
        Row(
            "input/first-epoch",
            "load builds its cache, then one pass of batches out of it",
            "ImageFolder, a DataLoader with 2 workers, and v2 transforms",
            "as above, less what is done once: digests, a file of pixels, the mean, the noise's components",
            1.0,
            1.4,
            partial(first_epoch, root),
        ),
    ]
