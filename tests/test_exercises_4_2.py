"""The checkers of §4.2 accept the solution and refuse what readers typically write instead."""

import pytest
import torch

from alexnet_lib.exercises import (
    check_common_units,
    check_geometric_mean,
    check_inverted_dropout,
    check_moving_factor,
)


def test_a_quarter_of_the_units_is_kept_by_both_masks():
    assert check_common_units(1024).right
    assert check_common_units(1024.0).right


@pytest.mark.parametrize(
    "answer", [2048, 3072, 0, None, "1024"], ids=["one mask", "either", "none", "no answer", "a word"]
)
def test_a_wrong_count_of_common_units_is_refused(answer):
    assert not check_common_units(answer).right


def test_weights_from_inverted_dropout_are_doubled():
    assert check_moving_factor(2).right


@pytest.mark.parametrize("answer", [0.5, 1, 4, None], ids=["the other way", "none", "twice over", "nothing"])
def test_a_wrong_factor_for_moved_weights_is_refused(answer):
    assert not check_moving_factor(answer).right


def inverted(a, keep, p, training):
    return a * keep / (1 - p) if training else a


def inverted_by_where(a, keep, p, training):
    return torch.where(keep.bool(), a / (1 - p), torch.zeros(())) if training else a.clone()


@pytest.mark.parametrize("answer", [inverted, inverted_by_where])
def test_both_ways_to_write_inverted_dropout_are_right(answer):
    assert check_inverted_dropout(answer).right


WRONG_DROPS = {
    "the paper's form": lambda a, keep, p, training: a * keep if training else a * (1 - p),
    "divided by p": lambda a, keep, p, training: a * keep / p if training else a,
    "masked at test time": lambda a, keep, p, training: a * keep / (1 - p),
    "scaled twice": lambda a, keep, p, training: a * keep / (1 - p) if training else a * (1 - p),
    "a mask of its own": lambda a, keep, p, training: torch.nn.functional.dropout(a, p, training),
    "a number": lambda a, keep, p, training: 0.5,
    "no function": 2,
}


@pytest.mark.parametrize("name", WRONG_DROPS)
def test_a_wrong_inverted_dropout_is_refused(name):
    torch.manual_seed(0)
    assert not check_inverted_dropout(WRONG_DROPS[name]).right


def test_division_by_p_passes_a_half_and_is_caught_by_another_probability():
    verdict = check_inverted_dropout(WRONG_DROPS["divided by p"])
    assert "0.2, True" in verdict.message
    assert "1 - p" in verdict.message


def geometric_by_roots(probabilities):
    """The n-th root of each factor first, so that the product stays within a float."""
    product = (probabilities.double() ** (1 / len(probabilities))).prod(dim=0)
    return (product / product.sum()).float()


@pytest.mark.parametrize("answer", [geometric_by_roots, lambda q: q.log().mean(0).softmax(0)])
def test_both_ways_to_a_geometric_mean_are_right(answer):
    assert check_geometric_mean(answer).right


def root_of_the_product(probabilities):
    product = probabilities.prod(dim=0) ** (1 / len(probabilities))
    return product / product.sum()


WRONG_MEANS = {
    "arithmetic": lambda q: q.mean(dim=0),
    "not scaled to 1": lambda q: q.log().mean(dim=0).exp(),
    "sum of logarithms": lambda q: q.log().sum(dim=0).softmax(dim=0),
    "over the classes": lambda q: q.log().mean(dim=1).softmax(dim=0),
    "a product that underflows": root_of_the_product,
}


@pytest.mark.parametrize("name", WRONG_MEANS)
def test_a_wrong_geometric_mean_is_refused(name):
    assert not check_geometric_mean(WRONG_MEANS[name]).right


def test_a_product_that_underflows_is_caught_by_the_2000_nets():
    assert "(2000, 5)" in check_geometric_mean(root_of_the_product).message
