"""Local response normalization (§3.3)."""

import os
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .guard import require_count, require_flag, require_number, require_tensor
from .paper import LRN
from .room import Room

# Triton's own switch: its kernels run on the CPU then, slowly, which is how they are tested without a GPU.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
UNROLLED = 32  # maps of a window that these kernels write out one by one, at most
PART = 24 * 2**20  # bytes of one piece of what compiled code keeps, see _WrittenOut


def window_sum(x: Tensor, n: int) -> Tensor:
    """Sum over `n` adjacent kernel maps at the same place; maps beyond the first and last count as zero.

    The window of map i starts at i - n // 2. For odd n it is centered, as §3.3 draws it; for even n it
    reaches one map further down than up, as in the 2012 source and in torch.

    x: (..., C, H, W) -> (..., C, H, W).
    """
    require_tensor("x", x, "(..., C, H, W)", "windows run along the kernel maps (§3.3)")
    require_count("n", n, "it counts the adjacent kernel maps of a window (§3.3: n = 5)")
    total, most = x.clone(), x.shape[-3] - 1
    for below in range(1, min(n // 2, most) + 1):
        total[..., below:, :, :] += x[..., :-below, :, :]
    for above in range(1, min((n - 1) // 2, most) + 1):
        total[..., :-above, :, :] += x[..., above:, :, :]
    return total


def damped(a: Tensor, n: int, k: float, alpha: float, beta: float) -> Tensor:
    """The formula of §3.3, `alpha` times the plain sum: (..., C, H, W) -> (..., C, H, W)."""
    return a / (k + alpha * window_sum(a.square(), n)) ** beta


def _by_pixel(a: Tensor) -> bool:
    """Whether the maps of one pixel lie side by side in memory, as in channels_last: (..., C, H, W)."""
    return a.stride(-3) == 1


class _Row:
    """Scratch for maps, in one row of memory with `edge` between the maps of one tower and the next.

    A window near the first or the last map reaches into these edges, so no map has to be told apart: the
    neighbors j maps away from all maps at once are the same row, read from j maps further on.

    maps: (units, towers, C, places), the row without its edges. edge: their number, as a tensor.
    """

    def __init__(self, like: Tensor, n: int, edge: float = 0.0):
        units, towers, maps, self.places = like.shape
        room = n // 2  # maps that a window reaches, at most, to either side
        self.first, self.end = room * self.places, units * towers * (maps + room) * self.places
        self.numbers = like.new_full((self.first + self.end,), edge)
        self.maps = self.numbers[self.first :].view(units, towers, maps + room, self.places)[:, :, :maps]
        self.edge, self.parts = like.new_tensor(edge), {}

    @property
    def all(self) -> Tensor:
        """All numbers from the first map to the last, with the edges between."""
        return self.part(0)

    def part(self, start: int, more: int = 0) -> Tensor:
        """As many numbers, and those of so many maps more, from `start` maps after the first on."""
        if (start, more) not in self.parts:  # kept, since to make it takes a third of the time to add it
            begin, end = self.first + start * self.places, self.end + (start + more) * self.places
            self.parts[start, more] = self.numbers[begin:end]
        return self.parts[start, more]


class _InCache(torch.autograd.Function):
    """`damped`, so few maps at a time that all its steps stay in the CPU's cache.

    With d = k + alpha * window_sum(a^2) and the incoming gradient g,

        da = g / d^beta - 2 alpha beta a window_sum(a g / d^beta / d)

    Only `a` is kept for the way back; the d of each block is computed again, which costs less than memory.
    All blocks share the same scratch, because fresh memory costs more than to fill it.
    """

    # Of one block for each thread: eight of this size, as many as the way back needs, fit into a core's own
    # cache. With smaller blocks the calls cost more than the work.
    BYTES = 192 * 1024

    @staticmethod
    def forward(ctx, a, n, k, alpha, beta, room):
        ctx.save_for_backward(a)
        ctx.constants, ctx.over = (n, k, alpha, beta), room is not None
        out = _InCache.fresh(a, room=room if ctx.needs_input_grad[0] else None)  # alike from step to step
        units = _InCache.units(a, a)
        edges = k / n, 0.0, 0.0
        for part, result, share, d, power in _InCache.blocks(n, units, _InCache.units(out, a), edges=edges):
            _InCache.denominator(part, share, d, n, alpha, spare=power)
            _InCache.raised(d, beta, power, spare=d)
            torch.div(part, power.maps, out=result)
        return out

    @staticmethod
    def backward(ctx, g):
        (a,), (n, k, alpha, beta) = ctx.saved_tensors, ctx.constants
        if torch.is_grad_enabled():  # a gradient of this gradient is asked for
            return *torch.autograd.grad(damped(a, *ctx.constants), a, g, create_graph=True), *5 * [None]
        da = _InCache.fresh(a, over=g if ctx.over else None)
        units = (_InCache.units(x, a) for x in (a, g, da))
        edges = k / n, 0.0, 0.0, 0.0, 0.0
        for part, g_part, result, share, d, power, root, q in _InCache.blocks(n, *units, edges=edges):
            _InCache.denominator(part, share, d, n, alpha, spare=power)
            _InCache.raised(d, beta, power, spare=root)
            torch.div(g_part, power.maps, out=result)
            torch.mul(part, result, out=q.maps).div_(d.maps)
            # The windows that hold map i are those of the maps from (n - 1) // 2 below it.
            _InCache.window(q, (n - 1) // 2, n, out=power, spare=d)
            result.addcmul_(part, power.maps, value=-2 * alpha * beta)
        return da, *5 * [None]

    @staticmethod
    def fresh(a: Tensor, over: Tensor | None = None, room: Room | None = None) -> Tensor:
        """Memory for as many maps, in a's order; that of `over`, if it lies in this order, or from a room."""
        order = (0, 3, 4, 1, 2) if _by_pixel(a) else (0, 1, 2, 3, 4)
        if over is not None and over.stride() == torch.empty_permuted(a.shape, order, device="meta").stride():
            return over
        if room:
            return room.empty(a.shape, order, a.dtype, a.device)
        return torch.empty_permuted(a.shape, order, dtype=a.dtype, device=a.device)

    @staticmethod
    def units(x: Tensor, a: Tensor) -> Tensor:
        """x in a's order, (units, towers, C, places): a unit is a pixel, or a tower of a whole image."""
        if _by_pixel(a):
            return x.permute(0, 3, 4, 1, 2).reshape(-1, *x.shape[1:3], 1)
        return x.flatten(3).flatten(0, 1)[:, None]

    @staticmethod
    def blocks(n: int, *tensors: Tensor, edges: tuple[float, ...]) -> Iterator[tuple[Tensor | _Row, ...]]:
        """The same units of every tensor, block after block, and for each of the edges a row of scratch."""
        first, rows = tensors[0], []
        bytes_of_all = _InCache.BYTES * torch.get_num_threads()
        units = max(1, bytes_of_all // (first[0].numel() * first.element_size()))
        for parts in zip(*(tensor.split(units) for tensor in tensors), strict=True):
            if not rows or len(rows[0].maps) != len(parts[0]):
                rows = [_Row(parts[0], n, edge) for edge in edges]
            yield *parts, *rows

    @staticmethod
    def denominator(a: Tensor, share: _Row, d: _Row, n: int, alpha: float, spare: _Row) -> None:
        """k + alpha * window_sum(a^2) into `d`: the sum of what each map, or an edge, brings into a window.

        share: that, k / n + alpha * a^2; its edges are k / n.
        """
        torch.addcmul(share.edge, a, a, value=alpha, out=share.maps)
        _InCache.window(share, n // 2, n, out=d, spare=spare)

    @staticmethod
    def raised(d: _Row, beta: float, out: _Row, spare: _Row) -> None:
        """d ** beta into `out`; `spare` may be d. Two roots are several times as fast as a power."""
        if beta == 0.75:
            torch.sqrt(d.all, out=out.all)
            torch.sqrt(out.all, out=spare.all)
            out.all.mul_(spare.all)
        else:
            torch.pow(d.all, beta, out=out.all)

    @staticmethod
    def window(row: _Row, below: int, n: int, out: _Row, spare: _Row) -> None:
        """Into `out` the sum of the n maps from so many below each on: of pairs, and of odd n one map more.

        A pair is in many windows and is added once, so five maps take three additions and not four.
        """
        torch.add(row.part(-below, n - 2), row.part(1 - below, n - 2), out=spare.part(-below, n - 2))
        terms = [spare.part(j - below) for j in range(0, n - 1, 2)] + n % 2 * [row.part(n - 1 - below)]
        torch.add(terms[0], terms[1] if n > 2 else 0.0, out=out.all)
        for term in terms[2:]:
            out.all.add_(term)


def require_maps(a: Tensor) -> None:
    """Refuse what is not a float tensor of kernel maps, (N, C, H, W) or (C, H, W)."""
    if not isinstance(a, Tensor) or not a.is_floating_point():
        kind = a.dtype if isinstance(a, Tensor) else type(a).__name__
        raise TypeError(f"input is {kind}, and §3.3 normalizes real activities: pass a float tensor")
    if a.dim() not in (3, 4):
        raise ValueError(f"input has shape {tuple(a.shape)}, and kernel maps are (N, C, H, W) or (C, H, W)")


class _WrittenOut(torch.autograd.Function):
    """`damped` for a compiler, which makes one pass each way: nothing in place, its gradient written out.

    A compiler computes a value again for each of the n windows that hold it. So 1 / d is kept beside input
    and output, and what is computed again are two products. With b = a * d ** -beta the gradient is

        g * d ** -beta - 2 * alpha * beta * a * (sum of g * b / d over the windows that hold the map).

    Windows run along the axis of maps wherever it lies in memory, and each neighbor is cut off at one end
    only, because every test for an edge costs as much as a product. On a CPU 1 / d is kept in parts: Linux's
    allocator keeps what is freed up to 32 MiB, and clears every larger tensor anew.
    """

    @staticmethod
    def forward(ctx, a, n, k, alpha, beta):
        ctx.axis = -1 if _by_pixel(a) else -3
        ctx.constants = n, alpha, beta
        inverses, results = [], []
        for part in a.movedim(-3, ctx.axis).split(_WrittenOut.images(a)):
            near = _WrittenOut.window(part, n // 2, n, ctx.axis)
            inverses.append((k + alpha * sum(other.square() for other in near)).reciprocal())
            results.append(part * _WrittenOut.power(inverses[-1], beta))
        b = torch.cat(results).movedim(ctx.axis, -3)
        ctx.save_for_backward(a, b, *inverses)
        return b

    @staticmethod
    def backward(ctx, g):
        (a, b, *inverses), (n, alpha, beta) = ctx.saved_tensors, ctx.constants
        results = []
        parts = (x.movedim(-3, ctx.axis).split(_WrittenOut.images(a)) for x in (a, b, g))
        for part, out, given, inverse in zip(*parts, inverses, strict=True):
            # Which windows hold map i: those of maps i - (n - 1) // 2 and on.
            nearby = sum(_WrittenOut.window(given * out * inverse, (n - 1) // 2, n, ctx.axis))
            direct = given * _WrittenOut.power(inverse, beta)
            results.append(direct - 2 * alpha * beta * part * nearby)
        return torch.cat(results).movedim(ctx.axis, -3), None, None, None, None

    @staticmethod
    def images(a: Tensor) -> int:
        """How many images are one part."""
        if a.device.type != "cpu":
            return a.shape[0]
        return max(1, PART * a.shape[0] // (a.numel() * a.element_size()))

    @staticmethod
    def window(x: Tensor, below: int, n: int, axis: int) -> Iterator[Tensor]:
        """x, and x moved by one map and more, so that the n maps from so many below lie on one place."""
        maps = x.shape[axis]
        for j in range(max(below + 1 - n, 1 - maps), min(below, maps - 1) + 1):
            edge = (max(j, 0), max(-j, 0)) if axis == -1 else (0, 0, 0, 0, max(j, 0), max(-j, 0))
            yield F.pad(x.narrow(axis, max(-j, 0), maps - abs(j)), edge) if j else x

    @staticmethod
    def power(inverse: Tensor, beta: float) -> Tensor:
        """(1 / d) ** beta; for §3.3's beta by two roots, which a processor has."""
        if beta == 0.75:
            root = inverse.sqrt()
            return root * root.sqrt()
        return inverse**beta


def _normalized(a: Tensor, n: int, k: float, alpha: float, beta: float, room: Room | None) -> Tensor:
    """`damped` by the fastest body that takes these maps, (..., towers, C, H, W), in their own type.

    room: for the result, where the body can; its gradient is then written over the one that comes in.
    """
    if not a.numel():
        return a.clone()
    n = min(n, 2 * a.shape[-3] - 1)  # a wider window holds the same maps
    compiling = torch.compiler.is_compiling()
    if not compiling and (a.device.type == "cuda" or INTERPRETED):
        from . import normalization_triton  # here, because Triton takes a second to import

        if n <= UNROLLED and normalization_triton.usable(a):
            return normalization_triton.OnGPU.apply(a, n, k, alpha, beta, damped)
    # §3.3's squares reach 1e6 and more, float16 ends at 65,504.
    wide = a if a.dtype == torch.float64 else a.float()
    if compiling:
        return _WrittenOut.apply(wide, n, k, alpha, beta).to(a.dtype)
    if a.dim() == 5 and a.device.type == "cpu" and wide.dtype == torch.float32:
        return _InCache.apply(wide, n, k, alpha, beta, room).to(a.dtype)
    return damped(wide, n, k, alpha, beta).to(a.dtype)


class LocalResponseNorm(nn.Module):
    """Damp each activity by the energy of its neighboring kernel maps (§3.3).

        b_i = a_i / (k + alpha * sum_j a_j^2) ** beta,   j over n maps around i

    `alpha` multiplies the plain sum, as §3.3 prints it. The 2012 source and `torch.nn.LocalResponseNorm`
    divide `alpha` by `n` first: `alpha_over_n=True` does so too.

    `towers=2` keeps every window inside one half of the maps, because each half lived on its own GPU
    (§3.2): the window of map 47 of 96 ends there and never sees map 48.

    Input (N, C, H, W) or (C, H, W) of any float type, C a multiple of `towers`; output of the same shape
    and type. 16-bit input is computed in float32, because the squares of activities overflow float16.

    Raises ValueError or TypeError for n below 1, k not above 0, alpha below 0, or an input of another form.
    """

    room = None  # set by memory.in_place: for the output, and the gradient goes over the one that comes in

    def __init__(
        self,
        n: int = LRN.n,
        k: float = LRN.k,
        alpha: float = LRN.alpha,
        beta: float = LRN.beta,
        *,
        towers: int = 1,
        alpha_over_n: bool = False,
    ):
        super().__init__()
        self.n = require_count("n", n, "it counts the adjacent kernel maps of a window (§3.3: n = 5)")
        self.k = require_number("k", k, gt=0.0, why="a silent map would divide by zero (§3.3: k = 2)")
        self.alpha = require_number("alpha", alpha, ge=0.0, why="it weighs an energy (§3.3: alpha = 1e-4)")
        self.beta = require_number("beta", beta, "it is the exponent of the denominator (§3.3: beta = 0.75)")
        self.towers = require_count(
            "towers", towers, "it counts the groups that windows stay inside (§3.2: 2)"
        )
        self.alpha_over_n = require_flag(
            "alpha_over_n", alpha_over_n, "torch and the source divide (§3.3: False)"
        )

    def forward(self, a: Tensor) -> Tensor:
        require_maps(a)
        maps = a.shape[-3]
        if maps % self.towers:
            raise ValueError(
                f"input has {maps} kernel maps, and towers={self.towers} needs a multiple of {self.towers}: "
                f"§3.2 gives each tower an equal share. Use towers=1 or another width"
            )
        split = a.unflatten(-3, (self.towers, maps // self.towers))  # (..., towers, C/towers, H, W)
        scale = self.alpha / self.n if self.alpha_over_n else self.alpha
        found = _normalized(split, self.n, self.k, scale, self.beta, self.room)
        return found.flatten(-4, -3)  # (..., C, H, W)

    def extra_repr(self) -> str:
        return (
            f"n={self.n}, k={self.k:g}, alpha={self.alpha:g}, beta={self.beta:g}, "
            f"towers={self.towers}, alpha_over_n={self.alpha_over_n}"
        )


class SpatialResponseNorm(nn.Module):
    """Damp each activity by the energy around it in its own kernel map; not in the paper.

        b = a / (k + alpha / n^2 * sum a^2 over n x n pixels) ** beta

    The 2012 source applies it in layer 2 after the response normalization (layers-145.cfg, cnorm2a:
    size 5, scale 0.001, exponent 0.75). It reads no `minDiv` for this kind of norm; that k is then 1 is ours,
    after the author's other programs. n must be odd; pixels beyond the edge count as zero.
    Input and output as for `LocalResponseNorm`.
    """

    def __init__(self, n: int = 5, k: float = 1.0, alpha: float = 1e-3, beta: float = 0.75):
        super().__init__()
        self.n = require_count("n", n, "it is the side of a window in pixels (layers-145.cfg: 5)")
        if n % 2 == 0:
            raise ValueError(f"n is {n}, and a window around a pixel has an odd side: use {n + 1}")
        self.k = require_number("k", k, gt=0.0, why="it keeps the denominator off zero")
        self.alpha = require_number("alpha", alpha, ge=0.0, why="a negative energy has no real power")
        self.beta = require_number("beta", beta, why="it is the exponent of the denominator")

    def forward(self, a: Tensor) -> Tensor:
        require_maps(a)
        if not a.numel():
            return a.clone()  # torch pools no maps without pixels
        wide = a if a.dtype == torch.float64 else a.float()
        n = min(self.n, 2 * max(a.shape[-2:]) - 1)  # a wider window holds the same pixels
        # The mean over n x n with zeros outside is the sum divided by n^2; alpha is divided by the whole n^2.
        energy = F.avg_pool2d(wide.square(), n, stride=1, padding=n // 2)
        alpha = self.alpha * (n / self.n) ** 2
        return (wide / (self.k + alpha * energy) ** self.beta).to(a.dtype)

    def extra_repr(self) -> str:
        return f"n={self.n}, k={self.k:g}, alpha={self.alpha:g}, beta={self.beta:g}"
