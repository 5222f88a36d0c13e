"""Checkpoints: the whole state of a run in one file, written whole or not at all, and checked when read.

A file is a first line that names its kind, torch's own format, and the SHA-256 of both. It holds tensors,
numbers and text only; reading it executes nothing.
"""

import io
import pickle
import re
import warnings
from hashlib import sha256
from pathlib import Path

import torch

from ..guard import require_count, require_path
from .fileio import atomic_write

FIRST_LINE = b"alexnet_lib checkpoint 1\n"
KEPT = 2  # the newest, and the one before it in case the newest turns out damaged
_FOLDER = "checkpoints lie in the folder of their run"
_NAME = re.compile(r"checkpoint-\d{9}\.pt")


class CheckpointError(ValueError):
    """A file that is no checkpoint, or no whole one; the message says which and why."""


def save(state: dict, folder: str | Path, step: int) -> Path:
    """Write the state after `step` steps into `folder`, and remove all but the newest files.

    Older files go only when the new one is on the disk. Raises OSError where the disk takes no more.
    """
    folder = require_path("folder", folder, _FOLDER)
    require_count("step", step, "it counts the steps of a run", ge=0)
    path = folder / f"checkpoint-{step:09d}.pt"

    def write(file: io.BufferedIOBase) -> None:
        hashing = _Hashing(file)
        hashing.write(FIRST_LINE)
        torch.save(state, hashing)
        file.write(hashing.digest.digest())

    atomic_write(path, write)
    for old in _files(folder)[:-KEPT]:
        old.unlink()
    return path


def read(path: str | Path) -> dict:
    """The state in a checkpoint. Raises CheckpointError where the file is foreign, cut short or changed."""
    path = require_path("path", path, "it names a checkpoint")
    content = path.read_bytes()
    start, size = len(FIRST_LINE), sha256().digest_size
    if not content.startswith(FIRST_LINE[:12]):
        raise CheckpointError(f"{path} is no checkpoint of this library: it does not begin like one")
    if not content.startswith(FIRST_LINE):
        kind = content.split(b"\n", 1)[0][:40].decode("utf-8", "replace")
        raise CheckpointError(f"{path} is a {kind!r}, and this version reads {FIRST_LINE.decode().strip()!r}")
    if sha256(content[:-size]).digest() != content[-size:]:
        raise CheckpointError(f"{path} is cut short or damaged: its content does not fit its checksum")
    try:
        return torch.load(io.BytesIO(content[start:-size]), map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} holds something else than tensors and numbers: {error}") from error


def newest(folder: str | Path) -> tuple[Path, dict] | None:
    """The newest whole checkpoint of a folder; None where there is no checkpoint at all.

    A damaged one is passed over with a warning that says why. Raises CheckpointError where none is whole.
    """
    files = _files(require_path("folder", folder, _FOLDER))
    reasons = []
    for path in reversed(files):
        try:
            state = read(path)
        except CheckpointError as error:
            reasons.append(str(error))
            continue
        for reason in reasons:
            warnings.warn(f"{reason}. Going on from {path.name} instead", stacklevel=2)
        return path, state
    if reasons:
        raise CheckpointError("; ".join(reasons) + ". Start the run anew in another folder")
    return None


def _files(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(path for path in folder.glob("checkpoint-*.pt") if _NAME.fullmatch(path.name))


class _Hashing:
    """A file to write to that knows the SHA-256 of what was written."""

    def __init__(self, file: io.BufferedIOBase):
        self.file, self.digest = file, sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        self.file.flush()
