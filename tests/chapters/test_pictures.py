"""Every figure of the chapters can be drawn, is light, and says in words what it shows."""

from dataclasses import replace

import pytest
import torch
from test_records import RECORD

from alexnet_lib.architecture import SPECS, AlexNet
from alexnet_lib.augmentation import PCAColorNoise
from alexnet_lib.chapters import (
    architecture,
    augmentation,
    dataset,
    discussion,
    dropout,
    introduction,
    learning,
    normalization,
    pooling,
    qualitative,
    relu,
    results,
    source,
    towers,
    training,
)
from alexnet_lib.data.images import rescale_and_crop
from alexnet_lib.dataset import photographs
from alexnet_lib.learning import LR_PLANS
from alexnet_lib.qualitative import recorded_first_layer, topk_labels


def photo(size=224):
    return rescale_and_crop(photographs()["coffee"], size)


def noise():
    return PCAColorNoise().fit(photo(64)[None])


def tiny(*shape):
    return torch.zeros(*shape, dtype=torch.uint8)


def guesses():
    return topk_labels(torch.tensor([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]), ("ant", "bee", "cat"), k=2)


def convolutions():
    with torch.device("meta"):
        features = AlexNet("paper").features
    return {"conv2": features.conv2, "conv3": features.conv3}


ARMS = {"a": [0.5, 0.4, 0.1], "b": [0.6, 0.5, 0.4]}
SIGNALS = {"conv1": (1.0, 0.5), "fc6": (0.1, 0.4), "fc8": (0.01, 0.3)}
ERRORS = {"running training error": [0.9, 0.5, 0.4, 0.4, 0.4], "validation error": [0.8, 0.5, 0.5, 0.4, 0.3]}
LONG = replace(RECORD, config={"lr": 0.1}, curves={**ERRORS, "lr": [0.1, 0.1, 0.01, 0.01, 0.01]})
# What to draw -> words that its alt text must have, worked out by hand.
FIGURES = {
    "introduction": (lambda: introduction.time_by_speed(4.7e17, days=5.5), "5.5 days"),
    "subtracting": (lambda: dataset.subtracting("coffee", photo(64), photo(64).float() - 10), "about 10"),
    "steps by rate": (lambda: dataset.steps_by_rate({"0 to 255": {0.1: 20, 1.0: 300}}, 300), "under 60"),
    "figure 1": (relu.figure_1, "ReLU is at 25 % after 10 epochs; tanh is at 26 %"),
    "functions": (relu.functions_and_slopes, "sigmoid's at most 0.25"),
    "depth": (lambda: relu.gradients_through_depth({"gain 1": {"relu": [1.0, 0.5], "tanh": [1.0, 0.9]}}), ""),
    "curves": (
        lambda: relu.error_curves({"a": ("relu", [0.9, 0.2]), "b": ("tanh", [0.9, 0.8])}),
        "a: reaches it; b: does not reach it",
    ),
    "connections": (lambda: towers.connections(convolutions()), "kernels 0 to 127 read channels 0 to 47"),
    "two towers": (towers.two_towers, "Both rows are read by conv3, fc6, fc7, fc8"),
    "crossing": (towers.inputs_of_layers, "conv3 43,264 (transferred)"),
    "bytes": (towers.bytes_by_batch, "near 997 images"),
    "response": (lambda: normalization.lrn_response({"alpha = 1e-4": 1e-4}), "for an activation of 200"),
    "windows": (normalization.lrn_windows, "between channel 47 and channel 48"),
    "alone": (normalization.alone_and_together, "with four strong neighbors, channel 5 goes from 100 to 23"),
    "contrast": (
        lambda: normalization.contrast_curves([0.5, 2], {"a": [0.5, 2], "b": [1, 1]}),
        "a 2.0, b 1.0",
    ),
    "pooling": (pooling.pooling_windows, "6 windows, 5 pixels in two windows"),
    "by hand": (
        lambda: pooling.poolings_by_hand(torch.arange(25.0).view(5, 5)),
        "2 x 2 keep [[6, 8], [16, 18]]",
    ),
    "shifts": (lambda: pooling.shift_changes([1, 2], {"a": [0.1, 0.2], "b": [0.2, 0.3]}), "a"),
    "edge": (architecture.edge_windows, "224 pixels, ceil (original code): 55 windows"),
    "network": (architecture.network, "cross between the rows before conv3, fc6, fc7, fc8"),
    "shares": (architecture.parameters_and_arithmetic, "conv1 0.1 and 14.6"),
    "fields": (lambda: architecture.fields_on_photograph(photo()), "conv1 11 x 11, conv2 51 x 51"),
    "rescaling": (
        lambda: augmentation.rescaling("coffee", photographs()["coffee"], photo(256)),
        "400 rows and 600 columns",
    ),
    "places": (augmentation.crop_positions, "32 x 32 = 1,024 dots, and 65 more"),
    "components": (lambda: augmentation.color_components(photo(64)[None], noise()), "of the variance"),
    "color": (
        lambda: augmentation.color_shifts(tiny(3, 9, 9), {"red": torch.tensor([100.0, 0.0, 0.0])}),
        "red: up to 200 gray levels",
    ),
    "patches": (lambda: augmentation.ten_patches(photo(256)), "center"),
    "views": (lambda: augmentation.view_errors({"own crops": (0.2, 0.3)}), "own crops: lower without"),
    "overfitting": (dropout.overfitting, "training error 5 % and validation error 40 %"),
    "masks": (
        lambda: dropout.dropout_masks(torch.ones(4), torch.tensor([[1.0, 0, 1, 1]])),
        "mask 1 keeps 3",
    ),
    "averages": (
        lambda: dropout.averages_against_one(*3 * [torch.tensor([0.2, 0.8])]),
        "lies on the diagonal",
    ),
    "dropout": (lambda: dropout.dropout_curves([5, 10, 15], ARMS, ARMS), "first by a, then b (not at all)"),
    "nets": (lambda: dropout.averaged_nets([1, 10], [0.5, 0.4], 0.41), "makes fewer errors"),
    "momentum": (lambda: learning.momentum_average(0.9, [1.0, 2.0], [1.0, 1.5]), "one half after 7 steps"),
    "lengths": (lambda: learning.step_lengths({"paper": [1.0, 0.9, 0.8]}, drop=2), "paper 0.89"),
    "schedules": (lambda: learning.schedules({"a": [2.0, 0.5], "b": [2.0, 1.0]}, 1), "b ends 1.00 away"),
    "signals": (lambda: learning.first_signals({"a": SIGNALS}), "active 40% to 50%"),
    "losses": (lambda: learning.losses({"x": {"a": [2.3] * 5, "b": [1.0] * 5}}, 10), "b ends below it"),
    "one run": (lambda: training.one_run(LONG), "divided by ten after epoch 2"),
    "four rates": (lambda: training.rate_curves([LONG]), "0.1 from 80 % to 30 %"),
    "margin": (lambda: results.steps_of_the_margin({"second": 26.2, "one\nnet": 18.2}), "one net 18.2 %"),
    "average": (
        lambda: results.nets_and_average({"a": (0.4, 0.3), "b": (0.2, 0.25), "average": (0.3, 0.2)}),
        "lower for 1 of 2. The average",
    ),
    "kernels": (
        lambda: qualitative.first_layer_kernels(recorded_first_layer().weight),
        "tower 2, kernels 48 to 95",
    ),
    "feature maps": (
        lambda: qualitative.responses(tiny(3, 8, 8), torch.rand(4, 3, 2, 2), torch.rand(4, 5, 5), (1, 3)),
        "5x5, of conv1's channels 1, 3",
    ),
    "dots": (lambda: qualitative.colorfulness_by_tower({"all": recorded_first_layer().weight}), "96 kernels"),
    "labels": (
        lambda: qualitative.five_labels(tiny(2, 3, 8, 8), guesses(), ("bee", "cat")),
        "bee: guess 2; cat: not among them",
    ),
    "nearest": (
        lambda: qualitative.nearest_images(
            tiny(2, 3, 8, 8), tiny(2, 3, 3, 8, 8), torch.tensor([[True, True, False], 3 * [False]]), "pixels"
        ),
        "query by query: 2, 0",
    ),
    "wiring": (
        lambda: discussion.wiring_without([(), (3,), (4,)]),
        "without conv3: fc6 alone; without conv4: conv3 and fc6",
    ),
    "seeds": (lambda: discussion.errors_by_seed({"one": [0.5, 0.6], "two": [0.5, 0.62]}), "2 seeds"),
    "spread": (lambda: source.spread_by_layer({"a": {"conv1": 1.0, "fc8": 0.1}}), "conv1 1, fc8 0.1"),
    "rates": (lambda: source.rates_by_epoch({"all": LR_PLANS["source-2012"][-1]}), "0.001 from epoch 25"),
}


@pytest.mark.slow  # the chapters draw the same figures, and their alt texts are compared with what is stored
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_light_and_its_alt_text_holds_what_it_draws(name):
    draw, words = FIGURES[name]
    picture = draw()
    assert words in picture.alt
    assert len(picture.alt) > 40
    assert 1000 < len(picture.data) < 220_000
    if picture.mime == "text/html":
        assert "<svg" in picture.data


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
