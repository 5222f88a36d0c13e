"""Response normalization (§3.3) against the printed formula in plain loops and against torch's own layer."""

import math
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet_lib import normalization
from alexnet_lib.normalization import LocalResponseNorm, SpatialResponseNorm, _InCache, window_sum


def activities(*shape, seed=0, dtype=torch.float64, scale=1.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def printed(a, n, k, alpha, beta, towers=1):
    """§3.3 in loops: map i is damped by the n maps from i - n // 2, those of its own tower alone."""
    share, out = a.shape[-3] // towers, np.empty(a.shape)
    for place in np.ndindex(*a.shape):
        *image, i, y, x = place
        first = i - i % share
        energy = 0.0
        for j in range(i - n // 2, i - n // 2 + n):
            if first <= j < first + share:
                energy += a[(*image, j, y, x)].item() ** 2
        out[place] = a[place].item() / (k + alpha * energy) ** beta
    return torch.from_numpy(out)


def printed_spatially(a, n, k, alpha, beta):
    """The 2012 source's second norm in loops: n x n pixels of one map, alpha divided by n squared."""
    height, width = a.shape[-2:]
    out = np.empty(a.shape)
    for place in np.ndindex(*a.shape):
        *above, y, x = place
        energy = 0.0
        for v in range(max(0, y - n // 2), min(height, y + n // 2 + 1)):
            for u in range(max(0, x - n // 2), min(width, x + n // 2 + 1)):
                energy += a[(*above, v, u)].item() ** 2
        out[place] = a[place].item() / (k + alpha / n**2 * energy) ** beta
    return torch.from_numpy(out)


def test_a_single_kernel_map_is_damped_by_itself_alone():
    a = torch.full((1, 1, 1, 1), 10.0)
    assert LocalResponseNorm(k=1.0, alpha=1.0, beta=1.0)(a).item() == pytest.approx(10 / 101)


def test_three_maps_are_damped_by_hand():
    a = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    damped = LocalResponseNorm(n=3, k=1.0, alpha=1.0, beta=1.0)(a).flatten().tolist()
    assert damped == pytest.approx([1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)])


def test_the_default_is_the_printed_formula_with_the_printed_constants():
    a = activities(2, 7, 2, 3, scale=100)
    torch.testing.assert_close(LocalResponseNorm()(a), printed(a, n=5, k=2, alpha=1e-4, beta=0.75))


def test_the_window_of_the_paper_runs_from_i_minus_half_to_i_plus_half():
    for i in range(9):
        a = torch.zeros(9, 1, 1, dtype=torch.float64)
        a[i] = 1.0
        reached = window_sum(a, 5).flatten().nonzero().flatten().tolist()
        assert reached == list(range(max(0, i - 2), min(8, i + 2) + 1))


def test_an_even_window_reaches_one_map_further_down_than_up():
    sums = window_sum(torch.tensor([1.0, 10.0, 100.0, 1000.0, 10000.0]).reshape(5, 1, 1), 4)
    assert sums.flatten().tolist() == [11, 111, 1111, 11110, 11100]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 9),
    k=st.floats(0.1, 5),
    alpha=st.floats(0, 2),
    beta=st.floats(-1, 2),
    towers=st.integers(1, 3),
    share=st.integers(1, 4),
    batch=st.sampled_from([(), (0,), (1,), (2,)]),
    sides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 2**31),
)
def test_any_window_constants_and_shape_agree_with_the_loops(
    n, k, alpha, beta, towers, share, batch, sides, seed
):
    a = activities(*batch, towers * share, *sides, seed=seed, scale=3)
    ours = LocalResponseNorm(n, k, alpha, beta, towers=towers)(a)
    assert ours.shape == a.shape
    torch.testing.assert_close(ours, printed(a, n, k, alpha, beta, towers), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("maps", [1, 3, 96])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 200])
def test_agrees_with_torch_once_alpha_is_rescaled(n, maps):
    a = activities(2, maps, 4, 3, dtype=torch.float32, scale=50)
    ours = LocalResponseNorm(n=n, k=2.0, alpha=1e-4, beta=0.75)
    torchs = torch.nn.LocalResponseNorm(n, alpha=1e-4 * n, beta=0.75, k=2.0)
    torch.testing.assert_close(ours(a), torchs(a))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 200])
