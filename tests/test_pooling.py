"""Windows counted by hand and by torch(§3.4)."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alexnet_lib.pooling import output_size

SIZES, WINDOWS, STRIDES = st.integers(1, 60), st.integers(1, 12), st.integers(1, 12)


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
    assert output_size(size, z, s, ceil_mode=ceil) == torchs


@settings(max_examples=100, deadline=None)
@given(size=SIZES, z=WINDOWS, s=STRIDES, padding=st.integers(0, 6))
def test_with_ceil_as_few_windows_as_possible_leave_no_pixel_out(size, z, s, padding):
    assume(size + 2 * padding >= z)
    windows = output_size(size, z, s, padding, ceil_mode=True)

    def reach(count):
        return (count - 1) * s + z

    assert reach(windows) >= size + 2 * padding
    assert windows == 1 or reach(windows - 1) < size + 2 * padding


@pytest.mark.parametrize("wrong", [{"size": 2}, {"z": 0}, {"s": 0}, {"padding": -1}, {"ceil_mode": "no"}])
def test_windows_that_cannot_be_counted_are_refused(wrong):
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
        output_size(**{"size": 13, "z": 3, "s": 2} | wrong)
