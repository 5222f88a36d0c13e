"""The recorded kernels are what their record says, and not noise."""

import torch

from alexnet_lib import records
from alexnet_lib.qualitative import recorded_first_layer, recorded_mean


def test_the_recorded_first_layer_is_the_papers_conv1():
    layer = recorded_first_layer()
    assert tuple(layer.weight.shape) == (96, 3, 11, 11)
    assert tuple(layer(torch.zeros(2, 3, 224, 224)).shape) == (2, 96, 55, 55)
    assert not layer.weight.requires_grad


def test_trained_kernels_are_smoother_than_the_noise_that_they_started_from():
    kernels = recorded_first_layer().weight
    step = (kernels[..., 1:] - kernels[..., :-1]).square().mean() / kernels.square().mean()
    # Neighbouring weights of noise are independent: their squared difference is twice the mean square.
    assert step < 1.0


def test_the_record_says_how_the_kernels_were_made_and_that_they_tell_classes_apart():
    (record,) = records.load("first_layer")
    assert "not AlexNet" in record.config["net"]
    assert "Imagenette" in record.data
    assert record.results["test error"] < 0.6  # guessing is 0.9
    assert tuple(recorded_mean().shape) == (3, 1, 1)