def test_alpha_over_n_is_torchs_layer_and_the_2012_source(n):
    a = activities(2, 12, 4, 3, dtype=torch.float32, scale=50)
    ours = LocalResponseNorm(n=n, k=1.5, alpha=1e-2, beta=0.6, alpha_over_n=True)
    torch.testing.assert_close(ours(a), torch.nn.LocalResponseNorm(n, alpha=1e-2, beta=0.6, k=1.5)(a))


def test_the_paper_and_the_source_differ_in_what_alpha_multiplies():
    a = torch.full((5, 1, 1), 100.0, dtype=torch.float64)
    middle_energy = 5 * 100**2
    paper, source = LocalResponseNorm()(a), LocalResponseNorm(alpha_over_n=True)(a)
    assert paper[2].item() == pytest.approx(100 / (2 + 1e-4 * middle_energy) ** 0.75)
    assert source[2].item() == pytest.approx(100 / (2 + 2e-5 * middle_energy) ** 0.75)


@pytest.mark.parametrize("alpha_over_n", [False, True])
def test_two_towers_are_two_calls_on_the_halves(alpha_over_n):
    a = activities(2, 96, 2, 2, scale=100)
    one = LocalResponseNorm(alpha_over_n=alpha_over_n)
    two = LocalResponseNorm(towers=2, alpha_over_n=alpha_over_n)
    torch.testing.assert_close(two(a), torch.cat([one(a[:, :48]), one(a[:, 48:])], dim=1))


def test_two_towers_differ_from_one_only_in_the_two_maps_on_each_side_of_the_boundary():
    a = activities(1, 96, 2, 2, scale=100)
    apart = (LocalResponseNorm(towers=2)(a) - LocalResponseNorm()(a)).abs().amax(dim=(0, 2, 3))
    assert apart.nonzero().flatten().tolist() == [46, 47, 48, 49]


@pytest.mark.parametrize("layer", [LocalResponseNorm(), LocalResponseNorm(towers=2), SpatialResponseNorm()])
def test_images_are_normalized_one_by_one_with_or_without_a_batch(layer):
    a = activities(3, 8, 4, 5, scale=30)
    torch.testing.assert_close(layer(a), torch.stack([layer(image) for image in a]), rtol=1e-12, atol=0)


VIEWS = {
    "transposed": lambda a: a.transpose(-1, -2),
    "every second map": lambda a: a[:, ::2],
    "channels last": lambda a: a.to(memory_format=torch.channels_last),
    "expanded": lambda a: a[:1].expand(3, -1, -1, -1),
}


@pytest.mark.parametrize("layer", [LocalResponseNorm(towers=2), SpatialResponseNorm()])
@pytest.mark.parametrize("view", VIEWS)
def test_the_order_in_memory_makes_no_difference(view, layer):
    a = VIEWS[view](activities(3, 8, 4, 5, scale=30))
    copy = a.clone(memory_format=torch.contiguous_format)
    assert a.stride() != copy.stride()
    torch.testing.assert_close(layer(a), layer(copy), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("dtype", "rounding"),  # 16-bit types: one rounding of a result, by half an eps; the others: several
    [(torch.float16, 2**-11), (torch.bfloat16, 2**-8), (torch.float32, 1e-6), (torch.float64, 1e-14)],
)
def test_activities_of_a_thousand_fit_every_float_type(dtype, rounding):
    a = (activities(2, 8, 3, 3).sign() * 1000).to(dtype)  # 1000 squared is beyond float16
    expected = printed(a, n=5, k=2, alpha=1e-4, beta=0.75, towers=2)
    spatially = printed_spatially(a, n=5, k=1, alpha=1e-3, beta=0.75)
    for layer, values in ((LocalResponseNorm(towers=2), expected), (SpatialResponseNorm(), spatially)):
        assert layer(a).dtype == dtype
        torch.testing.assert_close(layer(a).double(), values, rtol=1.01 * rounding, atol=0)


def test_eight_bit_floats_work_too():
    a = torch.full((2, 1, 1), 4.0).to(torch.float8_e4m3fn)
    ours = LocalResponseNorm(k=1.0, alpha=3 / 32, beta=1.0)(a)  # 4 / (1 + 3 / 32 * 32) = 1
    assert (ours.dtype, ours.float().unique().tolist()) == (a.dtype, [1.0])


