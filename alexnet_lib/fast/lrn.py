"""Local response normalization (§3.3), a block of images at a time, so that all steps stay in the cache."""

from collections.abc import Iterator

import torch
import torch.fx
from torch import Tensor
from torch.autograd import forward_ad

from ..normalization import LocalResponseNorm

BLOCK = 128 * 1024  # numbers in a block; half and four times as many are within 15 %


class FastLocalResponseNorm(LocalResponseNorm):
    """The same layer and numbers, but it keeps only its input for the way back, and computes d again."""

    def forward(self, a: Tensor) -> Tensor:  # (N, C, H, W)
        if (
            is_watched(a)
            or a.dim() != 4
            or not a.is_floating_point()
            or not a.numel()
            or a.device.type != "cpu"
        ):
            return super().forward(a)  # the formula, which torch can compile and differentiate in any way
        alpha = self.alpha / self.n if self.alpha_over_n else self.alpha
        channels = a.unflatten(1, (self.towers, -1))  # (N, towers, C / towers, H, W)
        return BlockedLRN.apply(channels, self.n, self.k, alpha, self.beta).flatten(1, 2)


def is_watched(a: Tensor) -> bool:
    """Whether a compiler, a tracer, torch.func or forward-mode differentiation is at work."""
    if isinstance(a, torch.fx.Proxy) or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    return torch._C._are_functorch_transforms_active() or forward_ad.unpack_dual(a).tangent is not None


class BlockedLRN(torch.autograd.Function):
    """b = a / d^beta with d = k + alpha * window_sum(a^2). With g for the gradient of b, that of a is

    g / d^beta - 2 alpha beta a * (sum of g a / d^(beta + 1) over the windows that hold the channel)
    """

    @staticmethod
    def forward(a: Tensor, n: int, k: float, alpha: float, beta: float) -> Tensor:
        b = torch.empty_like(a)
        for x, out in blocks(a, b):
            d = window_sum(x * x, n // 2, (n - 1) // 2).mul_(alpha).add_(k)
            out.copy_(x / power(d, beta))
        return b

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:
        a, *ctx.constants = inputs
        ctx.save_for_backward(a)

    @staticmethod
    def backward(ctx, g: Tensor) -> tuple[Tensor | None, ...]:
        (a,), (n, k, alpha, beta) = ctx.saved_tensors, ctx.constants
        if torch.is_grad_enabled():  # a derivative of this derivative is asked for
            norm = LocalResponseNorm(n, k=k, alpha=alpha, beta=beta, towers=a.shape[1])
            b = norm(a.flatten(1, 2)).view_as(a)
            return *torch.autograd.grad(b, a, g, create_graph=True), None, None, None, None
        da = torch.empty_like(a)
        for x, dx, out in blocks(a, g, da):
            d = window_sum(x * x, n // 2, (n - 1) // 2).mul_(alpha).add_(k)
            p = dx / power(d, beta)
            near = window_sum((p * x).div_(d), (n - 1) // 2, n // 2)
            out.copy_(p.addcmul_(x, near, value=-2 * alpha * beta))
        return da, None, None, None, None


def blocks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same few images of each tensor; of all but the last, which is written, in at least float32."""
    images = max(1, BLOCK * torch.get_num_threads() // tensors[0][0].numel())
    for *read, written in zip(*(tensor.split(images) for tensor in tensors), strict=True):
        yield *(x if x.dtype == torch.float64 else x.float() for x in read), written


def window_sum(x: Tensor, below: int, above: int) -> Tensor:
    """Sum over so many channels below and above each: (N, towers, C, H, W) -> the same."""
    total = x.clone()
    for j in range(1, min(below, x.shape[2] - 1) + 1):
        total[:, :, j:] += x[:, :, :-j]
    for j in range(1, min(above, x.shape[2] - 1) + 1):
        total[:, :, :-j] += x[:, :, j:]
    return total


def power(d: Tensor, beta: float) -> Tensor:
    """d ** beta; for the paper's 0.75 by two roots, which are several times as fast."""
    return (root := d.sqrt()).mul_(root.sqrt()) if beta == 0.75 else d**beta
