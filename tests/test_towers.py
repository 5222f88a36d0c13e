"""Two towers (§3.2): which maps live where, what crosses, and torch's grouped convolution as the oracle."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from alexnet_lib.architecture import CeilConv2d
from alexnet_lib.towers import (
    crossing_numbers,
    maps_of,
    maps_read,
    require_even_share,
    separate,
)

CONVOLUTIONS = {
    "two towers": lambda: nn.Conv2d(8, 12, 5, padding=2, groups=2),
    "three towers without biases": lambda: nn.Conv2d(6, 9, 3, stride=2, groups=3, bias=False),
    "overhanging windows": lambda: CeilConv2d(4, 6, 3, stride=2, groups=2),
}


def test_of_96_maps_each_tower_holds_48():
    assert maps_of(0, 96) == range(48)
    assert maps_of(1, 96) == range(48, 96)


@given(towers=st.integers(1, 6), share=st.integers(1, 40))
def test_every_map_lives_on_exactly_one_tower(towers, share):
    held = [i for tower in range(towers) for i in maps_of(tower, towers * share, towers)]
    assert held == list(range(towers * share))


def test_kernels_read_their_own_towers_maps_or_all():
    assert maps_read(1, 256, own_only=True) == range(128, 256)
    assert maps_read(1, 256, own_only=False) == range(256)
    assert maps_read(np.int64(0), 9, own_only=True, towers=3) == range(3)


def test_the_maps_of_layer_2_cross_once_before_conv3():
    assert crossing_numbers(256, 13, 13) == 256 * 169 == 43_264


def test_with_three_towers_every_map_crosses_twice():
    assert crossing_numbers(6, 5, 7, towers=3) == 2 * 6 * 5 * 7
    assert crossing_numbers(6, 5, 7, towers=1) == 0


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_separate_towers_side_by_side_are_the_grouped_convolution(kind):
    torch.manual_seed(0)
    conv = CONVOLUTIONS[kind]()
    parts = separate(conv)
    share = conv.in_channels // conv.groups
    a = torch.randn(2, conv.in_channels, 10, 9)
    grouped_in, parted_in = a.clone().requires_grad_(), a.clone().requires_grad_()

    grouped = conv(grouped_in)
    inputs = [parted_in[:, i * share : (i + 1) * share] for i in range(conv.groups)]
    parted = torch.cat([part(mine) for part, mine in zip(parts, inputs, strict=True)], dim=1)
    torch.testing.assert_close(parted, grouped, rtol=1e-6, atol=1e-6)

    weighing = torch.randn(grouped.shape)
    (grouped * weighing).sum().backward()
    (parted * weighing).sum().backward()
    torch.testing.assert_close(parted_in.grad, grouped_in.grad, rtol=1e-5, atol=1e-5)
    for name, weight in conv.named_parameters():
        parted_grad = torch.cat([part.get_parameter(name).grad for part in parts])
        torch.testing.assert_close(parted_grad, weight.grad, rtol=1e-5, atol=1e-5)


def test_separate_towers_say_what_they_are_and_own_their_weights():
    conv = nn.Conv2d(8, 12, 5, padding=2, groups=2)
    before = conv.weight.detach().clone()
    parts = separate(conv)
    assert [repr(part) for part in parts] == [repr(nn.Conv2d(4, 6, 5, padding=2))] * 2
    nn.init.zeros_(parts[0].weight)
    nn.init.zeros_(parts[0].bias)
    assert torch.equal(conv.weight, before)
    assert conv.bias.all()


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: require_even_share("conv2", 255), "conv2 has 255.*use 256"),
        (lambda: maps_of(2, 96), "tower is 2"),
        (lambda: maps_of(-1, 96), "tower is -1"),
        (lambda: crossing_numbers(0, 13, 13), "maps is 0"),
    ],
)
def test_a_wrong_argument_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()
