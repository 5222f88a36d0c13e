"""A folder of pictures, decoded once into a file that the system maps into memory (§2).

    load("folder:/data/imagenet", "train", size=256, cache="/fast/cache")

ImageNet's 1,281,167 training pictures take 252 GB as bytes: more than most memories, less than a disk. The
system reads from the disk what a step looks at, and keeps in spare memory what it has read.

A cache is a folder of these files, and `lock`:

    images     the pixels, N x side x side x 3 bytes, as a decoder leaves them
    digests    8 bytes for each picture, of the SHA-256 of its pixels; zero where it is not decoded yet
    listing    which pictures these are: JSON behind a line with its kind and its own digest
    mean       the mean image, once a run has asked for it, behind a line with the digest of the digests

A build that was broken off goes on where it stood, even after a power cut.
"""

import contextlib
import json
import mmap
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..training.fileio import held, atomic_write
from .folders import Listing
from .images import CorruptImageError, Pictures, decoding, mean_image, reason

KIND = "alexnet_lib image cache 3"
FLUSH_SECONDS = 5.0  # of decoding, which is what a build that is killed loses at most
DIGEST = np.dtype("<u8")
MEAN_KIND, MEAN_DIGEST = "alexnet_lib mean image 2", sha256().digest_size
SAMPLE = 64  # pictures that every load compares with their digests


class CacheError(ValueError):
    """A cache that is damaged, foreign or out of date; the message says which, and the way out."""


class _Found(NamedTuple):
    listing: Listing
    digests: np.ndarray  # DIGEST (N,)

    @property
    def finished(self) -> bool:
        return bool(self.digests.all())


def cached(
    folder: Path, where: Path, side: int, list_pictures: Callable[[], Listing], verify: bool = False
) -> tuple[Tensor, Listing]:
    """The pictures of `folder` as uint8 (N, 3, side, side) out of the cache in `where`, built if need be.

    list_pictures makes the listing; it is called while the cache is not finished, and when a folder has
    changed since (`Listing.is_of` says what is seen). verify compares all pictures with their digests, and
    all files with their listed sizes; without it a sample of the pictures is compared.

    Writing to the tensor changes this process's copy of it, never the file. Of several processes one builds
    and the others wait for it. Raises CacheError, CorruptImageError after all pictures but the unreadable
    ones are decoded, and OSError where the disk is too small or takes nothing.
    """
    found = _read(where)
    if not (found and found.finished):
        with _alone(where):
            found = _read(where)  # another process may have finished it meanwhile
            if not (found and found.finished):
                found = _build(folder, where, side, list_pictures(), found)
    if not found.listing.is_of(folder):
        found = found._replace(listing=_renewed(folder, where, found.listing, list_pictures()))
    images = _mapped(where, len(found.listing), side)
    _check(where, images, found, verify)
    if verify:
        _check_files(folder, where, found.listing)
    return images, found.listing


def kept_mean(where: Path, images: Tensor) -> Tensor:
    """`mean_image` of a cache's pictures: of ImageNet minutes of work, so it is kept beside them.

    A mean of other pictures, or half a file, is not taken but made anew. Where the disk takes nothing, it is
    made each time.
    """
    path = where / "mean"
    head = f"{MEAN_KIND} {sha256((where / 'digests').read_bytes()).hexdigest()}".encode()
    shape = images.shape[1:]
    if path.exists():
        found, _, numbers = path.read_bytes().partition(b"\n")
        digest, pixels = numbers[:MEAN_DIGEST], numbers[MEAN_DIGEST:]
        if found == head and sha256(pixels).digest() == digest:
            return torch.frombuffer(bytearray(pixels), dtype=torch.float32).view(shape)
    mean = mean_image(images)
    pixels = mean.numpy().tobytes()
    content = head + b"\n" + sha256(pixels).digest() + pixels
    with contextlib.suppress(OSError):
        atomic_write(path, lambda file: file.write(content))
    return mean


