"""The checkers of §3.4 accept the solution and refuse what readers typically write instead."""

import pytest
import torch.nn.functional as F

from alexnet_lib.exercises import check_conv2_padding, check_max_pool, check_readers


def test_four_overlapping_windows_can_read_one_pixel():
    # Windows at 0 and 2 both hold row 2, and the same holds for columns.
    assert check_readers(4).right


@pytest.mark.parametrize(
    "answer", [2, 9, 1, 2.25, None], ids=["one side", "its pixels", "no overlap", "the mean", "no answer"]
)
def test_a_wrong_number_of_windows_is_refused(answer):
    assert not check_readers(answer).right


def test_the_padding_of_run_147_is_1():
    # 55 -> 28 with ceil; 28 + 2 - 5 + 1 = 26; 26 -> 13.
    assert check_conv2_padding(1).right


@pytest.mark.parametrize("answer", [0, 2, 3, None], ids=["12 places", "14 places", "15 places", "no answer"])
def test_another_padding_is_refused(answer):
    assert not check_conv2_padding(answer).right


def in_two_steps(a, z, s):
    return a.unfold(-1, z, s).amax(-1).unfold(-2, z, s).amax(-1)


def in_loops(a, z, s):
    rows, columns = 1 + (a.shape[-2] - z) // s, 1 + (a.shape[-1] - z) // s
    pooled = a.new_empty(*a.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            pooled[..., i, j] = a[..., s * i : s * i + z, s * j : s * j + z].amax(dim=(-2, -1))
    return pooled


@pytest.mark.parametrize("answer", [in_two_steps, in_loops])
def test_both_ways_to_pool_are_right(answer):
    assert check_max_pool(answer).right


def from_zero(a, z, s):
    """Starts each maximum at zero, as if all activities were positive."""
    return in_two_steps(a, z, s).clamp(min=0)


WRONG_POOLS = {
    "never overlapping": lambda a, z, s: F.max_pool2d(a, z),
    "with ceil": lambda a, z, s: F.max_pool2d(a, z, s, ceil_mode=True),
    "padded": lambda a, z, s: F.max_pool2d(a, z, s, padding=1),
    "the mean": lambda a, z, s: F.avg_pool2d(a, z, s),
    "from zero": from_zero,
    "z and s the other way": lambda a, z, s: in_two_steps(a, s, z),
    "only along rows": lambda a, z, s: a.unfold(-1, z, s).amax(-1),
    "first of each window": lambda a, z, s: in_two_steps(a, z, s) * 0 + a[..., :1, :1],
    "no function": 9,
}


@pytest.mark.parametrize("name", WRONG_POOLS)
def test_a_wrong_pooling_is_refused(name):
    assert not check_max_pool(WRONG_POOLS[name]).right