@pytest.mark.parametrize("n", [11, 12, 10**6, 10**9])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_window_wider_than_all_maps_holds_them_all_in_no_more_time(n, layout):
    a = activities(2, 6, 3, 2, dtype=torch.float32, scale=10.0).to(memory_format=layout).requires_grad_()
    energy = a.double().square().sum(dim=1, keepdim=True)  # of all maps: no window is wider
    expected = a / (2 + 1e-4 * energy) ** 0.75
    torch.testing.assert_close(LocalResponseNorm(n=n)(a), expected.float())
    halves = [LocalResponseNorm(n=n, alpha_over_n=True)(half) for half in a.split(3, dim=1)]
    both = LocalResponseNorm(n=n, alpha_over_n=True, towers=2)(a)
    torch.testing.assert_close(both, torch.cat(halves, dim=1))
    torch.testing.assert_close(window_sum(a.square(), n), energy.float().expand_as(a))
    grads = [torch.autograd.grad(out.sum(), a)[0] for out in (LocalResponseNorm(n=n)(a), expected)]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("n", [5, 7, 9, 10**6 + 1])
def test_a_spatial_window_wider_than_the_map_agrees_with_the_loops(n):
    a = activities(1, 2, 3, 4, scale=10.0)
    energy = a.square().sum(dim=(-1, -2), keepdim=True) / n**2 if n > 6 else None
    expected = printed_spatially(a, n, 1.0, 0.5, 0.75) if n < 10 else a / (1 + 0.5 * energy) ** 0.75
    torch.testing.assert_close(SpatialResponseNorm(n, alpha=0.5)(a), expected)


@pytest.mark.parametrize("layer", [LocalResponseNorm(towers=2), LocalResponseNorm(4), SpatialResponseNorm()])
@pytest.mark.parametrize(
    "shape", [(0, 4, 3, 3), (2, 0, 3, 3), (2, 4, 0, 3), (2, 4, 3, 0), (4, 0, 3), (0, 3, 3)]
)
def test_nothing_in_is_nothing_out_with_a_gradient(shape, layer):
    a = torch.zeros(shape, requires_grad=True)
    out = layer(a)
    assert out.shape == a.shape
    assert torch.autograd.grad(out.sum(), a)[0].shape == a.shape


@pytest.mark.parametrize("x", [[[1.0]], torch.ones(3, 3), torch.ones(2, 2, 2, dtype=torch.complex64)])
def test_a_window_sum_of_what_are_no_maps_is_refused(x):
    with pytest.raises((TypeError, ValueError), match=r"x (is|has) .*, and must be .*\(\.\.\., C, H, W\)"):
        window_sum(x, 3)


@pytest.mark.parametrize("layer", [LocalResponseNorm(towers=2), SpatialResponseNorm()])
def test_no_images_in_are_no_images_out(layer):
    assert layer(torch.zeros(0, 4, 3, 3)).shape == (0, 4, 3, 3)


@pytest.mark.parametrize("layer", [LocalResponseNorm(towers=2), SpatialResponseNorm()])
def test_shapes_are_known_without_memory(layer):
    assert layer(torch.empty(2, 4, 3, 3, device="meta")).shape == (2, 4, 3, 3)


@pytest.mark.parametrize(
    "layer",
    [
        LocalResponseNorm(3, 2.0, 0.5, 0.75),
        LocalResponseNorm(4, 1.0, 0.3, 1.5, towers=2, alpha_over_n=True),
        SpatialResponseNorm(3, 1.0, 0.5, 0.75),
    ],
    ids=repr,
)
def test_gradients_and_their_gradients_are_those_of_finite_differences(layer):
    a = activities(1, 4, 2, 2, scale=2).requires_grad_()
    assert torch.autograd.gradcheck(layer, a)
    assert torch.autograd.gradgradcheck(layer, a)


def test_a_silent_map_has_a_gradient():
    a = torch.zeros(1, 5, 1, 1, dtype=torch.float64, requires_grad=True)
    LocalResponseNorm()(a).sum().backward()
    torch.testing.assert_close(a.grad, torch.full_like(a, 2**-0.75))


