"""Figures say what was worked out by hand; that each can be drawn, the stored chapters show."""

from dataclasses import replace

import pytest
import torch

from alexnet_lib.architecture import SPECS, AlexNet
from alexnet_lib.chapters import (
    architecture,
    augmentation,
    discussion,
    learning,
    normalization,
    pooling,
    qualitative,
    relu,
    towers,
)
from alexnet_lib.qualitative import recorded_first_layer


def convolutions():
    with torch.device("meta"):
        features = AlexNet("paper").features
    return {"conv2": features.conv2, "conv3": features.conv3}


# What to draw -> words that its alt text must have, worked out by hand.
FIGURES = {
    "functions": (relu.functions_and_slopes, "sigmoid's at most 0.25"),
    "connections": (lambda: towers.connections(convolutions()), "kernels 0 to 127 read channels 0 to 47"),
    "two towers": (towers.two_towers, "Both rows are read by conv3, fc6, fc7, fc8"),
    "crossing": (towers.inputs_of_layers, "conv3 43,264 (transferred)"),
    "bytes": (towers.bytes_by_batch, "near 997 images"),
    "response": (lambda: normalization.lrn_response({"alpha = 1e-4": 1e-4}), "for an activation of 200"),
    "windows": (normalization.lrn_windows, "between channel 47 and channel 48"),
    "alone": (normalization.alone_and_together, "with four strong neighbors, channel 5 goes from 100 to 23"),
    "pooling": (pooling.pooling_windows, "6 windows, 5 pixels in two windows"),
    "by hand": (
        lambda: pooling.poolings_by_hand(torch.arange(25.0).view(5, 5)),
        "2 x 2 keep [[6, 8], [16, 18]]",
    ),
    "edge": (architecture.edge_windows, "224 pixels, ceil (original code): 55 windows"),
    "network": (architecture.network, "cross between the rows before conv3, fc6, fc7, fc8"),
    "shares": (architecture.parameters_and_arithmetic, "conv1 0.1 and 14.6"),
    "places": (augmentation.crop_positions, "32 x 32 = 1,024 dots, and 65 more"),
    "momentum": (lambda: learning.momentum_average(0.9, [1.0, 2.0], [1.0, 1.5]), "one half after 7 steps"),
    "kernels": (
        lambda: qualitative.first_layer_kernels(recorded_first_layer().weight),
        "tower 2, kernels 48 to 95",
    ),
    "wiring": (
        lambda: discussion.wiring_without([(), (3,), (4,)]),
        "without conv3: fc6 alone; without conv4: conv3 and fc6",
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_what_was_worked_out_by_hand(name):
    draw, words = FIGURES[name]
    assert words in draw().alt


def test_the_middle_of_a_field_is_what_a_gradient_reaches():
    spec = replace(SPECS["paper"], hidden=(), classes=2)
    net = AlexNet(spec).eval()
    image = torch.rand(1, 3, 224, 224, requires_grad=True)
    middle = net.features.conv2(net.features.pool1(net.features.conv1(image)))
    middle[0, :, 13, 13].sum().backward()
    pixels = (image.grad[0] != 0).any(0).any(0).nonzero().flatten().tolist()
    start, side = architecture.middle_field("conv2")
    assert start <= pixels[0] <= pixels[-1] < start + side
    assert len(pixels) > 0.8 * side  # a maximum is taken from some of its inputs alone
