"""The figures and the table of §3.2 say what was worked out by hand."""

import re

import pytest
from torch import nn

from alexnet_lib import paper
from alexnet_lib.figures import bytes_by_batch, connections, what_would_cross
from alexnet_lib.tables import nets_of_section_3_2, towers_in_the_logs

PICTURE_BYTES = 80_000


def test_grouped_kernels_read_the_maps_of_their_tower_and_others_all():
    picture = connections({"conv2": nn.Conv2d(96, 256, 5, groups=2), "conv3": nn.Conv2d(256, 384, 3)})
    for words in (
        "conv2: kernels 0 to 127 read maps 0 to 47",
        "conv2: kernels 128 to 255 read maps 48 to 95",
        "conv3: kernels 0 to 191 read maps 0 to 255",
        "conv3: kernels 192 to 383 read maps 0 to 255",
    ):
        assert words in picture.alt


def test_conv3_reads_the_fewest_numbers_of_all_convolutions_and_only_four_layers_cross():
    found = dict(re.findall(r"before (\w+) ([\d,]+ \(\w+\))", what_would_cross().alt))
    assert found == {
        "conv2": f"{96 * 27 * 27:,} (stays)",
        "conv3": f"{256 * 13 * 13:,} (crosses)",
        "conv4": f"{384 * 13 * 13:,} (stays)",
        "conv5": f"{384 * 13 * 13:,} (stays)",
        "fc6": f"{256 * 6 * 6:,} (crosses)",
        "fc7": "4,096 (crosses)",
        "fc8": "4,096 (crosses)",
    }


def test_the_lines_of_towers_and_of_halves_of_a_batch_meet_near_a_thousand_images():
    alt = bytes_by_batch().alt
    at_128, halves, meet = (float(n) for n in re.findall(r"(\d+) (?:MB at 128|MB at any|images)", alt))
    assert at_128 == pytest.approx(128 * 4 * (2 * 60_672 + 1000) / 1e6, abs=0.5)
    assert halves == pytest.approx(2 * 4 * 60_965_224 / 1e6, abs=0.5)
    assert meet == pytest.approx(2 * 60_965_224 / (2 * 60_672 + 1000), abs=0.5)


@pytest.mark.parametrize(
    "picture",
    [what_would_cross, bytes_by_batch, lambda: connections({"conv3": nn.Conv2d(256, 384, 3)})],
)
def test_the_pictures_are_light(picture):
    assert len(picture().png) < PICTURE_BYTES


def test_run_150_has_as_many_parameters_as_the_paper_within_half_a_per_cent():
    table = nets_of_section_3_2()
    parameters = dict(zip(table.column("net"), table.column("parameters"), strict=True))
    convolutions = (
        96 * (11 * 11 * 3 + 1),
        320 * (5 * 5 * 48 + 1),
        384 * (3 * 3 * 160 + 1),
        384 * (3 * 3 * 192 + 1),
        256 * (3 * 3 * 192 + 1),
    )
    units = (8192 * (128 * 6 * 6 + 1), 4096 * (4096 + 1), 1000 * (4096 + 1))
    assert parameters["run 150"] == f"{sum(convolutions) + sum(units):,}"
    assert parameters["paper"] == "60,965,224"
    assert parameters["one-gpu"] == "59,798,312"
    assert dict(zip(table.column("net"), table.column("numbers that cross"), strict=True)) == {
        "one-gpu": "0",
        "paper": "60,672",
        "full-width": "0",
        "run 150": "4,096",
    }
    assert abs(1 - (sum(convolutions) + sum(units)) / 60_965_224) < 0.005


def test_the_logged_errors_are_apart_by_the_points_of_the_claims():
    two_towers, no_communication = (claim.source for claim in paper.claims("3.2"))
    rows = {(images, net): rest for images, net, *rest in towers_in_the_logs().rows}
    assert rows["2010 test", "one-gpu"] == ["39.17 / 18.23", "+1.70 / +1.23"]
    assert rows["2010 test", "paper"] == ["37.47 / 17.00", ""]
    assert rows["2012 validation", "run 150"] == ["41.83 / 19.33", "+1.16 / +1.12"]
    assert rows["2012 validation", "paper"] == ["40.66 / 18.21", ""]
    assert two_towers.startswith("1.70 / 1.23 points")
    assert no_communication.startswith("1.16 / 1.12 points")
