"""Whatever a reader hands to a checker, a verdict comes back, in words; what is no solution is not right."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from alexnet_lib.chapters import bugs, normalization, verdict
from alexnet_lib.chapters.verdict import Verdict, check_function, check_number

CHAPTERS = Path(verdict.__file__).parent
MODULES = [importlib.import_module(f"alexnet_lib.chapters.{path.stem}") for path in CHAPTERS.glob("*.py")]
CHECKS = {
    name: check
    for module in MODULES
    for name, check in vars(module).items()
    if name.startswith("check_") and name not in ("check_function", "check_number")
}


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
# Most checkers only call check_number or check_function: all odd answers for one of each and for those of
# "find the bug", a few for the others.
SOME = [None, "63", float("nan"), Odd(), torch.ones(1, device="meta"), raising(Wordless()), lambda: None]
SOME += [lambda *_: None, nn.Identity(), nn.LazyLinear(2)]
THOROUGH = {"check_guessing", "check_window_sum", *vars(bugs)}


def zeroing(*arguments):
    """Write zeros over every argument, and give back zeros: right only where the oracle sees them too."""
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            argument.zero_()
    return torch.zeros_like(arguments[0]) if isinstance(arguments[0], torch.Tensor) else 0


@pytest.mark.parametrize("name", CHECKS)
def test_an_odd_answer_gets_a_verdict_in_words_and_is_not_right(name):
    check = CHECKS[name]
    for answer in [*(VALUES + FUNCTIONS if name in THOROUGH else SOME), zeroing]:
        told = check(answer)
        assert isinstance(told, Verdict)
        assert not told.right, answer
        assert 10 < len(told.message) < 2000
        assert repr(told).startswith("Not yet: ")


@pytest.mark.parametrize("right", [63, 63.0, np.int64(63), np.float64(63), np.array(63), torch.tensor(63)])
def test_a_number_is_right_in_any_librarys_form(right):
    assert check_number(right, 63.0, "Hint.", "Good.").right
    assert check_function(lambda: right, lambda: 63.0, [()], "Hint.", "Good.").right


def test_a_rate_may_be_rounded_and_a_count_may_not():
    assert check_function(lambda: 0.1 + 0.2, lambda: 0.3, [()], "Hint.", "Good.").right
    assert not check_function(lambda: 1_000_001, lambda: 1_000_000, [()], "Hint.", "Good.").right
    assert not check_function(lambda: 1e-9, lambda: 0.0, [()], "Hint.", "Good.").right


def test_weights_that_are_no_numbers_are_no_start_and_no_update():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(*[nn.Linear(2, 2) for _ in range(8)])
            for layer in self:
                nn.init.constant_(layer.weight, float("nan"))

    assert not bugs.check_start(Net).right

    def leaping(parameters):
        return torch.optim.SGD(parameters, lr=float("inf"))

    assert not bugs.check_update(leaping).right


def test_a_reader_may_stop_a_checker():
    with pytest.raises(KeyboardInterrupt):
        normalization.check_window_sum(raising(KeyboardInterrupt()))


def test_an_answer_that_writes_into_its_argument_does_not_change_what_is_expected():
    assert not check_function(torch.zero_, lambda x: x, [(torch.ones(2),)], "Hint.", "Good.").right


def double(x):
    return 2 * x


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: x, "values are wrong"),
        (lambda x: (2 * x)[:1], "for (a tensor (2, 3)) your result has shape (1, 3)"),
        (lambda x: "two", "returned str"),
        (lambda x: 2 * x * float("nan"), "values are wrong"),
        (lambda x, y: x, "raised TypeError"),
        ("twice", "a function is asked for"),
    ],
)
def test_a_wrong_function_is_told_where_it_is_wrong(answer, words):
    cases = [(torch.ones(2, 3),), (torch.arange(4.0),)]
    assert check_function(double, double, cases, "Hint: twice.", "doubled.").right
    told = check_function(answer, double, cases, "Hint: twice.", "doubled.")
    assert not told.right
    assert words in told.message


def test_a_slow_function_is_told_so(monkeypatch):
    monkeypatch.setattr(verdict, "SLOW_SECONDS", 0.0)
    told = check_function(lambda x: sum(x for _ in range(2)), double, [(torch.ones(2),)], "Hint.", "Good.")
    assert "without loops" in told.message
