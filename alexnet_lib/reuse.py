"""Layers that work in memory which is there already, for `memory.in_place`; not in the paper."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .guard import require_net
from .normalization import LocalResponseNorm
from .pooling import MaxPool
from .room import Room

aten = torch.ops.aten


def forwards_of(net: nn.Module) -> dict[nn.Module, Callable[[Tensor], Tensor]]:
    """The layers of a net that can do with less memory, and the forward that each of them does it by.

    Left out are layers with a forward of their own, of other kinds, and ReLUs that are in place already.
    """
    layers = [layer for layer in require_net("net", net).modules() if "forward" not in vars(layer)]
    found = {}
    for layer in layers:
        if isinstance(layer, nn.ReLU) and not layer.inplace:
            found[layer] = _relu
        elif type(layer) is nn.Linear:
            found[layer] = partial(_linear, layer, Room())
    for layer in _alone_with_their_input(net) & set(layers):
        if type(layer) is MaxPool or (type(layer) is nn.MaxPool2d and not layer.return_indices):
            found[layer] = partial(_max_pool, layer)
    return found


def _alone_with_their_input(net: nn.Module) -> set[nn.Module]:
    """The layers that always stand behind one that needs its own input on the way back, and not theirs."""
    rows = [layer for layer in net.modules() if type(layer) is nn.Sequential]
    pairs = [pair for row in rows for pair in pairwise([None, *row])]
    shared = {layer for before, layer in pairs if not isinstance(before, LocalResponseNorm | nn.Conv2d)}
    return {layer for _, layer in pairs} - shared


def _recorded(x: Tensor) -> bool:
    """Whether a gradient will come back to x, in memory that no compiler plans."""
    wanted = torch.is_grad_enabled() and getattr(x, "requires_grad", False)
    return wanted and not torch.compiler.is_compiling()


class _ReluOver(torch.autograd.Function):
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
            return aten.threshold_backward(g, out, 0)
        return aten.threshold_backward.grad_input(g, out, 0, grad_input=g)


def _relu(x: Tensor) -> Tensor:
    return _ReluOver.apply(x) if _recorded(x) else torch.relu_(x)


class _MaxOver(torch.autograd.Function):
    """Max pooling, its gradient in the memory of x. If somebody needs x after all, torch says so."""

    @staticmethod
    def forward(ctx, x, *window):
        out, places = aten.max_pool2d_with_indices(x, *window)
        ctx.save_for_backward(x, places)
        ctx.window, ctx.needed = window, False
        return out

    @staticmethod
    def backward(ctx, g):
        x, places = ctx.saved_tensors
        given, nothing = (g, x, *ctx.window, places), [None] * len(ctx.window)
        ctx.needed |= torch.is_grad_enabled()  # a gradient of this gradient comes back here, and finds x
        dense = x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
        if ctx.needed or not dense:
            return aten.max_pool2d_with_indices_backward(*given), *nothing
        over = x.detach()
        return aten.max_pool2d_with_indices_backward.grad_input(*given, grad_input=over), *nothing


def _max_pool(pool: MaxPool | nn.MaxPool2d, x: Tensor) -> Tensor:
    if not _recorded(x) or x.is_leaf or x.device.type != "cpu" or x.dim() != 4:
        return type(pool).forward(pool, x)
    if isinstance(pool, nn.MaxPool2d):
        return _MaxOver.apply(x, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode)
    if min(x.shape[-2:]) < pool.z:  # which it refuses in its own words
        return MaxPool.forward(pool, x)
    return _MaxOver.apply(x, pool.z, pool.s, 0, 1, pool.ceil)


class _LinearInRoom(torch.autograd.Function):
    """A fully-connected layer; the gradient of its weights, the largest tensor here, lies in a room."""

    @staticmethod
    def forward(ctx, x, weight, bias, room):
        ctx.save_for_backward(x, weight)
        ctx.room = room
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        out = None  # what a gradient of this gradient is asked of, torch makes itself
        if not torch.is_grad_enabled():
            out = ctx.room.empty(weight.shape, (0, 1), weight.dtype, weight.device)
        first, _, last, _ = ctx.needs_input_grad
        return g @ weight if first else None, torch.mm(g.t(), x, out=out), g.sum(0) if last else None, None


def _linear(layer: nn.Linear, room: Room, x: Tensor) -> Tensor:
    weight = layer.weight
    alike = isinstance(x, Tensor) and x.dim() == 2 and x.dtype == weight.dtype
    plain = alike and weight.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    on_cpu = plain and x.device.type == weight.device.type == "cpu"
    if on_cpu and _recorded(weight) and x.is_contiguous() and weight.is_contiguous():
        return _LinearInRoom.apply(x, weight, layer.bias, room)
    return nn.Linear.forward(layer, x)
