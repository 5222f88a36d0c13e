"""The checkers of paper against source accept the solution and refuse typical mistakes."""

import pytest
import torch
from torch import nn

from alexnet_lib.exercises import check_first_layer, check_unseen_pixels, check_weight_rate


def test_511_pixels_are_in_no_crop_when_places_end_at_31():
    seen = torch.zeros(256, 256, dtype=torch.bool)
    for top in range(32):
        for left in range(32):
            seen[top : top + 224, left : left + 224] = True
    assert check_unseen_pixels(int((~seen).sum())).right


@pytest.mark.parametrize("answer", [512, 256, 130, 0, None], ids=str)
def test_a_wrong_count_of_unseen_pixels_is_told_to_look_at_the_last_place(answer):
    assert not check_unseen_pixels(answer).right
    assert "last of the places" in check_unseen_pixels(512).message


def layer(alpha=1e-4, towers=2, first="norm", k=2.0):
    """Layer 1 from torch's own layers, which divide alpha by n."""
    normalize = nn.LocalResponseNorm(5, alpha=alpha, beta=0.75, k=k)

    def make(a):
        a = a.relu() if first == "relu" else a
        a = torch.cat([normalize(part) for part in a.chunk(towers, dim=1)], dim=1)
        return nn.functional.max_pool2d(a, 3, 2).relu()

    return make


def test_torchs_layers_in_the_sources_order_are_right():
    assert check_first_layer(layer()).right


WRONG_LAYERS = {
    "the ReLU first": layer(first="relu"),
    "the printed alpha": layer(alpha=5e-4),
    "windows over both towers": layer(towers=1),
    "torch's own k": layer(k=1.0),
    "no pooling": lambda a: a.relu(),
    "no layer": None,
}


@pytest.mark.parametrize("answer", WRONG_LAYERS.values(), ids=WRONG_LAYERS.keys())
def test_a_wrong_first_layer_is_refused(answer):
    assert not check_first_layer(answer).right


def test_a_wrong_first_layer_is_asked_about_order_alpha_and_windows():
    message = check_first_layer(layer(towers=1)).message
    for word in ("order", "alpha", "windows"):
        assert word in message


def rate(layer, epoch):
    """Run 145 by hand, from the notes in layer-params-145.cfg."""
    if layer == "conv1" and epoch >= 67:
        return 0.00001 if epoch < 72 else 0.0
    if epoch < 25:
        return 0.01
    if epoch < 51:
        return 0.001
    return 0.0001 if epoch < 79 else 0.00001


def test_the_rates_of_the_log_are_right():
    assert check_weight_rate(rate).right


def test_the_last_digits_of_floating_point_do_not_count():
    assert check_weight_rate(lambda layer, epoch: rate(layer, epoch) * (1 + 1e-12)).right


WRONG_RATES = {
    "conv1 like the rest": lambda layer, epoch: rate("fc8", epoch),
    "one epoch late": lambda layer, epoch: rate(layer, max(0, epoch - 1)),
    "all stand still at 72": lambda layer, epoch: rate("conv1", epoch),
    "constant": lambda layer, epoch: 0.01,
    "no number": lambda layer, epoch: None,
    "no function": 0.01,
}


@pytest.mark.parametrize("answer", WRONG_RATES.values(), ids=WRONG_RATES.keys())
def test_wrong_rates_are_refused(answer):
    assert not check_weight_rate(answer).right


def test_a_wrong_rate_is_told_for_which_layer_and_epoch():
    assert "('conv1', 67)" in check_weight_rate(WRONG_RATES["conv1 like the rest"]).message