def test_the_input_is_left_as_it_was():
    a = activities(1, 6, 2, 2, scale=100)
    before = a.clone()
    LocalResponseNorm()(a)
    SpatialResponseNorm()(a)
    assert torch.equal(a, before)


@settings(max_examples=40, deadline=None)
@given(
    n=st.sampled_from([1, 3, 5, 7]),
    k=st.floats(0.1, 5),
    alpha=st.floats(0, 2),
    beta=st.floats(-1, 2),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 6), st.integers(1, 6)),
    seed=st.integers(0, 2**31),
)
def test_the_spatial_norm_agrees_with_the_loops(n, k, alpha, beta, shape, seed):
    a = activities(*shape, seed=seed, scale=3)
    ours = SpatialResponseNorm(n, k, alpha, beta)(a)
    torch.testing.assert_close(ours, printed_spatially(a, n, k, alpha, beta), rtol=1e-10, atol=1e-12)


def test_the_spatial_norm_of_the_2012_source_has_its_constants():
    layer = SpatialResponseNorm()
    assert (layer.n, layer.alpha, layer.beta) == (5, 0.001, 0.75)
    a = torch.full((1, 5, 5), 100.0, dtype=torch.float64)
    assert layer(a)[0, 2, 2].item() == pytest.approx(100 / (1 + 0.001 / 25 * 25 * 100**2) ** 0.75)


def test_numpy_numbers_become_plain_ones():
    layer = LocalResponseNorm(
        np.int64(3), np.float32(2), np.float64(1e-4), np.float32(0.75), towers=np.int8(2)
    )
    assert [type(layer.n), type(layer.k), type(layer.towers)] == [int, float, int]
    assert type(SpatialResponseNorm(np.int64(3)).n) is int


def test_a_layer_prints_all_its_constants():
    assert repr(LocalResponseNorm(towers=2)) == (
        "LocalResponseNorm(n=5, k=2, alpha=0.0001, beta=0.75, towers=2, alpha_over_n=False)"
    )
    assert repr(SpatialResponseNorm()) == "SpatialResponseNorm(n=5, k=1, alpha=0.001, beta=0.75)"


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"n": 0}, ValueError, r"^n is 0, and must be at least 1: .* \(§3\.3: n = 5\)"),
        ({"n": 5.0}, TypeError, r"^n is 5\.0, and must be a whole number: .*§3\.3"),
        ({"towers": 0}, ValueError, r"^towers is 0, and must be at least 1: .* \(§3\.2: 2\)"),
        ({"k": 0}, ValueError, r"^k is 0, and must be above 0: .*divide by zero \(§3\.3: k = 2\)"),
        ({"k": -1}, ValueError, r"^k is -1, and must be above 0"),
        ({"alpha": -1e-4}, ValueError, r"^alpha is -0\.0001, and must be at least 0: .*alpha = 1e-4"),
        ({"alpha": "1e-4"}, TypeError, r"^alpha is '1e-4', and must be a number"),
        ({"beta": math.nan}, ValueError, r"^beta is nan, and must be finite: .*beta = 0\.75"),
    ],
)
def test_a_wrong_constant_names_itself_its_value_and_the_rule(wrong, error, words):
    with pytest.raises(error, match=words):
        LocalResponseNorm(**wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n": 0}, r"^n is 0, and must be at least 1: .*side of a window"),
        ({"n": 4}, r"^n is 4, and a window around a pixel has an odd side: use 5"),
        ({"k": 0}, r"^k is 0, and must be above 0: it keeps the denominator off zero"),
        ({"alpha": -1}, r"^alpha is -1, and must be at least 0: a negative energy"),
        ({"beta": math.inf}, r"^beta is inf, and must be finite"),
    ],
)
def test_a_wrong_constant_of_the_spatial_norm_does_so_too(wrong, words):
    with pytest.raises(ValueError, match=words):
        SpatialResponseNorm(**wrong)


@pytest.mark.parametrize("layer", [LocalResponseNorm(), SpatialResponseNorm()])
@pytest.mark.parametrize(
    ("a", "kind"),
    [
        (torch.zeros(1, 4, 2, 2, dtype=torch.uint8), "torch.uint8"),
        (torch.zeros(1, 4, 2, 2, dtype=torch.complex64), "torch.complex64"),
        (np.zeros((1, 4, 2, 2)), "ndarray"),
    ],
)
def test_what_is_no_float_tensor_is_refused_by_its_kind(a, kind, layer):
    with pytest.raises(TypeError, match=rf"^input is {kind}, and §3\.3 .*: pass a float tensor"):
        layer(a)


