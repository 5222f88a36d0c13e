"""Saturating and non-saturating activation functions (§3.1), and the four-layer network of Figure 1."""

import torch
from torch import Tensor, nn

from .guard import Count, require_choice, validated

ACTIVATIONS = {
    "relu": nn.ReLU,  # max(0, x): never saturates for x > 0
    "tanh": nn.Tanh,  # saturates at -1 and 1
    "sigmoid": nn.Sigmoid,  # saturates at 0 and 1
    "leaky-relu": nn.LeakyReLU,  # not in the paper: slope 0.01 below zero
}


class FourLayerNet(nn.Module):
    """A four-layer convolutional network for CIFAR-10, as Figure 1 trains with ReLUs and with tanh.

    (N, 3, 32, 32) float -> (N, classes) scores. Max pooling commutes with a function that never decreases; so
    pooling comes first, as in layer 1 of the original code, and leaves a quarter of the values.

    The paper gives no sizes for this net. These are our choice, after the small example nets that the author
    published for CIFAR-10. No normalization, no dropout: "without regularization of any kind".
    """

    @validated
    def __init__(self, activation: str = "relu", classes: Count = 10):
        super().__init__()
        self.activation = require_choice("activation", activation, ACTIVATIONS)
        f = ACTIVATIONS[activation]
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 5, padding=2),  # (N, 32, 32, 32)
            nn.MaxPool2d(3, 2, ceil_mode=True),  # (N, 32, 16, 16)
            f(),
            nn.Conv2d(32, 32, 5, padding=2),
            nn.MaxPool2d(3, 2, ceil_mode=True),  # (N, 32, 8, 8)
            f(),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.MaxPool2d(3, 2, ceil_mode=True),  # (N, 64, 4, 4)
            f(),
        )
        self.classifier = nn.Linear(64 * 4 * 4, classes)

    def forward(self, images: Tensor) -> Tensor:  # (N, 3, 32, 32)
        return self.classifier(torch.flatten(self.features(images), 1))  # (N, classes)
