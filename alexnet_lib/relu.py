"""Saturating and non-saturating units (§3.1), and the four-layer network of Figure 1."""

import torch
from torch import Tensor, nn

from .guard import require_choice, require_count
from .paper import POOLING

ACTIVATIONS = {
    "relu": nn.ReLU,  # max(0, x): never saturates for x > 0
    "tanh": nn.Tanh,  # saturates at -1 and 1
    "sigmoid": nn.Sigmoid,  # saturates at 0 and 1
    "leaky-relu": nn.LeakyReLU,  # not in the paper: slope 0.01 below zero
}


class FourLayerNet(nn.Module):
    """A four-layer convolutional network for CIFAR-10, as Figure 1 trains with ReLUs and with tanh units.

    (N, 3, 32, 32) float -> (N, classes) scores. Three convolutions of 5x5, each with overlapping max
    pooling and a unit, then one fully-connected layer. The largest of a window is the largest before and
    after a unit that never falls; so pooling comes first, as in layer 1 of the 2012 source, and leaves a
    quarter of the units.

    The paper gives no sizes for this net. These (32, 32, 64 kernels) are our choice, after the small
    example nets that the author published for CIFAR-10. No normalization, no dropout, no weight decay:
    Figure 1 compares "without regularization of any kind".

    Raises ValueError for an unknown unit or images of another shape, TypeError for images of whole numbers.
    """

    def __init__(self, activation: str = "relu", classes: int = 10):
        super().__init__()
        classes = require_count("classes", classes, "it counts the outputs (CIFAR-10: 10)")
        self.activation = require_choice("activation", activation, ACTIVATIONS)
        unit = ACTIVATIONS[self.activation]
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 5, padding=2),  # (N, 32, 32, 32)
            nn.MaxPool2d(POOLING.z, POOLING.s, ceil_mode=True),  # (N, 32, 16, 16)
            unit(),
            nn.Conv2d(32, 32, 5, padding=2),
            nn.MaxPool2d(POOLING.z, POOLING.s, ceil_mode=True),  # (N, 32, 8, 8)
            unit(),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.MaxPool2d(POOLING.z, POOLING.s, ceil_mode=True),  # (N, 64, 4, 4)
            unit(),
        )
        self.classifier = nn.Linear(64 * 4 * 4, classes)

    def forward(self, images: Tensor) -> Tensor:
        if not isinstance(images, Tensor) or not images.is_floating_point():
            kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise TypeError(
                f"images are {kind}, and the net takes a float tensor: pass images.float() - mean"
            )
        if images.dim() != 4 or images.shape[1:] != (3, 32, 32):
            raise ValueError(
                f"images have shape {tuple(images.shape)}, and this net is CIFAR-10's: pass (N, 3, 32, 32)"
            )
        return self.classifier(torch.flatten(self.features(images), 1))