@pytest.mark.parametrize("layer", [LocalResponseNorm(), SpatialResponseNorm()])
@pytest.mark.parametrize("shape", [(4,), (4, 2), (1, 1, 4, 2, 2)])
def test_what_is_not_kernel_maps_is_refused_by_its_shape(shape, layer):
    with pytest.raises(ValueError, match=r"kernel maps are \(N, C, H, W\) or \(C, H, W\)") as error:
        layer(torch.zeros(shape))
    assert f"input has shape {shape}" in str(error.value)


def test_a_width_that_towers_cannot_share_names_both():
    with pytest.raises(
        ValueError, match=r"^input has 5 kernel maps, and towers=2 .* §3\.2 .* Use towers=1 or"
    ):
        LocalResponseNorm(towers=2)(torch.zeros(1, 5, 2, 2))


def gradients(layer, a, g):
    a = a.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    out = layer(a)
    out.backward(g)
    return out.detach(), a.grad


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("layer", [LocalResponseNorm(towers=2), LocalResponseNorm(9, 1.0, 0.5, 0.5)])
def test_the_fast_body_agrees_with_the_readable_one_in_double_precision(layer, memory_format):
    draw = torch.Generator().manual_seed(7)
    # 20 images of 192 KiB each: several blocks, the last one not full.
    a, g = (
        torch.randn(20, 12, 64, 64, generator=draw).to(memory_format=memory_format) * scale
        for scale in (20, 1)
    )
    fast, exact = gradients(layer, a, g), gradients(layer, a.double(), g.double())
    for ours, oracle in zip(fast, exact, strict=True):
        torch.testing.assert_close(ours.double(), oracle, rtol=2e-6, atol=2e-6)


