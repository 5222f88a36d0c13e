"""`TowerExplorer`: what the GPUs transfer, against torch's layers and numbers worked by hand."""

import pytest
import torch
from torch import nn

from alexnet_lib.towers import maps_of, separate
from alexnet_lib.widgets import TowerExplorer

from .pages import ask

# channels x height x width before each layer, worked by hand from §3.5.
BELOW = {
    "conv2": 96 * 27 * 27,
    "conv3": 256 * 13 * 13,
    "conv4": 384 * 13 * 13,
    "conv5": 384 * 13 * 13,
    "fc6": 256 * 6 * 6,
    "fc7": 4096,
    "fc8": 4096,
}
READERS = {"paper": ["conv3", "fc6", "fc7", "fc8"], "none": [], "every": list(BELOW)}

every_wiring = pytest.mark.parametrize("wiring", READERS)


@every_wiring
@pytest.mark.parametrize("training", [False, True])
def test_a_number_crosses_once_for_each_reader_on_the_other_gpu(wiring, training):
    expected = {name: BELOW[name] * (1 + training) if name in READERS[wiring] else 0 for name in BELOW}
    widget = TowerExplorer(wiring=wiring, training=training, batch=10, bytes=2)
    assert widget.sent() == expected
    assert widget.reference() == [*expected.values(), 20 * sum(expected.values())]


def test_the_paper_sends_60672_numbers_for_an_image():
    assert sum(TowerExplorer().sent().values()) == 43_264 + 9_216 + 4_096 + 4_096
    assert sum(TowerExplorer(wiring="every").sent().values()) == 260_448


def test_both_directions_together_are_what_two_separate_halves_lack():
    """conv3's two towers as two layers: each needs the half of its inputs that the other one made."""
    conv3 = nn.Conv2d(256, 384, 3, padding=1)
    inputs = torch.zeros(1, 256, 13, 13)
    lacking = [
        inputs[:, [m for m in range(conv3.in_channels) if m not in maps_of(tower, 256)]].numel()
        for tower in range(2)
    ]
    assert sum(lacking) == TowerExplorer().sent()["conv3"]
    # A grouped layer of the same kind lacks nothing.
    own = separate(nn.Conv2d(256, 384, 3, padding=1, groups=2))
    assert [part.in_channels for part in own] == [len(maps_of(tower, 256)) for tower in range(2)]


@pytest.mark.browser
@every_wiring
@pytest.mark.parametrize("training", [False, True])
def test_the_page_counts_the_same(arena, wiring, training):
    widget = TowerExplorer(wiring=wiring, training=training)
    expected = [BELOW[name] * (1 + training) if name in READERS[wiring] else 0 for name in BELOW]
    assert ask(arena, "towers.sent", widget.data, widget.values()) == expected


@pytest.mark.browser
@pytest.mark.parametrize("maps", [2, 96, 256, 4096])
def test_the_page_halves_maps_as_the_library_does(arena, maps):
    for tower in range(2):
        own = maps_of(tower, maps)
        assert ask(arena, "towers.half", maps, str(tower + 1)) == [own[0], own[-1]]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"layer": "conv2", "tower": "2"}, "conv2 on GPU 2 reads channels 48 to 95 of pool1, its own half;"),
        ({"layer": "conv4", "tower": "1"}, "conv4 on GPU 1 reads channels 0 to 191 of conv3, its own half;"),
        ({"layer": "conv3", "tower": "2"}, "reads all 256 channels of pool2, 128 of them from GPU 1;"),
        ({"layer": "fc7"}, "reads all 4096 units of fc6, 2048 of them from GPU 2;"),
        ({"layer": "fc7", "wiring": "none"}, "reads units 0 to 2047 of fc6, its own half;"),
        ({}, "transfers 60,672 values for one image, forward: 31.1 MB for a batch of 128 at 4 bytes each."),
        (
            {"training": True, "batch": 1, "bytes": 1},
            "forward and backward: 0.121 MB for a batch of 1 at 1 byte each",
        ),
        ({"wiring": "none"}, " transfers 0 values for one image, forward: 0 MB"),
    ],
)
def test_the_summary_says_who_reads_what_and_what_that_costs(setting, words):
    assert words in TowerExplorer(**setting).summary()
