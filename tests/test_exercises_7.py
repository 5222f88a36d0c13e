"""The checkers of §7 accept the solution and refuse what readers typically write instead."""

import pytest
import torch

from alexnet_lib.exercises import check_batch_norm, check_lost_parameters, check_small_kernels


def test_without_conv3_go_its_parameters_and_a_part_of_conv4s():
    conv3 = 384 * (256 * 9) + 384
    less_of_conv4 = 384 * (192 - 128) * 9
    assert check_lost_parameters(conv3 + less_of_conv4).right


@pytest.mark.parametrize(
    "answer",
    [885_120, 885_120 + 663_936, 663_936, 885_120 - 221_184, None],
    ids=["conv3 alone", "conv3 and conv4", "conv4", "conv4 grows", "nothing"],
)
def test_a_wrong_count_of_lost_parameters_is_refused(answer):
    assert not check_lost_parameters(answer).right


def test_three_small_kernels_have_22_weights_fewer_for_each_pair_of_maps():
    large, small = torch.nn.Conv2d(256, 256, 7, bias=False), torch.nn.Conv2d(256, 256, 3, bias=False)
    assert check_small_kernels(large.weight.numel() - 3 * small.weight.numel()).right


@pytest.mark.parametrize("answer", [22, 22 * 256, 27 * 256**2, (49 - 9) * 256**2, 0.55, None])
def test_a_wrong_number_of_saved_weights_is_refused(answer):
    assert not check_small_kernels(answer).right


def by_moments(x, eps):
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = x.square().mean((0, 2, 3), keepdim=True) - mean.square()
    return (x - mean) * (variance + eps).rsqrt()


@pytest.mark.parametrize("answer", [by_moments, torch.nn.BatchNorm2d], ids=["moments", "a class"])
def test_batch_normalization_by_moments_is_right_and_a_layer_is_no_function_of_x_and_eps(answer):
    assert check_batch_norm(answer).right == (answer is by_moments)


WRONG = {
    "one mean for all maps": lambda x, eps: (x - x.mean()) / (x.var(correction=0) + eps).sqrt(),
    "each image by itself": lambda x, eps: torch.nn.functional.instance_norm(x, eps=eps),
    "each place by itself": lambda x, eps: (x - x.mean(0)) / (x.var(0, correction=0) + eps).sqrt(),
    "divided by the variance": lambda x, eps: by_moments(x, eps) / x.var((0, 2, 3), keepdim=True).sqrt(),
    "count minus one": lambda x, eps: (
        (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True) + eps).sqrt()
    ),
    "eps behind the root": lambda x, eps: (
        (x - x.mean((0, 2, 3), keepdim=True)) / (x.std((0, 2, 3), correction=0, keepdim=True) + eps)
    ),
    "no mean taken off": lambda x, eps: x / (x.var((0, 2, 3), correction=0, keepdim=True) + eps).sqrt(),
    "a number": lambda x, eps: 0.0,
    "no function": None,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_batch_normalization_is_refused(name):
    assert not check_batch_norm(WRONG[name]).right
