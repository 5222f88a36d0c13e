"""The images (§2): ten embedded photographs, CIFAR-10, Imagenette, or any folder of images.

    load("ten-photos", "train")               # embedded: no network, no files
    load("cifar10", "test", root="~/data")    # root: else $ALEXNET_DATA, else ./data
    load("folder:/data/flowers", "train")     # any folder of class folders
    load("folder:/data/imagenet", "train", size=256, cache="/fast/cache")    # decoded once, left on the disk

Every set arrives as one uint8 tensor (N, 3, H, W) on the scale 0-255 with whole-number labels. With a side
of 256 a picture takes 196,608 bytes, Imagenette's training pictures 1.9 GB of memory, and ImageNet's 252 GB.
`cache` is for these: they stay on the disk, and a step reads its own.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .data import sets
from .data.images import mean_image, read_image, to_tensor
from .guard import Count, require_choice, require_path, require_tensor, validated

NAMES = ("ten-photos", "cifar10", "imagenette", "folder:PATH")
PHOTOGRAPHS = {  # name -> the file in scikit-image's wheel
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "hubble_deep_field": "hubble_deep_field.jpg",
    "retina": "retina.jpg",
    "immunohistochemistry": "ihc.png",
    "motorcycle_left": "motorcycle_left.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
}


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet(Dataset):
    """One split of a data set: a torch Dataset of (image, label). `source` says what the pictures are."""

    images: Tensor  # uint8 (N, 3, H, W), in memory or mapped into it from a cache
    labels: Tensor  # int64 (N,), indices into classes
    classes: tuple[str, ...]
    name: str
    split: str
    source: str
    folder: Path | None = None  # None: embedded

    def __post_init__(self):
        require_tensor("images", self.images, "(N, 3, H, W)", "uint8, on the scale 0-255")
        require_tensor("labels", self.labels, f"({len(self.images)})", "int64, a label for each image")
        if (self.images.dtype, self.labels.dtype) != (torch.uint8, torch.int64):
            raise TypeError(
                f"images are {self.images.dtype} and labels {self.labels.dtype}, and must be uint8 and int64"
            )
        if not isinstance(self.classes, tuple) or not all(isinstance(name, str) for name in self.classes):
            raise TypeError(f"classes is {self.classes!r}, and must be a tuple of names")
        if len(self) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise ValueError(
                f"labels run from {self.labels.min()} to {self.labels.max()}, and must be from 0 to "
                f"{len(self.classes) - 1}: they number the classes"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """The image, uint8 (3, H, W), and its label."""
        return self.images[index], int(self.labels[index])

    def mean(self) -> Tensor:
        """The mean image that §2 subtracts, float32 (3, H, W)."""
        return mean_image(self.images)

    def __repr__(self) -> str:
        size = "x".join(str(side) for side in self.images.shape[1:])
        return f"ImageSet({self.name!r}, {self.split!r}: {len(self)} of {size}, {len(self.classes)} classes)"


@validated
def load(
    name: str | os.PathLike,
    split: str,
    root: str | os.PathLike | None = None,
    *,
    size: Count | None = None,
    download: bool = False,
    cache: str | os.PathLike | None = None,
) -> ImageSet:
    """Load the "train" or "test" split of a data set (§2), into memory or, with a cache, out of a file.

    name: "ten-photos" (embedded stand-in), "cifar10", "imagenette", or "folder:PATH". The folder that
    Imagenette and ImageNet call `val` is "test" here, because nothing is chosen by it. Files of other
    kinds in a folder are left out with a warning.
    root: where cifar10 and imagenette lie; else the environment's ALEXNET_DATA, else ./data.
    size: side of the square pictures. By default ten-photos cuts 64, pictures of one common size keep it, and
    others are rescaled and cropped to 256 as in §2. CIFAR-10 is always 32.
    download: fetch a missing set (torchvision's checksummed download); otherwise nothing touches the network.
    cache: for imagenette and folders, a folder to keep the decoded pictures in, N * 3 * size * size bytes for
    each split and size. Later loads decode only a few pictures, to see that they are still the same.

    Raises ValueError for an unknown name or split, a damaged set, and a damaged or outdated cache;
    CorruptImageError for unreadable pictures, FileNotFoundError for a missing set, ConnectionError for a
    failed download, OSError for a cache that the disk does not take.
    """
    name, root = _require_name(name), data_root(root)
    _require_split(split)
    if cache is not None:
        cache = require_path("cache", cache, "the folder for the decoded pictures, or None")
        if name in ("ten-photos", "cifar10"):
            raise ValueError(f"cache is {str(cache)!r}, and {name} always lies in memory: leave cache out")
        if size is None:
            raise ValueError(
                "size is None, and a cache holds squares of one side: size=256 for the paper's (§2)"
            )
    if name == "ten-photos":
        return ten_photos(split, size or 64)
    if name == "cifar10":
        found = sets.cifar10(split, root, size, download)
    elif name == "imagenette":
        found = sets.imagenette(split, root, size, download, cache)
    else:
        found = sets.image_folder(name, split, size, cache)
    return ImageSet(found.images, found.labels, found.classes, name, split, found.source, found.folder)


def data_root(root: str | os.PathLike | None = None) -> Path:
    """Where data sets lie: in the folder that is named, else the environment's ALEXNET_DATA, else ./data."""
    if root is not None:
        return require_path("root", root, "the folder where the set lies, or None for the usual one")
    return Path(os.environ.get("ALEXNET_DATA") or "data").expanduser()


def _require_name(name: str | os.PathLike) -> str:
    text = os.fspath(name)
    if text.startswith("folder:") and text not in ("folder:", "folder:PATH"):
        return text
    is_path = text not in NAMES and (os.sep in text or text.startswith("~") or Path(text).is_dir())
    if is_path or text == "imagenet" or text.startswith("folder:"):
        example = f"folder:{text}" if is_path else "folder:/data/imagenet"
        raise ValueError(
            f"name is {text!r}, and a folder of your own is named as folder:PATH, with the folder behind the "
            f"colon: {example!r}"
        )
    return require_choice("name", text, NAMES)


def _require_split(split: str) -> None:
    if split not in ("train", "test"):
        raise ValueError(
            f"split is {split!r}, and the splits are 'train' and 'test'; what Imagenette and ImageNet call "
            f"'val' is 'test' here"
        )


def photographs() -> dict[str, Tensor]:
    """The ten whole photographs that scikit-image ships: name -> uint8 (3, H, W). No network is used."""
    try:
        import skimage
    except ImportError as error:
        raise ImportError(
            "the ten photographs come with scikit-image, which is not installed: pip install scikit-image"
        ) from error
    folder = Path(skimage.__file__).parent / "data"
    return {name: to_tensor(read_image(folder / file)) for name, file in PHOTOGRAPHS.items()}


@validated
def ten_photos(split: str, size: Count = 64, per_class: Count = 100) -> ImageSet:
    """Square patches of ten photographs, one class each: a stand-in for ImageNet that needs no download.

    Training patches come from the left half of every photograph, test patches from the right half: no pixel
    is in both, whatever the size. Patches of one half overlap. Error rates on it say that code runs, and
    nothing about ImageNet. Gray photographs have three equal channels.

    size: side of a patch, at most 225. per_class: patches of every photograph. The same arguments always give
    the same patches.
    """
    _require_split(split)
    patches = []
    for name, photo in photographs().items():
        middle = photo.shape[2] // 2
        half = photo[:, :, :middle] if split == "train" else photo[:, :, middle:]
        rows, columns = half.shape[1] - size + 1, half.shape[2] - size + 1
        if min(rows, columns) < 1:
            raise ValueError(
                f"size is {size}, and half of {name} is {half.shape[1]}x{half.shape[2]}: use at most 225"
            )
        for top, left in _spread(per_class, rows, columns):
            patches.append(half[:, top : top + size, left : left + size])
    labels = torch.arange(len(PHOTOGRAPHS)).repeat_interleave(per_class)
    source = "patches of ten photographs from scikit-image (a stand-in for ImageNet)"
    images = torch.stack(patches).contiguous(memory_format=torch.channels_last)
    return ImageSet(images, labels, tuple(PHOTOGRAPHS), "ten-photos", split, source)


def _spread(count: int, rows: int, columns: int) -> list[tuple[int, int]]:
    """`count` places spread evenly over a grid, the same ones every time (the R2 sequence, no generator)."""
    plastic = 1.324717957244746  # the root of x^3 = x + 1; steps of 1/x and 1/x^2 never fall into a lattice
    steps = [(0.5 + k / plastic, 0.5 + k / plastic**2) for k in range(count)]
    return [(int(y % 1 * rows), int(x % 1 * columns)) for y, x in steps]
