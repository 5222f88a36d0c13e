"""Faster bodies of the paper's layers, with the same numbers, plugged into a net from outside."""

import copy
from itertools import pairwise

import torch
from torch import nn

from ..guard import validated
from ..normalization import LocalResponseNorm
from .lrn import FastLocalResponseNorm


@validated
def use(net: nn.Module) -> nn.Module:
    """Give a net its fast bodies, in place, and return it. The numbers stay the same up to rounding.

    Response normalization keeps only its input and works in the cache; weights lie in channels_last, which
    makes convolutions and pooling hand on memory that way; a ReLU right behind a convolution or a linear
    layer of an `nn.Sequential` writes over its input, which nobody else reads (but a hook on that layer).
    """
    for layer in net.modules():
        if type(layer) is LocalResponseNorm:
            layer.__class__ = FastLocalResponseNorm  # so copies and pickles of the net are fast too
        if isinstance(layer, nn.Sequential):
            for (_, before), (name, unit) in pairwise(list(layer.named_children())):
                if type(unit) is nn.ReLU and isinstance(before, nn.Conv2d | nn.Linear):
                    alone = copy.copy(unit)  # the same unit may stand elsewhere too
                    alone.inplace = True
                    setattr(layer, name, alone)
    return net.to(memory_format=torch.channels_last)
