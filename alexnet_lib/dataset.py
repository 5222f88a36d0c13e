"""The images (§2): ten embedded photographs, CIFAR-10, Imagenette, or any folder of images.

    load("ten-photos", "train")               # embedded: no network, no files
    load("cifar10", "test", root="~/data")    # root: else $ALEXNET_DATA, else ./data
    load("folder:/data/flowers", "train")     # any folder of class folders
    load("folder:/data/imagenet", "train", size=256, cache="/fast/cache")    # decoded once, left on the disk

Every set arrives as one uint8 tensor (N, 3, H, W) on the scale 0-255 with whole-number labels. With a side
of 256 a picture takes 196,608 bytes, Imagenette's training pictures 1.9 GB of memory, and ImageNet's 252 GB.
`cache` is for these: they stay on the disk, and a step reads its own.
"""

import http.client
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from .data.cache import cached, kept_mean
from .data.folders import Listing, class_folders, list_folder
from .data.images import mean_image, read_image, read_images, to_tensor
from .guard import require_choice, require_count, require_flag, require_path, require_tensor

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
LAYOUTS = {
    "cifar10": "cifar-10-batches-py/ (torchvision's download) or cifar10-jpeg/{train,test}/<class>/",
    "imagenette": "imagenette2-160/{train,val}/<class>/ (torchvision's download)",
}
COUNTS = {  # a smaller folder is an interrupted unpacking
    ("cifar10", "train"): 50_000,
    ("cifar10", "test"): 10_000,
    ("imagenette", "train"): 9_469,
    ("imagenette", "test"): 3_925,
}


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """One split of a data set. `source` says what the pictures are, for figures and records."""

    images: Tensor  # uint8 (N, 3, H, W), in memory or mapped into it from a cache
    labels: Tensor  # int64 (N,), indices into classes
    classes: tuple[str, ...]
    name: str
    split: str
    source: str
    folder: Path | None = None  # None: embedded
    cache: Path | None = None  # the folder of the cache that images are mapped from

    def __post_init__(self):
        require_tensor("images", self.images, "(N, 3, H, W)", "uint8, on the scale 0-255")
        require_tensor("labels", self.labels, "(N)", "int64, a label for each image")
        if (self.images.dtype, self.labels.dtype) != (torch.uint8, torch.int64):
            raise TypeError(
                f"images are {self.images.dtype} and labels {self.labels.dtype}, and must be uint8 and int64"
            )
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"labels are {len(self.labels)} for {len(self.images)} images: give one for each"
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

    def mean(self) -> Tensor:
        """The mean image that §2 subtracts, float32 (3, H, W); with a cache it is kept there."""
        return kept_mean(self.cache, self.images) if self.cache else mean_image(self.images)

    def __repr__(self) -> str:
        size = "x".join(str(side) for side in self.images.shape[1:])
        return f"ImageSet({self.name!r}, {self.split!r}: {len(self)} of {size}, {len(self.classes)} classes)"


def load(
    name: str,
    split: str,
    root: str | Path | None = None,
    *,
    size: int | None = None,
    download: bool = False,
    cache: str | Path | None = None,
    verify: bool = False,
) -> ImageSet:
    """Load the "train" or "test" split of a data set (§2), into memory or, with a cache, out of a file.

    name: "ten-photos" (embedded stand-in), "cifar10", "imagenette", or "folder:PATH". The folder that
    Imagenette and ImageNet call `val` is "test" here, because nothing is chosen by it.
    root: where cifar10 and imagenette lie; else the environment's ALEXNET_DATA, else ./data.
    size: side of the square pictures. By default ten-photos cuts 64, pictures of one common size keep it, and
    others are rescaled and cropped to 256 as in §2. CIFAR-10 is always 32.
    download: fetch a missing set (torchvision's checksummed download); otherwise nothing touches the network.
    cache: for imagenette and folders, a folder to keep the decoded pictures in. The first load fills it, with
    N * 3 * size * size bytes for each split and size; later ones list and decode nothing, and images stay on
    the disk until they are looked at. Pictures that came, went or were renamed since are noticed by the times
    of their folders; one that was overwritten in place is not. Without cache nothing is written.
    verify: compare every picture in the cache with its digest, and every file with its size, not a sample.

    Raises ValueError for an unknown name or split, a damaged set, and (CacheError) a damaged or outdated
    cache; CorruptImageError for unreadable pictures, FileNotFoundError for a missing set, ConnectionError for
    a failed download, OSError for a cache that the disk does not take.
    """
    _require_split(split)
    if size is not None:
        require_count("size", size, "it is the side of the square pictures (§2: 256)")
    require_flag("download", download, "it lets a missing set be fetched")
    require_flag("verify", verify, "it compares all pictures of a cache with their digests")
    _require_cache(name, size, cache, verify)
    cache = (
        None if cache is None else require_path("cache", cache, "the folder for decoded pictures, or None")
    )
    root = root and require_path("root", root, "the folder where the set lies, or None for the usual one")
    if isinstance(name, str) and name.startswith("folder:"):
        return _image_folder(name, split, size, cache, verify)
    require_choice("name", name, NAMES)
    if name == "ten-photos":
        return ten_photos(split) if size is None else ten_photos(split, size)
    root = data_root(root)
    if name == "cifar10":
        return _cifar10(split, root, size, download)
    return _imagenette(split, root, size, download, cache, verify)


