"""Checkpoints: the whole state of a run in one file that `torch.load` opens, written whole or not at all."""

import io
import pickle
import warnings
from pathlib import Path

import torch

from .fileio import atomic_write

KEPT = 2  # the newest, and the one before it in case the newest turns out damaged
OLD_FIRST_LINE = b"alexnet_lib checkpoint 1\n"  # of files that also ended with a checksum of 32 bytes


class CheckpointError(ValueError):
    """A file that is no checkpoint, or a damaged one; the message says which and why."""


def save(state: dict, folder: Path, step: int) -> Path:
    """Write the state after `step` steps, then remove all but the newest files. OSError on a full disk."""
    path = folder / f"checkpoint-{step:09d}.pt"
    atomic_write(path, lambda file: torch.save(state, file))
    for old in files(folder)[:-KEPT]:
        old.unlink()
    return path


def read(path: str | Path) -> dict:
    """The state in a checkpoint, on the CPU. Reading executes nothing: tensors, numbers and text are loaded.

    Raises CheckpointError where the file is damaged, or holds something else.
    """
    content = source = Path(path)
    with source.open("rb") as file:
        if file.read(len(OLD_FIRST_LINE)) == OLD_FIRST_LINE:
            content = io.BytesIO(file.read()[:-32])
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path} is damaged, or no checkpoint: {reason}") from error


def newest(folder: str | Path) -> tuple[Path, dict] | None:
    """The newest whole checkpoint of a folder; None where there is no checkpoint at all.

    A damaged one is passed over with a warning. Raises CheckpointError where none is whole.
    """
    reasons = []
    for path in reversed(files(Path(folder))):
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


def files(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(folder.glob(f"checkpoint-{9 * '[0-9]'}.pt"))
