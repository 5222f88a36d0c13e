"""The checkers of §6 and §6.1 accept the solution and refuse what readers typically write instead."""

import pytest
import torch

from alexnet_lib import exercises
from alexnet_lib.evaluation import average_nets, topk_error
from alexnet_lib.qualitative import colorfulness, nearest

NUMBERS = {
    "margin": (exercises.check_margin, 10_900, [10.9, 10_900_000, 16_350, None]),
    "half width": (exercises.check_half_width, 0.34, [0.17, 0.68, 0.0034, "a third"]),
    "yellow": (exercises.check_yellow, 1 / 3, [2 / 3, 1.0, 0.0, None]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_the_right_number_is_right_and_typical_others_are_not(name):
    check, right, wrong = NUMBERS[name]
    assert check(right).right
    assert not any(check(answer).right for answer in wrong)


def test_the_units_of_the_interval_are_asked_for():
    assert "hundredths" in exercises.check_half_width(0.0034).message


def by_sorting(scores, labels, k):
    return 1 - (scores.topk(k, dim=1).indices == labels[:, None]).any(dim=1).double().mean()


FUNCTIONS = {
    "top-k": (
        exercises.check_topk,
        {"the library's": topk_error, "by sorting": by_sorting},
        {
            "found, not missed": lambda s, y, k: 1 - by_sorting(s, y, k),
            "the lowest": lambda s, y, k: by_sorting(-s, y, k),
            "one guess for every k": lambda s, y, k: by_sorting(s, y, 1),
            "each image": lambda s, y, k: (s.topk(k).indices == y[:, None]).any(1),
            "a word": lambda s, y, k: "low",
            "no function": 0.5,
        },
    ),
    "average": (
        exercises.check_average,
        {
            "softmax first": lambda z: z.softmax(2).mean(0).argmax(1),
            "the library's": lambda z: average_nets(list(z.softmax(2))).argmax(1),
        },
        {
            "logits": lambda z: z.mean(0).argmax(1),
            "the first net": lambda z: z[0].argmax(1),
            "softmax over images": lambda z: z.softmax(1).mean(0).argmax(1),
            "probabilities": lambda z: z.softmax(2).mean(0),
            "raises": lambda z: z @ z,
        },
    ),
    "color": (
        exercises.check_color_share,
        {
            "the library's": colorfulness,
            "by the formula": lambda k: 1 - k.sum(1).square().sum((1, 2)) / 3 / k.square().sum((1, 2, 3)),
        },
        {
            "gray, not color": lambda k: 1 - colorfulness(k),
            "summed before squaring": lambda k: 1 - k.sum((1, 2, 3)).square() / 3 / k.square().sum((1, 2, 3)),
            "without the 3": lambda k: 1 - k.sum(1).square().sum((1, 2)) / k.square().sum((1, 2, 3)),
            "energy, not share": lambda k: (k - k.mean(1, keepdim=True)).square().sum((1, 2, 3)),
            "one number": lambda k: colorfulness(k).mean(),
        },
    ),
    "nearest": (
        exercises.check_nearest,
        {
            "the library's": lambda q, g, k: nearest(q, g, k)[0],
            "by norms": lambda q, g, k: (g.square().sum(1) - 2 * q @ g.T).topk(k, largest=False).indices,
        },
        {
            "farthest": lambda q, g, k: torch.cdist(q, g).topk(k).indices,
            "by angle": lambda q, g, k: (q @ (g / g.norm(dim=1, keepdim=True)).T).topk(k).indices,
            "distances": lambda q, g, k: torch.cdist(q, g).sort(dim=1).values[:, :k],
            "one too few": lambda q, g, k: torch.cdist(q, g).argsort(dim=1)[:, : k - 1],
            "raises": lambda q, g, k: q - g,
        },
    ),
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (_, right, _) in FUNCTIONS.items() for kind in right]
)
def test_a_right_function_is_right(name, kind):
    check, right, _ = FUNCTIONS[name]
    assert check(right[kind]).right


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (_, _, wrong) in FUNCTIONS.items() for kind in wrong]
)
def test_a_wrong_function_is_refused(name, kind):
    check, _, wrong = FUNCTIONS[name]
    assert not check(wrong[kind]).right


def test_averaged_logits_are_told_to_become_probabilities_first():
    assert (
        "probabilities over the classes first"
        in exercises.check_average(lambda z: z.mean(0).argmax(1)).message
    )
