"""`ArchitectureExplorer`: its counts against torch's modules and torchinfo, its windows against torch."""

import itertools

import pytest
import torch

from alexnet_lib.architecture import SPECS
from alexnet_lib.chapters.architecture import torchinfo_layers
from alexnet_lib.widgets import ArchitectureExplorer
from alexnet_lib.widgets.architecture import LAYERS, READINGS, WORDS, torch_counts

from .pages import ask

COSTS = ("parameters", "multiply_accumulates")


def test_every_spec_of_the_library_can_be_picked():
    assert list(WORDS) == list(SPECS)


@pytest.mark.parametrize("spec", SPECS)
def test_shapes_and_costs_are_torchs(spec):
    for layer in LAYERS:
        widget = ArchitectureExplorer(spec=spec, layer=layer)
        shown = widget.specs[spec]["layers"]
        here, total = shown[layer], [sum(each[cost] for each in shown.values()) for cost in COSTS]
        assert widget.reference()[:5] == [here["numbers"], *(here[cost] for cost in COSTS), *total]
    # And torch's hooks count as torchinfo does.
    counts = torch_counts(SPECS[spec])
    assert [(name, *counts[name]) for name in counts] == [
        (name, torch.Size(out).numel(), parameters, products)
        for name, out, parameters, products in torchinfo_layers(SPECS[spec])
    ]


@pytest.mark.parametrize(
    ("spec", "field"), [("paper", [11, 51, 99, 131, 163]), ("torchvision", [11, 51, 99, 131, 163])]
)
def test_one_output_sees_what_gradients_say(spec, field):
    """Pixels that move the middle output of a convolution, by autograd through windows of ones."""
    found = []
    for number in range(1, 6):
        x = a = torch.zeros(1, 1, 451, 451, requires_grad=True)
        for below, conv in enumerate(SPECS[spec].convs[:number], 1):
            weight = torch.ones(1, 1, conv.kernel_size, conv.kernel_size)
            a = torch.nn.functional.conv2d(a, weight, stride=conv.stride)
            if below < number and any(type(step).__name__ == "Pool" for step in conv.then):
                a = torch.nn.functional.avg_pool2d(a, 3, 2)  # reads the same pixels as max pooling
        middle = a.shape[-1] // 2
        (reads,) = torch.autograd.grad(a[0, 0, middle, middle], x)
        found.append(int((reads[0, 0].abs().sum(dim=0) > 0).sum()))
    shown = ArchitectureExplorer(spec=spec).specs[spec]["layers"]
    assert found == [shown[f"conv{number}"]["receptive_field"] for number in range(1, 6)] == field


@pytest.mark.browser
def test_the_page_counts_windows_as_torch_does(arena):
    cases = [
        {"side": side, "padding": padding, "ceil": ceil, "z": z, "s": s}
        for side, padding, ceil, z, s in itertools.product(
            (11, 223, 224, 227), (0, 1, 2), (False, True), (3, 11), (1, 2, 3, 4)
        )
        if s <= z
    ]
    for case in cases:
        padded = torch.zeros(1, 1, 1, case["side"] + 2 * case["padding"])
        if case["ceil"]:
            # torch drops a window that starts beyond the row; with s <= z none does.
            expected = torch.nn.functional.max_pool2d(padded, (1, case["z"]), case["s"], ceil_mode=True)
        else:
            expected = torch.nn.functional.conv2d(padded, torch.ones(1, 1, 1, case["z"]), stride=case["s"])
        found = ask(arena, "architecture.windowsOf", case, case["z"], case["s"])
        assert found["count"] == expected.shape[-1], case


@pytest.mark.parametrize(
    ("reading", "windows", "words"),
    [
        ("floor", (224, 54, 223), "holds 54 windows of conv1, the last leaving out 1 pixel."),
        ("ceil", (224, 55, 227), "holds 55 windows of conv1, the last reaching 3 pixels beyond it."),
        (
            "227",
            (227, 55, 227),
            "a row of 227 pixels holds 55 windows of conv1, the last ending where it ends.",
        ),
        ("padding", (224, 55, 225), "holds 55 windows of conv1, the last reaching 1 pixel beyond it."),
    ],
)
def test_the_four_readings_of_224(reading, windows, words):
    assert set(READINGS) == {"floor", "ceil", "227", "padding"}
    widget = ArchitectureExplorer(reading=reading)
    assert widget.windows() == windows
    assert widget.summary().endswith(words)


def test_the_papers_first_layer_is_counted_exactly():
    assert (
        "In the paper, conv1 outputs 96 x 55 x 55 = 290,400 values, with 34,944 of 60,965,224 parameters "
        "(0.0573 %) and 105,415,200 of 724,406,816 multiply-accumulates (14.6 %)"
    ) in ArchitectureExplorer().summary()
