"""Errors worked by hand, and averages of probabilities that rank otherwise than averages of scores."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision.transforms.functional import center_crop
from torchvision.transforms.functional import ten_crop as torchvision_ten_crop

from alexnet_lib.evaluation import (
    average_nets,
    center_crop_probabilities,
    confusion,
    per_class_errors,
    ten_crop_probabilities,
    topk_error,
    topk_misses,
    training_subset,
)

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


def test_classes_that_are_ruled_out_by_minus_infinity_do_no_harm_to_the_right_one():
    scores = torch.tensor([[2.0, 1.0, -torch.inf], [2.0, 1.0, -torch.inf], [torch.inf, 1.0, 0.0]])
    assert topk_misses(scores, torch.tensor([0, 2, 0]), 1).tolist() == [False, True, True]
    assert topk_misses(scores, torch.tensor([1, 2, 1]), 3).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("scores", "labels", "k", "words"),
    [
        (SCORES, LABELS, 4, "k is 4, and there are 3 classes"),
        (SCORES[:0], LABELS[:0], 1, "no image"),
        (SCORES, LABELS[:2], 1, r"labels has shape \(2,\)"),
        (SCORES, LABELS + 1, 1, "from 0 to 2"),
        (SCORES, LABELS.float(), 1, "whole numbers"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_words(scores, labels, k, words):
    with pytest.raises(ValueError, match=words):
        topk_error(scores, labels, k)


@pytest.mark.parametrize("n", [1, 7, 1000, 1001, 50_000])
def test_the_training_error_is_measured_on_at_most_a_thousand_images_evenly_spaced(n):
    indices = training_subset(n)
    steps = indices.diff()
    assert len(indices) == min(n, 1000)
    assert (indices[0], indices[-1] < n) == (0, True)
    assert len(steps) == 0 or steps.max() - steps.min() <= 1


def test_each_module_is_left_in_the_mode_that_it_was_in():
    frozen = nn.BatchNorm2d(3).eval()
    net = nn.Sequential(frozen, nn.Dropout(), nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    center_crop_probabilities(net, pictures(), 8)
    assert [module.training for module in net.modules()] == [True, False, True, True, True]
    with pytest.raises(ValueError, match="mean has shape"):
        ten_crop_probabilities(net, pictures(), 8, mean=torch.zeros(3))
    assert net.training


def test_averaging_probabilities_and_averaging_scores_can_rank_otherwise():
    scores = torch.tensor([[4.0, 0.0], [-1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    assert scores.mean(0).argmax() == 0
    assert average_nets([row.softmax(0)[None] for row in scores]).argmax() == 1


def test_several_nets_must_judge_the_same_images():
    with pytest.raises(ValueError, match="probabilities has shape"):
        average_nets([torch.ones(2, 3), torch.ones(3, 3)])
    with pytest.raises(ValueError, match="at least one net"):
        average_nets([])


class Sum(nn.Module):
    """Scores that see every pixel at its own place, none in training; its parameter lies on a device."""

    def __init__(self, size):
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(4, 3 * size * size, generator=draw) / 500)

    def forward(self, crops):
        return crops.flatten(1) @ self.weight.T * (not self.training)


def pictures(count=5, height=12, width=14):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=draw)


def mean_of(shape):
    return 255 * torch.rand(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("shape", [(3, 12, 14), (3, 8, 8), (3, 1, 1)])
def test_probabilities_are_averaged_over_torchvisions_ten_crops_without_the_mean(shape):
    """A mean as large as the image is subtracted before the crops are cut and reflected, others after."""
    images, net, mean = pictures(), Sum(8).eval(), mean_of(shape)
    whole = shape[1:] == images.shape[2:]
    crops = torchvision_ten_crop(images - mean if whole else images, 8)
    crops = torch.stack(crops, dim=1) - (0 if whole else mean)  # (5, 10, 3, 8, 8)
    expected = torch.stack([net(ten).softmax(1).mean(0) for ten in crops]).detach()
    found = ten_crop_probabilities(net.train(), images, 8, mean=mean, batch=2)
    torch.testing.assert_close(found, expected)
    assert net.training  # left as it was


@pytest.mark.parametrize("shape", [None, (3, 1, 1), (3, 8, 8), (3, 13, 15)])
def test_the_center_crop_is_torchvisions_and_loses_the_mean_of_its_place(shape):
    images, net = pictures(height=13, width=15), Sum(8).eval()
    mean = mean_of(shape) if shape else None
    whole = shape and shape[1:] == images.shape[2:]
    crops = center_crop(images - mean, 8) if whole else center_crop(images, 8) - (mean if shape else 0.0)
    expected = net(crops).softmax(1).detach()
    torch.testing.assert_close(center_crop_probabilities(net, images, 8, mean=mean, batch=2), expected)


@pytest.mark.parametrize("probabilities", [center_crop_probabilities, ten_crop_probabilities])
@pytest.mark.parametrize("mean", [torch.zeros(3), torch.zeros(3, 12, 12)])
def test_a_mean_of_another_shape_is_told_the_three_that_fit(probabilities, mean):
    with pytest.raises(ValueError, match=r"mean .*\(3, 1, 1\).*\(3, 8, 8\).*\(3, 12, 14\)"):
        probabilities(Sum(8), pictures(), 8, mean=mean)


@pytest.mark.parametrize("probabilities", [center_crop_probabilities, ten_crop_probabilities])
def test_every_batch_moves_to_the_nets_device_and_the_result_comes_back(probabilities):
    class Elsewhere(Sum):
        """A net on torch's device without memory, which refuses tensors from any other."""

        def forward(self, crops):
            seen.add(crops.device.type)
            return super().forward(crops)

    seen = set()
    with pytest.raises(NotImplementedError, match="meta"):  # its results cannot come back to the CPU
        probabilities(Elsewhere(8).to("meta"), pictures(), 8, mean=torch.zeros(3, 1, 1))
    assert seen == {"meta"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 12, 14)])
