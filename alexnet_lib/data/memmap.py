"""A folder of class folders (§2), and its pictures decoded once into a file that is mapped into memory.

    load("folder:/data/imagenet", "train", size=256, cache="/fast/cache")

ImageNet's 1,281,167 training pictures take 252 GB as bytes: more than most memories, less than a disk. The
system reads from the disk what a step looks at, and keeps in spare memory what it has read.
"""

import json
import mmap
import os
import shutil
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from ..training.fileio import atomic_write
from .images import decode, read_images

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
SAMPLE = 16  # pictures that every load decodes again to compare them with the cache


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder, class after class. `others`: files of other kinds, which are left out."""

    classes: tuple[str, ...]
    labels: Tensor  # int64 (N,), indices into classes
    files: tuple[str, ...]  # below the folder
    others: tuple[str, ...]


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the folders in a folder, in order: label k is the k-th."""
    return tuple(sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()))


def list_folder(folder: Path) -> Listing:
    """List a folder as torchvision's ImageFolder does: pictures may lie in folders below their class's.

    Raises FileNotFoundError where a class, or every class, is missing.
    """
    classes, labels, files, others = class_folders(folder), [], [], []
    for label, name in enumerate(classes):
        for base, _, names in sorted(os.walk(folder / name, followlinks=True)):
            below = Path(base).relative_to(folder).as_posix()
            pictures = [file for file in sorted(names) if file.lower().endswith(ENDINGS)]
            files += [f"{below}/{file}" for file in pictures]
            labels += [label] * len(pictures)
            others += [f"{below}/{file}" for file in sorted({*names} - {*pictures}) if file[0] != "."]
    empty = [name for label, name in enumerate(classes) if label not in {*labels}]
    if empty or not classes:
        lack = f"no picture in {', '.join(empty)}" if empty else "no class folder at all"
        raise FileNotFoundError(f"{lack}; pictures end in {', '.join(ENDINGS)}")
    return Listing(classes, torch.tensor(labels), tuple(files), tuple(others))


def cached_images(folder: Path, files: tuple[str, ...], size: int, cache: Path) -> Tensor:
    """The pictures as uint8 (N, 3, size, size), mapped from a file below `cache`, which is made if need be.

    The file is numpy's .npy, (N, size, size, 3), and is found by the absolute folder. Beside it lies a JSON
    of the folder and the names and bytes of its files, written last: without it the pixels count as
    unfinished. Writing to the tensor changes this process's copy of it, never the file. Of several processes
    one decodes and the others wait. Raises ValueError for a cache that is damaged or out of date,
    CorruptImageError for unreadable pictures, OSError where the disk is too small or takes nothing.
    """
    folder = folder.resolve()
    key = sha256(os.fsencode(folder)).hexdigest()[:12]
    pixels = cache / f"{folder.parent.name[:40]}-{folder.name}-{size}-{key}.npy"
    about, way_out = pixels.with_suffix(".json"), f"delete {pixels} and its .json to have it built anew"
    paths = [folder / file for file in files]
    sizes = [path.stat().st_size if path.exists() else 0 for path in paths]  # 0: a link to nothing
    now = {"folder": str(folder), "files": dict(zip(files, sizes, strict=True))}
    if not about.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(pixels.with_suffix(".lock")):
            if not about.exists():  # another process may have made it meanwhile
                _decode_into(pixels, paths, size)
                atomic_write(about, lambda file: file.write(json.dumps(now).encode()))
    try:
        then = json.loads(about.read_bytes())
        images, others = _mapped(pixels), set(then["files"].items()) ^ set(now["files"].items())
    except (ValueError, KeyError, AttributeError, EOFError, FileNotFoundError) as error:
        raise ValueError(f"cache {pixels} is damaged ({error}): {way_out}") from error
    if then["folder"] != now["folder"]:
        raise ValueError(f"cache {pixels} is of {then['folder']}, and data is in {folder}: {way_out}")
    changed = sorted(file for file, _ in others)
    if not changed:
        rows = range(0, len(files), -(-len(files) // SAMPLE))
        again = read_images([paths[k] for k in rows], size)
        changed = [
            files[k] for k, image in zip(rows, again, strict=True) if not torch.equal(images[k], image)
        ]
    if changed:
        raise ValueError(f"cache {pixels} is out of date: {changed[0]} has changed since. {way_out}")
    return images


def _decode_into(pixels: Path, paths: list[Path], size: int) -> None:
    shape, cache = (len(paths), size, size, 3), pixels.parent
    needed, free = len(paths) * 3 * size * size, shutil.disk_usage(cache).free
    if needed > free:
        raise OSError(
            f"cache needs {needed:,} bytes for {len(paths):,} pictures of 3x{size}x{size}, and {cache} "
            f"has {free:,} left: make room, name a folder on another disk, or choose a smaller size="
        )

    def write(file):  # in order, because a full disk ends a process that writes to mapped memory
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for picture in decode(paths, size):
            file.write(picture.tobytes())

    atomic_write(pixels, write)


def _mapped(pixels: Path) -> Tensor:
    """The pixels, read by the system when they are looked at: uint8 (N, 3, size, size)."""
    array = np.lib.format.open_memmap(pixels, mode="r")
    # torch knows no read-only tensors, and a write to one would end the process. So the mapping is private,
    # and Linux is told to reserve no memory for copies: it refuses one larger than the memory otherwise.
    # Python names that flag from 3.13 on.
    if sys.platform == "linux":
        how = {"flags": mmap.MAP_PRIVATE | 0x4000, "prot": mmap.PROT_READ | mmap.PROT_WRITE}
    else:
        how = {"access": mmap.ACCESS_COPY}
    with pixels.open("rb") as file:
        memory = mmap.mmap(file.fileno(), array.offset + array.nbytes, **how)
    flat = torch.frombuffer(memory, dtype=torch.uint8, offset=array.offset)
    return flat.view(array.shape).permute(0, 3, 1, 2)
