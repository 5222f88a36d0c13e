"""The checkers of "find the bug" see each broken piece, name what is wrong, and accept more than one mend."""

import pytest
import torch
from torch import nn

from alexnet_lib.architecture import SPECS, AlexNet, CeilConv2d
from alexnet_lib.chapters import bugs
from alexnet_lib.normalization import LocalResponseNorm


def refused(verdict, *words):
    """The checker is not content, and its message holds all of `words`."""
    assert not verdict.right
    for word in words:
        assert word in verdict.message, verdict.message


# The first normalization


@pytest.mark.parametrize(
    "layer",
    [
        LocalResponseNorm(),
        LocalResponseNorm(towers=2, alpha_over_n=True),
        nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0),
        nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0),
    ],
    ids=["formula", "source", "torch as the formula", "torch as the source"],
)
def test_the_formula_and_the_2012_source_are_both_right(layer):
    assert bugs.check_first_norm(layer).right


def test_alpha_of_1e3_in_torchs_layer_is_told_to_act_as_2e4():
    layer = nn.LocalResponseNorm(5, alpha=1e-3, beta=0.75, k=2.0)
    by_hand = 100 / (2 + 1e-3 / 5 * 100**2) ** 0.75
    refused(bugs.check_first_norm(layer), f"comes out as {by_hand:.1f}", "multiplied by 2e-04")


def test_torchs_own_k_is_told_apart_from_a_wrong_alpha():
    refused(bugs.check_first_norm(nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75)), "1.00 times as large")


# The third and the first convolution


def test_384_kernels_are_right_and_284_are_47996_neurons():
    assert bugs.check_conv3(nn.Conv2d(256, 384, 3, padding=1)).right
    refused(bugs.check_conv3(nn.Conv2d(256, 284, 3, padding=1)), f"{284 * 13 * 13:,}", "64,896")


def test_without_padding_the_third_layer_has_too_few_neurons():
    refused(bugs.check_conv3(nn.Conv2d(256, 384, 3)), f"{384 * 11 * 11:,}")


def test_a_stride_of_0_is_told_as_torch_refuses_it():
    piece = nn.Conv2d(256, 384, 3, padding=1, stride=0)
    refused(bugs.check_conv3(piece), "raised RuntimeError: non-positive stride")


@pytest.mark.parametrize(
    "layer",
    [
        CeilConv2d(3, 8, 11, 4),
        nn.Sequential(nn.ZeroPad2d((0, 3, 0, 3)), nn.Conv2d(3, 8, 11, stride=4)),
    ],
    ids=["ceil_mode", "zeros on the far side"],
)
def test_both_ways_to_let_the_last_window_hang_over_are_right(layer):
    assert bugs.check_first_windows(layer).right


def test_54_windows_are_told_with_the_column_that_no_window_reads():
    refused(bugs.check_first_windows(nn.Conv2d(3, 8, 11, stride=4)), "54 windows", "no window reads: 1")


@pytest.mark.parametrize(("padding", "seen"), [(2, "0 to 8"), (1, "54 windows")])
def test_padding_on_both_sides_is_not_the_2012_net(padding, seen):
    refused(bugs.check_first_windows(nn.Conv2d(3, 8, 11, stride=4, padding=padding)), seen)


def test_zeros_on_the_near_side_leave_the_far_edge_wrong():
    piece = nn.Sequential(nn.ZeroPad2d((3, 0, 3, 0)), nn.Conv2d(3, 8, 11, stride=4))
    refused(bugs.check_first_windows(piece), "the first sees pixels 0 to 7")


# The start


def net(std=0.01, ones=(2, 4, 5, 6, 7)):
    """A net of eight small layers; `ones`: the numbers of the layers, from 1, whose biases are 1."""

    def build():
        layers = [nn.Conv2d(8, 16, 11) for _ in range(5)] + [nn.Linear(64, 64) for _ in range(3)]
        for number, layer in enumerate(layers, 1):
            if std is not None:
                nn.init.normal_(layer.weight, std=std)
            nn.init.constant_(layer.bias, float(number in ones))
        return nn.Sequential(*layers)

    return build


def test_the_start_of_the_paper_is_right():
    assert bugs.check_start(net()).right
    assert bugs.check_biases(net()).right


def test_the_librarys_own_net_starts_as_the_paper_says():
    assert bugs.check_biases(lambda: AlexNet("paper")).right


def test_the_2012_source_is_told_to_start_otherwise_in_three_layers():
    refused(bugs.check_start(lambda: AlexNet("source-2012")), "in conv3, conv4, conv5:")


@pytest.mark.parametrize("std", [None, 0.03, 0.0001, 0.012], ids=str)
def test_weights_of_another_deviation_are_named_by_layer(std):
    refused(bugs.check_start(net(std)), "conv1, conv2", "fc8: was it asked for")


BIASES = {
    "counted from 0": ((3, 5, 6, 7, 8), "conv2 (0), conv3 (1), conv4 (0), fc8 (1)"),
    "hidden layers forgotten": ((2, 4, 5), "fc6 (0), fc7 (0)"),
    "everywhere": (range(1, 9), "conv1 (1), conv3 (1), fc8 (1)"),
    "nowhere": ((), "conv2 (0), conv4 (0), conv5 (0), fc6 (0), fc7 (0)"),
}


