"""The checkers of "find the bug" see each broken piece, name what is wrong, and accept more than one mend."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from alexnet_lib.architecture import SPECS, AlexNet, CeilConv2d
from alexnet_lib.chapters import bugs
from alexnet_lib.normalization import LocalResponseNorm

conv3 = dict(in_channels=256, out_channels=384, kernel_size=3, padding=1)
torchs_norm = nn.LocalResponseNorm
far_zeros, near_zeros = nn.ZeroPad2d((0, 3, 0, 3)), nn.ZeroPad2d((3, 0, 3, 0))


def first_conv(**options):
    return nn.Conv2d(3, 8, 11, stride=4, **options)


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


def thin(name):
    """The library's net of this name with few hidden units."""
    return lambda: AlexNet(replace(SPECS[name], hidden=(64, 64)), classes=100)


class Pictures:
    """Four pictures; `change` is what every read goes through."""

    def __init__(self, change):
        self.change = change

    def __getitem__(self, index):
        picture = torch.arange(12.0).reshape(1, 3, 4)
        return self.change(picture), index


def hidden(*behind):
    return nn.Sequential(nn.Linear(64, 64), *behind)


class AlwaysDropping(nn.Module):
    def forward(self, a):
        return nn.functional.dropout(a, 0.5, training=True)


class Detached(nn.Module):
    def forward(self, a):
        return a.detach().requires_grad_()


def sgd(**changes):
    options = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005} | changes
    return lambda parameters: torch.optim.SGD(parameters, **options)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=1e-3)