def _read(where: Path) -> _Found | None:
    """What a cache holds; None where none is begun."""
    path = where / "listing"
    beside = sorted({file.name for file in where.glob("*")} - {"lock", "listing.part"})
    # After the look at the others: a process that builds a cache writes its listing before them.
    if not path.exists():
        if beside:
            raise CacheError(
                f"{where} is no cache of this library, it holds {beside[0]!r} and no listing: name another "
                f"folder"
            )
        return None
    head, _, text = path.read_bytes().partition(b"\n")
    if head != _head(text):
        kind = head[:60].decode("utf-8", "replace").rpartition(" ")[0]
        why = "is damaged" if KIND.startswith(kind) else f"is a {kind!r}, and this version reads {KIND!r}"
        raise CacheError(f"{path} {why}: {_way_out(where)}")
    fields = json.loads(text)
    listing = Listing(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    digests = np.zeros(len(listing), DIGEST)
    if (where / "digests").exists():  # else it was stopped before the first picture
        digests = np.fromfile(where / "digests", DIGEST)
    if len(digests) != len(listing):
        raise CacheError(
            f"{where / 'digests'} is damaged, it has {len(digests):,} digests for {len(listing):,} pictures: "
            f"{_way_out(where)}"
        )
    return _Found(listing, digests)


def _build(folder: Path, where: Path, side: int, listing: Listing, found: _Found | None) -> _Found:
    """Decode what is not decoded yet."""
    digests = _begin(where, side, listing, found)
    missing = np.flatnonzero(digests == 0).tolist()
    paths, reasons, flushed = [folder / listing.files[k] for k in missing], {}, time.monotonic()
    done, picture_bytes, alone = len(listing) - len(missing), 3 * side * side, Lock()

    def store(first: int, pictures: Pictures) -> list[int | Exception]:
        """Write pictures where they belong; their digests, or why one is none."""
        found = []
        for k, picture in zip(missing[first:], pictures, strict=False):
            if isinstance(picture, Exception):
                found.append(picture)
                continue
            with alone:
                images.seek(k * picture_bytes)
                images.write(_bytes(picture))
            found.append(_digest(picture))
        return found

    with (
        _writing(where),
        (where / "images").open("r+b") as images,
        (where / "digests").open("r+b") as marks,
        decoding(paths, side, store) as chunks,
        tqdm(desc="decoding", total=len(listing), initial=done, unit=" images", disable=None) as bar,
    ):
        for k, path, digest in zip(missing, paths, chain.from_iterable(chunks), strict=True):
            if isinstance(digest, Exception):
                reasons[path] = reason(digest)
                continue
            digests[k] = digest
            bar.update()
            if time.monotonic() - flushed > FLUSH_SECONDS:
                with alone:
                    _flush(images, marks, digests)
                flushed = time.monotonic()
        _flush(images, marks, digests)
    if reasons:
        raise CorruptImageError(reasons)
    return _Found(listing, digests)


def _begin(where: Path, side: int, listing: Listing, found: _Found | None) -> np.ndarray:
    """Make the files of a cache; what an earlier build made of a file of the same name and size is kept."""
    digests = np.zeros(len(listing), DIGEST)
    before = found.listing if found else None
    for k in range(min(len(listing), len(before or ()))):
        if (before.files[k], before.sizes[k]) == (listing.files[k], listing.sizes[k]):
            digests[k] = found.digests[k]
    path, picture = where / "images", 3 * side * side
    digests[(path.stat().st_size if path.exists() else 0) // picture :] = 0  # if it was cut since
    missing, free = int((digests == 0).sum()), shutil.disk_usage(where).free
    needed = missing * picture
    if needed > free:
        raise OSError(
            f"cache needs {needed:,} bytes for {missing:,} pictures of 3x{side}x{side}, and {where} has "
            f"{free:,} left: make room, name a folder on another disk, or choose a smaller size="
        )
    with _writing(where):
        # First, so that digests never stand beside a listing that they are not of.
        (where / "digests").unlink(missing_ok=True)
    _write_listing(where, listing)
    with _writing(where), path.open("ab") as images:
        images.truncate(len(listing) * picture)
    atomic_write(where / "digests", lambda file: file.write(digests.tobytes()))
    return digests


def _renewed(folder: Path, where: Path, old: Listing, new: Listing) -> Listing:
    """The listing of a finished cache with the folders' new times, if they hold the same pictures."""
    if not old.names_same_pictures(new):
        files = [set(zip(listing.files, listing.sizes, strict=True)) for listing in (old, new)]
        changed = sorted(files[0] ^ files[1])
        raise CacheError(
            f"{where} is out of date: {folder} has changed since, for one {changed[0][0]}. {_way_out(where)}"
        )
    with contextlib.suppress(OSError), _alone(where):  # where nothing may be written, it is listed each time
        _write_listing(where, new)
    return new


def _mapped(where: Path, count: int, side: int) -> Tensor:
    """The pixels, read by the system when they are looked at."""
    path, expected = where / "images", count * 3 * side * side
    size = path.stat().st_size if path.exists() else 0
    if size != expected:
        raise CacheError(
            f"{path} is damaged, it has {size:,} bytes and {count:,} pictures of 3x{side}x{side} have "
            f"{expected:,}: {_way_out(where)}"
        )
    # torch knows no read-only tensors: it warns of memory that it may not write to, and a write ends the
    # process. So the mapping is private: a write makes a copy of its page, in this process alone.
    if hasattr(mmap, "MAP_PRIVATE"):
        # Linux refuses a private mapping larger than the memory unless told to reserve none for copies of
        # it. Python names this flag from 3.13 on.
        no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
        how = {"flags": mmap.MAP_PRIVATE | no_reserve, "prot": mmap.PROT_READ | mmap.PROT_WRITE}
    else:
        how = {"access": mmap.ACCESS_COPY}
    with path.open("rb") as file:
        pixels = mmap.mmap(file.fileno(), expected, **how)
    return torch.frombuffer(pixels, dtype=torch.uint8).view(count, side, side, 3).permute(0, 3, 1, 2)


def _check(where: Path, images: Tensor, found: _Found, verify: bool) -> None:
    """Compare pictures with their digests: all, or some that are spread over the whole file."""
    count = len(found.digests)
    chosen = range(count) if verify else sorted(set(np.linspace(0, count - 1, SAMPLE).astype(int).tolist()))
    for k in tqdm(chosen, "checking", unit=" images", disable=None if verify else True):
        if _digest(images[k]) != found.digests[k]:
            raise CacheError(
                f"{where / 'images'} is damaged, picture {k} ({found.listing.files[k]}) does not fit its "
                f"digest: {_way_out(where)}"
            )


def _check_files(folder: Path, where: Path, listing: Listing) -> None:
    for file, size in zip(listing.files, listing.sizes, strict=True):
        now = (folder / file).stat().st_size
        if now != size:
            raise CacheError(
                f"{where} is out of date: {folder / file} has {now:,} bytes, and had {size:,} when it was "
                f"listed. {_way_out(where)}"
            )


def _alone(where: Path) -> contextlib.AbstractContextManager[None]:
    """Let one process write, while the others wait for it."""
    return held(where, waiting=f"waiting for the process that fills {where}")


@contextlib.contextmanager
def _writing(where: Path) -> Iterator[None]:
    """Say what to do where the disk takes nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"cache {where} could not be written ({error}): make room there, or name another folder. What is "
            f"decoded is kept"
        ) from error


def _flush(images, marks, digests: np.ndarray) -> None:
    """Put pictures on the disk, and their digests after them: what has a digest is there."""
    for file, content in ((images, b""), (marks, digests.tobytes())):
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    marks.seek(0)


def _write_listing(where: Path, listing: Listing) -> None:
    text = json.dumps(vars(listing)).encode()
    atomic_write(where / "listing", lambda file: file.write(_head(text) + b"\n" + text))


def _digest(picture: Tensor) -> int:
    # SHA-256, because processors have instructions for it. Zero says that a picture is not decoded yet.
    return int.from_bytes(sha256(_bytes(picture)).digest()[: DIGEST.itemsize], "little") or 1


def _bytes(picture: Tensor) -> np.ndarray:
    """A picture (3, side, side) in the order of its file, without a copy."""
    return picture.numpy().transpose(1, 2, 0)


def _head(text: bytes) -> bytes:
    return f"{KIND} {sha256(text).hexdigest()}".encode()


def _way_out(where: Path) -> str:
    return f"delete {where} to have it built anew"
