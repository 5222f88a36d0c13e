"""Keeping freed memory, which is a switch of one system's allocator; nets that write over what they read."""

import platform
import subprocess
import sys

import pytest
import torch

from alexnet_lib import cli, memory, variants
from alexnet_lib.memory import in_place
from alexnet_lib.normalization import LocalResponseNorm


@pytest.mark.skipif(sys.platform != "linux", reason="this system has another allocator")
def test_the_allocator_is_told_to_use_its_own_heap_and_to_give_nothing_back(monkeypatch):
    told = []

    class Library:
        def mallopt(self, what, value):
            told.append((what, value))
            return 1

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Library())
    assert memory.keep_freed_memory() is True
    assert told == [(-4, 0), (-1, 2**31 - 1)]  # malloc.h: M_MMAP_MAX, M_TRIM_THRESHOLD


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this system has another allocator")
def test_glibc_takes_the_settings():
    code = "from alexnet_lib.memory import keep_freed_memory as keep; raise SystemExit(not keep())"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.keep_freed_memory() is False


def test_another_allocator_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert memory.keep_freed_memory() is False


def test_the_command_says_so_where_it_cannot(monkeypatch, capsys):
    monkeypatch.setattr(memory, "keep_freed_memory", lambda: False)
    assert cli.main(["train", "--preset", "laptop", "--keep-memory"]) == 2
    assert "--keep-memory is a setting of Linux's own allocator" in capsys.readouterr().err


def gradients(net, images):
    net.zero_grad()
    torch.manual_seed(1)  # of dropout
    net(images).square().mean().backward()
    return [weight.grad for weight in net.parameters()]


LARGE = ("paper", "source-2012", "caffe", "torchvision")
SMALL = ("four-layer", "four-layer-batch-norm", "four-layer-hidden", "figure-1-relu")


@pytest.mark.parametrize("name", [*LARGE, *SMALL])
def test_in_place_changes_no_bit_of_a_step(name):
    torch.manual_seed(0)
    side = variants.NETS[name].image_size
    net = variants.build(name, side, 0.5 if name in LARGE else 0.0, 10)
    images = torch.randn(2, 3, side, side)
    usual = gradients(net, images)
    with in_place(net):
        assert all(map(torch.equal, usual, gradients(net, images)))


def test_a_relu_may_write_over_what_is_normalized():
    torch.manual_seed(0)
    head = (torch.nn.Flatten(), torch.nn.Linear(4 * 6 * 6, 2))
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), LocalResponseNorm(), torch.nn.ReLU(), *head)
    images = torch.randn(2, 3, 8, 8)
    usual = gradients(net, images)
    with in_place(net):
        assert all(map(torch.equal, usual, gradients(net, images)))


def test_relus_are_in_place_inside_alone_and_those_that_were_stay_so():
    ours, theirs = torch.nn.ReLU(), torch.nn.ReLU(inplace=True)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), ours, torch.nn.Conv2d(4, 4, 3), theirs)
    seen = []
    net[0].register_forward_hook(lambda layer, given, out: seen.append(out))
    images = torch.randn(1, 3, 8, 8)
    with in_place(net):
        net(images)
        assert (ours.inplace, theirs.inplace) == (True, True)
    net(images)
    assert (ours.inplace, theirs.inplace) == (False, True)
    assert seen[0].min() == 0.0 > seen[1].min()


def test_in_place_a_gradient_is_written_over_the_one_that_comes_in_where_it_lies_alike():
    x = torch.randn(2, 3, 4, 4)
    unit = torch.nn.ReLU()
    for order in (torch.contiguous_format, torch.channels_last):
        given = torch.randn_like(x).contiguous(memory_format=order)
        expected = torch.where(x > 0, given, 0.0)
        leaf = x.clone().requires_grad_()
        with in_place(unit):
            (gradient,) = torch.autograd.grad(unit(leaf.clone()), leaf, given)
        assert torch.equal(gradient, expected)
        assert torch.equal(given, expected) == (order == torch.contiguous_format)


def test_in_place_a_gradient_whose_numbers_share_their_memory_is_left_alone():
    x = torch.randn(2, 3, requires_grad=True)
    unit = torch.nn.ReLU()
    with in_place(unit):
        unit(x * 1).sum().backward()  # of which one number stands for all
    assert torch.equal(x.grad, (x > 0).float())


def test_in_place_has_a_second_gradient():
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    unit = torch.nn.ReLU()
    with in_place(unit):
        assert torch.autograd.gradgradcheck(lambda x: unit(x**3), x)


def test_in_place_a_compiled_net_has_the_same_gradients():
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    images = torch.randn(5, 3)
    usual = gradients(net, images)
    with in_place(net):
        compiled = gradients(torch.compile(net, backend="aot_eager", fullgraph=True), images)
    for found, expected in zip(compiled, usual, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_in_place_a_norm_writes_its_gradient_over_the_one_that_comes_in_where_it_lies_alike(order):
    norm = LocalResponseNorm(towers=2)
    a = (30 * torch.randn(2, 8, 5, 7)).contiguous(memory_format=order).requires_grad_()
    for given in (torch.randn(a.shape).contiguous(memory_format=order), torch.ones(1).expand(a.shape)):
        (expected,) = torch.autograd.grad(norm(a), a, given)
        kept = given.clone()
        (found,) = torch.autograd.grad(norm(a), a, given)
        assert torch.equal(given, kept)
        with in_place(norm):
            (found,) = torch.autograd.grad(norm(a), a, given)
        assert torch.equal(found, expected)
        assert torch.equal(given, kept if 0 in given.stride() else expected)


def test_in_place_a_norm_of_maps_with_gaps_between_them_loses_nothing():
    norm, numbers = LocalResponseNorm(), torch.randn(2, 8, 5, 14)
    a, given = numbers[..., ::2].requires_grad_(), torch.randn_like(numbers)[..., ::2]
    (expected,) = torch.autograd.grad(norm(a), a, given)
    with in_place(norm):
        (found,) = torch.autograd.grad(norm(a), a, given)
    assert given.stride() == a.stride()
    assert torch.equal(found, expected)


def test_an_error_inside_leaves_no_relu_in_place():
    net = torch.nn.Sequential(torch.nn.ReLU())
    with pytest.raises(TypeError), in_place(net):
        net("no tensor")
    assert not net[0].inplace
    assert net[0].forward.__func__ is torch.nn.ReLU.forward