# What is right -> the checker, and the piece.
RIGHT = {
    "norm as the formula": (bugs.check_first_norm, LocalResponseNorm()),
    "norm as the source": (bugs.check_first_norm, LocalResponseNorm(towers=2, alpha_over_n=True)),
    "torch's norm as the formula": (bugs.check_first_norm, torchs_norm(5, alpha=5e-4, beta=0.75, k=2.0)),
    "torch's norm as the source": (bugs.check_first_norm, torchs_norm(5, alpha=1e-4, beta=0.75, k=2.0)),
    "384 kernels": (bugs.check_conv3, nn.Conv2d(**conv3)),
    "windows by ceil_mode": (bugs.check_first_windows, CeilConv2d(3, 8, 11, 4)),
    "windows by zeros on the far side": (
        bugs.check_first_windows,
        nn.Sequential(far_zeros, first_conv()),
    ),
    "the paper's start": (bugs.check_start, net()),
    "the paper's biases": (bugs.check_biases, net()),
    "the library's own biases": (bugs.check_biases, thin("paper")),
    "reflected at random": (
        bugs.check_random_change,
        Pictures(lambda picture: picture.flip(-1) if torch.rand(()) < 0.5 else picture),
    ),
    "validation from the front": (
        bugs.check_three_sets,
        lambda train, test: (train[100:], train[:100], test),
    ),
    "validation from the end": (bugs.check_three_sets, lambda train, test: (train[:-1], train[-1:], test)),
    "dropout behind the ReLU": (bugs.check_learns, hidden(nn.ReLU(), nn.Dropout())),
    "a ReLU in place": (bugs.check_learns, hidden(nn.ReLU(inplace=True), nn.Dropout())),
    "torch's SGD": (bugs.check_update, sgd()),
}
# What is wrong -> the checker, the piece, and what the checker says of it; values are worked out by hand.
WRONG = {
    "norm: alpha of 1e-3": (
        bugs.check_first_norm,
        torchs_norm(5, alpha=1e-3, beta=0.75, k=2.0),
        f"comes out as {100 / (2 + 1e-3 / 5 * 100**2) ** 0.75:.1f}",
        "multiplied by 2e-04",
    ),
    "norm: torch's own k": (
        bugs.check_first_norm,
        torchs_norm(5, alpha=5e-4, beta=0.75),
        "1.00 times as large",
    ),
    "conv3: 284 kernels": (
        bugs.check_conv3,
        nn.Conv2d(**conv3 | {"out_channels": 284}),
        f"{284 * 13 * 13:,}",
        "64,896",
    ),
    "conv3: no padding": (bugs.check_conv3, nn.Conv2d(**conv3 | {"padding": 0}), f"{384 * 11 * 11:,}"),
    "conv3: stride 0": (
        bugs.check_conv3,
        nn.Conv2d(**conv3, stride=0),
        "raised RuntimeError: non-positive stride",
    ),
    "conv1: 54 windows": (bugs.check_first_windows, first_conv(), "54 windows", "no window reads: 1"),
    "conv1: padding 2": (bugs.check_first_windows, first_conv(padding=2), "0 to 8"),
    "conv1: padding 1": (bugs.check_first_windows, first_conv(padding=1), "54 windows"),
    "conv1: zeros on the near side": (
        bugs.check_first_windows,
        nn.Sequential(near_zeros, first_conv()),
        "the first sees pixels 0 to 7",
    ),
    "start of 2012": (bugs.check_start, thin("source-2012"), "in conv3, conv4, conv5:"),
    **{
        f"start: {std}": (bugs.check_start, net(std), "conv1, conv2", "fc8: was it asked for")
        for std in (None, 0.03, 0.0001, 0.012)
    },
    "start: one layer": (
        bugs.check_start,
        lambda: nn.Sequential(nn.Linear(4, 4)),
        "1 layers that hold weights",
    ),
    "biases counted from 0": (
        bugs.check_biases,
        net(ones=(3, 5, 6, 7, 8)),
        "conv2 (0), conv3 (1), conv4 (0), fc8 (1)",
    ),
    "biases: hidden layers forgotten": (bugs.check_biases, net(ones=(2, 4, 5)), "fc6 (0), fc7 (0)"),
    "biases everywhere": (bugs.check_biases, net(ones=range(1, 9)), "conv1 (1), conv3 (1), fc8 (1)"),
    "biases nowhere": (
        bugs.check_biases,
        net(ones=()),
        "conv2 (0), conv4 (0), conv5 (0), fc6 (0), fc7 (0)",
    ),
    "torch's own biases": (
        bugs.check_biases,
        thin("torchvision"),
        "conv1 (many values)",
    ),
    "pictures unchanged": (bugs.check_random_change, Pictures(lambda p: p), "the same picture 20 times"),
    "always reflected": (
        bugs.check_random_change,
        Pictures(lambda p: p.flip(-1)),
        "the same picture 20 times",
    ),
    "no tensor": (bugs.check_random_change, Pictures(lambda p: p.numpy()), "comes as ndarray"),
    "a read that raises": (bugs.check_random_change, Pictures(lambda p: p @ p), "raised RuntimeError"),
    "validation from the test set": (
        bugs.check_three_sets,
        lambda train, test: (train, test[:50], test[50:]),
        "50 of 50 validation images",
    ),
    "validation is the test set": (
        bugs.check_three_sets,
        lambda train, test: (train, test, test),
        "200 of 200",
    ),
    "validation not taken out": (
        bugs.check_three_sets,
        lambda train, test: (train, train[:9], test),
        "9 validation",
    ),
    "half of the test set": (
        bugs.check_three_sets,
        lambda train, test: (train[9:], train[:9], test[:100]),
        "has 100 images",
    ),
    "trained on the test set": (
        bugs.check_three_sets,
        lambda train, test: (train[9:] + test, train[:9], test),
        "given for the test",
    ),
    "no validation": (bugs.check_three_sets, lambda train, test: (train, [], test), "is empty"),
    "two sets": (bugs.check_three_sets, lambda train, test: (train, test), "raised ValueError"),
    "nothing": (bugs.check_three_sets, lambda train, test: None, "raised TypeError"),
    "dropout in place": (
        bugs.check_learns,
        hidden(nn.ReLU(), nn.Dropout(inplace=True)),
        "raised RuntimeError",
        "modified by an inplace operation",
    ),
    "no dropout": (bugs.check_learns, hidden(nn.ReLU()), "no unit is dropped"),
    "dropout at test time": (
        bugs.check_learns,
        hidden(nn.ReLU(), AlwaysDropping()),
        "dropped there too",
    ),
    "detached": (
        bugs.check_learns,
        hidden(Detached(), nn.Dropout()),
        "no gradient arrives at 0.weight, 0.bias",
    ),
    "Adam": (bugs.check_update, adam, "moved 0.001 and 0.001 by step 1", "it is 0.001 and 0.1"),
    "another rate": (bugs.check_update, sgd(lr=0.1), "step 1"),
    "no weight decay": (bugs.check_update, sgd(weight_decay=0.0), "step 1"),
    "no momentum": (bugs.check_update, sgd(momentum=0.0), "step 2"),
    "nesterov": (bugs.check_update, sgd(nesterov=True), "step 1"),
    "no optimizer": (bugs.check_update, lambda parameters: None, "raised AttributeError"),
}


@pytest.mark.parametrize("piece", RIGHT)
def test_a_piece_that_is_right_in_any_form_is_right(piece):
    torch.manual_seed(0)
    check, made = RIGHT[piece]
    assert check(made).right


@pytest.mark.parametrize("piece", WRONG)
def test_a_broken_piece_is_told_what_is_wrong_with_it(piece):
    check, made, *words = WRONG[piece]
    told = check(made)
    assert not told.right
    assert [word for word in words if word not in told.message] == []
    assert "[torch" not in told.message
