"""Dropout as §4.2 has it: a bare mask in training, a factor at test time, and the same on average."""

import math

import pytest
import torch

from alexnet_lib.dropout import PaperDropout

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def positive(*shape, dtype=torch.float32):
    """Activities of which none is zero, so that a zero in the output was dropped."""
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 0.5).to(dtype)


def dropped(a, p=0.5, seed=0):
    torch.manual_seed(seed)
    return PaperDropout(p).train()(a)


@pytest.mark.parametrize("dtype", FLOATS)
def test_in_training_an_activity_is_dropped_or_kept_as_it_is(dtype):
    a = positive(4, 6, 5, 5, dtype=dtype)
    out = dropped(a)
    kept = out != 0
    assert out.dtype == dtype
    assert torch.equal(out[kept], a[kept])
    assert 0 < kept.sum() < a.numel()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_share_of_dropped_activities_is_p(p):
    count = 100_000
    share = (dropped(positive(count), p) == 0).double().mean().item()
    assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / count)


def test_every_activity_has_a_mask_of_its_own():
    kept = dropped(positive(3, 4, 10, 10)) != 0
    # Were a whole map or image dropped together, its mean would be 0 or 1.
    assert kept.double().mean(dim=(2, 3)).min() > 0.2
    assert kept.double().mean(dim=(2, 3)).max() < 0.8
    assert not torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[:, 0], kept[:, 1])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("p", [0.25, 0.5])
def test_at_test_time_every_activity_is_multiplied_by_one_minus_p(p, dtype):
    a = positive(3, 7, dtype=dtype)
    out = PaperDropout(p).eval()(a)
    assert out.dtype == dtype
    torch.testing.assert_close(out, torch.from_numpy(a.double().numpy() * (1 - p)).to(dtype))


def test_training_and_test_agree_on_average_and_torchs_form_is_larger_by_a_factor():
    a, p = torch.ones(100_000), 0.3
    mean, tests = dropped(a, p).mean().item(), PaperDropout(p).eval()(a).mean().item()
    torch.manual_seed(0)
    torchs = torch.nn.Dropout(p).train()(a).mean().item()
    assert mean == pytest.approx(tests, abs=0.01)
    assert torchs * (1 - p) == pytest.approx(mean, abs=0.01)
    assert torch.nn.Dropout(p).eval()(a).mean().item() * (1 - p) == pytest.approx(tests)


@pytest.mark.parametrize("training", [True, False])
def test_p_0_changes_nothing_and_p_1_drops_everything(training):
    a = positive(50)
    assert torch.equal(PaperDropout(0).train(training)(a), a)
    assert torch.equal(PaperDropout(1).train(training)(a), torch.zeros(50))


def test_the_gradient_is_the_mask_in_training_and_one_minus_p_at_test_time():
    a = positive(200).requires_grad_()
    out = dropped(a, 0.4)
    out.sum().backward()
    assert torch.equal(a.grad, (out != 0).float())
    a.grad = None
    PaperDropout(0.4).eval()(a).sum().backward()
    torch.testing.assert_close(a.grad, torch.full((200,), 0.6))


def test_a_mask_is_drawn_anew_each_time_and_the_seed_repeats_it():
    a, layer = positive(100), PaperDropout()
    torch.manual_seed(1)
    first, second = layer(a), layer(a)
    assert not torch.equal(first, second)
    assert torch.equal(dropped(a, seed=1), first)
