"""A net as data: shapes and costs by arithmetic alone, against numbers worked out by hand (§3.5)."""

import dataclasses
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from alexnet_lib.architecture import SPECS, AlexNet
from alexnet_lib.spec import AlexNetSpec, BatchNorm, Conv, Norm, Pool, Relu, SpatialNorm, crossings, trace

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
MULTIPLY_ACCUMULATES = {
    "paper": 724_406_816,
    "source-2012": 724_406_816,
    "full-width": 1_135_256_096,
    "caffe": 724_406_816,
    "review-004": 1_135_256_096 - 4096 * 990,
}


def costs(spec, start=""):
    layers = [layer for layer in trace(spec) if layer.name.startswith(start)]
    return sum(layer.parameters for layer in layers), sum(layer.multiply_accumulates for layer in layers)


def test_every_layer_of_the_paper_is_as_worked_out_by_hand():
    layers = {layer.name: layer for layer in trace(PAPER) if layer.parameters}
    found = {
        name: (layer.maps, layer.side, layer.parameters, layer.multiply_accumulates)
        for name, layer in layers.items()
    }
    assert found == PAPER_LAYERS


def test_the_trace_of_the_paper_names_every_layer_in_order_with_its_output():
    outputs = [(layer.name, layer.maps, layer.side) for layer in trace(PAPER) if layer.side]
    assert outputs == [
        *(("conv1", 96, 55), ("relu1", 96, 55), ("norm1", 96, 55), ("pool1", 96, 27)),
        *(("conv2", 256, 27), ("relu2", 256, 27), ("norm2", 256, 27), ("pool2", 256, 13)),
        *(("conv3", 384, 13), ("relu3", 384, 13), ("conv4", 384, 13), ("relu4", 384, 13)),
        *(("conv5", 256, 13), ("relu5", 256, 13), ("pool5", 256, 6)),
    ]


@pytest.mark.parametrize("name", SPECS)
def test_the_parameters_add_up(name):
    assert costs(SPECS[name])[0] == PARAMETERS[name]


@pytest.mark.parametrize("name", MULTIPLY_ACCUMULATES)
def test_the_multiply_accumulates_add_up(name):
    assert costs(SPECS[name])[1] == MULTIPLY_ACCUMULATES[name]


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


@pytest.mark.parametrize("name", ["paper", "source-2012", "torchvision"])
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

    assert {layer.name: layer.receptive_field for layer in trace(thin) if layer.side} == {
        layer_name: field for layer_name, (field, _) in seen.items()
    }
    for layer in trace(thin):
        # Deep layers have one output that sees no edge, so no neighbor to measure a stride by.
        if layer.side and seen[layer.name][1]:
            assert seen[layer.name][1] == [layer.stride]


def test_the_receptive_fields_of_the_paper_grow_to_195_pixels():
    fields = {layer.name: (layer.receptive_field, layer.stride) for layer in trace(PAPER) if layer.side}
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
        return [layer.side for layer in trace(spec) if layer.side]

    assert sides(z=5, then=()) == [16]
    assert sides(z=5, padding=2, then=()) == [20]
    assert sides(z=5, s=4, then=()) == [4]
    assert sides(z=5, s=4, ceil_mode=True, then=()) == [5]
    assert sides(z=5, then=(Pool(2, 3),)) == [16, 5]


@pytest.mark.parametrize("fact", [PAPER, PAPER.convs[0], *PAPER.convs[0].then, SpatialNorm(), *trace(PAPER)])
def test_a_spec_and_its_trace_cannot_be_changed(fact):
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.name = "mine"


def test_a_spec_is_a_key_and_equal_to_its_twin():
    assert {PAPER: "paper"}[replace(PAPER)] == "paper"
    assert replace(PAPER, classes=10) != PAPER


