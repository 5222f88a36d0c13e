"""Errors worked by hand, and averages of probabilities that rank otherwise than averages of scores."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision.transforms.functional import ten_crop as torchvision_ten_crop

from alexnet_lib.evaluation import average_nets, ten_crop_probabilities, topk_error

SCORES = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
LABELS = torch.tensor([1, 1, 2, 2])  # ranks 1, 2, 1, 3


@pytest.mark.parametrize(("k", "error"), [(1, 0.5), (2, 0.25), (3, 0.0)])
def test_errors_are_those_counted_by_hand(k, error):
    assert topk_error(SCORES, LABELS, k) == error


@given(st.integers(1, 6), st.integers(0, 1000))
def test_agrees_with_sorting_where_no_two_scores_are_equal(k, seed):
    draw = torch.Generator().manual_seed(seed)
    scores = torch.stack([torch.randperm(6, generator=draw) for _ in range(20)]).float()
    labels = torch.randint(6, (20,), generator=draw)
    found = (scores.topk(k).indices == labels[:, None]).any(dim=1)
    assert topk_error(scores, labels, k) == pytest.approx(1 - found.float().mean().item())


def test_a_net_that_says_the_same_for_every_class_has_found_nothing():
    assert topk_error(torch.zeros(4, 10), torch.tensor([0, 3, 5, 9]), 5) == 1.0


def test_a_net_that_says_nan_has_found_nothing():
    scores = SCORES.clone()
    scores[0] = float("nan")
    assert topk_error(scores, LABELS, 3) == 0.25


@pytest.mark.parametrize(
    ("scores", "labels", "k", "words"),
    [
        (SCORES, LABELS, 0, "k is 0"),
        (SCORES, LABELS, 4, "there are 3 classes"),
        (SCORES[:0], LABELS[:0], 1, "no image"),
        (SCORES, LABELS[:2], 1, r"labels \(2,\)"),
        (SCORES, LABELS + 1, 1, "from 0 to 2"),
        (SCORES, LABELS.float(), 1, "whole numbers"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_words(scores, labels, k, words):
    with pytest.raises(ValueError, match=words):
        topk_error(scores, labels, k)


def test_what_is_no_tensor_is_refused_in_words():
    with pytest.raises(TypeError, match="scores is list"):
        topk_error([[0.1, 0.9]], LABELS, 1)
    with pytest.raises(TypeError, match="labels is list"):
        topk_error(SCORES, [1, 1, 2, 2], 1)


class Brightest(nn.Module):
    """Scores that depend on the whole crop, and on training mode."""

    def forward(self, crops):
        rows = crops.mean(dim=1)
        scores = torch.stack([rows[:, 0].mean(1), rows[:, :, 0].mean(1), rows.mean((1, 2))], dim=1) / 20
        return scores * (0.0 if self.training else 1.0)


def test_probabilities_are_averaged_over_torchvisions_ten_crops():
    images = torch.randint(
        0, 256, (5, 3, 12, 14), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    mean = torch.tensor([100.0, 110.0, 120.0]).view(3, 1, 1)
    net = Brightest()
    crops = torch.stack(torchvision_ten_crop(images, 8), dim=1).float()  # (5, 10, 3, 8, 8)
    net.eval()
    expected = torch.stack([net(ten - mean).softmax(1).mean(0) for ten in crops])
    net.train()
    torch.testing.assert_close(ten_crop_probabilities(net, images, 8, mean=mean, batch=2), expected)
    assert net.training  # left as it was


def test_averaging_probabilities_and_averaging_scores_can_rank_otherwise():
    scores = torch.tensor([[4.0, 0.0], [-1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    assert scores.mean(0).argmax() == 0
    assert average_nets([row.softmax(0)[None] for row in scores]).argmax() == 1


def test_several_nets_must_judge_the_same_images():
    with pytest.raises(ValueError, match="same images"):
        average_nets([torch.ones(2, 3), torch.ones(3, 3)])
    with pytest.raises(ValueError, match="at least one net"):
        average_nets([])
