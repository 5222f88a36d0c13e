"""The facts of the paper and of the 2012 source, against the numbers of the texts written down here again."""

import dataclasses
import re

import pytest

from alexnet_lib import paper

SECTIONS = {"1", "2", "3", "3.1", "3.2", "3.3", "3.4", "3.5", "4", "4.1", "4.2", "5", "6", "6.1", "7"}

# Top-1 and top-5 error at the end of a run, from the comments in layers/layer-params-N.cfg.
LOGS = {
    "145-2010": (0.374727, 0.169987),
    "145-2010, center": (0.390247, 0.182953),
    "145": (0.406640, 0.182100),
    "145, continued": (0.402500, 0.179940),
    "145-half": (0.391680, 0.182287),
    "147": (0.410580, 0.185100),
    "148": (0.420340, 0.193620),
    "150": (0.418280, 0.193300),
    "167": (0.404880, 0.181180),
    "170": (0.405280, 0.180480),
}
SOURCE_CLAIMS = {  # claim -> (run, the run it is compared with)
    "error-2010": ("145-2010", None),
    "error-2010-center": ("145-2010, center", None),
    "error-2012": ("145", None),
    "error-2012-continued": ("145, continued", None),
    "two-towers": ("145-half", "145-2010"),
    "no-communication": ("150", "145"),
    "lrn": ("148", "145"),
    "lrn-layer-2": ("167", "170"),
    "overlap": ("147", "145"),
    "ten-crops": ("145-2010, center", "145-2010"),
}
PAPER_CLAIMS = {  # claim -> (section, the numbers that the paper prints)
    "error-2010": ("6", [37.5, 17.0]),
    "error-2010-center": ("6", [39.0, 18.3]),
    "error-2012": ("6", [40.7, 18.2]),
    "error-2012-continued": ("6", []),
    "parameters": ("1", [60]),
    "neurons": ("1", [650_000]),
    "relu-speed": ("3.1", [6]),
    "two-towers": ("3.2", [1.7, 1.2]),
    "no-communication": ("3.2", []),
    "lrn": ("3.3", [1.4, 1.2]),
    "lrn-cifar": ("3.3", [13, 11]),
    "lrn-layer-2": ("3.3", []),
    "overlap": ("3.4", [0.4, 0.3]),
    "averaged-nets": ("6", [2.6, 1.8]),  # 40.7 - 38.1 and 18.2 - 16.4
    "overlap-overfitting": ("3.4", []),
    "tower-colors": ("6.1", []),
    "views": ("4.1", [32 * 32 * 2]),
    "color-noise": ("4.1", [1]),
    "ten-crops": ("4.1", [1.5, 1.3]),  # 39.0 - 37.5 and 18.3 - 17.0
    "dropout-time": ("4.2", [2]),
    "weight-decay": ("5", []),
    "depth": ("7", [2]),
}
DIFFERENCES = {  # subject -> section, and what has to stand in the columns paper, source, where
    "What alpha multiplies": ("3.3", "1e-4", "1e-4 / 5 = 2e-5", "layer.py:1183"),
    "Order in layer 1": ("3.3", "ReLU, normalization", "pooling, ReLU", "layers-145.cfg"),
    "Norms of layer 2": ("3.3", "one", "5 x 5 window, 0.001 / 25, exponent 0.75", "cnorm2a"),
    "Windows at the tower boundary": ("3.3", "not said", "never cross", "layers-145.cfg"),
    "How 224 pixels give 55 windows": ("3.5", "not said", "ceil((224 - 11) / 4) = 55", "layer.py:1004"),
    "Initial weights": ("5", "N(0, 0.01)", "0.03 in conv3, conv4, conv5", "initW"),
    "Initial biases": ("5", "1 in conv2, conv4, conv5 and the hidden", "the same", "initB"),
    "Learning rates": ("5", "divided by 10 three times", "bias rate 0.02 kept", "run 145"),
    "Color noise": ("4.1", "throughout", "divided by 1.1", "convdata_jpeg.py"),
    "A crop for each image": ("4.1", "random per image", "32 consecutive images", "crop_chunk"),
    "Crop positions": ("4.1", "32 x 32 x 2 = 2048", "33 x 33 x 2 = 2178", "randint"),
    "Dropout at test time": ("4.2", "times 0.5", "the same", "layers-145.cfg"),
}


