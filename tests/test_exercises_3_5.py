"""The exercises of §3.5 know a right answer, and say what is wrong with three typical wrong ones."""

import pytest

from alexnet_lib.exercises import (
    check_conv2_crossing,
    check_grouped_parameters,
    check_receptive_field,
    check_windows,
)


def test_63_windows_lie_along_256_pixels():
    assert check_windows(63).right


@pytest.mark.parametrize("answer", [62, 62.25, 64, None, True])
def test_other_numbers_of_windows_are_sent_to_the_last_pixel(answer):
    verdict = check_windows(answer)
    assert not verdict.right
    assert "255" in verdict.message or "a number is asked for" in verdict.message


def test_each_of_96_maps_of_27_by_27_crosses_once():
    assert check_conv2_crossing(96 * 27 * 27).right


@pytest.mark.parametrize("answer", [96 * 55 * 55, 48 * 27 * 27, 2 * 96 * 27 * 27])
def test_maps_before_pooling_half_of_them_or_twice_as_many_are_not_what_crosses(answer):
    verdict = check_conv2_crossing(answer)
    assert not verdict.right
    assert "what pooling leaves" in verdict.message


def test_weights_of_the_own_tower_and_all_biases_are_the_parameters():
    assert check_grouped_parameters(
        lambda maps, z, below, towers: maps * (z * z * below // towers) + maps
    ).right


WRONG_COUNTS = {
    "no towers": lambda maps, z, below, towers: maps * z * z * below + maps,
    "no biases": lambda maps, z, below, towers: maps * z * z * below // towers,
    "half of the biases": lambda maps, z, below, towers: (maps * z * z * below + maps) // towers,
    "half of the kernels": lambda maps, z, below, towers: maps // towers * (z * z * below // towers),
    "nothing": lambda maps, z, below, towers: None,
}


@pytest.mark.parametrize("answer", WRONG_COUNTS.values(), ids=WRONG_COUNTS)
def test_a_wrong_count_of_parameters_gets_a_hint(answer):
    verdict = check_grouped_parameters(answer)
    assert not verdict.right
    assert "Hint: with one tower" in verdict.message


def seen(windows):
    side, step = 1, 1
    for z, s in windows:
        side, step = side + (z - 1) * step, step * s
    return side


def test_the_field_grows_by_the_window_in_steps_of_all_strides_below():
    assert check_receptive_field(seen).right


WRONG_FIELDS = {
    "sum of the windows": lambda windows: sum(z for z, s in windows),
    "no strides": lambda windows: 1 + sum(z - 1 for z, s in windows),
    "from the wrong end": lambda windows: seen(windows[::-1]),
    "not a number": lambda windows: windows[0],
}


@pytest.mark.parametrize("answer", WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_a_wrong_receptive_field_gets_a_hint(answer):
    verdict = check_receptive_field(answer)
    assert not verdict.right
    assert "Hint: two units of pool1" in verdict.message


@pytest.mark.parametrize("check", [check_grouped_parameters, check_receptive_field])
def test_a_function_that_raises_or_is_none_is_told_so(check):
    def broken(*arguments):
        raise KeyError("z")

    assert "raised KeyError" in check(broken).message
    assert "a function is asked for" in check(50).message
