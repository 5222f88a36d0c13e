"""What every checker is built from: a verdict, and comparisons of a number or a function."""

import copy
import json
import math
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Real

import numpy as np
import torch
from torch import Tensor

SLOW_SECONDS = 5.0


@dataclass(frozen=True)
class Verdict:
    """Right or not yet, and what to look at next.

    `question` holds what a page needs to judge a number without Python: it asks the reader there.
    """

    right: bool
    message: str
    question: dict | None = None

    def __repr__(self) -> str:
        return textwrap.fill(f"{'Right' if self.right else 'Not yet'}: {self.message}", width=78)

    def _repr_html_(self) -> str | None:
        if self.question is None:
            return None
        question = escape(json.dumps(self.question, ensure_ascii=False))
        return f'<div class="number-question" data-question="{question}">{escape(repr(self))}</div>'


def check_number(answer: object, expected: float, hint: str, praise: str, tolerance: float = 1e-9) -> Verdict:
    """Compare a number; `hint` is shown for a wrong one, `praise` says what the right one means."""
    asked = {"expected": float(expected), "tolerance": tolerance, "hint": hint, "praise": praise}
    number = _number(answer)
    if number is None:
        return Verdict(False, f"the answer is {_told(answer)}, and a number is asked for", asked)
    if not abs(number - expected) <= tolerance * max(1.0, abs(expected)):  # so that nan is wrong too
        return Verdict(False, f"{number:,} is not it. {hint}", asked)
    return Verdict(True, praise)


def _number(answer: object) -> float | None:
    """A number of Python, NumPy or torch as Python's; None for anything else, and for True and False."""
    if isinstance(answer, Tensor | np.ndarray | np.generic) and answer.ndim == 0:
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, Real):
        return None
    if isinstance(answer, int) and abs(answer) <= 1e300:
        return answer
    try:
        return float(answer)
    except OverflowError:
        return math.inf


def check_function(
    answer: Callable,
    oracle: Callable,
    cases: Sequence[tuple],
    hint: str,
    praise: str,
    tolerance: float = 1e-5,
) -> Verdict:
    """Call the reader's function on each case and compare with `oracle`: type, shape, then values."""
    if (missing := no_function(answer)) is not None:
        return missing
    begun = time.thread_time()  # a busy machine is not the reader's fault
    for case in cases:
        expected = oracle(*case)
        try:
            given = answer(*copy.deepcopy(case))  # it may write into its arguments
        except Exception as error:  # the reader's code may raise anything
            return Verdict(
                False, f"for {_shown(case)} your function raised {type(error).__name__}: {error}. {hint}"
            )
        wrong = _difference(given, expected, tolerance)
        if wrong:
            return Verdict(False, f"for {_shown(case)} {wrong} {hint}")
        if time.thread_time() - begun > SLOW_SECONDS:
            return Verdict(
                False, f"right so far, but over {SLOW_SECONDS:g} s: work on whole tensors, without loops"
            )
    return Verdict(True, praise)


def no_function(answer: object) -> Verdict | None:
    """The verdict on what cannot be called; None for what can."""
    if callable(answer):
        return None
    return Verdict(
        False, f"the answer is {type(answer).__name__}, and a function is asked for; pass its name"
    )


def _told(value: object) -> str:
    """A value in words, or its type where it is long."""
    words = repr(value)
    return words if len(words) < 100 else f"of type {type(value).__name__}"


def _shown(case: tuple) -> str:
    """The arguments of one case, tensors by their shape."""
    return (
        "("
        + ", ".join(f"a tensor {tuple(a.shape)}" if isinstance(a, Tensor) else repr(a) for a in case)
        + ")"
    )


def _difference(given: object, expected: object, tolerance: float) -> str:
    """What is wrong with a value, in words; empty when nothing is."""
    if isinstance(expected, float):
        number = _number(given)
        right = number is not None and math.isclose(number, expected, rel_tol=tolerance)
        return "" if right else f"your function returned {_told(given)}, which is not it."
    if not isinstance(expected, Tensor):
        right = type(given) is type(expected) and given == expected
        return "" if right else f"your function returned {_told(given)}, which is not it."
    if not isinstance(given, Tensor) or given.is_complex() or given.layout != torch.strided or given.is_meta:
        return f"your function returned {_kind(given)}, and a tensor of numbers is asked for."
    given = given.detach().cpu()
    if given.shape != expected.shape:
        return f"your result has shape {tuple(given.shape)}, and {tuple(expected.shape)} is asked for."
    if not torch.allclose(given.double(), expected.double(), rtol=tolerance, atol=tolerance):
        worst = (given.double() - expected.double()).abs().max().item()
        return f"the shape is right, the values are wrong (by up to {worst:.2g})."
    return ""


def _kind(given: object) -> str:
    if isinstance(given, Tensor):
        return f"a tensor of {given.dtype}, {given.layout}, on {given.device}"
    return type(given).__name__
