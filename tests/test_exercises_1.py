"""The checkers of §1 accept the solution and refuse what readers typically write instead."""

import pytest

from alexnet_lib.architecture import SPECS
from alexnet_lib.exercises import check_training_macs, check_updates, check_weight_memory
from alexnet_lib.exercises.introduction import PARAMETERS
from alexnet_lib.spec import trace


@pytest.mark.parametrize("answer", [843_750, 843_750.0, 844_000])
def test_90_passes_in_batches_of_128_are_843_750_updates(answer):
    assert check_updates(answer).right


@pytest.mark.parametrize(
    "answer", [9375, 108_000_000, 90, None], ids=["one pass", "images", "passes", "no answer"]
)
def test_a_wrong_number_of_updates_is_refused(answer):
    assert not check_updates(answer).right


@pytest.mark.parametrize("answer", [0.7316, 0.73])
def test_three_copies_of_the_weights_are_three_quarters_of_a_gigabyte(answer):
    assert check_weight_memory(answer).right


@pytest.mark.parametrize(
    "answer", [0.2439, 0.1829, 731.6, "0.73"], ids=["one copy", "bytes", "megabytes", "a word"]
)
def test_a_wrong_memory_is_refused(answer):
    assert not check_weight_memory(answer).right


def test_the_parameters_of_the_exercise_are_the_papers_net():
    assert sum(layer.parameters for layer in trace(SPECS["paper"])) == PARAMETERS


def by_layer(layers):
    return sum(macs * (2 if number == 0 else 3) for number, macs in enumerate(layers))


def test_two_shares_for_the_lowest_layer_and_three_for_the_others_are_right():
    assert check_training_macs(by_layer).right


WRONG_COUNTS = {
    "down once": lambda layers: 2 * sum(layers),
    "pixels move": lambda layers: 3 * sum(layers),
    "the highest layer": lambda layers: 3 * sum(layers) - layers[-1],
    "down alone": lambda layers: 2 * sum(layers) - layers[0],
    "raises": lambda layers: sum(layers) - layers[8],
}


@pytest.mark.parametrize("answer", WRONG_COUNTS.values(), ids=WRONG_COUNTS.keys())
def test_a_wrong_count_is_refused(answer):
    assert not check_training_macs(answer).right


def test_three_shares_for_all_are_told_what_lies_below():
    assert "Under the lowest layer there is none" in check_training_macs(WRONG_COUNTS["pixels move"]).message
