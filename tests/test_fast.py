"""Fast bodies give the numbers of the formula, whatever is asked of the layer."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from alexnet_lib import fast
from alexnet_lib.architecture import PAPER, AlexNet
from alexnet_lib.fast.lrn import BlockedLRN
from alexnet_lib.normalization import LocalResponseNorm

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch itself scripts
FORMATS = [torch.contiguous_format, torch.channels_last]


def activities(*shape, seed=0, scale=20.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def gradients(layer, a, g):
    a = a.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    out = layer(a)
    out.backward(g)
    return out.detach(), a.grad


def fast_and_plain(*args, **options):
    return fast.use(LocalResponseNorm(*args, **options)), LocalResponseNorm(*args, **options)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("n", [1, 2, 5, 9, 30])
@pytest.mark.parametrize("shape", [(5, 8, 3, 1), (20, 12, 64, 64), (1, 2, 1, 1), (0, 4, 3, 3)])
def test_blocks_agree_with_the_formula_in_double_precision(shape, n, memory_format):
    layer, plain = fast_and_plain(n, alpha=0.01, towers=2, beta=0.75 if n % 2 else 0.5)
    a, g = (activities(*shape, seed=seed).to(memory_format=memory_format) for seed in (1, 2))
    for ours, oracle in zip(gradients(layer, a, g), gradients(plain, a.double(), g.double()), strict=True):
        torch.testing.assert_close(ours.double(), oracle, rtol=4e-6, atol=4e-6)
        assert ours.stride() == a.stride() or not a.numel()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_come_back_rounded_once(dtype):
    layer, plain = fast_and_plain(towers=2)
    a, g = (activities(3, 8, 5, 5, seed=seed, scale=500).to(dtype) for seed in (1, 2))
    for ours, oracle in zip(gradients(layer, a, g), gradients(plain, a.double(), g.double()), strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours.double(), oracle, rtol=1.01 * torch.finfo(dtype).eps, atol=1e-7)


def test_only_the_input_is_kept_for_the_way_back():
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        fast.use(LocalResponseNorm())(a := activities(2, 8, 4, 4).requires_grad_())
    assert kept == [a.numel()]


def test_gradients_of_gradients_are_those_of_finite_differences():
    a = (activities(1, 4, 2, 2) / 10).double().requires_grad_()
    layer = fast.use(LocalResponseNorm(3, alpha=0.5, towers=2))
    assert torch.autograd.gradcheck(layer, a, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(layer, a)


@pytest.mark.slow
def test_a_compiled_fast_layer_takes_any_batch():
    layer, plain = fast_and_plain(towers=2)
    compiled = torch.compile(layer, backend="aot_eager")
    for batch in (24, 22, 1, 43):
        a, g = (activities(batch, 8, 5, 5, seed=seed) for seed in (1, 2))
        torch.testing.assert_close(gradients(compiled, a, g), gradients(plain, a, g))


class Skips(nn.Module):
    """A net in which more than one layer reads what another gives."""

    def __init__(self):
        super().__init__()
        self.unit = nn.ReLU()
        self.row = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), self.unit, LocalResponseNorm(towers=2))

    def forward(self, x):
        h = self.row(x)
        return self.unit(h) + h + self.row[2](h)


def small_paper():
    return AlexNet(replace(PAPER, image_size=64, hidden=(64,), classes=10, dropout=0.0))


@pytest.mark.parametrize(("make", "size"), [(Skips, 9), (small_paper, 64)])
@pytest.mark.parametrize("autocast", [False, True])
def test_a_net_with_fast_bodies_has_the_same_scores_and_gradients(make, size, autocast):
    torch.manual_seed(0)
    net, results = make(), []
    for body in (net, fast.use(copy.deepcopy(net))):
        x = activities(2, 3, size, size, scale=60).requires_grad_()
        with torch.autocast("cpu", enabled=autocast):
            out = body(x).float()
        out.square().mean().backward()
        results.append([out.detach(), x.grad, *(weight.grad for weight in body.parameters())])
    for plain, ours in zip(*results, strict=True):
        distance = (plain - ours).norm() / plain.norm()
        assert distance < (0.1 if autocast else 1e-5)


def test_units_write_over_their_input_only_where_nobody_else_reads_it():
    net = fast.use(Skips())
    assert [net.row[1].inplace, net.unit.inplace] == [True, False]
    assert all(layer.inplace for layer in fast.use(small_paper()).modules() if isinstance(layer, nn.ReLU))


def test_blocks_are_what_a_fast_net_runs(monkeypatch):
    calls, apply = [], BlockedLRN.apply
    monkeypatch.setattr(BlockedLRN, "apply", lambda *args: calls.append(1) or apply(*args))
    fast.use(small_paper())(torch.zeros(1, 3, 64, 64))
    assert len(calls) == 2