def test_steps_build_the_layers_that_they_describe():
    assert repr(Relu().module()) == "ReLU()"
    assert repr(Pool(2, 2).module()) == "MaxPool(z=2, s=2, ceil=False)"
    assert repr(SpatialNorm(3).module()).startswith("SpatialResponseNorm(n=3,")
    assert repr(Norm(3, 1.0, 0.5, 0.6, towers=1, alpha_over_n=True).module()) == (
        "LocalResponseNorm(n=3, k=1, alpha=0.5, beta=0.6, towers=1, alpha_over_n=True)"
    )


def test_batch_norm_is_torchs_and_needs_as_many_maps_as_its_convolution():
    assert isinstance(BatchNorm(8).module(), torch.nn.BatchNorm2d)
    assert BatchNorm(8).module().num_features == 8
    with pytest.raises(
        ValueError, match=r"maps is 8 in BatchNorm, and the convolution .* has 16.*BatchNorm\(16\)"
    ):
        Conv(16, kernel_size=3, then=(Relu(), BatchNorm(8)))


def test_batch_norm_learns_two_numbers_a_map_and_reads_no_other_tower():
    def batch(conv):
        return replace(
            conv, then=tuple(BatchNorm(conv.out_channels) if isinstance(s, Norm) else s for s in conv.then)
        )

    spec = replace(PAPER, name="batch", convs=(*map(batch, PAPER.convs[:2]), *PAPER.convs[2:]))
    learned = {layer.name: layer.parameters for layer in trace(spec) if layer.name.startswith("batch_norm")}
    assert learned == {"batch_norm1": 2 * 96, "batch_norm2": 2 * 256}
    with torch.device("meta"):
        weights = AlexNet(spec).parameters()
    assert costs(spec)[0] == sum(weight.numel() for weight in weights)
    assert crossings(spec) == crossings(PAPER)


def test_the_steps_defaults_are_the_papers():
    assert dataclasses.asdict(Norm()) == {
        "n": 5,
        "k": 2.0,
        "alpha": 1e-4,
        "beta": 0.75,
        "towers": 2,
        "alpha_over_n": False,
    }
    assert dataclasses.asdict(Pool()) == {"z": 3, "s": 2}


def test_numpy_numbers_do_as_well():
    spec = replace(PAPER, image_size=np.int64(224), classes=np.int64(10), hidden=(np.int64(8),))
    assert costs(spec, "fc")[0] == 256 * 36 * 8 + 8 + 8 * 10 + 10


WRONG_CONVS = [
    ({"maps": 0}, ValueError, r"^maps is 0, and must be at least 1: .* \(§3\.5: 96 in conv1\)"),
    ({"z": 0}, ValueError, r"^z is 0, and must be at least 1: .* \(§3\.5: 11 in conv1\)"),
    ({"s": 0}, ValueError, r"^s is 0, and must be at least 1: .* \(§3\.5: 4 in conv1, else 1\)"),
    ({"padding": -1}, ValueError, r"^padding is -1, and must be at least 0"),
    ({"padding": "same"}, TypeError, r"^padding is 'same', and must be a whole number"),
    ({"std": -0.01}, ValueError, r"^std is -0\.01, and must be at least 0: .* \(§5: 0\.01\)"),
    ({"bias": float("nan")}, ValueError, r"^bias is nan, and must be finite: .* \(§5: 0 or 1\)"),
    ({"after": (Relu(), "pool")}, TypeError, r"^after is .*'pool'.*, and must be a tuple such as \(Relu\(\)"),
    ({"after": [Relu()]}, TypeError, r"^after is \[Relu\(\)\], and must be a tuple"),
    ({"after": (Relu(), Pool(), Relu())}, ValueError, r"named after its step, .*: give each kind once"),
    ({"after": (Norm(n=0),)}, ValueError, r"^n is 0, and must be at least 1: .* \(§3\.3: n = 5\)"),
    ({"after": (Pool(z=0),)}, ValueError, r"^z is 0, and must be at least 1: .* \(§3\.4: z = 3\)"),
    ({"after": (SpatialNorm(4),)}, ValueError, r"^n is 4, .* use 5"),
]


