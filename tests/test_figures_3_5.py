"""The figures of §3.5 say and draw what was worked out by hand."""

import re

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from alexnet_lib.data.images import rescale_and_crop
from alexnet_lib.dataset import photographs
from alexnet_lib.figures import (
    active_units,
    edge_windows,
    fields_on_photograph,
    middle_field,
    parameters_and_arithmetic,
    who_reads_what,
)

PICTURE_BYTES = 80_000


@pytest.mark.parametrize(
    "words",
    [
        "224 pixels, floor: 54 windows, the first from pixel 0, the last over pixels 212 to 222 of 0 to 223",
        "ceil (source 2012): 55 windows, the first from pixel 0, the last over pixels 216 to 226 of 0 to 223",
        "227 pixels, floor: 55 windows, the first from pixel 0, the last over pixels 216 to 226 of 0 to 226",
        "padding 2, floor: 55 windows, the first from pixel -2, the last over pixels 214 to 224 of 0 to 223",
    ],
)
def test_the_four_readings_put_their_windows_where_a_pencil_does(words):
    assert words in edge_windows().alt


def test_conv3_and_the_fully_connected_layers_alone_read_both_towers():
    reads = dict(re.findall(r"(\w+) reads ([\w ]+)", who_reads_what().alt))
    assert reads.pop("conv1") == "the image"
    across = {name for name, towers in reads.items() if towers == "both towers"}
    assert across == {"conv3", "fc6", "fc7", "fc8"}
    assert {reads[name] for name in reads.keys() - across} == {"own tower"}


def test_the_shares_of_parameters_and_of_work_are_those_of_section_c_and_sum_to_100():
    shares = re.findall(r"(\w+\d) (\d+\.\d) and (\d+\.\d)", parameters_and_arithmetic().alt)
    assert [name for name, *_ in shares] == [*(f"conv{i}" for i in range(1, 6)), "fc6", "fc7", "fc8"]
    parameters, work = (sum(float(share[column]) for share in shares) for column in (1, 2))
    assert parameters == pytest.approx(100, abs=0.4)
    assert work == pytest.approx(100, abs=0.4)
    assert shares[5][1] == f"{100 * 37_752_832 / 60_965_224:.1f}"
    assert shares[1][2] == f"{100 * 223_948_800 / 724_406_816:.1f}"


def test_active_units_are_told_to_the_nearest_ten():
    alt = active_units({"conv1": (0.502, 0.498), "conv2": (0.688, 0.31)}).alt
    assert "conv1 50 and 50; conv2 70 and 30" in alt


def positive_net(depth):
    """The paper's net up to a layer with one map, all weights 1 and mean pooling: every pixel seen counts."""
    windows = [(11, 4, 0), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1)][:depth]
    layers = []
    for number, (z, s, padding) in enumerate(windows, 1):
        conv = nn.Conv2d(1, 1, z, s, padding, bias=False, dtype=torch.float64)
        nn.init.ones_(conv.weight)
        layers += [conv, nn.AvgPool2d(3, 2)] if number in (1, 2) and number < depth else [conv]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("depth", range(1, 6))
def test_the_middle_unit_depends_on_the_pixels_of_its_field_and_on_no_others(depth):
    image = torch.zeros(1, 1, 224, 224, dtype=torch.float64, requires_grad=True)
    maps = positive_net(depth)(F.pad(image, (0, 3, 0, 3)))
    middle = maps.shape[-1] // 2
    maps[0, 0, middle, middle].backward()
    for seen in (image.grad[0, 0].sum(0), image.grad[0, 0].sum(1)):
        pixels = seen.nonzero().flatten()
        start, side = middle_field(f"conv{depth}")
        assert pixels.tolist() == list(range(start, start + side))


def test_an_unknown_layer_is_refused_with_the_names_that_exist():
    with pytest.raises(ValueError, match=r"name is 'pool1'.* conv1 to conv5"):
        middle_field("pool1")


def test_the_photograph_fits_the_page_and_names_each_side():
    picture = fields_on_photograph(rescale_and_crop(photographs()["coffee"], 224))
    assert "conv1 11 x 11, conv2 51 x 51, conv3 99 x 99, conv5 163 x 163" in picture.alt
    assert len(picture.png) < PICTURE_BYTES


def test_no_figure_stays_open():
    edge_windows(), who_reads_what(), parameters_and_arithmetic()
    assert plt.get_fignums() == []
