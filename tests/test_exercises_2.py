"""The checkers of §2 accept the solution and refuse what readers typically write instead."""

import pytest
import torch

from alexnet_lib.exercises import check_centring, check_guessing, check_lost_share, check_ranks


@pytest.mark.parametrize("answer", [1 / 3, 0.3333, 200 / 600])
def test_a_third_of_three_to_two_is_cut_off(answer):
    assert check_lost_share(answer).right


@pytest.mark.parametrize(
    "answer",
    [2 / 3, 1 - 256**2 / (400 * 600), 128 / 384 + 0.01, None],
    ids=["kept", "pixels", "near", "no answer"],
)
def test_a_wrong_share_is_refused(answer):
    assert not check_lost_share(answer).right


def test_five_guesses_of_a_thousand_miss_995():
    assert check_guessing(0.995).right


@pytest.mark.parametrize(
    "answer", [0.005, 0.999, 99.5, "0.995"], ids=["found", "top-1", "per cent", "a word"]
)
def test_a_wrong_guess_is_refused(answer):
    assert not check_guessing(answer).right


def by_sorting(scores, labels):
    order = scores.argsort(dim=1, descending=True)
    return (order == labels[:, None]).int().argmax(dim=1) + 1


def by_loop(scores, labels):
    return torch.tensor([1 + sum(row > row[label]) for row, label in zip(scores, labels, strict=True)])


@pytest.mark.parametrize("answer", [by_sorting, by_loop])
def test_two_ways_to_find_ranks_are_right(answer):
    assert check_ranks(answer).right


WRONG_RANKS = {
    "counted from 0": lambda scores, labels: by_sorting(scores, labels) - 1,
    "from the lowest": lambda scores, labels: by_sorting(-scores, labels),
    "sorted but not searched": lambda s, labels: s.argsort(1, descending=True).gather(1, labels[:, None])[
        :, 0
    ],
    "their mean": lambda scores, labels: by_sorting(scores, labels).float().mean(),
    "a column": lambda scores, labels: by_sorting(scores, labels)[:, None],
    "a list": lambda scores, labels: by_sorting(scores, labels).tolist(),
    "raises": lambda scores: scores,
}


@pytest.mark.parametrize("answer", WRONG_RANKS.values(), ids=WRONG_RANKS.keys())
def test_wrong_ranks_are_refused(answer):
    assert not check_ranks(answer).right


def test_ranks_from_0_are_told_to_add_one():
    assert "one more than the number" in check_ranks(WRONG_RANKS["counted from 0"]).message


@pytest.mark.parametrize(
    "answer",
    [
        lambda train, images: images.float() - train.float().mean(dim=0),
        lambda train, images: images - train.double().mean(dim=0),
    ],
    ids=["float32", "float64"],
)
def test_the_training_sets_mean_image_is_right(answer):
    assert check_centring(answer).right


WRONG_CENTERS = {
    "the images' own mean": lambda train, images: images.float() - images.float().mean(dim=0),
    "one number": lambda train, images: images.float() - train.float().mean(),
    "a mean for each color": lambda train, images: (
        images.float() - train.float().mean((0, 2, 3))[:, None, None]
    ),
    "bytes": lambda train, images: images - train.float().mean(dim=0).to(torch.uint8),
    "divided too": lambda train, images: (images.float() - train.float().mean(dim=0)) / 255,
    "raises": lambda train, images: images - train.mean(dim=0),
}


@pytest.mark.parametrize("answer", WRONG_CENTERS.values(), ids=WRONG_CENTERS.keys())
def test_a_wrong_center_is_refused(answer):
    assert not check_centring(answer).right


def test_bytes_are_told_to_become_floats():
    assert "float before you subtract" in check_centring(WRONG_CENTERS["bytes"]).message
