"""A run so small that a test can break it off and repeat it: ten photographs, a net of 2,000 weights."""

import signal
from dataclasses import replace
from functools import cache
from itertools import count

import torch
from torch import nn

from alexnet_lib.dataset import ten_photos
from alexnet_lib.learning import TrainConfig
from alexnet_lib.train import train

CONFIG = TrainConfig(
    data="ten-photos",
    image_size=20,
    crop=16,
    input_scale=0.01,
    batch_size=16,
    epochs=3,
    val_fraction=0.1,
    lr=0.02,
    patience=1,
)


class TinyNet(nn.Module):
    """(N, 3, 16, 16) -> (N, 10); dropout, so that a test sees whether its masks come back."""

    def __init__(self, dropout=0.5):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout))
        self.head = nn.Linear(8 * 4 * 4, 10)

    def forward(self, images):
        return self.head(self.body(images))


@cache  # no test changes an image, and ten photographs are long to decode
def sets(per_class=20):
    return ten_photos("train", 20, per_class), ten_photos("test", 20, 10)


def tiny_net(dropout=0.5):
    torch.manual_seed(5)  # the weights of a net that is passed in are the caller's
    return TinyNet(dropout)


def tiny_run(folder=None, config=CONFIG, **options):
    options = {"sets": sets(), "net": tiny_net(), "progress": False, "device": "cpu"} | options
    return train(config, folder, **options)


def signaled_net(step, number=signal.SIGINT, times=1):
    """A tiny net in whose training step `step`, counted from 1, the process gets a signal."""
    net, calls = tiny_net(), count(1)

    def hook(*_):
        if net.training and next(calls) == step:
            for _ in range(times):
                signal.raise_signal(number)

    net.register_forward_hook(hook)
    return net


def long_run(folder, resume):
    """For a process of its own, to be killed: it writes a checkpoint after every step."""
    torch.set_num_threads(1)
    tiny_run(folder, replace(CONFIG, epochs=6), save_seconds=0.0, resume=resume)
