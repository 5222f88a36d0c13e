"""Keeping freed memory, which is a switch of one system's allocator; nets that work in memory they have."""

import copy
import pickle
import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from alexnet_lib import cli, memory, variants
from alexnet_lib.memory import in_place
from alexnet_lib.normalization import LocalResponseNorm
from alexnet_lib.pooling import MaxPool


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
    images = torch.randn(3, 2, 3, side, side).unbind()
    usual = [gradients(net, batch) for batch in images]
    with in_place(net):  # from the second step on in memory of the one before
        for batch, expected in zip(images, usual, strict=True):
            assert all(map(torch.equal, expected, gradients(net, batch)))


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


def small_net():
    """Each kind of layer that can do with less memory."""
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), LocalResponseNorm(towers=2), MaxPool()),
        *(nn.Conv2d(8, 6, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(6 * 3 * 3, 5), nn.ReLU(), nn.Linear(5, 4)),
    )


def some_images(number=2):
    return torch.randn(number, 3, 20, 20, generator=torch.Generator().manual_seed(0))


def outputs_of(layer):
    """A list that the layer's outputs come into."""
    seen = []
    layer.register_forward_hook(lambda layer, given, out: seen.append(out.detach()))
    return seen


def test_in_place_a_step_takes_the_memory_of_the_step_before():
    net, places = small_net(), []
    seen = outputs_of(net[2])
    with in_place(net):
        for _ in range(3):
            gradients(net, some_images())
            places.append(
                [tensor.data_ptr() for tensor in (seen.pop(), net[8].weight.grad, net[10].weight.grad)]
            )
    assert places[0] == places[1] == places[2]


def test_in_place_what_memory_held_before_is_seen_nowhere():
    net = small_net()
    usual = gradients(net, some_images())
    seen = outputs_of(net[2])
    with in_place(net):
        for _ in range(3):
            assert all(map(torch.equal, usual, gradients(net, some_images())))
            for used in (seen.pop(), net[8].weight.grad, net[10].weight.grad):
                used.fill_(torch.nan)


def test_in_place_what_is_held_of_a_step_stays_as_it_was():
    net = small_net()
    seen, held, was = outputs_of(net[2]), [], []
    with in_place(net):
        for step in range(4):
            held += [*gradients(net, some_images() + step), seen.pop()]
            was += [tensor.clone() for tensor in held[len(was) :]]
    assert all(map(torch.equal, held, was))
    assert len({tensor.data_ptr() for tensor in held}) == len(held)


def test_in_place_gradients_add_up_and_may_be_kept_as_zeros():
    net, images = small_net(), some_images()
    usual = [3 * gradient for gradient in gradients(net, images)]
    with in_place(net):
        for _ in range(2):
            net.zero_grad(set_to_none=False)
            for _ in range(3):
                net(images).square().mean().backward()
            for weight, expected in zip(net.parameters(), usual, strict=True):
                torch.testing.assert_close(weight.grad, expected)


def test_in_place_memory_is_kept_only_of_what_comes_alike_in_every_step():
    net = small_net()
    with in_place(net):
        for number in (1, 2, 3):
            with torch.no_grad():
                net(some_images(number))
        assert net[2].room._kept == []


def back(before, pool, images):
    """What comes back to a layer from the pool behind it, and whether it lies where the output lay."""
    out = before(images)
    found = []
    out.register_hook(lambda g: found.extend([g.clone(), g.data_ptr() == out.data_ptr()]))
    pool(out).square().sum().backward()
    return found


@pytest.mark.parametrize("before", [nn.Conv2d(3, 4, 1), LocalResponseNorm()], ids=["conv", "norm"])
@pytest.mark.parametrize(
    "pool", [MaxPool(), MaxPool(3, 2, ceil=True), nn.MaxPool2d((3, 2), 2, (1, 0))], ids=str
)
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_in_place_a_pool_behind_these_writes_its_gradient_over_what_it_read(before, pool, order):
    images = torch.randn(2, 3, 8, 8).contiguous(memory_format=order).requires_grad_()
    usual, there = back(before, pool, images)
    assert not there
    with in_place(nn.Sequential(before, pool)):
        found, there = back(before, pool, images)
    assert there
    assert torch.equal(found, usual)
    assert found.stride() == usual.stride()


class Gaps(nn.Conv2d):
    """A convolution whose output has gaps between its numbers."""

    def forward(self, a):
        return super().forward(a)[..., ::2]


class Bounded(nn.Conv2d):
    """A convolution that needs its output on the way back."""

    def forward(self, a):
        return super().forward(a).tanh()


def test_in_place_a_pool_of_maps_with_gaps_between_them_loses_nothing():
    before, pool, images = Gaps(3, 4, 1), MaxPool(), torch.randn(2, 3, 8, 20)
    usual, _ = back(before, pool, images)
    with in_place(nn.Sequential(before, pool)):
        found, there = back(before, pool, images)
    assert not there
    assert torch.equal(found, usual)
    assert found.stride() == usual.stride()


POOL = MaxPool()


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(3, 4, 1), nn.ReLU(), POOL),  # which keeps its output
        (nn.Conv2d(3, 4, 1), nn.Tanh(), POOL),
        (nn.Conv2d(3, 4, 1), POOL, nn.Tanh(), POOL),  # at one place it is behind one that does
        (nn.Conv2d(3, 4, 1), POOL, nn.Tanh(), nn.Sequential(POOL)),  # at one place it is the first of a row
        (nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 4, 1), nn.Tanh()), POOL),
    ],
    ids=["relu", "tanh", "shared", "first", "row"],
)
def test_in_place_other_pools_are_left_alone(layers):
    net, images = nn.Sequential(*layers), some_images()
    usual = gradients(net, images)
    with in_place(net):
        assert "forward" not in vars(POOL)
        assert all(map(torch.equal, usual, gradients(net, images)))