def data_root(root: str | Path | None = None) -> Path:
    """Where data sets lie: in the folder that is named, else the environment's ALEXNET_DATA, else ./data."""
    return Path(root or os.environ.get("ALEXNET_DATA") or "data").expanduser()


def _require_split(split: str) -> None:
    if split not in ("train", "test"):
        raise ValueError(
            f"split is {split!r}, and the splits are 'train' and 'test'; what Imagenette and ImageNet call "
            f"'val' is 'test' here"
        )


def _require_cache(name: str, size: int | None, cache: str | Path | None, verify: bool) -> None:
    if cache is None:
        if verify:
            raise ValueError("verify is True and cache is None: it is a cache that is verified, so name one")
    elif name in ("ten-photos", "cifar10"):
        raise ValueError(
            f"cache is {str(cache)!r}, and {name} is so small that it always lies in memory: leave cache out"
        )
    elif not str(cache):
        raise ValueError("cache is empty, and names the folder for the decoded pictures: use None for none")
    elif size is None:
        raise ValueError(
            "size is None, and a cache holds squares of one side: name it, size=256 for the paper's (§2)"
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


def ten_photos(split: str, size: int = 64, per_class: int = 100) -> ImageSet:
    """Square patches of ten photographs, one class each: a stand-in for ImageNet that needs no download.

    Training patches come from the left half of every photograph, test patches from the right half: no pixel
    is in both, whatever the size. Patches of one half overlap. Error rates on it say that code runs, and
    nothing about ImageNet. Gray photographs have three equal channels.

    size: side of a patch, at most 225. per_class: patches of every photograph. The same arguments always give
    the same patches.
    """
    require_count("size", size, "it is the side of a patch (default 64)")
    require_count("per_class", per_class, "it counts the patches of each photograph (default 100)")
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


def _cifar10(split: str, root: Path, size: int | None, download: bool) -> ImageSet:
    if size not in (None, 32):
        raise ValueError(f"size is {size}, and the pictures of CIFAR-10 are 32x32: leave size out")
    binary, jpeg = root / "cifar-10-batches-py", root / "cifar10-jpeg"
    if jpeg.is_dir() and not binary.is_dir():
        images, listing = _pictures("cifar10", split, jpeg / split)
        source = "CIFAR-10 (JPEG re-encoding)"
        return ImageSet(images, listing.labels, listing.classes, "cifar10", split, source, jpeg / split)
    if not binary.is_dir() and not download:
        raise _missing("cifar10", root)
    from torchvision.datasets import CIFAR10

    with _torchvision_errors("cifar10", binary, download):
        data = CIFAR10(root, train=split == "train", download=download)
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2)  # (N, 32, 32, 3) -> (N, 3, 32, 32)
    labels, classes = torch.tensor(data.targets), tuple(data.classes)
    return ImageSet(images, labels, classes, "cifar10", split, "CIFAR-10", binary)