def numbers(text):
    """The numbers of a text outside its parentheses."""
    plain = re.sub(r"\(.*?\)", "", text)
    return [float(found.replace(",", "")) for found in re.findall(r"[+-]?\d[\d,]*\.?\d*", plain)]


def claim(name):
    return next(claim for claim in paper.CLAIMS if claim.name == name)


def test_the_numbers_of_the_sections_are_those_printed():
    assert dataclasses.asdict(paper.LRN) == {"n": 5, "k": 2, "alpha": 0.0001, "beta": 0.75}
    assert dataclasses.asdict(paper.POOLING) == {"z": 3, "s": 2}
    assert dataclasses.asdict(paper.IMAGES) == {
        "stored": 256,
        "crop": 224,
        "classes": 1000,
        "training_images": 1_200_000,
        "noise_sigma": 0.1,
        "test_crops": 10,
    }
    assert dataclasses.asdict(paper.LEARNING) == {
        "batch_size": 128,
        "lr": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "epochs": 90,
        "max_drops": 3,
        "initial_std": 0.01,
        "dropout": 0.5,
    }
    assert paper.BIAS_ONE == ("conv2", "conv4", "conv5", "fc6", "fc7")


def test_the_neurons_of_the_caption_are_products_and_conv1_is_the_misprint():
    assert paper.NEURONS == {
        "input": 224 * 224 * 3,
        "conv1": 55 * 48 * 96,
        "conv2": 27 * 27 * 256,
        "conv3": 13 * 13 * 384,
        "conv4": 13 * 13 * 384,
        "conv5": 13 * 13 * 256,
        "fc6": 4096,
        "fc7": 4096,
        "fc8": 1000,
    }
    assert paper.ERRATA == {"conv1": 55 * 55 * 96}


def test_the_neurons_add_up_to_nearly_650000_once_the_misprint_is_mended():
    layers = {name: count for name, count in paper.NEURONS.items() if name != "input"}
    assert sum(layers.values()) == 622_312
    assert sum((layers | paper.ERRATA).values()) == 659_272


def test_every_claim_has_a_name_of_its_own_and_a_section_of_the_paper():
    names = [claim.name for claim in paper.CLAIMS]
    assert sorted(names) == sorted(PAPER_CLAIMS)
    assert {claim.section for claim in paper.CLAIMS} <= SECTIONS


@pytest.mark.parametrize("name", PAPER_CLAIMS)
def test_a_claim_prints_the_papers_numbers_in_the_papers_section(name):
    assert (claim(name).section, numbers(claim(name).paper)) == PAPER_CLAIMS[name]


@pytest.mark.parametrize("name", SOURCE_CLAIMS)
def test_a_source_value_rounds_what_the_2012_run_logged(name):
    run, against = SOURCE_CLAIMS[name]
    base = LOGS[against] if against else (0.0, 0.0)
    points = [round(100 * (error - other), 2) for error, other in zip(LOGS[run], base, strict=True)]
    assert numbers(claim(name).source) == points


def test_a_claim_without_a_run_has_no_source_value_but_the_count_of_views():
    assert {claim.name for claim in paper.CLAIMS if claim.source} == {*SOURCE_CLAIMS, "views"}
    assert numbers(claim("views").source)[0] == 33 * 33 * 2


@pytest.mark.parametrize("section", ["9", "§3.3", 3.3])
def test_a_section_without_claims_hears_which_have_some(section):
    with pytest.raises(ValueError, match=r"no claim stands there; choose from 1, 3\.1, 3\.2, 3\.3") as error:
        paper.claims(section)
    assert f"section is {section!r}" in str(error.value)


def test_paper_and_source_part_or_are_compared_in_twelve_points():
    assert [row.subject for row in paper.DIFFERENCES] == list(DIFFERENCES)
    assert len(DIFFERENCES) == 12


@pytest.mark.parametrize("subject", DIFFERENCES)
def test_a_difference_holds_both_values_and_where_the_source_says_so(subject):
    row = next(row for row in paper.DIFFERENCES if row.subject == subject)
    section, *fragments = DIFFERENCES[subject]
    assert row.section == section
    for fragment, column in zip(fragments, (row.paper, row.source, row.where), strict=True):
        assert fragment in column


def test_the_learning_rates_of_the_source_are_those_of_its_run():
    row = next(row for row in paper.DIFFERENCES if row.subject == "Learning rates")
    assert "weights 0.01 to 1e-5 in 3 steps; conv1 cut at 67, frozen at 72" in row.source
