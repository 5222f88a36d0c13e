"""Whatever a reader hands to a checker, a verdict comes back, in words; what is no solution is not right."""

import contextlib
import os

import numpy as np
import pytest
import torch
from torch import nn

from alexnet_lib import exercises
from alexnet_lib.exercises import Verdict, check_function, check_number

CHECKS = sorted(name for name in exercises.__all__ if name.startswith("check_"))
CHECKS = [name for name in CHECKS if name not in ("check_function", "check_number")]


class Odd:
    """An answer that compares with nothing and has no words."""

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None

    def __repr__(self):
        return "odd " * 1000


VALUES = [
    *[None, "", "63", "nan", b"1", [], [1, 2], (0.5,), {}, {1: 2}, set(), object(), Odd(), type, Ellipsis],
    *[True, False, -1, 0.5, 10**400, -(10**400), 1e308, float("nan"), float("inf"), 1j],
    *[np.float32("nan"), np.int64(-7), np.ones(3), np.array("a"), np.array(2 + 1j), np.zeros((0, 3))],
    *[torch.tensor(-7), torch.ones(2, 2), torch.tensor(1j), torch.zeros(0), torch.ones(1, device="meta")],
    *[torch.eye(2).to_sparse(), nn.Linear(2, 2), range(3), iter([1]), lambda: 1],
]
RESULTS = [value for value in VALUES if not callable(value)]


def raising(error):
    def answer(*arguments):
        raise error

    return answer


class Wordless(Exception):
    def __str__(self):
        return ""


FUNCTIONS = [
    *[(lambda *_, result=result: result) for result in RESULTS],
    *[raising(error) for error in (ValueError("no"), RuntimeError("a\nb"), Wordless(), StopIteration())],
    *[raising(error) for error in (AssertionError(), RecursionError(), MemoryError(), OSError(2, "x"))],
    lambda: None,  # takes nothing
    lambda first: first,
    lambda *arguments: arguments[0],
    lambda *arguments: arguments,
    lambda *arguments: (yield 1),
    len,
    dict,
    nn.Identity(),
    nn.Linear(3, 3),
    nn.LazyLinear(2),
]
ODD = [*VALUES, *FUNCTIONS]


def zeroing(*arguments):
    """Write zeros over every argument, and give back zeros: right only where the oracle sees them too."""
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            argument.zero_()
    return torch.zeros_like(arguments[0]) if isinstance(arguments[0], torch.Tensor) else 0


@pytest.mark.parametrize("name", CHECKS)
def test_an_odd_answer_gets_a_verdict_in_words_and_is_not_right(name):
    check = getattr(exercises, name)
    for answer in [*ODD, zeroing]:
        verdict = check(answer)
        assert isinstance(verdict, Verdict)
        assert not verdict.right, answer
        assert 10 < len(verdict.message) < 2000
        assert repr(verdict).startswith("Not yet: ")


@pytest.mark.parametrize("right", [63, 63.0, np.int64(63), np.float64(63), np.array(63), torch.tensor(63)])
def test_a_number_is_right_in_any_librarys_form(right):
    assert check_number(right, 63.0, "Hint.", "Good.").right
    assert check_function(lambda: right, lambda: 63.0, [()], "Hint.", "Good.").right


def test_a_rate_may_be_rounded_and_a_count_may_not():
    assert check_function(lambda: 0.1 + 0.2, lambda: 0.3, [()], "Hint.", "Good.").right
    assert not check_function(lambda: 1_000_001, lambda: 1_000_000, [()], "Hint.", "Good.").right
    assert not check_function(lambda: 1e-9, lambda: 0.0, [()], "Hint.", "Good.").right


def test_a_map_between_two_maps_is_no_neighbor():
    right = [44, 45, 46, 47]
    assert exercises.check_neighbors(right).right
    assert exercises.check_neighbors(torch.tensor(right)).right
    assert exercises.check_neighbors({*np.array(right)}).right
    for wrong in ([44.9, 45, 46, 47], ["44", "45", "46", "47"], [44, 45, 46, float("inf")], torch.ones(2, 2)):
        assert not exercises.check_neighbors(wrong).right


def test_weights_that_are_no_numbers_are_no_start_and_no_update():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(*[nn.Linear(2, 2) for _ in range(8)])
            for layer in self:
                nn.init.constant_(layer.weight, float("nan"))

    assert not exercises.check_start(Net).right

    def leaping(parameters):
        return torch.optim.SGD(parameters, lr=float("inf"))

    assert not exercises.check_update(leaping).right


def test_files_that_are_taken_away_are_told():
    def keep(path, pieces):
        with contextlib.suppress(RuntimeError):
            for other in path.parent.iterdir():
                other.unlink()
        part = path.with_suffix(".part")
        part.write_bytes(b"".join(pieces))
        os.replace(part, path)

    verdict = exercises.check_safe_save(keep)
    assert not verdict.right
    assert verdict.message


def test_a_reader_may_stop_a_checker():
    with pytest.raises(KeyboardInterrupt):
        exercises.check_window_sum(raising(KeyboardInterrupt()))
