"""A folder of class folders (§2): which pictures it holds, in which order, and of which classes.

The rules are those of torchvision's ImageFolder: classes are numbered in the order of their names, and a
class's pictures may lie in folders below its own.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder, class after class. All names are below the folder, with "/" between parts."""

    classes: tuple[str, ...]
    counts: tuple[int, ...]  # pictures of each class
    files: tuple[str, ...]
    sizes: tuple[int, ...]  # of the files, in bytes
    changed: dict[str, int]  # folder -> when a name was last added to it or removed, in nanoseconds

    def __len__(self) -> int:
        return len(self.files)

    @property
    def labels(self) -> Tensor:
        """int64 (N,), indices into classes."""
        return torch.arange(len(self.classes)).repeat_interleave(torch.tensor(self.counts))

    def names_same_pictures(self, other: "Listing") -> bool:
        """Whether both have the same classes and the same files of the same sizes."""
        return replace(self, changed={}) == replace(other, changed={})

    def is_of(self, folder: Path) -> bool:
        """Whether the folder has the same class folders, and none of its folders has changed since.

        That looks at every folder and at no file: ImageNet's training set takes a thousand looks. It sees
        every file that came, went or was renamed. It does not see one that was overwritten in place.
        """
        try:
            return class_folders(folder) == self.classes and all(
                (folder / name).stat().st_mtime_ns == time for name, time in self.changed.items()
            )
        except FileNotFoundError:
            return False


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the folders in a folder, in order."""
    with os.scandir(folder) as entries:
        return tuple(sorted(entry.name for entry in entries if entry.is_dir()))


def list_folder(folder: Path) -> Listing:
    """List a folder of class folders. Raises FileNotFoundError where a class, or every class, is missing."""
    classes, counts, files, sizes, changed = class_folders(folder), [], [], [], {}
    for name in classes:
        before = len(files)
        for below, time, pictures in sorted(_walk(folder, name)):
            changed[below] = time
            for picture, size in pictures:
                files.append(f"{below}/{picture}")
                sizes.append(size)
        counts.append(len(files) - before)
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    if empty or not classes:
        lack = f"no picture in {', '.join(empty)}" if empty else "no class folder at all"
        raise FileNotFoundError(f"{lack}; pictures end in {', '.join(ENDINGS)}")
    return Listing(classes, tuple(counts), tuple(files), tuple(sizes), changed)


def _walk(folder: Path, below: str) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """(folder, time of its last change, [(picture, bytes)]) for one folder and all below it."""
    time = (folder / below).stat().st_mtime_ns  # before the look inside: a change after it is seen next time
    pictures, deeper = [], []
    with os.scandir(folder / below) as entries:
        for entry in entries:
            if entry.is_dir():
                deeper += _walk(folder, f"{below}/{entry.name}")
            elif entry.name.lower().endswith(ENDINGS):
                pictures.append((entry.name, _bytes(entry)))
    return [(below, time, sorted(pictures)), *deeper]


def _bytes(entry: os.DirEntry) -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:  # a link to nothing: whoever decodes it will name it
        return 0
