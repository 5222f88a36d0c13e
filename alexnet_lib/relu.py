"""Saturating and non-saturating units (§3.1), and the four-layer network of Figure 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .checks import require_choice, require_count, require_net
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


class _WrittenOver(torch.autograd.Function):
    """max(0, x) in the memory of x, and its gradient in the memory of the one that comes in."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        ctx.save_for_backward(x.relu_())
        return x

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # a gradient of this gradient is asked for
            return g * (out > 0)
        if g.stride() != out.stride():  # several of its numbers may share one place
            return torch.ops.aten.threshold_backward(g, out, 0)
        return torch.ops.aten.threshold_backward.grad_input(g, out, 0, grad_input=g)


def _written_over(x: Tensor) -> Tensor:
    recorded = torch.is_grad_enabled() and getattr(x, "requires_grad", False)
    if recorded and not torch.compiler.is_compiling():  # a compiler plans memory itself
        return _WrittenOver.apply(x)
    return torch.relu_(x)


@contextmanager
def in_place(net: nn.Module) -> Iterator[None]:
    """Inside it, the ReLUs of a net write over what they read, on the way back too; after it no more.

    The numbers are the same, and a step takes less memory and time. But a hook on the layer before a ReLU
    then sees what the ReLU has made of that layer's output, and one on a gradient behind it what has become
    of that. For nets in a row, whose ReLUs alone read what they read and alone are read by what follows, as
    in all nets of this library.
    """
    net = require_net("net", net)
    units = [unit for unit in net.modules() if isinstance(unit, nn.ReLU) and not unit.inplace]
    for unit in units:
        unit.inplace, unit.forward = True, _written_over
    try:
        yield
    finally:
        for unit in units:
            unit.inplace = False
            del unit.forward  # the class's own shows again
