"""Response normalization (§3.3) against the printed formula in plain loops and against torch's own layer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet_lib.normalization import LocalResponseNorm, SpatialResponseNorm, window_sum

LAYERS = [LocalResponseNorm(towers=2), SpatialResponseNorm()]


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


def test_three_channels_are_damped_by_hand():
    a = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    b = LocalResponseNorm(n=3, k=1.0, alpha=1.0, beta=1.0)(a).flatten().tolist()
    assert b == pytest.approx([1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)])


def test_the_default_is_the_printed_formula_with_the_printed_constants():
    a = activities(2, 7, 2, 3, scale=100)
    torch.testing.assert_close(LocalResponseNorm()(a), printed(a, n=5, k=2, alpha=1e-4, beta=0.75))


def test_an_even_window_reaches_one_channel_further_down_than_up():
    sums = window_sum(torch.tensor([1.0, 10.0, 100.0, 1000.0, 10000.0]).reshape(5, 1, 1), 4)
    assert sums.flatten().tolist() == [11, 111, 1111, 11110, 11100]


@settings(max_examples=40, deadline=None)
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
    ours = LocalResponseNorm(n, k=k, alpha=alpha, beta=beta, towers=towers)(a)
    torch.testing.assert_close(ours, printed(a, n, k, alpha, beta, towers), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3, 96])
@pytest.mark.parametrize("n", [1, 2, 4, 5, 9, 200])
def test_torchs_layer_divides_alpha_by_n_and_is_the_same_otherwise(n, channels):
    a = activities(2, channels, 4, 3, dtype=torch.float32, scale=50)
    torchs = torch.nn.LocalResponseNorm(n, alpha=1e-2, beta=0.6, k=1.5)(a)
    divided = LocalResponseNorm(n, k=1.5, alpha=1e-2, beta=0.6, alpha_over_n=True)
    torch.testing.assert_close(divided(a), torchs)
    torch.testing.assert_close(LocalResponseNorm(n, k=1.5, alpha=1e-2 / n, beta=0.6)(a), torchs)


def test_two_towers_are_two_calls_on_the_halves():
    a, one = activities(2, 96, 2, 2, scale=100), LocalResponseNorm()
    b = LocalResponseNorm(towers=2)(a)
    torch.testing.assert_close(b, torch.cat([one(a[:, :48]), one(a[:, 48:])], dim=1))
    differ = (b - one(a)).abs().amax(dim=(0, 2, 3))
    assert differ.nonzero().flatten().tolist() == [46, 47, 48, 49]


@pytest.mark.parametrize("layer", LAYERS)
def test_images_are_normalized_one_by_one_with_or_without_a_batch_and_in_any_order_in_memory(layer):
    a = activities(3, 8, 4, 5, scale=30)
    before, expected = a.clone(), torch.stack([layer(image) for image in a])
    for same in (a, a.to(memory_format=torch.channels_last), a.mT.contiguous().mT):
        torch.testing.assert_close(layer(same), expected, rtol=1e-12, atol=0)
    assert torch.equal(a, before)
    assert layer(torch.zeros(0, 4, 3, 3)).shape == (0, 4, 3, 3)


@pytest.mark.parametrize(
    ("dtype", "rounding"),  # 16-bit types: one rounding of a result, by half an eps; the others: several
    [(torch.float16, 2**-11), (torch.bfloat16, 2**-8), (torch.float32, 1e-6), (torch.float64, 1e-14)],
)
def test_activities_of_a_thousand_fit_every_float_type(dtype, rounding):
    a = (activities(2, 8, 3, 3).sign() * 1000).to(dtype)  # 1000 squared is beyond float16
    expected = printed(a, n=5, k=2, alpha=1e-4, beta=0.75, towers=2)
    spatially = printed_spatially(a, n=5, k=1, alpha=1e-3, beta=0.75)
    for layer, values in zip(LAYERS, (expected, spatially), strict=True):
        assert layer(a).dtype == dtype
        torch.testing.assert_close(layer(a).double(), values, rtol=1.01 * rounding, atol=0)


@settings(max_examples=30, deadline=None)
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
    ours = SpatialResponseNorm(n, k=k, alpha=alpha, beta=beta)(a)
    torch.testing.assert_close(ours, printed_spatially(a, n, k, alpha, beta), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [
        LocalResponseNorm(3, alpha=0.5),
        LocalResponseNorm(4, k=1.0, alpha=0.3, beta=1.5, towers=2, alpha_over_n=True),
        SpatialResponseNorm(3, alpha=0.5),
    ],
    ids=repr,
)
def test_gradients_and_their_gradients_are_those_of_finite_differences(layer):
    a = activities(1, 4, 2, 2, scale=2).requires_grad_()
    assert torch.autograd.gradcheck(layer, a, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(layer, a)


def test_torchs_order_of_arguments_is_refused():
    with pytest.raises(TypeError):
        LocalResponseNorm(5, 1e-4, 0.75, 2.0)


def test_a_window_around_a_pixel_has_an_odd_side():
    with pytest.raises(ValueError, match="n is 4"):
        SpatialResponseNorm(4)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "a", [torch.zeros(1, 4, 2, 2, dtype=torch.uint8), torch.zeros(4, 2), torch.zeros(1, 1, 4, 2, 2)]
)
def test_what_would_be_normalized_along_another_axis_or_rounded_is_refused(a, layer):
    with pytest.raises((TypeError, ValueError), match="input"):
        layer(a)
