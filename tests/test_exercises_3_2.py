"""The exercises of §3.2 know a right answer, and say what is wrong with typical wrong ones."""

import pytest
import torch
import torch.nn.functional as F

from alexnet_lib.exercises import (
    check_conv3_bytes,
    check_equal_batch,
    check_in_two_towers,
    check_own_gradient,
)


def test_256_maps_of_13_by_13_cross_for_128_images_at_4_bytes():
    assert check_conv3_bytes(256 * 169 * 128 * 4).right


@pytest.mark.parametrize(
    "answer", [256 * 169 * 4, 256 * 169 * 128, 2 * 256 * 169 * 128 * 4, 256 * 27**2 * 512]
)
def test_one_image_no_bytes_both_ways_or_unpooled_maps_are_sent_back_to_what_conv3_reads(answer):
    verdict = check_conv3_bytes(answer)
    assert not verdict.right
    assert "256 maps of 13 x 13" in verdict.message


def test_997_images_send_more_as_towers_and_996_do_not():
    gradients = 2 * 4 * 60_965_224
    activities = 4 * (2 * (43_264 + 9_216 + 4_096 + 4_096) + 1000)
    assert 996 * activities < gradients < 997 * activities
    assert check_equal_batch(997).right


@pytest.mark.parametrize("answer", [996, 996.6, 499, 1005, None])
def test_another_batch_is_not_it_nor_one_that_forgets_the_scores_or_a_way(answer):
    verdict = check_equal_batch(answer)
    assert not verdict.right
    assert "Divide one by the other" in verdict.message or "a number is asked for" in verdict.message


def halves(x, weight, bias):
    middle = len(weight) // 2
    below = x.shape[1] // 2
    first = F.conv2d(x[:, :below], weight[:middle], bias[:middle], padding=1)
    return torch.cat([first, F.conv2d(x[:, below:], weight[middle:], bias[middle:], padding=1)], dim=1)


def test_two_convolutions_of_halves_are_the_grouped_one():
    assert check_in_two_towers(halves).right


WRONG_TOWERS = {
    "one tower for all kernels": lambda x, w, b: F.conv2d(x[:, : x.shape[1] // 2], w, b, padding=1),
    "towers swapped": lambda x, w, b: halves(torch.cat(x.chunk(2, 1)[::-1], dim=1), w, b),
    "one behind the other": lambda x, w, b: torch.cat(halves(x, w, b).chunk(2, 1)),
    "no padding": lambda x, w, b: F.conv2d(x, w, b, groups=2),
}


@pytest.mark.parametrize("answer", WRONG_TOWERS.values(), ids=WRONG_TOWERS)
def test_wrong_towers_are_sent_to_the_axes(answer):
    verdict = check_in_two_towers(answer)
    assert not verdict.right
    assert "which axis of weight counts kernels" in verdict.message


def test_the_gradient_of_own_maps_is_the_sum_of_both_readings():
    assert check_own_gradient(lambda first, second, tower: (first + second).chunk(2, dim=1)[tower]).right


WRONG_GRADIENTS = {
    "the own reading": lambda first, second, tower: (first, second)[tower].chunk(2, dim=1)[tower],
    "of all maps": lambda first, second, tower: first + second,
    "of the other tower's maps": lambda first, second, tower: (first + second).chunk(2, dim=1)[1 - tower],
    "the mean": lambda first, second, tower: ((first + second) / 2).chunk(2, dim=1)[tower],
}


@pytest.mark.parametrize("answer", WRONG_GRADIENTS.values(), ids=WRONG_GRADIENTS)
def test_a_wrong_gradient_is_asked_whose_maps_it_is_about(answer):
    verdict = check_own_gradient(answer)
    assert not verdict.right
    assert "Whose maps are asked for" in verdict.message


@pytest.mark.parametrize("check", [check_in_two_towers, check_own_gradient])
def test_a_function_that_raises_or_is_none_is_told_so(check):
    def broken(*arguments):
        raise KeyError("half")

    assert "raised KeyError" in check(broken).message
    assert "a function is asked for" in check(2).message