@pytest.mark.parametrize(("wrong", "error", "words"), WRONG_CONVS)
def test_a_convolution_that_cannot_be_built_says_which_field(wrong, error, words):
    with pytest.raises(error, match=words):
        Conv(**{"out_channels": 8, "kernel_size": 3} | wrong)


def first(**changes):
    return (replace(PAPER.convs[0], **changes), *PAPER.convs[1:])


WRONG_SPECS = [
    ({"image_size": 0}, ValueError, r"^image_size is 0, and must be at least 1: .* \(§3\.5: 224\)"),
    ({"image_size": 224.0}, TypeError, r"^image_size is 224\.0, and must be a whole number"),
    (
        {"image_size": 30},
        ValueError,
        r"^image_size is 30, and in layer 2 of 'paper' maps run out of pixels \(.*\)\. §3\.5 uses 224: "
        r"give a larger image_size$",
    ),
    ({"image_size": 10}, ValueError, r"^image_size is 10, and in layer 1 of 'paper'"),
    ({"towers": 0}, ValueError, r"^towers is 0, and must be at least 1: §3\.2 has 2"),
    ({"classes": 0}, ValueError, r"^classes is 0, and must be at least 1: .* \(§3\.5: 1000\)"),
    ({"dropout": 1.5}, ValueError, r"^dropout is 1\.5, and must be from 0 to 1: .* \(§4\.2: 0\.5\)"),
    ({"convs": ()}, ValueError, r"^convs is empty, .* \(§3\.5 has five\): give at least one"),
    ({"convs": list(PAPER.convs)}, TypeError, r"^convs is \[.*, and must be a tuple such as \(Conv\(96"),
    ({"convs": (96,)}, TypeError, r"^convs is \(96,\), and must be a tuple such as"),
    (
        {"convs": first(maps=97)},
        ValueError,
        r"^conv1 has 97 kernel maps, and 2 towers need a multiple of 2: §3\.2 .* Use 98, or towers=1$",
    ),
    ({"convs": first(grouped=True)}, ValueError, r"^conv1 has grouped=True, .* §3\.5 .* grouped=False"),
    ({"towers": 1, "convs": first(maps=97)}, ValueError, r"^conv1 has 97 kernel maps, and 2 towers"),
    ({"hidden": 4096}, TypeError, r"^hidden is 4096, and must be a tuple such as \(4096, 4096\)"),
    ({"hidden": (4096, 0)}, ValueError, r"^hidden is 0, and must be at least 1: it counts the units of fc7"),
    ({"hidden": (4095,)}, ValueError, r"^fc6 has 4095 units, and 2 towers .* Use 4096, or towers=1"),
    ({"hidden_std": -1}, ValueError, r"^hidden_std is -1, and must be at least 0"),
    ({"hidden_bias": "1"}, TypeError, r"^hidden_bias is '1', and must be a number"),
]


@pytest.mark.parametrize(("wrong", "error", "words"), WRONG_SPECS)
def test_a_net_that_cannot_be_built_says_which_field(wrong, error, words):
    with pytest.raises(error, match=words):
        replace(PAPER, **wrong)


def test_the_smallest_image_that_the_paper_takes_is_the_one_the_error_asks_for():
    smallest = next(size for size in range(1, 225) if is_large_enough(size))
    assert [layer.side for layer in trace(replace(PAPER, image_size=smallest)) if layer.name == "pool5"] == [
        1
    ]
    assert not is_large_enough(smallest - 1)


def is_large_enough(size):
    try:
        replace(PAPER, image_size=size)
    except ValueError:
        return False
    return True


def test_importing_the_net_imports_neither_torchvision_nor_the_notebooks_packages():
    heavy = ["torchvision", "matplotlib", "skimage", "IPython", "anywidget", "torchinfo"]
    program = f"import sys, alexnet_lib.architecture; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