def test_the_fast_body_keeps_nothing_but_its_input():
    a = torch.randn(2, 8, 4, 4, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        LocalResponseNorm()(a)
    assert kept == [a.numel()]


def test_the_fast_bodys_gradient_can_be_derived_again():
    a = torch.randn(2, 6, 3, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)

    def second(a):
        layer = LocalResponseNorm(alpha=0.1)
        (first,) = torch.autograd.grad(layer(a).square().sum(), a, create_graph=True)
        return torch.autograd.grad(first.square().sum(), a)[0]

    exact = second(a.detach().double().requires_grad_())
    torch.testing.assert_close(second(a).double(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(5, 7, 3, 1), (1, 1, 1, 1), (2, 5, 1, 9), (3, 2, 5, 5), (0, 4, 3, 3)])
def test_the_fast_body_fits_odd_shapes_and_leaves_no_number_unwritten(shape, memory_format, monkeypatch):
    clean = torch.empty_permuted
    monkeypatch.setattr(torch, "empty_permuted", lambda *a, **b: clean(*a, **b).fill_(math.nan))
    monkeypatch.setattr(_InCache, "BYTES", 64)  # many blocks, with a last one that is smaller
    a, g = (
        activities(*shape, seed=seed, dtype=torch.float32, scale=20).to(memory_format=memory_format)
        for seed in (1, 2)
    )
    layer = LocalResponseNorm(alpha=0.01)
    for ours, oracle in zip(gradients(layer, a, g), gradients(layer, a.double(), g.double()), strict=True):
        torch.testing.assert_close(ours.double(), oracle, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_what_is_no_number_stays_in_the_windows_that_hold_it(memory_format, monkeypatch):
    monkeypatch.setattr(_InCache, "BYTES", 400)
    a, g = (activities(3, 12, 3, 3, seed=seed, dtype=torch.float32) for seed in (1, 2))
    a[1, 5, 1, 1] = math.nan  # the last map of the first of two towers, in the middle picture and pixel
    a, g = a.to(memory_format=memory_format), g.to(memory_format=memory_format)
    out, slope = gradients(LocalResponseNorm(n=5, towers=2), a, g)
    seen = torch.zeros(3, 12, 3, 3, dtype=torch.bool)
    seen[1, 3:6, 1, 1] = True  # two maps down, and none of the other tower
    assert torch.equal(out.isnan(), seen)
    seen[1, 1:6, 1, 1] = True  # what maps 3 and 4 gave was damped by it too
    assert torch.equal(slope.isnan(), seen)


@pytest.mark.parametrize("n", [1, 2, 4, 5, 40])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_fast_body_has_windows_of_any_width(n, memory_format, monkeypatch):
    monkeypatch.setattr(_InCache, "BYTES", 2000)
    a, g = (
        activities(5, 12, 3, 4, seed=seed, dtype=torch.float32, scale=20).to(memory_format=memory_format)
        for seed in (1, 2)
    )
    layer = LocalResponseNorm(n=n, alpha=0.01, towers=2)
    for ours, oracle in zip(gradients(layer, a, g), gradients(layer, a.double(), g.double()), strict=True):
        torch.testing.assert_close(ours.double(), oracle, rtol=1e-5, atol=1e-5)


def test_the_gradient_may_come_in_another_order_of_memory():
    a, g = (activities(4, 6, 5, 5, seed=seed, dtype=torch.float32) for seed in (1, 2))
    layer = LocalResponseNorm(alpha=0.1, towers=2)
    other = g.to(memory_format=torch.channels_last)
    for ours, oracle in zip(gradients(layer, a, other), gradients(layer, a, g), strict=True):
        torch.testing.assert_close(ours, oracle)


def test_under_autocast_the_squares_stay_in_single_precision():
    a = activities(2, 8, 3, 3, dtype=torch.float32, scale=1000)
    with torch.autocast("cpu", torch.bfloat16):
        out = LocalResponseNorm()(a)
    torch.testing.assert_close(out, LocalResponseNorm()(a))


COMPILED = {  # "aot_eager" traces both ways and leaves the making of C++ out
    "aot_eager": [
        LocalResponseNorm(),
        LocalResponseNorm(4, 1.0, 0.5, 0.6, towers=2),
        LocalResponseNorm(40, alpha=0.1),  # wider than there are maps
    ],
    "inductor": [LocalResponseNorm(alpha=0.1, towers=2)],
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the compiler itself does
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("backend", "layer"), [(name, layer) for name, layers in COMPILED.items() for layer in layers]
)
def test_a_compiler_takes_the_layer_in_one_graph(backend, layer, layout):
    if backend == "inductor" and not shutil.which("g++"):
        pytest.skip("this machine has no C++ compiler")
    torch.compiler.reset()
    a, g = (activities(2, 8, 5, 5, seed=seed, dtype=torch.float32, scale=5) for seed in (1, 2))
    a, g = a.to(memory_format=layout), g.to(memory_format=layout)
    compiled = torch.compile(layer, backend=backend, fullgraph=True)
    exact = gradients(layer, a.double(), g.double())
    for ours, oracle in zip(gradients(compiled, a, g), exact, strict=True):
        torch.testing.assert_close(ours.double(), oracle, rtol=2e-6, atol=2e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the compiler itself does
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("images", "part"), [(5, 2), (4, 2), (3, 1), (0, 2)])
def test_what_compiled_code_keeps_is_cut_into_parts_of_whole_images(images, part, layout, monkeypatch):
    monkeypatch.setattr(normalization, "PART", part * 8 * 5 * 5 * 4 + 3)
    torch.compiler.reset()
    a, g = (activities(images, 8, 5, 5, seed=seed, dtype=torch.float32, scale=5) for seed in (1, 2))
    a, g = a.to(memory_format=layout), g.to(memory_format=layout)
    layer, kept = LocalResponseNorm(alpha=0.1, towers=2), []
    exact = gradients(layer, a.double(), g.double())
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.shape) or x, lambda x: x):
        compiled = gradients(torch.compile(layer, backend="aot_eager", fullgraph=True), a, g)
    for ours, oracle in zip(compiled, exact, strict=True):
        torch.testing.assert_close(ours.double(), oracle, rtol=2e-6, atol=2e-6)
    assert max((shape[0] for shape in kept if len(shape) == 5 and shape[0] < images), default=0) <= part
    assert len(kept) >= -(-images // part)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the compiler itself does
def test_compiled_code_takes_another_batch_and_a_single_image():
    torch.compiler.reset()
    layer = LocalResponseNorm(alpha=0.1, towers=2)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    for shape in ((4, 8, 3, 3), (6, 8, 3, 3), (7, 8, 3, 3), (8, 3, 3)):
        a = activities(*shape, dtype=torch.float32, scale=5)
        torch.testing.assert_close(compiled(a), layer(a))


KERNELS = """
import torch
from alexnet_lib.normalization import LocalResponseNorm, damped
from alexnet_lib.normalization_triton import OnGPU

assert OnGPU.apply  # an import error would leave the readable body, and test nothing
clean = torch.empty_like
torch.empty_like = lambda like: clean(like).fill_(float("nan"))
called = []
launch = OnGPU.forward
OnGPU.forward = staticmethod(lambda *arguments: called.append(1) or launch(*arguments))
draw = torch.Generator().manual_seed(0)
layers = (
    LocalResponseNorm(alpha=0.1),
    LocalResponseNorm(4, 1.0, 0.5, 0.6, towers=2),
    LocalResponseNorm(1, alpha=0.2),
    LocalResponseNorm(9, alpha=0.2, towers=2),
)
orders = (torch.contiguous_format, torch.channels_last)
cases = [(layer, (2, 18, 5, 7), order, torch.float32) for layer in layers[:2] for order in orders]
cases += [(layer, (1, 6, 2, 2), orders[0], torch.float32) for layer in layers[2:]]
cases += [(layers[0], (1, *shape), orders[1], torch.float32) for shape in ((1, 1, 1), (70, 1, 3), (3, 9, 1))]
kinds = (torch.float64, torch.float16, torch.bfloat16)
cases += [(layers[1], (1, 6, 3, 3), orders[0], kind) for kind in kinds]
for layer, shape, order, kind in cases:
    a, g = (
        (5 * torch.randn(shape, generator=draw, dtype=torch.float64)).to(kind).to(memory_format=order)
        for _ in range(2)
    )
    a.requires_grad_()
    exact = a.detach().double().requires_grad_()
    parts = exact.unflatten(1, (layer.towers, -1))
    expected = damped(parts, layer.n, layer.k, layer.alpha, layer.beta).flatten(1, 2)
    ours = layer(a)
    ours.backward(g.contiguous())
    expected.backward(g.double())
    eps = torch.finfo(kind).eps * (8 if kind in (torch.float32, torch.float64) else 1)
    for found, oracle in ((ours, expected), (a.grad, exact.grad)):
        assert found.dtype == kind
        torch.testing.assert_close(found.double(), oracle, rtol=eps, atol=4 * eps)
assert len(called) == len(cases), len(called)
a = torch.randn(1, 4, 1, 4, generator=draw)[..., ::2].double().requires_grad_()  # not dense
assert torch.autograd.gradcheck(layers[1], a)
(first,) = torch.autograd.grad(layers[1](a).square().sum(), a, create_graph=True)
assert torch.autograd.grad(first.square().sum(), a)[0].isfinite().all()
assert layers[0](torch.zeros(0, 4, 3, 3)).shape == (0, 4, 3, 3)
"""


def test_the_kernels_for_gpus_agree_with_the_readable_body_in_tritons_interpreter():
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([sys.executable, "-c", KERNELS], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_kernels_agree_with_the_readable_body_on_a_gpu():
    program = KERNELS.replace(
        "generator=draw, dtype=torch.float64)", "generator=draw, dtype=torch.float64).cuda()"
    )
    program = program.replace("(2, 6, 3, 3, generator=draw)", "(2, 6, 3, 3, generator=draw).cuda()")
    program = program.replace("torch.zeros(0, 4, 3, 3)", "torch.zeros(0, 4, 3, 3).cuda()")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_without_triton_the_readable_body_serves():
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch\n"
        "from alexnet_lib import normalization_triton\n"
        "from alexnet_lib.normalization import LocalResponseNorm\n"
        "assert not normalization_triton.usable(torch.zeros(1, 1, 4, 2, 2))\n"
        "LocalResponseNorm()(torch.ones(1, 4, 2, 2))\n"
    )
    environment = os.environ | {"TRITON_INTERPRET": "1"}  # asks for the kernels without a GPU
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