def test_in_place_a_pool_that_also_gives_its_places_is_left_alone():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2, return_indices=True))
    with in_place(net):
        _, places = net(some_images())
    assert places.dtype == torch.int64


def test_in_place_torch_refuses_a_pool_whose_input_is_needed_after_all():
    net = nn.Sequential(Bounded(3, 4, 1), MaxPool())
    with in_place(net), pytest.raises(RuntimeError, match="modified by an inplace operation"):
        gradients(net, some_images())


def test_in_place_a_graph_that_is_kept_has_no_second_way_through_a_pool():
    net = small_net()
    with in_place(net):
        loss = net(some_images()).sum()
        loss.backward(retain_graph=True)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_in_place_a_pool_leaves_a_leaf_alone_and_refuses_what_it_refuses():
    net = nn.Sequential(LocalResponseNorm(), MaxPool())
    leaf = torch.randn(1, 2, 4, 4, requires_grad=True)
    was = leaf.detach().clone()
    with in_place(net):
        net[1](leaf).sum().backward()
        with pytest.raises(ValueError, match="window of z = 3 does not fit"):
            net[1](leaf[..., :2] * 1)
    assert torch.equal(leaf, was)


@pytest.mark.parametrize("last", [MaxPool(2, 1), nn.Linear(4, 3), nn.Linear(4, 3, bias=False)], ids=str)
def test_in_place_pools_and_fully_connected_layers_have_a_second_gradient(last):
    before = nn.Conv2d(1, 2, 1) if isinstance(last, MaxPool) else nn.Flatten()
    net = nn.Sequential(before, last, nn.Sigmoid()).double()
    x = torch.randn(2, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    with in_place(net):
        names, weights = zip(*net.named_parameters(), strict=True)

        def scores(x, *weights):
            return torch.func.functional_call(net, dict(zip(names, weights, strict=True)), x**3)

        inputs = (x, *(weight.detach().requires_grad_() for weight in weights))
        assert torch.autograd.gradgradcheck(scores, inputs)


LINEAR = {  # what a fully-connected layer may be given
    "a vector": (torch.randn(6), {}),
    "more axes": (torch.randn(2, 3, 6), {}),
    "columns": (torch.randn(6, 5).t(), {}),
    "no images": (torch.randn(0, 6), {}),
    "one image": (torch.randn(1, 6), {}),
    "no bias": (torch.randn(5, 6), {"bias": False}),
}


@pytest.mark.parametrize(("x", "how"), LINEAR.values(), ids=LINEAR.keys())
def test_in_place_a_fully_connected_layer_has_the_same_gradients_of_any_input(x, how):
    layer, x = nn.Linear(6, 4, **how), x.clone().requires_grad_()

    def found():
        x.grad = None
        layer.zero_grad()
        layer(x).square().sum().backward()
        return [x.grad, *(weight.grad for weight in layer.parameters())]

    usual = found()
    with in_place(layer):
        assert all(map(torch.equal, usual, found()))


def test_in_place_a_fully_connected_layer_follows_autocast():
    layer, x = nn.Linear(6, 4), torch.randn(5, 6)

    def found():
        with torch.autocast("cpu", torch.bfloat16):
            scores = layer(x)
        return [scores, *torch.autograd.grad(scores.sum(), layer.parameters())]

    usual = found()
    assert usual[0].dtype == torch.bfloat16
    with in_place(layer):
        assert all(map(torch.equal, usual, found()))


def test_in_place_a_fully_connected_layer_whose_weights_are_frozen_hands_gradients_on():
    layer, x = nn.Linear(6, 4), torch.randn(5, 6, requires_grad=True)
    layer.weight.requires_grad_(False)
    (usual,) = torch.autograd.grad(layer(x).sum(), x)
    with in_place(layer):
        assert torch.equal(torch.autograd.grad(layer(x).sum(), x)[0], usual)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the compiler itself does
def test_in_place_a_compiled_net_with_each_kind_of_layer_has_the_same_gradients():
    net, images = small_net(), some_images()
    usual = gradients(net, images)
    with in_place(net):
        compiled = gradients(torch.compile(net, backend="aot_eager", fullgraph=True), images)
    for found, expected in zip(compiled, usual, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_in_place_a_copy_of_the_net_computes_with_its_own_weights(twin):
    net, images = small_net(), some_images()
    with in_place(net):
        other = twin(net)
        with torch.no_grad():
            other[8].weight.zero_()
        gradients(net, images)
        found = gradients(other, images)
        assert net[8].weight.any()
    assert not found[3].any()  # conv2's bias, behind weights of zero
    assert found[0].data_ptr() != net[0].weight.grad.data_ptr()


def test_in_place_within_itself_changes_nothing_and_leaves_the_outer_one_as_it_is():
    net, images = small_net(), some_images()
    usual = gradients(net, images)
    with in_place(net):
        before = [vars(layer).get("forward") for layer in net]
        with in_place(net):
            assert [vars(layer).get("forward") for layer in net] == before
        assert [vars(layer).get("forward") for layer in net] == before
        assert net[2].room is not None
        assert all(map(torch.equal, usual, gradients(net, images)))


def test_an_error_inside_leaves_every_layer_as_it_was():
    net = small_net()
    before = [set(vars(layer)) for layer in net]
    with in_place(net):
        changed = [number for number, layer in enumerate(net) if "forward" in vars(layer)]
    assert changed == [1, 3, 5, 6, 8, 9, 10]
    with pytest.raises(TypeError), in_place(net):
        net("no tensor")
    assert [set(vars(layer)) for layer in net] == before
    assert net[2].room is None
    assert not any(layer.inplace for layer in net if isinstance(layer, nn.ReLU))
