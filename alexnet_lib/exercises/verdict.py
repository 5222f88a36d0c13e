"""What every checker is built from: a verdict, and comparisons of a number or a function."""

import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

SLOW_SECONDS = 5.0


@dataclass(frozen=True)
class Verdict:
    """Right or not yet, and what to look at next."""

    right: bool
    message: str

    def __repr__(self) -> str:
        return textwrap.fill(f"{'Right' if self.right else 'Not yet'}: {self.message}", width=78)


def check_number(answer: object, expected: float, hint: str, praise: str, tolerance: float = 1e-9) -> Verdict:
    """Compare a number; `hint` is shown for a wrong one, `praise` says what the right one means."""
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return Verdict(False, f"the answer is {answer!r}, and a number is asked for")
    if not abs(answer - expected) <= tolerance * max(1.0, abs(expected)):  # so that nan is wrong too
        return Verdict(False, f"{answer:,} is not it. {hint}")
    return Verdict(True, praise)


def check_function(
    answer: Callable,
    oracle: Callable,
    cases: Sequence[tuple],
    hint: str,
    praise: str,
    tolerance: float = 1e-5,
) -> Verdict:
    """Call the reader's function on each case and compare with `oracle`: type, shape, then values."""
    if not callable(answer):
        return Verdict(
            False, f"the answer is {type(answer).__name__}, and a function is asked for; pass its name"
        )
    begun = time.perf_counter()
    for case in cases:
        try:
            given = answer(*case)
        except Exception as error:  # the reader's code may raise anything
            return Verdict(
                False, f"for {_shown(case)} your function raised {type(error).__name__}: {error}. {hint}"
            )
        wrong = _difference(given, oracle(*case), tolerance)
        if wrong:
            return Verdict(False, f"for {_shown(case)} {wrong} {hint}")
        if time.perf_counter() - begun > SLOW_SECONDS:
            return Verdict(
                False, f"right so far, but over {SLOW_SECONDS:g} s: work on whole tensors, without loops"
            )
    return Verdict(True, praise)


def _shown(case: tuple) -> str:
    """The arguments of one case, tensors by their shape."""
    return (
        "("
        + ", ".join(f"a tensor {tuple(a.shape)}" if isinstance(a, Tensor) else repr(a) for a in case)
        + ")"
    )


def _difference(given: object, expected: object, tolerance: float) -> str:
    """What is wrong with a value, in words; empty when nothing is."""
    if not isinstance(expected, Tensor):
        return "" if given == expected else f"your function returned {given!r}, which is not it."
    if not isinstance(given, Tensor):
        return f"your function returned {type(given).__name__}, and a tensor is asked for."
    if given.shape != expected.shape:
        return f"your result has shape {tuple(given.shape)}, and {tuple(expected.shape)} is asked for."
    if not torch.allclose(given.double(), expected.double(), rtol=tolerance, atol=tolerance):
        worst = (given.double() - expected.double()).abs().max().item()
        return f"the shape is right, the values are wrong (by up to {worst:.2g})."
    return ""
