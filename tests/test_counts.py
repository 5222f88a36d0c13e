"""A net as data: shapes and costs by arithmetic alone, against numbers worked out by hand (§3.5)."""

from dataclasses import replace

import pytest
import torch

from alexnet_lib.architecture import SPECS, AlexNet, AlexNetSpec, Conv, Pool
from alexnet_lib.counts import crossings, trace

PAPER = SPECS["paper"]
# layer: (kernel maps or units, side, parameters, multiply-accumulates)
PAPER_LAYERS = {
    "conv1": (96, 55, 34_944, 55**2 * 96 * 3 * 11**2),
    "conv2": (256, 27, 307_456, 27**2 * 256 * 48 * 5**2),
    "conv3": (384, 13, 885_120, 13**2 * 384 * 256 * 3**2),
    "conv4": (384, 13, 663_936, 13**2 * 384 * 192 * 3**2),
    "conv5": (256, 13, 442_624, 13**2 * 256 * 192 * 3**2),
    "fc6": (4096, None, 37_752_832, 6**2 * 256 * 4096),
    "fc7": (4096, None, 16_781_312, 4096 * 4096),
    "fc8": (1000, None, 4_097_000, 4096 * 1000),
}
REVIEW_LAYERS = {  # no groups, ten classes: the review notes' table row by row
    "conv1": 34_944,
    "conv2": 614_656,
    "conv3": 885_120,
    "conv4": 1_327_488,
    "conv5": 884_992,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
    "fc8": 40_970,
}
ONE_GPU_LAYERS = {  # conv1 to conv4 halved
    "conv1": 48 * 3 * 121 + 48,
    "conv2": 128 * 48 * 25 + 128,
    "conv3": 192 * 128 * 9 + 192,
    "conv4": 192 * 192 * 9 + 192,
    "conv5": 256 * 192 * 9 + 256,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
    "fc8": 4_097_000,
}
PARAMETERS = {
    "paper": 60_965_224,
    "source-2012": 60_965_224,
    "one-gpu": 59_798_312,
    "full-width": 62_378_344,
    "caffe": 60_965_224,
    "torchvision": 61_100_840,
    "review-004": 58_322_314,
}
FULLY_CONNECTED = 6**2 * 256 * 4096 + 4096 * 4096 + 4096 * 1000
MULTIPLY_ACCUMULATES = {  # below: places times kernels times the numbers that each kernel reads
    "paper": 724_406_816,
    "source-2012": 724_406_816,
    "one-gpu": 55**2 * 48 * 363
    + 27**2 * 128 * 48 * 25
    + 13**2 * 9 * (192 * 128 + 192 * 192 + 256 * 192)
    + FULLY_CONNECTED,
    "full-width": 1_135_256_096,
    "caffe": 724_406_816,
    "torchvision": 55**2 * 64 * 363
    + 27**2 * 192 * 64 * 25
    + 13**2 * 9 * (384 * 192 + 256 * 384 + 256 * 256)
    + FULLY_CONNECTED,
    "review-004": 1_135_256_096 - 4096 * 990,
}


def costs(spec, start=""):
    layers = [layer for layer in trace(spec) if layer.name.startswith(start)]
    return sum(layer.parameters for layer in layers), sum(layer.multiply_accumulates for layer in layers)


def test_every_layer_of_the_paper_is_as_worked_out_by_hand():
    layers = {layer.name: layer for layer in trace(PAPER) if layer.parameters}
    found = {
        name: (layer.channels, layer.size, layer.parameters, layer.multiply_accumulates)
        for name, layer in layers.items()
    }
    assert found == PAPER_LAYERS


def test_the_trace_of_the_paper_names_every_layer_in_order_with_its_output():
    outputs = [(layer.name, layer.channels, layer.size) for layer in trace(PAPER) if layer.size]
    assert outputs == [
        *(("conv1", 96, 55), ("relu1", 96, 55), ("norm1", 96, 55), ("pool1", 96, 27)),
        *(("conv2", 256, 27), ("relu2", 256, 27), ("norm2", 256, 27), ("pool2", 256, 13)),
        *(("conv3", 384, 13), ("relu3", 384, 13), ("conv4", 384, 13), ("relu4", 384, 13)),
        *(("conv5", 256, 13), ("relu5", 256, 13), ("pool5", 256, 6)),
    ]


@pytest.mark.parametrize("name", SPECS)
def test_parameters_and_multiply_accumulates_add_up(name):
    assert costs(SPECS[name]) == (PARAMETERS[name], MULTIPLY_ACCUMULATES[name])


