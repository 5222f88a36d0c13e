"""The units of §3.1 against their formulas, and the four-layer net of Figure 1 against torch's functions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from alexnet_lib.relu import ACTIVATIONS, FourLayerNet

FORMULAS = {
    "relu": lambda x: np.maximum(0, x),
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "leaky-relu": lambda x: np.where(x < 0, 0.01 * x, x),
}
TORCHS = {"relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "leaky-relu": F.leaky_relu}


def net(activation, seed=0):
    torch.manual_seed(seed)
    return FourLayerNet(activation)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_unit_is_its_formula(name):
    x = np.linspace(-4, 4, 81)
    np.testing.assert_allclose(
        ACTIVATIONS[name]()(torch.from_numpy(x)).numpy(), FORMULAS[name](x), atol=1e-15
    )


@pytest.mark.parametrize("name", TORCHS)
def test_the_net_is_three_convolutions_with_overlapping_pooling_and_a_classifier(name):
    ours, x = net(name), torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    weights = list(ours.parameters())
    expected = x
    for weight, bias in zip(weights[:6:2], weights[1:6:2], strict=True):
        convolved = TORCHS[name](F.conv2d(expected, weight, bias, padding=2))
        expected = F.max_pool2d(convolved, kernel_size=3, stride=2, ceil_mode=True)
    expected = F.linear(expected.flatten(1), weights[6], weights[7])
    torch.testing.assert_close(ours(x), expected)


def test_the_parameters_are_counted_by_hand():
    by_hand = (32 * 3 * 25 + 32) + (32 * 32 * 25 + 32) + (64 * 32 * 25 + 64) + (1024 * 10 + 10)
    assert sum(weight.numel() for weight in net("relu").parameters()) == by_hand == 89_578


def test_the_same_seed_starts_every_unit_from_the_same_weights():
    starts = [torch.nn.utils.parameters_to_vector(net(name).parameters()) for name in TORCHS]
    assert all(torch.equal(starts[0], start) for start in starts[1:])


def test_the_default_is_relu_with_ten_classes_and_another_number_is_possible():
    assert FourLayerNet().activation == "relu"
    assert FourLayerNet(classes=np.int64(3))(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