@pytest.mark.parametrize(("ones", "words"), BIASES.values(), ids=BIASES.keys())
def test_wrong_biases_are_named_by_layer(ones, words):
    refused(bugs.check_biases(net(ones=ones)), words)


def test_torchs_own_biases_are_many_values():
    refused(bugs.check_biases(lambda: AlexNet(SPECS["torchvision"])), "conv1 (many values)")


def test_a_net_with_another_number_of_layers_is_told_so():
    refused(bugs.check_start(lambda: nn.Sequential(nn.Linear(4, 4))), "1 layers that hold weights")


# The data


class Pictures:
    """Four pictures; `change` is what every read goes through."""

    def __init__(self, change):
        self.change = change

    def __getitem__(self, index):
        picture = torch.arange(12.0).reshape(1, 3, 4)
        return self.change(picture), index


def test_pictures_that_change_at_random_are_right():
    torch.manual_seed(0)
    flipped = Pictures(lambda picture: picture.flip(-1) if torch.rand(()) < 0.5 else picture)
    assert bugs.check_random_change(flipped).right


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda picture: picture, "the same picture 20 times"),
        (lambda picture: picture.flip(-1), "the same picture 20 times"),
        (lambda picture: picture.numpy(), "comes as ndarray"),
        (lambda picture: picture @ picture, "raised RuntimeError"),
    ],
    ids=["unchanged", "always reflected", "no tensor", "raises"],
)
def test_pictures_that_do_not_change_at_random_are_refused(change, words):
    refused(bugs.check_random_change(Pictures(change)), words)


def test_a_validation_set_from_the_training_set_is_right_at_either_end():
    assert bugs.check_three_sets(lambda train, test: (train[100:], train[:100], test)).right
    assert bugs.check_three_sets(lambda train, test: (train[:-1], train[-1:], test)).right


SPLITS = {
    "from the test set": (lambda train, test: (train, test[:50], test[50:]), "50 of 50 validation images"),
    "the test set itself": (lambda train, test: (train, test, test), "200 of 200"),
    "from the training set, not taken out": (lambda train, test: (train, train[:9], test), "9 validation"),
    "half of the test set": (lambda train, test: (train[9:], train[:9], test[:100]), "has 100 images"),
    "trained on the test set": (
        lambda train, test: (train[9:] + test, train[:9], test),
        "given for the test",
    ),
    "no validation": (lambda train, test: (train, [], test), "is empty"),
    "two sets": (lambda train, test: (train, test), "raised ValueError"),
    "nothing": (lambda train, test: None, "raised TypeError"),
}


@pytest.mark.parametrize(("split", "words"), SPLITS.values(), ids=SPLITS.keys())
def test_a_split_that_spoils_the_test_is_refused(split, words):
    refused(bugs.check_three_sets(split), words)


# Training


def hidden(*behind):
    return nn.Sequential(nn.Linear(64, 64), *behind)


def test_dropout_behind_the_relu_is_right_and_in_place_its_backward_fails():
    assert bugs.check_learns(hidden(nn.ReLU(), nn.Dropout())).right
    verdict = bugs.check_learns(hidden(nn.ReLU(), nn.Dropout(inplace=True)))
    refused(verdict, "raised RuntimeError", "modified by an inplace operation")
    assert "[torch" not in verdict.message


def test_a_relu_in_place_is_harmless():
    assert bugs.check_learns(hidden(nn.ReLU(inplace=True), nn.Dropout())).right


class AlwaysDropping(nn.Module):
    def forward(self, a):
        return nn.functional.dropout(a, 0.5, training=True)


class Detached(nn.Module):
    def forward(self, a):
        return a.detach().requires_grad_()


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        ((nn.ReLU(),), "no unit is dropped"),
        ((nn.ReLU(), AlwaysDropping()), "dropped there too"),
        ((Detached(), nn.Dropout()), "no gradient arrives at 0.weight, 0.bias"),
    ],
    ids=["no dropout", "dropout at test time", "detached"],
)
def test_a_hidden_layer_that_does_not_learn_or_drop_is_refused(behind, words):
    refused(bugs.check_learns(hidden(*behind)), words)


def sgd(**changes):
    return lambda parameters: torch.optim.SGD(
        parameters, **({"lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005} | changes)
    )


def test_torchs_sgd_walks_the_papers_path():
    assert bugs.check_update(sgd()).right


def test_adam_is_told_by_its_equal_steps():
    adam = bugs.check_update(lambda parameters: torch.optim.Adam(parameters, lr=1e-3))
    refused(adam, "moved 0.001 and 0.001 by step 1", "it is 0.001 and 0.1")


@pytest.mark.parametrize(
    ("make", "step"),
    [
        (sgd(lr=0.1), "step 1"),
        (sgd(weight_decay=0.0), "step 1"),
        (sgd(momentum=0.0), "step 2"),
        (sgd(nesterov=True), "step 1"),
        (lambda parameters: None, "raised AttributeError"),
    ],
    ids=["another rate", "no weight decay", "no momentum", "nesterov", "no optimizer"],
)
def test_another_rule_is_refused_at_the_step_where_it_parts(make, step):
    refused(bugs.check_update(make), step)