def test_a_gpu_says_what_the_cpu_says(shape):
    images, net, mean = pictures(), Sum(8), torch.full(shape, 120.0)
    expected = ten_crop_probabilities(net, images, 8, mean=mean)
    torch.testing.assert_close(ten_crop_probabilities(net.cuda(), images, 8, mean=mean), expected)


def test_misses_add_up_over_batches_of_any_size_and_over_none():
    assert topk_misses(SCORES, LABELS, 1).tolist() == [False, True, False, True]
    assert topk_misses(SCORES, LABELS, 2).tolist() == [False, False, False, True]
    parts = [topk_misses(SCORES[a:b], LABELS[a:b], 2) for a, b in ((0, 3), (3, 3), (3, 4))]
    assert sum(part.sum().item() for part in parts) / 4 == topk_error(SCORES, LABELS, 2)


def test_each_class_has_its_own_error_and_a_class_without_images_none():
    scores = torch.tensor([[3.0, 1, 0, 0], [1, 3, 0, 0], [3, 1, 0, 0], [0, 3, 1, 0]])
    assert per_class_errors(scores, torch.tensor([0, 0, 0, 1])) == (1 / 3, 0.0, None, None)


def test_confusions_are_counted_from_true_to_guessed():
    scores = torch.tensor([[3.0, 1, 0], [1, 3, 0], [1, 3, 0], [0, 1, 3]])
    counts = confusion(scores, torch.tensor([0, 0, 1, 1]))
    assert counts.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert counts.dtype == torch.int64


@given(st.integers(0, 1000))
def test_confusions_agree_with_the_errors(seed):
    draw = torch.Generator().manual_seed(seed)
    scores, labels = torch.randn(30, 4, generator=draw), torch.randint(4, (30,), generator=draw)
    counts = confusion(scores, labels)
    assert counts.sum(1).tolist() == labels.bincount(minlength=4).tolist()
    assert 1 - counts.diag().sum().item() / 30 == pytest.approx(topk_error(scores, labels, 1))
    for row, (images, error) in enumerate(zip(counts, per_class_errors(scores, labels), strict=True)):
        assert error is None or error == pytest.approx(1 - images[row].item() / images.sum().item())


def test_scores_that_are_not_finite_are_no_guess():
    with pytest.raises(ValueError, match="nan or infinite"):
        confusion(torch.tensor([[float("nan"), 0.0]]), torch.tensor([0]))
    with pytest.raises(ValueError, match="from 0 to 2"):
        confusion(SCORES, LABELS + 1)
