"""Checkers accept the solution, and answer wrong, raising, slow and misshapen ones with a hint."""

import time

import pytest
import torch

from alexnet_lib import exercises
from alexnet_lib.exercises import check_function, check_number, verdict


def double(x):
    return 2 * x


CASES = [(torch.ones(2, 3),), (torch.arange(4.0),)]


def ask(answer):
    return check_function(answer, double, CASES, "Hint: twice.", "doubled.")


def test_the_right_function_is_right():
    verdict = ask(lambda x: x + x)
    assert verdict.right
    assert repr(verdict) == "Right: doubled."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: x, "values are wrong"),
        (lambda x: (2 * x)[:1], "shape"),
        (lambda x: "two", "returned str"),
        (lambda x: None, "returned NoneType"),
        (lambda x: 2 * x * float("nan"), "values are wrong"),
        (lambda x, y: x, "raised TypeError"),
        (lambda x: x @ torch.ones(99), "raised RuntimeError"),
        ("twice", "a function is asked for"),
    ],
)
def test_a_wrong_function_gets_a_hint_and_not_the_solution(answer, words):
    verdict = ask(answer)
    assert not verdict.right
    assert words in verdict.message
    assert repr(verdict).startswith("Not yet: ")


def test_a_wrong_function_is_told_for_which_arguments():
    assert "for (a tensor (2, 3)) your result has shape (1, 3)" in ask(lambda x: (2 * x)[:1]).message
    assert "for (a tensor (2, 3)) your function raised" in ask(lambda x: x @ x).message


def test_a_slow_function_is_told_so(monkeypatch):
    monkeypatch.setattr(verdict, "SLOW_SECONDS", 0.01)
    assert "work on whole tensors" in ask(lambda x: time.sleep(0.02) or 2 * x).message


@pytest.mark.parametrize("answer", [None, "5e-4", True, 4e-4, float("nan")])
def test_a_wrong_number_is_not_yet(answer):
    assert not check_number(answer, 5e-4, "Hint.", "yes.").right


def test_the_right_number_is_right():
    assert check_number(0.1 + 0.2, 0.3, "Hint.", "yes.").right


# §3.3


def test_neighbor_sums_by_slices_are_right_and_three_typical_mistakes_are_not():
    def by_loop(x, n):
        return torch.stack(
            [x[:, max(0, i - n // 2) : i + n // 2 + 1].sum(1) for i in range(x.shape[1])], dim=1
        )

    def wraps_around(x, n):
        return sum(x.roll(shift, dims=1) for shift in range(-(n // 2), n // 2 + 1))

    def along_height(x, n):
        return torch.nn.functional.avg_pool2d(x, (n, 1), stride=1, padding=(n // 2, 0)) * n

    def from_here_on(x, n):
        return torch.stack([x[:, i : i + n].sum(1) for i in range(x.shape[1])], dim=1)

    assert exercises.check_window_sum(by_loop).right
    for mistake in (wraps_around, along_height, from_here_on):
        assert not exercises.check_window_sum(mistake).right


def test_the_alpha_for_torch_is_five_times_the_printed_one():
    assert exercises.check_torch_alpha(5e-4).right
    for mistake in (1e-4, 2e-5, 5):
        assert not exercises.check_torch_alpha(mistake).right


def test_map_46_has_one_neighbor_above():
    assert exercises.check_neighbors([47, 46, 45, 44]).right
    for mistake in ([44, 45, 46, 47, 48], [45, 46, 47], [44, 45, 47], 46, None):
        assert not exercises.check_neighbors(mistake).right
