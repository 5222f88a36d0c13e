"""The figures of §6 and §6.1: light enough for the page, and their words hold what they draw."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import figures
from alexnet_lib.dataset import load
from alexnet_lib.qualitative import nearest, recorded_first_layer, topk_labels

CLASSES = ("ant", "bee", "cat")
COUNTS = torch.tensor([[5, 3, 0], [0, 4, 1], [2, 0, 5]])


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


def test_the_confusions_are_named_from_true_to_guessed_largest_first():
    alt = figures.confusion_picture(COUNTS, CLASSES).alt
    assert "diagonal holds 14 of 20 images, 70%" in alt
    assert "Taken most often: ant for bee (3), cat for ant (2), bee for cat (1)." in alt


def test_a_net_without_mistakes_has_no_confusions_and_no_orange():
    picture = figures.confusion_picture(torch.eye(3, dtype=torch.int64), CLASSES)
    assert "No image is taken for another class." in picture.alt
    assert not is_orange(pixels(picture)).any()
    assert is_orange(pixels(figures.confusion_picture(COUNTS, CLASSES))).any()


def is_orange(rgb):
    return (rgb[..., 0] > rgb[..., 2] + 60) & (rgb[..., 0] > rgb[..., 1] + 30)


def test_counts_of_no_image_are_drawn_too():
    picture = figures.confusion_picture(torch.zeros(3, 3, dtype=torch.int64), CLASSES)
    assert "0 of 0 images, 0%" in picture.alt


def test_counts_of_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"counts has shape \(3, 3\), and must be \(2, 2\)"):
        figures.confusion_picture(COUNTS, CLASSES[:2])


def test_the_guesses_are_told_with_the_place_of_the_right_one():
    alt = figures.top_guesses({"cat": ("dog", "cat"), "boat": ("sea", "dock")}).alt
    assert "cat: dog, cat; the right label is guess 2" in alt
    assert "boat: sea, dock; the right label is not among them" in alt


def test_the_steps_of_the_margin_are_told_with_their_numbers():
    assert (
        "second 26.2 %, one net 18.2 %" in figures.steps_of_the_margin({"second": 26.2, "one\nnet": 18.2}).alt
    )


def test_nets_and_their_average_are_compared_in_words():
    nets = {"a": (0.4, 0.3), "b": (0.2, 0.25), "c": (0.5, 0.2)}
    alt = figures.nets_and_average({**nets, "average of 3": (0.3, 0.22)}).alt
    assert "lower for 2 of 3 nets" in alt
    assert "The average of 3, with ten crops, is lower than 2 of 3." in alt


def gray_and_red():
    """Kernels of two towers: the first gray from dark to light, the second red against green, weaker."""
    kernels = torch.zeros(4, 3, 3, 3)
    kernels[:2] = torch.linspace(-1, 1, 3)
    kernels[2:, 0], kernels[2:, 1] = 0.1, -0.1
    return kernels


def test_a_kernels_zero_is_gray_and_its_largest_weight_is_full():
    drawn = {tuple(rgb) for rgb in pixels(figures.first_layer_kernels(gray_and_red())).reshape(-1, 3)}
    assert {(0, 0, 0), (127, 127, 127), (255, 255, 255), (255, 0, 127)} <= drawn


def test_one_scale_for_all_makes_weak_kernels_pale():
    drawn = {
        tuple(rgb) for rgb in pixels(figures.first_layer_kernels(gray_and_red(), shared=True)).reshape(-1, 3)
    }
    assert (255, 0, 127) not in drawn
    assert (140, 114, 127) in drawn  # 127.5 plus and minus a tenth


def test_the_kernels_are_told_tower_by_tower_with_the_extremes():
    alt = figures.first_layer_kernels(gray_and_red()).alt
    assert "tower 1, kernels 0 to 1: mean colorfulness 0.00" in alt
    assert "tower 2, kernels 2 to 3: mean colorfulness 1.00" in alt
    assert "its own largest weight" in alt
    assert "tower" not in figures.first_layer_kernels(gray_and_red(), 1).alt


def test_the_dots_of_colorfulness_are_told_with_range_and_mean():
    alt = figures.colorfulness_by_tower({"all": gray_and_red()}).alt
    assert "all: 4 kernels from 0.00 to 1.00, mean 0.50, 2 below 0.2" in alt


def test_the_place_of_the_right_label_is_told_for_every_image():
    probabilities = torch.tensor([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    alt = figures.five_labels(images, topk_labels(probabilities, CLASSES, k=2), ("bee", "cat")).alt
    assert "2 most probable labels" in alt
    assert "bee: guess 2; cat: not among them" in alt


def test_the_nearest_are_counted_query_by_query():
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    same = torch.tensor([[True, True, False], [False, False, False]])
    picture = figures.nearest_images(images, images[:, None].expand(-1, 3, -1, -1, -1), same, "pixels")
    assert (
        "3 nearest training images by pixels. Of these have the query's label, query by query: 2, 0."
        in picture.alt
    )


def nearest_of_real_patches():
    train, test = load("ten-photos", "train"), load("ten-photos", "test")
    chosen = torch.arange(50, 1000, 300)
    found, _ = nearest(test.images[chosen], train.images[::10], 5)
    same = train.labels[::10][found] == test.labels[chosen][:, None]
    return figures.nearest_images(test.images[chosen], train.images[::10][found], same, "pixels")


def eight_real_patches():
    test = load("ten-photos", "test")
    chosen = torch.arange(50, 800, 100)
    guesses = topk_labels(torch.eye(10)[:8], test.classes)
    return figures.five_labels(test.images[chosen], guesses, tuple(test.classes[:8]))


DRAW = {
    "confusions": lambda: figures.confusion_picture(40 * torch.eye(10).long() + 1, tuple("abcdefghij")),
    "guesses": lambda: figures.top_guesses({"cat": tuple("abcde")}),
    "steps": lambda: figures.steps_of_the_margin({"second": 26.2, "one net": 18.2}),
    "nets": lambda: figures.nets_and_average({"a": (0.4, 0.3), "average": (0.3, 0.2)}),
    "kernels": lambda: figures.first_layer_kernels(recorded_first_layer().weight),
    "dots": lambda: figures.colorfulness_by_tower({"all": recorded_first_layer().weight}),
    "labels": eight_real_patches,
    "nearest": nearest_of_real_patches,
}


@pytest.mark.parametrize("name", DRAW)
def test_every_figure_of_section_6_is_light(name):
    assert 500 < len(DRAW[name]().png) < 80_000