def test_most_of_the_work_is_convolution_and_most_parameters_are_fully_connected():
    assert costs(PAPER, "conv") == (34_944 + 307_456 + 885_120 + 663_936 + 442_624, 665_784_864)
    assert costs(PAPER, "fc") == (37_752_832 + 16_781_312 + 4_097_000, 58_621_952)


@pytest.mark.parametrize(("name", "layers"), [("review-004", REVIEW_LAYERS), ("one-gpu", ONE_GPU_LAYERS)])
def test_other_tables_hold_row_by_row(name, layers):
    found = {layer.name: layer.parameters for layer in trace(SPECS[name]) if layer.parameters}
    assert found == layers


def test_neurons_are_659272_in_both_towers_together():
    neurons = {layer.name: layer.neurons for layer in trace(PAPER) if layer.neurons}
    assert neurons == {
        "conv1": 290_400,
        "conv2": 186_624,
        "conv3": 64_896,
        "conv4": 64_896,
        "conv5": 43_264,
        "fc6": 4096,
        "fc7": 4096,
        "fc8": 1000,
    }
    assert sum(neurons.values()) == 659_272


@pytest.mark.parametrize(
    "name",
    ["paper", *(pytest.param(name, marks=pytest.mark.slow) for name in ("source-2012", "torchvision"))],
)
def test_an_output_sees_as_many_pixels_as_the_trace_says(name):
    """Column j of image j is not a number; an output is not a number where it sees column j."""
    width = 320  # enough that one output of the last layer sees no edge
    convs = tuple(replace(conv, out_channels=2) for conv in SPECS[name].convs)
    thin = replace(SPECS[name], convs=convs, hidden=(2,))
    features = AlexNet(thin).double().features
    images = torch.zeros(width, 3, 67, width, dtype=torch.float64)
    images[range(width), :, :, range(width)] = float("nan")

    maps, seen = images, {}
    with torch.no_grad():
        for layer_name, layer in features.named_children():
            maps = layer(maps)
            columns = maps[:, 0, 0].isnan()  # (column of the image, column of the map)
            first = columns.int().argmax(dim=0)
            whole = columns.sum(dim=0) == columns.sum(dim=0).max()
            starts = first[whole]
            seen[layer_name] = columns.sum(dim=0).max().item(), (starts[1:] - starts[:-1]).unique().tolist()

    assert {layer.name: layer.receptive_field for layer in trace(thin) if layer.size} == {
        layer_name: field for layer_name, (field, _) in seen.items()
    }
    for layer in trace(thin):
        # Deep layers have one output that sees no edge, so no neighbor to measure a stride by.
        if layer.size and seen[layer.name][1]:
            assert seen[layer.name][1] == [layer.stride]


def test_the_receptive_fields_of_the_paper_grow_to_195_pixels():
    fields = {layer.name: (layer.receptive_field, layer.stride) for layer in trace(PAPER) if layer.size}
    assert fields["conv1"] == (11, 4)
    assert fields["pool1"] == (19, 8)
    assert fields["conv5"] == (163, 16)
    assert fields["pool5"] == (195, 32)


def test_numbers_cross_before_conv3_and_the_fully_connected_layers():
    assert crossings(PAPER) == {"conv3": 256 * 13 * 13, "fc6": 256 * 6 * 6, "fc7": 4096, "fc8": 4096}


def test_nothing_crosses_in_one_tower():
    assert crossings(SPECS["full-width"]) == {}


def test_three_towers_cost_less_and_cross_more():
    three = replace(
        PAPER, towers=3, convs=tuple(replace(conv, out_channels=96) for conv in PAPER.convs), hidden=(6,)
    )
    layers = {layer.name: layer for layer in trace(three)}
    assert layers["conv2"].parameters == 96 * 32 * 25 + 96
    assert layers["conv3"].parameters == 96 * 96 * 9 + 96
    assert crossings(three)["conv3"] == 2 * 96 * 13 * 13


def test_the_side_follows_padding_stride_and_overhang():
    def sides(**conv):
        spec = AlexNetSpec("small", (Conv(4, **conv),), image_size=20, towers=1, hidden=())
        return [layer.size for layer in trace(spec) if layer.size]

    assert sides(kernel_size=5, then=()) == [16]
    assert sides(kernel_size=5, padding=2, then=()) == [20]
    assert sides(kernel_size=5, stride=4, then=()) == [4]
    assert sides(kernel_size=5, stride=4, ceil_mode=True, then=()) == [5]
    assert sides(kernel_size=5, then=(Pool(2, 3),)) == [16, 5]
