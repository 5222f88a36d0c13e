"""Response normalization on an NVIDIA GPU (§3.3): one kernel forward, one back, each reads its input once.

Needs Triton, which torch's Linux wheels bring along. With TRITON_INTERPRET=1 in the environment Triton runs
the kernels on a CPU.
"""

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:  # another system, or a torch without a GPU: LocalResponseNorm takes its readable body
    triton = None

TILE_MAPS, TILE_PIXELS = 16, 64  # of one program: few enough for its registers and L1 cache


def usable(a: Tensor) -> bool:
    """Whether the kernels take these maps, (N, towers, C, H, W) of any float type up to float64."""
    return (
        triton is not None
        and a.dim() == 5
        and 0 < a.numel() < 2**31  # offsets are counted in 32 bits
        and a.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    )


if triton:

    @triton.jit
    def _denominator(
        a, at, channel, inside, C, stride_c,
        N: tl.constexpr, K: tl.constexpr, ALPHA: tl.constexpr, WIDE: tl.constexpr,
    ):  # fmt: skip
        """K + ALPHA times the energy of the N maps around `channel`; maps outside the tower count as zero."""
        energy = tl.zeros(at.shape, WIDE)
        for j in tl.static_range(N):
            near = channel + (j - N // 2)
            value = tl.load(a + at + (j - N // 2) * stride_c, inside & (near >= 0) & (near < C), 0.0).to(WIDE)
            energy += value * value
        return K + ALPHA * energy

    @triton.jit
    def _inverse_power(d, BETA: tl.constexpr):
        """d ** -BETA; §3.3's 3/4 by two roots."""
        if BETA == 0.75:
            root = 1.0 / tl.sqrt(d)
            return root * tl.sqrt(root)
        return tl.exp2(-BETA * tl.log2(d))

    @triton.jit
    def _tile(C, P, stride_n, stride_t, stride_c, stride_p, T, MAPS: tl.constexpr, PIXELS: tl.constexpr):
        """Offsets, channels and validity of this program's (MAPS, PIXELS) in one tower of an image."""
        image, tower = tl.program_id(2) // T, tl.program_id(2) % T
        channel = tl.program_id(1) * MAPS + tl.arange(0, MAPS)[:, None]
        pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)[None, :]
        at = image * stride_n + tower * stride_t + channel * stride_c + pixel * stride_p
        return at, channel, (channel < C) & (pixel < P)

    @triton.jit
    def _forward(
        a, out, C, P, sn, st, sc, sp, T,
        N: tl.constexpr, K: tl.constexpr, ALPHA: tl.constexpr, BETA: tl.constexpr,
        WIDE: tl.constexpr, MAPS: tl.constexpr, PIXELS: tl.constexpr,
    ):  # fmt: skip
        at, channel, inside = _tile(C, P, sn, st, sc, sp, T, MAPS, PIXELS)
        d = _denominator(a, at, channel, inside, C, sc, N, K, ALPHA, WIDE)
        value = tl.load(a + at, inside, 0.0).to(WIDE)
        tl.store(out + at, (value * _inverse_power(d, BETA)).to(out.dtype.element_ty), inside)

    @triton.jit
    def _backward(
        a, g, da, C, P, sn, st, sc, sp, T,
        N: tl.constexpr, K: tl.constexpr, ALPHA: tl.constexpr, BETA: tl.constexpr,
        WIDE: tl.constexpr, MAPS: tl.constexpr, PIXELS: tl.constexpr,
    ):  # fmt: skip
        at, channel, inside = _tile(C, P, sn, st, sc, sp, T, MAPS, PIXELS)
        direct = tl.zeros(at.shape, WIDE)
        nearby = tl.zeros(at.shape, WIDE)
        for j in tl.static_range(N):
            # The maps whose windows hold this one: an even window is turned around.
            step = j - (N - 1) // 2
            there = at + step * sc
            within = inside & (channel + step >= 0) & (channel + step < C)
            d = _denominator(a, there, channel + step, within, C, sc, N, K, ALPHA, WIDE)
            part = tl.load(g + there, within, 0.0).to(WIDE) * _inverse_power(d, BETA)
            if step == 0:
                direct += part
            nearby += part * tl.load(a + there, within, 0.0).to(WIDE) / d
        value = tl.load(a + at, inside, 0.0).to(WIDE)
        result = direct - 2 * ALPHA * BETA * value * nearby
        tl.store(da + at, result.to(da.dtype.element_ty), inside)


class OnGPU(torch.autograd.Function):
    """`normalization.damped` by the two kernels; computed in float32, in float64 for float64 input."""

    @staticmethod
    def forward(ctx, a: Tensor, n: int, k: float, alpha: float, beta: float, readable) -> Tensor:
        """readable: the body whose gradient is taken when a gradient of the gradient is asked for."""
        a = _dense(a)
        ctx.save_for_backward(a)
        ctx.constants, ctx.readable = (n, k, alpha, beta), readable
        out = torch.empty_like(a)
        _launch(_forward, (a, out), *ctx.constants)
        return out

    @staticmethod
    def backward(ctx, g: Tensor):
        (a,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            out = ctx.readable(a, *ctx.constants)
            return *torch.autograd.grad(out, a, g, create_graph=True), *5 * [None]
        da = torch.empty_like(a)
        if g.stride() != a.stride():  # the kernel walks all tensors alike
            g = torch.empty_like(a).copy_(g)
        _launch(_backward, (a, g, da), *ctx.constants)
        return da, *5 * [None]


def _dense(a: Tensor) -> Tensor:
    """Maps in one of the two orders of memory that the kernels walk: whole maps, or channels last."""
    height, width = a.shape[-2:]
    one_step_a_pixel = height == 1 or a.stride(-2) == width * a.stride(-1)
    dense = a.numel() == 1 + sum((side - 1) * step for side, step in zip(a.shape, a.stride(), strict=True))
    return a if one_step_a_pixel and dense else a.contiguous()


def _launch(kernel, tensors: tuple[Tensor, ...], n: int, k: float, alpha: float, beta: float) -> None:
    a = tensors[0]
    images, towers, maps, height, width = a.shape
    pixels = height * width
    step = a.stride(-1) if width > 1 else a.stride(-2)
    # Neighboring threads take neighboring numbers: with channels last those are maps, not pixels.
    tile = (TILE_PIXELS, TILE_MAPS) if a.stride(2) == 1 and pixels > 1 else (TILE_MAPS, TILE_PIXELS)
    grid = (triton.cdiv(pixels, tile[1]), triton.cdiv(maps, tile[0]), images * towers)
    wide = tl.float64 if a.dtype == torch.float64 else tl.float32
    with torch.cuda.device_of(a):
        # The constants are compiled in: as arguments Triton would round them to float32.
        kernel[grid](
            *tensors, maps, pixels, a.stride(0), a.stride(1), a.stride(2), step, towers,
            N=n, K=k, ALPHA=alpha, BETA=beta, WIDE=wide, MAPS=tile[0], PIXELS=tile[1],
        )  # fmt: skip
