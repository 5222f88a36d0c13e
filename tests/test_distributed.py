"""One tower per process (§3.2), in two real processes; the whole net in one process is the oracle."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F

from alexnet_lib import distributed
from alexnet_lib.architecture import SPECS, AlexNet, BatchNorm, Norm
from alexnet_lib.distributed import TwoDeviceAlexNet, bytes_to_cross, device_of_towers, one_step
from alexnet_lib.learning import PaperSGD
from alexnet_lib.training.ranks import run_processes

CHANNELS = (8, 16, 12, 12, 8)


def small(name):
    """A spec of the book with few maps and small images: every kind of layer is still there."""
    spec = SPECS[name]
    convs = (
        replace(conv, out_channels=channels, std=0.1)
        for conv, channels in zip(spec.convs, CHANNELS, strict=True)
    )
    return replace(spec, convs=tuple(convs), image_size=95, hidden=(20, 14), hidden_std=0.1, classes=6)


SMALL = {
    "paper": small("paper"),
    "source-2012": small("source-2012"),
    "dropout of torch, on inputs": replace(
        small("paper"), dropout=0.3, dropout_inverted=True, dropout_on_inputs=True
    ),
}


def batch(spec, images=3):
    chance = torch.Generator().manual_seed(1)
    pixels = torch.randn(images, 3, spec.image_size, spec.image_size, generator=chance, dtype=torch.float64)
    return 50 * pixels, torch.arange(images) % spec.classes


def whole_step(net, images, labels):
    """Scores and gradients of the whole net in this one process."""
    images = images.clone().requires_grad_()
    net.zero_grad()
    scores = net(images)
    F.cross_entropy(scores, labels).backward()
    return scores.detach(), {name: each.grad for name, each in net.named_parameters()}, images.grad


def seeded(kind, spec):
    torch.manual_seed(0)
    return kind(spec).double()


# Functions that the new processes import from here.


def steps_and_start(ranks):
    """A step of each small net, in training and at test time, and the weights that a seed gives."""
    found = {}
    for name, spec in SMALL.items():
        whole = seeded(AlexNet, spec)
        for training in (True, False):
            torch.manual_seed(2)
            found[name, training] = one_step(ranks, whole.train(training), *batch(spec))
        found[name, "start"] = seeded(TwoDeviceAlexNet, spec).state_dict()
    return found


def three_updates(ranks):
    """Three updates of a tower, then the whole net's weights; and what `all_gather` was seen to send."""
    seen, all_gather = Counter(), dist.all_gather

    def watched(both, own):
        seen[str(own.dtype)] += len(both) * own.numel() * own.element_size()
        all_gather(both, own)

    tower = seeded(TwoDeviceAlexNet, SMALL["paper"])
    images, labels = batch(tower.spec)
    optimizer = PaperSGD(tower.parameters(), lr=0.01)
    dist.all_gather = watched
    for _ in range(3):
        F.cross_entropy(tower(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    return tower.to_whole().state_dict(), tower.bytes_sent, seen, tower.where


def full_step(ranks):
    torch.manual_seed(0)
    whole = AlexNet("paper").eval()
    return one_step(ranks, whole, *full_batch())


def full_batch():
    images, labels = batch(SPECS["paper"], 2)
    return images.float(), labels


def everything(ranks):
    return steps_and_start(ranks), three_updates(ranks)


@pytest.fixture(scope="module")
def two_processes():
    return run_processes(everything, 2)


@pytest.fixture
def small_steps(two_processes):
    return [steps for steps, _ in two_processes]


@pytest.fixture
def updates(two_processes):
    return [updates for _, updates in two_processes]


def both(steps, name):
    """A tensor of the two towers, one behind the other."""
    return torch.cat([step[name] for step in steps])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_two_processes_have_the_whole_nets_scores_and_gradients(small_steps, name, training):
    """In training too, dropout and all: both processes and the whole net start from one seed."""
    steps = [found[name, training] for found in small_steps]
    net = seeded(AlexNet, SMALL[name]).train(training)
    torch.manual_seed(2)
    scores, gradients, image_gradient = whole_step(net, *batch(net.spec))
    for step in steps:
        torch.testing.assert_close(step.scores, scores)
        torch.testing.assert_close(step.image_gradient, image_gradient)
    halves = [step.gradients for step in steps]
    assert halves[0].keys() == halves[1].keys() == gradients.keys()
    for parameter, gradient in gradients.items():
        assert gradient.abs().max() > 0
        torch.testing.assert_close(both(halves, parameter), gradient)


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_gives_the_towers_the_whole_nets_weights(small_steps, name):
    halves = [found[name, "start"] for found in small_steps]
    for parameter, values in seeded(AlexNet, SMALL[name]).state_dict().items():
        assert len(halves[0][parameter]) == len(values) // 2
        torch.testing.assert_close(both(halves, parameter), values, rtol=0, atol=0)


@pytest.mark.parametrize("name", SMALL)
def test_the_bytes_of_a_step_are_those_of_the_arithmetic(small_steps, name):
    expected = bytes_to_cross(SMALL[name], images=3, bytes_each=8)
    # Asked for here, and not in training: each process tells the other its part of the images' gradient.
    expected["images", "backward"] = 2 * 3 * 3 * 95 * 95 * 8
    for found in small_steps:
        assert found[name, True].bytes_sent == found[name, False].bytes_sent == expected


def test_the_arithmetic_of_the_paper_s_net_by_hand():
    sent = bytes_to_cross(SPECS["paper"], images=128)
    layers = {"conv3": 256 * 13 * 13, "fc6": 256 * 6 * 6, "fc7": 4096, "fc8": 4096}
    there = {(layer, "forward"): 128 * 4 * numbers for layer, numbers in layers.items()}
    back = {(layer, "backward"): 128 * 4 * numbers for layer, numbers in layers.items()}
    assert sent == {**there, **back, ("scores", "forward"): 128 * 4 * 1000}
    assert sent.total() == 128 * 4 * (2 * 60_672 + 1000)


def test_three_updates_in_two_processes_are_three_updates_of_the_whole_net(updates):
    net = seeded(AlexNet, SMALL["paper"])
    images, labels = batch(net.spec)
    optimizer = PaperSGD(net.parameters(), lr=0.01)
    start = {name: values.clone() for name, values in net.state_dict().items()}
    for _ in range(3):
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    for gathered, *_ in updates:
        for name, values in net.state_dict().items():
            assert not torch.equal(values, start[name])
            torch.testing.assert_close(gathered[name], values)


def test_what_the_module_counts_is_what_torch_sends(updates):
    for gathered, sent, seen, _ in updates:
        weights = sum(values.numel() for values in gathered.values()) * 8  # of to_whole, which counts none
        assert seen == {"torch.float64": sent.total() + weights}
        assert sent == {
            key: 3 * count for key, count in bytes_to_cross(SMALL["paper"], images=3, bytes_each=8).items()
        }


def test_each_tower_says_where_it_is(updates):
    for number, (*_, where) in enumerate(updates, 1):
        assert where.startswith(f"tower {number} of 2 on cpu")
        if torch.cuda.device_count() < 2:
            assert where.endswith("GPUs, so two CPU processes stand in")


@pytest.mark.slow
def test_the_papers_own_net_agrees_to_1e_5_and_its_halves_hold_all_parameters():
    steps = run_processes(full_step, 2)
    assert sum(step.parameters for step in steps) == 60_965_224
    assert [step.parameters for step in steps] == [60_965_224 // 2] * 2
    torch.manual_seed(0)
    scores, gradients, image_gradient = whole_step(AlexNet("paper").eval(), *full_batch())
    pairs = [(step.scores, scores) for step in steps]
    pairs += [(step.image_gradient, image_gradient) for step in steps]
    halves = [step.gradients for step in steps]
    pairs += [(both(halves, name), gradient) for name, gradient in gradients.items()]
    for ours, expected in pairs:
        assert (ours - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_a_single_process_is_told_how_to_start_two():
    with pytest.raises(ValueError, match=r"runs in 2 processes.*one of 1: use run_processes\(function, 2\)"):
        TwoDeviceAlexNet(SMALL["paper"])


def test_three_processes_are_refused(monkeypatch):
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 3)
    with pytest.raises(ValueError, match=r"2 processes, one for each tower.*one of 3: .*--nproc-per-node 2"):
        TwoDeviceAlexNet(SMALL["paper"])


def with_batch_norm(spec):
    first = replace(spec.convs[0], then=(BatchNorm(),))
    return replace(spec, convs=(first, *spec.convs[1:]))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("full-width", r"'full-width' with towers=1.*use 'paper'.*AlexNet\('full-width'\) in one process"),
        ("caffe", r"'caffe' with .* behind conv1.*§3\.3.*Norm\(towers=2\)"),
        (with_batch_norm(SMALL["paper"]), r"BatchNorm.* behind conv1.*in one process"),
        (replace(SMALL["paper"], classes=5), r"fc8 has 5 classes.*use 6"),
    ],
)
def test_a_spec_without_two_equal_towers_is_refused(monkeypatch, spec, words):
    monkeypatch.setattr(distributed, "_rank", lambda: 0)
    with torch.device("meta"), pytest.raises(ValueError, match=words):
        TwoDeviceAlexNet(spec)


def test_norms_of_four_towers_lie_two_in_each_process(monkeypatch):
    monkeypatch.setattr(distributed, "_rank", lambda: 1)
    first = SMALL["paper"].convs[0]
    convs = (replace(first, then=(*first.then[:1], Norm(towers=4))), *SMALL["paper"].convs[1:])
    with torch.device("meta"):
        net = TwoDeviceAlexNet(replace(SMALL["paper"], image_size=47, convs=convs))
    assert net.features.norm1.towers == 2


@pytest.mark.parametrize(("gpus", "device"), [(0, "cpu"), (1, "cpu"), (2, "cuda"), (8, "cuda")])
def test_towers_take_gpus_where_there_is_one_for_each(monkeypatch, gpus, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert device_of_towers() == device
