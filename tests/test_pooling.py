"""Windows counted by hand and by torch, and max pooling (§3.4) against plain loops and F.max_pool2d."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alexnet_lib.pooling import MaxPool, output_size

SIZES, WINDOWS, STRIDES = st.integers(1, 60), st.integers(1, 12), st.integers(1, 12)


def pooled_in_loops(a, z, s, sides):
    """The largest value of each window, clipped at the edge, for `sides` windows down and across."""
    out = torch.empty(*a.shape[:-2], *sides, dtype=a.dtype)
    for i in range(sides[0]):
        for j in range(sides[1]):
            out[..., i, j] = a[..., i * s : i * s + z, j * s : j * s + z].amax(dim=(-2, -1))
    return out


@pytest.mark.parametrize(
    ("size", "z", "s", "padding", "ceil", "windows"),
    [
        (224, 11, 4, 0, True, 55),  # the 2012 source
        (224, 11, 4, 0, False, 54),  # today's usual count
        (224, 11, 4, 2, False, 55),  # torchvision
        (227, 11, 4, 0, False, 55),  # caffe
        (227, 11, 4, 0, True, 55),
        (55, 3, 2, 0, False, 27),
        (27, 3, 2, 0, False, 13),
        (13, 3, 2, 0, False, 6),
        (27, 5, 1, 2, False, 27),
        (5, 5, 3, 0, True, 1),
        (6, 5, 3, 0, True, 2),
        (1, 3, 1, 1, False, 1),
    ],
)
def test_windows_are_counted_as_by_hand(size, z, s, padding, ceil, windows):
    assert output_size(size, z, s, padding, ceil) == windows


@settings(max_examples=60, deadline=None)
@given(size=SIZES, z=WINDOWS, s=STRIDES, padding=st.integers(0, 6))
def test_a_convolution_of_torch_has_as_many_windows(size, z, s, padding):
    assume(size + 2 * padding >= z)
    image, kernel = torch.empty(1, 1, size, size, device="meta"), torch.empty(1, 1, z, z, device="meta")
    torchs = F.conv2d(image, kernel, stride=s, padding=padding).shape[-1]
    assert output_size(size, z, s, padding) == torchs


@settings(max_examples=60, deadline=None)
@given(size=SIZES, z=WINDOWS, s=STRIDES, ceil=st.booleans())
def test_max_pooling_of_torch_has_as_many_windows(size, z, s, ceil):
    assume(size >= z and (s <= z or not ceil))
    torchs = F.max_pool2d(torch.zeros(1, 1, size, size), z, s, ceil_mode=ceil).shape[-1]
    assert output_size(size, z, s, ceil=ceil) == torchs


@settings(max_examples=100, deadline=None)
@given(size=SIZES, z=WINDOWS, s=STRIDES, padding=st.integers(0, 6))
def test_with_ceil_as_few_windows_as_possible_leave_no_pixel_out(size, z, s, padding):
    assume(size + 2 * padding >= z)
    windows = output_size(size, z, s, padding, ceil=True)

    def reach(count):
        return (count - 1) * s + z

    assert reach(windows) >= size + 2 * padding
    assert windows == 1 or reach(windows - 1) < size + 2 * padding


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(("z", "s"), [(3, 2), (2, 2), (3, 3), (3, 1), (1, 1), (5, 2)])
def test_the_largest_of_each_window_as_in_plain_loops_and_in_torch(z, s, ceil):
    a = torch.randn(2, 3, 13, 10, generator=torch.Generator().manual_seed(0))
    ours = MaxPool(z, s, ceil=ceil)(a)
    sides = [output_size(side, z, s, ceil=ceil) for side in (13, 10)]
    assert torch.equal(ours, pooled_in_loops(a, z, s, sides))
    assert torch.equal(ours, F.max_pool2d(a, z, s, ceil_mode=ceil))


def test_without_ceil_windows_may_leave_pixels_between_them_out():
    a = torch.arange(25.0).reshape(1, 5, 5)
    assert MaxPool(1, 3)(a).flatten().tolist() == [0, 3, 15, 18]


def test_the_papers_pooling_overlaps_and_the_traditional_one_does_not():
    assert (MaxPool().z, MaxPool().s, MaxPool().ceil, MaxPool().overlaps) == (3, 2, False, True)
    assert not MaxPool(2, 2).overlaps
    assert not MaxPool(2, 3).overlaps


@pytest.mark.parametrize("shape", [(4, 13, 13), (2, 4, 13, 13), (0, 4, 13, 13)])
def test_a_batch_may_be_missing_or_empty(shape):
    assert MaxPool()(torch.zeros(shape)).shape == (*shape[:-2], 6, 6)


def test_the_gradient_goes_to_the_largest_alone():
    a = torch.tensor([[[1.0, 2.0, 0.0], [3.0, 9.0, 4.0], [5.0, 6.0, 7.0]]], requires_grad=True)
    MaxPool()(a).sum().backward()
    assert a.grad.nonzero().tolist() == [[0, 1, 1]]


def test_it_prints_its_window_and_keeps_plain_numbers():
    layer = MaxPool(np.int64(3), np.int64(2), ceil=np.True_)
    assert repr(layer) == "MaxPool(z=3, s=2, ceil=True)"
    assert [type(layer.z), type(layer.s), type(layer.ceil)] == [int, int, bool]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0, 3, 2), ValueError, r"^size is 0, and must be at least 1: it is a side in pixels"),
        ((9, 0, 2), ValueError, r"^z is 0, .* \(§3\.4: z = 3\)"),
        ((9, 3, 0), ValueError, r"^s is 0, .* \(§3\.4: s = 2\); a stride of 0 never moves on"),
        ((9, 3, 2, -1), ValueError, r"^padding is -1, and must be at least 0"),
        ((9.0, 3, 2), TypeError, r"^size is 9\.0, and must be a whole number"),
        (
            (2, 7, 2, 1),
            ValueError,
            r"^size is 2 with padding 1, and a window of z = 7 .* use at least 5 pixels",
        ),
    ],
)
def test_windows_that_cannot_be_counted_say_why(arguments, error, words):
    with pytest.raises(error, match=words):
        output_size(*arguments)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"z": 0}, ValueError, r"^z is 0, and must be at least 1: .* \(§3\.4: z = 3\)"),
        ({"s": 0}, ValueError, r"^s is 0, and must be at least 1: .* \(§3\.4: s = 2\)"),
        ({"s": 2.0}, TypeError, r"^s is 2\.0, and must be a whole number"),
        (
            {"z": 2, "s": 3, "ceil": True},
            ValueError,
            r"^ceil=True with s = 3 above z = 2 .* use s of at most 2",
        ),
    ],
)
def test_a_wrong_window_says_why(wrong, error, words):
    with pytest.raises(error, match=words):
        MaxPool(**wrong)


@pytest.mark.parametrize("shape", [(1, 2, 9), (1, 9, 2)])
def test_a_map_smaller_than_the_window_says_how_much_it_needs(shape):
    with pytest.raises(
        ValueError, match=r"^size is 2 .* window of z = 3 does not fit: use at least 3 pixels"
    ):
        MaxPool()(torch.zeros(shape))
