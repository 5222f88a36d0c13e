"""Checkers for the exercises of chapter 5.1, training on a GPU."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..paper import IMAGES, LEARNING
from .verdict import Verdict, check_number, no_function

DAYS = 6  # §1: five to six


def check_run_steps(answer: int) -> Verdict:
    """§5: how many steps has the paper's training, 90 passes over 1.2 million images by 128?"""
    return check_number(
        answer,
        LEARNING.epochs * (IMAGES.training_images // LEARNING.batch_size),
        "Hint: a step takes 128 images. How many steps has one pass, and how many all 90?",
        "that many times all weights were moved once.",
    )


def check_images_per_second(answer: float) -> Verdict:
    """§1, §5: images per second, if the paper's training took six days."""
    return check_number(
        answer,
        LEARNING.epochs * IMAGES.training_images / (DAYS * 24 * 3600),
        "Hint: 90 times 1.2 million images, divided by the seconds of six days.",
        "on two GPUs of 2012, everything included.",
        tolerance=0.01,
    )


class _Stopped(Exception):
    """What the checker stops a reader's function with, in place of a kill."""


def _pieces(stop: bool) -> Iterator[bytes]:
    yield b"new, first half; "
    if stop:
        raise _Stopped("stopped in the middle, as by kill -9")
    yield b"new, second half"


def check_safe_save(answer: Callable) -> Verdict:
    """Chapter 5.1: keep(path, pieces) writes bytes so that `path` holds old or new ones, never a mixture.

    A second name of the old file shows what was written into it.
    """
    if (missing := no_function(answer)) is not None:
        return missing
    with tempfile.TemporaryDirectory() as folder:
        path, witness = Path(folder) / "state.bin", Path(folder) / "second-name.bin"
        try:
            answer(path, _pieces(stop=False))
            if not path.exists() or path.read_bytes() != b"".join(_pieces(stop=False)):
                return Verdict(False, "after a call that was not disturbed, path does not hold all pieces")
            path.write_bytes(b"old")
            with contextlib.suppress(_Stopped):
                answer(path, _pieces(stop=True))
            if not path.exists() or path.read_bytes() != b"old":
                return Verdict(
                    False,
                    "stopped between two pieces, path does not hold what it held before. Hint: write to "
                    "another name first",
                )
            os.link(path, witness)
            answer(path, _pieces(stop=False))
            if witness.read_bytes() != b"old":
                return Verdict(
                    False,
                    "the old file was written into, and a kill in that moment leaves a mixture. Hint: "
                    "os.replace puts a whole file in the place of another at once",
                )
            if path.read_bytes() != b"".join(_pieces(stop=False)):
                return Verdict(False, "where an old file stands, the new pieces do not take its place")
        except Exception as error:  # the reader's code may raise anything, or take the files away
            return Verdict(False, f"your function raised {type(error).__name__}: {error}")
    return Verdict(True, "at every moment path is the whole old file or the whole new one.")
