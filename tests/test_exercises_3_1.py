"""The checkers of §3.1 accept the solution and refuse what readers typically write instead."""

import pytest
import torch

from alexnet_lib.exercises import check_dead_units, check_scaled_rate, check_share_left, check_unit_backward


def test_eight_halves_under_a_root_are_a_sixteenth():
    assert check_share_left(1 / 16).right


@pytest.mark.parametrize(
    "answer", [1 / 256, 0.5, 4.0, None], ids=["no root", "one layer", "a multiple", "no answer"]
)
def test_a_wrong_share_is_refused(answer):
    assert not check_share_left(answer).right


def test_the_square_is_told_to_take_a_root():
    assert "takes the root" in check_share_left(1 / 256).message


def by_autograd_of_the_inverse(unit, a, g):
    """The solution by another road: find an input that gives this output, then let torch go down."""
    x = (torch.atanh(a.double()) if unit == "tanh" else a.double() - (a == 0).double()).requires_grad_()
    above = torch.tanh(x) if unit == "tanh" else torch.relu(x)
    return torch.autograd.grad(above, x, g.double())[0].float()


def from_output(unit, a, g):
    return g * ((a > 0) if unit == "relu" else 1 - a**2)


@pytest.mark.parametrize("answer", [from_output, by_autograd_of_the_inverse])
def test_two_roads_down_through_a_unit_are_right(answer):
    assert check_unit_backward(answer).right


WRONG_BACKWARDS = {
    "the gradient as it came": lambda unit, a, g: g,
    "output for input": lambda unit, a, g: g * ((a > 0) if unit == "relu" else 1 - torch.tanh(a) ** 2),
    "no square": lambda unit, a, g: g * ((a > 0) if unit == "relu" else 1 - a),
    "slope alone": lambda unit, a, g: (a > 0).float() if unit == "relu" else 1 - a**2,
    "the sign of g": lambda unit, a, g: g.relu() if unit == "relu" else g * (1 - a**2),
    "summed": lambda unit, a, g: from_output(unit, a, g).sum(dim=0),
    "raises": lambda unit, a: a,
}


@pytest.mark.parametrize("answer", WRONG_BACKWARDS.values(), ids=WRONG_BACKWARDS.keys())
def test_a_wrong_way_down_is_refused(answer):
    assert not check_unit_backward(answer).right


@pytest.mark.parametrize(
    "answer",
    [lambda z: (z <= 0).all(dim=0), lambda z: ~(z > 0).any(dim=0), lambda z: z.relu().sum(dim=0) == 0],
    ids=["all below", "none above", "no output"],
)
def test_three_ways_to_find_dead_units_are_right(answer):
    assert check_dead_units(answer).right


WRONG_DEATHS = {
    "the mean": lambda z: z.mean(dim=0) <= 0,
    "the first image": lambda z: z[0] <= 0,
    "a unit at 0 is alive": lambda z: (z < 0).all(dim=0),
    "images for units": lambda z: (z <= 0).all(dim=1),
    "how many": lambda z: (z <= 0).all(dim=0).sum(),
    "a list": lambda z: [bool(column.max() <= 0) for column in z.T],
    "raises": lambda z: z.all(dim=5),
}


@pytest.mark.parametrize("answer", WRONG_DEATHS.values(), ids=WRONG_DEATHS.keys())
def test_a_wrong_death_is_refused(answer):
    assert not check_dead_units(answer).right


def test_the_mean_is_told_that_one_image_is_enough():
    assert "one image above 0 is enough" in check_dead_units(WRONG_DEATHS["the mean"]).message.replace(
        "\n", " "
    )


def test_a_rate_64_times_64_as_large_undoes_the_scaling():
    assert check_scaled_rate(4096).right


@pytest.mark.parametrize("answer", [64, 1, 1 / 64, 1 / 4096, "4096"])
def test_a_wrong_rate_is_refused(answer):
    assert not check_scaled_rate(answer).right