def _imagenette(
    split: str, root: Path, size: int | None, download: bool, cache: str | Path | None, verify: bool
) -> ImageSet:
    base, part = root / "imagenette2-160", "train" if split == "train" else "val"
    fetch = download and not base.is_dir()
    if not base.is_dir() and not fetch:
        raise _missing("imagenette", root)
    from torchvision.datasets import Imagenette

    with _torchvision_errors("imagenette", base, fetch):
        data = Imagenette(root, split=part, size="160px", download=fetch)
    where = _cache_folder(cache, "imagenette", split, size)
    images, listing = _pictures("imagenette", split, base / part, size, where, verify)
    with Image.open(base / part / listing.files[0]) as first:
        # The shorter side of the original is 160, so none of its pictures is 224x224.
        source = "Imagenette (224x224 copy)" if first.size == (224, 224) else "Imagenette (160px)"
    classes = tuple(words[0] for words in data.classes)  # the first of a class's names
    return ImageSet(images, listing.labels, classes, "imagenette", split, source, base / part, where)


def _image_folder(
    name: str, split: str, size: int | None, cache: str | Path | None, verify: bool
) -> ImageSet:
    path = Path(name.removeprefix("folder:")).expanduser()
    if name in ("folder:", "folder:PATH"):
        raise ValueError(f"name is {name!r}, and needs a folder behind the colon: 'folder:/data/imagenet'")
    parts = ("train",) if split == "train" else ("test", "val")
    folder = next((path / part for part in parts if (path / part).is_dir()), None)
    if folder is None:
        raise FileNotFoundError(
            f"{name} holds no folder {' or '.join(parts)} for the {split} split: put one folder a class into "
            f"{path / 'train'} and into {path / 'test'}. load('ten-photos', ...) needs no files"
        )
    where = _cache_folder(cache, folder.parent.resolve().name or "folder", split, size)
    images, listing = _pictures(name, split, folder, size, where, verify)
    source = f"image folder {path.resolve().name}"
    return ImageSet(images, listing.labels, listing.classes, name, split, source, folder, where)


def _cache_folder(cache: str | Path | None, of: str, split: str, size: int | None) -> Path | None:
    return None if cache is None else Path(cache).expanduser() / f"{of}-{split}-{size}"


def _pictures(
    name: str,
    split: str,
    folder: Path,
    size: int | None = None,
    where: Path | None = None,
    verify: bool = False,
) -> tuple[Tensor, Listing]:
    """All pictures of a folder of class folders, out of the cache in `where` if there is to be one."""
    if where is None:
        listing = _list(name, split, folder)
        return read_images([folder / file for file in listing.files], size), listing
    return cached(folder, where, size, lambda: _list(name, split, folder), verify)


def _list(name: str, split: str, folder: Path) -> Listing:
    """What a folder of class folders holds, if it is whole and has the classes of its sister folders."""
    try:
        listing = list_folder(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name} needs one folder of images a class in {folder}: {error}") from error
    for part in ("train", "test", "val"):
        sister = folder.parent / part
        other = class_folders(sister) if sister.is_dir() else ()
        if other and other != listing.classes:
            raise ValueError(
                f"{name} has not the same classes in {folder.name} and {part}: only one holds "
                f"{', '.join(sorted(set(other) ^ set(listing.classes)))}. Labels number the class folders in "
                f"the order of their names, so both need the same ones"
            )
    expected = COUNTS.get((name, split), len(listing))
    if len(listing) != expected:
        raise ValueError(
            f"{name} has {len(listing):,} images in {folder}, and should have {expected:,}: was the "
            f"unpacking interrupted? Delete the folder and fetch it again, or load what is there as "
            f"'folder:{folder.parent}'"
        )
    return listing


def _missing(name: str, root: Path) -> FileNotFoundError:
    return FileNotFoundError(
        f"{name} is not in {root.absolute()}: put {LAYOUTS[name]} there, name another folder with root= or "
        f"ALEXNET_DATA, or fetch it with download=True (`alexnet data {name}`). load('ten-photos', ...) is "
        f"embedded and needs none of this"
    )


@contextmanager
def _torchvision_errors(name: str, folder: Path, download: bool):
    """Say what to do where torchvision says that something failed."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, http.client.HTTPException) as error:
        reason = f"{type(error).__name__}: {error}"
        if download:
            raise ConnectionError(
                f"{name} could not be downloaded into {folder.parent.absolute()} ({reason}). Check the "
                f"network, or put {LAYOUTS[name]} there by hand. load('ten-photos', ...) is embedded and "
                f"needs no network"
            ) from error
        raise ValueError(
            f"{name} in {folder.absolute()} is damaged ({reason}): delete that folder and fetch it again "
            f"with download=True (`alexnet data {name}`). load('ten-photos', ...) is embedded"
        ) from error
