"""The sets that lie in folders (§2): CIFAR-10, Imagenette, and any folder of class folders."""

import http.client
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from .images import read_images
from .memmap import Listing, cached_images, class_folders, list_folder

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


class Found(NamedTuple):
    images: Tensor  # uint8 (N, 3, H, W)
    labels: Tensor  # int64 (N,)
    classes: tuple[str, ...]
    source: str
    folder: Path


def cifar10(split: str, root: Path, size: int | None, download: bool) -> Found:
    if size not in (None, 32):
        raise ValueError(f"size is {size}, and the pictures of CIFAR-10 are 32x32: leave size out")
    binary, jpeg = root / "cifar-10-batches-py", root / "cifar10-jpeg"
    if jpeg.is_dir() and not binary.is_dir():
        images, listing = _pictures("cifar10", split, jpeg / split)
        return Found(images, listing.labels, listing.classes, "CIFAR-10 (JPEG re-encoding)", jpeg / split)
    from torchvision.datasets import CIFAR10

    with _torchvision_errors("cifar10", binary, download):
        data = CIFAR10(root, train=split == "train", download=download)
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2)  # (N, 32, 32, 3) -> (N, 3, 32, 32)
    return Found(images, torch.tensor(data.targets), tuple(data.classes), "CIFAR-10", binary)


def imagenette(split: str, root: Path, size: int | None, download: bool, cache: Path | None) -> Found:
    base, part = root / "imagenette2-160", "train" if split == "train" else "val"
    download = download and not base.is_dir()
    from torchvision.datasets import Imagenette

    with _torchvision_errors("imagenette", base, download):
        data = Imagenette(root, split=part, size="160px", download=download)
    images, listing = _pictures("imagenette", split, base / part, size, cache)
    with Image.open(base / part / listing.files[0]) as first:
        # The shorter side of the original is 160, so none of its pictures is 224x224.
        source = "Imagenette (224x224 copy)" if first.size == (224, 224) else "Imagenette (160px)"
    classes = tuple(words[0] for words in data.classes)  # the first of a class's names
    return Found(images, listing.labels, classes, source, base / part)


def image_folder(name: str, split: str, size: int | None, cache: Path | None) -> Found:
    path = Path(name.removeprefix("folder:")).expanduser()
    parts = ("train",) if split == "train" else ("test", "val")
    folder = next((path / part for part in parts if (path / part).is_dir()), None)
    if folder is None:
        raise FileNotFoundError(
            f"{name} holds no folder {' or '.join(parts)} for the {split} split: put one folder a class into "
            f"{path / 'train'} and into {path / 'test'}. load('ten-photos', ...) needs no files"
        )
    images, listing = _pictures(name, split, folder, size, cache)
    return Found(images, listing.labels, listing.classes, f"image folder {path.resolve().name}", folder)


def _pictures(
    name: str, split: str, folder: Path, size: int | None = None, cache: Path | None = None
) -> tuple[Tensor, Listing]:
    """All pictures of a folder of class folders, if it is whole and has the classes of its sister folders."""
    try:
        listing = list_folder(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{name} needs one folder of images a class in {folder}: {error}") from error
    for sister in (folder.parent / part for part in ("train", "test", "val")):
        other = class_folders(sister) if sister.is_dir() else ()
        if other and other != listing.classes:
            raise ValueError(
                f"{name} has not the same classes in {folder.name} and {sister.name}: only one holds "
                f"{', '.join(sorted({*other} ^ {*listing.classes}))}. Labels number the class folders in the "
                f"order of their names, so both need the same ones"
            )
    count = len(listing.files)
    if count != (expected := COUNTS.get((name, split), count)):
        raise ValueError(
            f"{name} has {count:,} images in {folder}, and should have {expected:,}: was the unpacking "
            f"interrupted? Delete the folder and fetch it again, or load what is there as "
            f"'folder:{folder.parent}'"
        )
    if listing.others:
        endings = sorted({Path(file).suffix.lower() or "no ending" for file in listing.others})
        warnings.warn(
            f"{folder}: left out {len(listing.others)} files of other kinds: {', '.join(endings)}",
            stacklevel=5,
        )
    if cache is not None:
        return cached_images(folder, listing.files, size, cache), listing
    return read_images([folder / file for file in listing.files], size), listing


@contextmanager
def _torchvision_errors(name: str, folder: Path, download: bool):
    """Say what to do where a set is missing, or torchvision says that something failed."""
    root, was_there = folder.parent, folder.parent.exists()
    if not folder.is_dir() and not download:
        raise FileNotFoundError(
            f"{name} is not in {root.absolute()}: put {LAYOUTS[name]} there, name another folder with root= "
            f"or ALEXNET_DATA, or fetch it with download=True (`alexnet data {name}`). "
            f"load('ten-photos', ...) is embedded and needs none of this"
        )
    try:
        yield
    except (OSError, RuntimeError, KeyError, http.client.HTTPException) as error:
        reason = f"{type(error).__name__}: {error}"
        if download:
            if not was_there:
                with suppress(OSError):  # some of the download may be there
                    root.rmdir()
            raise ConnectionError(
                f"{name} could not be downloaded into {root.absolute()} ({reason}). Check the network, or "
                f"put {LAYOUTS[name]} there by hand. load('ten-photos', ...) is embedded and needs no network"
            ) from error
        raise ValueError(
            f"{name} in {folder.absolute()} is damaged ({reason}): delete that folder and fetch it again "
            f"with download=True (`alexnet data {name}`). load('ten-photos', ...) is embedded"
        ) from error
