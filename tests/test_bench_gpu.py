"""The rows on a GPU as far as a CPU shows them: what they count and run, and what they say without a GPU."""

import dataclasses

import pytest
import torch
from test_bench import SESSION, Clock, measured, row
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from alexnet_lib import bench, normalization_triton, tables
from alexnet_lib.architecture import SPECS, AlexNet
from alexnet_lib.bench import arithmetic, gpu, limits, profiling
from alexnet_lib.cli import main

CPU = torch.device("cpu")
PAPER = SPECS["paper"]


def test_the_share_of_a_limit_is_of_the_median_time_of_ours():
    clock = Clock()
    pair = bench.Pair(
        clock.work("ours", [9, 1, 4, 2]),
        clock.work("peer", [9, 1]),
        also={"bytes": 3.0},
        work=(bench.Work("copy", "GB", 6.0, 10.0),),
    )
    found = bench.measure(row(lambda: pair), rounds=3, clock=clock)
    assert found.also == {"bytes": 3.0, "GB/s": 3.0, "of the copy rate": pytest.approx(0.3)}


GOALS = {"images/s": 100.0, "of the copy rate": 0.6}


@pytest.mark.parametrize(("share", "met"), [(0.6, True), (0.59, False)])
def test_a_goal_beside_the_ratio_is_met_from_its_value_on(share, met):
    found = measured([1.0], [1.0], also={"of the copy rate": share, "GB/s": 2.0}, goals=GOALS)
    assert found.reaches("of the copy rate") is met
    assert found.reaches("GB/s") is None
    assert found.reaches("images/s") is None  # no images were counted


def test_images_a_second_have_a_goal_of_their_own():
    assert [measured([1.0], [1.0], images=n, goals=GOALS).reaches("images/s") for n in (99, 100)] == [
        False,
        True,
    ]
    assert measured([], [], images=100, missing="no GPU here", goals=GOALS).reaches("images/s") is None


def test_goals_go_from_a_row_to_what_is_measured_and_to_the_record_and_back(tmp_path):
    def lacking():
        raise bench.NotMeasured("no GPU here")

    for prepare in (lambda: bench.Pair(list, list), lacking):
        asked = dataclasses.replace(row(prepare), goals=GOALS)
        found = bench.measure(asked, rounds=2)
        assert found.goals == GOALS
        bench.store(dataclasses.replace(SESSION, rows=(found,), label=found.missing[:2]), tmp_path)
    assert [one.rows[0].goals for one in bench.load(tmp_path)] == [GOALS, GOALS]


def test_a_gpu_without_the_memory_for_a_row_leaves_the_other_rows_alone():
    def too_much():
        raise torch.OutOfMemoryError("CUDA out of memory")

    assert bench.measure(row(too_much)).missing == "this GPU lacks the memory"
    assert bench.measure(row(lambda: bench.Pair(list, too_much))).missing == "this GPU lacks the memory"


def test_the_table_beside_the_ratios_tells_goals_met_missed_and_not_measured_yet(tmp_path):
    fast = measured([1.0], [1.0], images=32_000, also={"of the copy rate": 0.5999}, goals=GOALS)
    lacking = dataclasses.replace(measured([], [], missing="no GPU here", goals=GOALS), name="gpu/two")
    plain = dataclasses.replace(measured([1.0], [1.0], also={"memory": 2.25}), name="gpu/three")
    bench.store(dataclasses.replace(SESSION, rows=(fast, lacking, plain)), tmp_path)
    table = tables.beside("quiet", folder=tmp_path)
    assert table.rows == (
        ("group/one", "images/s", "32,000", "100, met"),
        ("group/one", "of the copy rate", "0.6", "0.6, missed"),
        ("gpu/two", "images/s", "not measured yet", "100"),
        ("gpu/two", "of the copy rate", "not measured yet", "0.6"),
        ("gpu/three", "memory", "2.25", "none"),
    )
    assert table.caption == "Beside the ratios: all rows; 2 threads, 1 rounds, 2026-01-02"
    assert len(tables.beside("quiet", "group", folder=tmp_path).rows) == 2


def test_the_rates_of_a_gpu_follow_from_bytes_and_operations(monkeypatch):
    monkeypatch.setitem(limits.MEBIBYTES, "cuda", 4)
    monkeypatch.setitem(limits.SIDE, "cuda", 10)
    kinds, times = [], iter(range(1000))  # every call takes one second
    really = torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b, out: kinds.append(a.dtype) or really(a, b, out=out))
    found = limits._limits("cuda", CPU, 3, lambda: next(times))
    assert found == pytest.approx(
        {"GPU copy GB/s": 2 * 4 * 2**20 / 1e9, "GPU bfloat16 matrix TFLOP/s": 2000 / 1e12}
    )
    assert set(kinds) == {torch.bfloat16}


def operations(spec):
    """What torch counts for one image: forward, backward, and conv1 forward."""
    with torch.device("meta"):
        net, images = AlexNet(spec), torch.empty(1, 3, SPECS[spec].image_size, SPECS[spec].image_size)
        counters = [FlopCounterMode(display=False) for _ in range(3)]
        with counters[0]:
            scores = net(images)
        with counters[1]:
            scores.sum().backward()
        with counters[2], torch.no_grad():
            net.features.conv1(images)
    return [counter.get_total_flops() for counter in counters]


@pytest.mark.parametrize("spec", ["full-width", "one-gpu", "torchvision"])
def test_the_operations_of_training_are_those_that_torch_counts(spec):
    forward, backward, _ = operations(spec)
    assert arithmetic.operations_of_training(SPECS[spec]) == forward + backward
    assert arithmetic.backward_share(SPECS[spec]) == pytest.approx(backward / (forward + backward))


def test_the_operations_of_training_of_a_net_in_two_towers_follow_from_those_of_forward():
    # In backward torch counts the kernels of two towers as if each read both.
    forward, _, first = operations("paper")
    assert arithmetic.operations_of_training(PAPER) == 3 * forward - first
    assert round(arithmetic.operations_of_training(PAPER) / 1e9, 3) == 4.136


def test_the_gradients_are_a_number_for_each_of_the_papers_parameters():
    with torch.device("meta"):
        parameters = list(AlexNet("paper").parameters())
    assert arithmetic.gradient_bytes(PAPER) == sum(weight.nbytes for weight in parameters)
    assert arithmetic.gradient_bytes(PAPER) == 4 * 60_965_224


@pytest.mark.parametrize("gpus", [1, 2, 4, 5])
def test_a_ring_that_is_played_through_sends_what_the_formula_says(gpus):
    # Each has a column of `gpus` parts; in turn all send one part to the next, who adds it, later keeps it.
    draw = torch.Generator().manual_seed(0)
    columns = torch.randint(100, (gpus, gpus), generator=draw)
    total, sent = columns.sum(0), 0
    for turn in range(2 * (gpus - 1)):
        going = [(own, (own - turn) % gpus) for own in range(gpus)]
        parts = [columns[own, part].clone() for own, part in going]
        for (own, part), value in zip(going, parts, strict=True):
            following = (own + 1) % gpus
            columns[following, part] = value + (columns[following, part] if turn < gpus - 1 else 0)
        sent += 1  # parts, by each of them
    assert (columns == total).all()
    nbytes, rate = 1000 * gpus, 250.0  # a part has 1000 bytes
    assert arithmetic.all_reduce_seconds(nbytes, gpus, rate) == pytest.approx(1000 * sent / rate)


def test_efficiency_is_lost_to_what_is_not_hidden():
    assert arithmetic.efficiency(4.0, 1.0) == 0.8
    assert arithmetic.efficiency(4.0, 3.0, 2.0) == 0.8
    assert arithmetic.efficiency(4.0, 1.0, 2.0) == 1.0  # what is hidden gives nothing back


def test_the_table_of_several_gpus_follows_from_time_bytes_and_link():
    table = tables.several_gpus(32_000.0, (128, 512))
    assert "arithmetic, nothing measured" in table.caption
    assert len(table.rows) == 6
    # 128 images take 4 ms. 8 GPUs send 7/4 of 243,860,896 bytes: at 450 GB/s in 0.948 ms, at 63.02 in 6.772.
    # Backward is (2 x 724.4 - 105.4) / (3 x 724.4 - 105.4) = 0.650 of 4 ms, and hides 2.599 of them.
    rows = {found[:2]: found[2:] for found in table.rows}
    assert rows["NVLink of an H100 SXM", "8"] == ("0.95 ms", "81% to 100%", "94% to 100%")
    assert rows["PCIe 5.0, 16 lanes", "8"] == ("6.77 ms", "37% to 49%", "70% to 100%")


@pytest.fixture
def two(monkeypatch):
    """Two steps before a wait, and limits that nobody has to measure."""
    monkeypatch.setattr(gpu, "LOOK_EVERY", 2)
    known = {"GPU copy GB/s": 8.0, "GPU bfloat16 matrix TFLOP/s": 4.0}
    monkeypatch.setattr(gpu, "machine_limits", lambda device: known)


def test_work_is_handed_over_before_it_is_waited_for(monkeypatch):
    order = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: order.append(str(device)))
    gpu.waited_for(lambda: order.append("work"), gpu.GPU, 3)()
    gpu.waited_for(lambda: order.append("work"), CPU)()
    assert order == ["work", "work", "work", "cuda:0", "work"]


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
def test_both_normalizations_give_one_gradient_and_five_inputs_are_counted(two, monkeypatch, layout):
    found, really = [], torch.autograd.grad
    monkeypatch.setattr(normalization_triton, "triton", object())
    monkeypatch.setattr(torch.autograd, "grad", lambda *given: found.append(really(*given)) or found[-1])
    pair = gpu.normalization((3, 8, 5, 5), layout, CPU)
    pair.ours()
    pair.peer()
    ours, again, peer, _ = (gradient for (gradient,) in found)
    torch.testing.assert_close(ours, peer)
    assert torch.equal(ours, again)
    assert pair.images == 2 * 3
    assert pair.work == (bench.Work("copy", "GB", 2 * 5 * (4 * 3 * 8 * 5 * 5) / 1e9, 8.0),)


def test_a_gpu_without_triton_says_that_the_kernels_are_missing(two, monkeypatch):
    monkeypatch.setattr(normalization_triton, "triton", None)
    with pytest.raises(bench.NotMeasured, match="no Triton here"):
        gpu.normalization((3, 8, 5, 5), "contiguous", CPU)


class Seen(nn.Module):
    """A small net that keeps what it is called with."""

    def __init__(self, *_):
        super().__init__()
        self.conv, self.relu, self.calls = nn.Conv2d(3, 4, 9, stride=64), nn.ReLU(), []
        self.units = nn.Linear(4 * 4 * 4, 1000)

    def forward(self, images):
        scores = self.units(self.relu(self.conv(images)).flatten(1))
        self.calls.append((images, scores.dtype, self.relu.inplace))
        return scores


@pytest.fixture
def small(two, monkeypatch):
    """Small nets in place of the paper's, and whom torch.compile was asked to compile."""
    made, compiled = [], []

    def make(*_):
        made.append(Seen())
        return made[-1]

    monkeypatch.setattr(gpu, "AlexNet", make)
    monkeypatch.setattr(torch, "compile", lambda net: compiled.append(net) or net)
    return make, made, compiled


@pytest.mark.parametrize("tuned", [True, False])
def test_a_step_is_as_train_runs_it_and_a_peer_as_it_is_named(small, tuned):
    make, made, compiled = small
    pair = gpu.whole_step(make, 3, tuned, CPU)
    ours, theirs = made
    before = ours.units.weight.clone()
    pair.ours()
    pair.peer()
    assert [len(net.calls) for net in made] == [2, 2]
    assert {dtype for net in made for _, dtype, _ in net.calls} == {torch.bfloat16}
    assert [net.calls[0][2] for net in made] == [True, False]
    assert not torch.equal(before, ours.units.weight)
    last = [net.calls[0][0].is_contiguous(memory_format=torch.channels_last) for net in made]
    assert (last, compiled) == (([True, True], [ours, theirs]) if tuned else ([True, False], [ours]))
    assert pair.images == 2 * 3
    (work,) = pair.work
    assert (work.kind, work.unit, work.limit) == ("matrix", "TFLOP", 4.0)
    assert work.amount == pytest.approx(6 * 4_135_610_496 / 1e12)  # the paper's net, whatever runs here


def test_the_input_is_cut_anew_for_each_step_and_the_peer_has_one_batch_ready(small):
    _, made, compiled = small
    pair = gpu.input_and_step(2, CPU)
    pair.ours()
    pair.peer()
    (first, second), same = ([images for images, *_ in net.calls] for net in made)
    assert first.shape == (2, 3, 224, 224)
    assert not torch.equal(first, second)
    assert same[0] is same[1]
    assert torch.equal(same[0], first)
    assert [inplace for net in made for *_, inplace in net.calls] == [True] * 4
    assert (compiled, pair.images) == (made, 4)


def test_rows_on_a_gpu_say_that_none_is_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = bench.chosen(bench.all_rows(), ["norm-gpu", "step-gpu", "input-gpu"])
    assert {bench.measure(one).missing for one in rows} == {"no GPU here"}
    goals = {one.name: one.goals | {"ratio": one.goal} for one in rows}
    assert len(goals) == 8 + 6 + 2
    assert all(goals[f"step-gpu/{batch}/torchvision"]["images/s"] == 32_000 for batch in (128, 512, 1024))
    assert goals["norm-gpu/128x96x27x27/channels-last"]["of the copy rate"] == 0.6
    assert goals["input-gpu/128"]["ratio"] == 0.95


def test_a_session_on_a_gpu_names_the_one_that_was_used_and_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 0)
    found = bench.session("quiet", "alexnet bench", {}, [])
    assert found.hardware.startswith("NVIDIA H100, one of 8; CPU, ")


def multiplying():
    """A pair whose own way multiplies matrices, and besides adds a little."""
    a = torch.ones(300, 300)
    return bench.Pair(lambda: [a @ a for _ in range(20)] and a[0] + 1, list)


def test_a_profile_has_the_most_expensive_first():
    table = profiling.costliest(row(multiplying))
    assert table.startswith("group/one: ours\n")
    assert "torch" in table.splitlines()[1]
    named = [line.split()[0] for line in table.splitlines() if line.strip().startswith("aten::")]
    assert named[0] == "aten::mm"
    assert "aten::add" in named


def lacking():
    raise bench.NotMeasured("no GPU here")


@pytest.fixture
def declared(monkeypatch):
    rows = [row(multiplying), dataclasses.replace(row(lacking), name="other/two")]
    monkeypatch.setattr(bench, "all_rows", lambda root: rows)


def test_the_command_writes_the_profile_of_one_row(declared, tmp_path, capsys):
    path = tmp_path / "profile.txt"
    assert main(["bench", "group", "--profile", str(path)]) == 0
    assert "aten::mm" in path.read_text("utf-8")
    assert capsys.readouterr().out == f"where the time of group/one goes: {path}\n"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["other"], "row other/two cannot be profiled: no GPU here"),
        ([], "--profile takes one row, and 2 are named: choose one of alexnet bench --list"),
    ],
)
def test_a_profile_that_cannot_be_made_is_one_line(declared, tmp_path, capsys, names, words):
    assert main(["bench", *names, "--profile", str(tmp_path / "profile.txt")]) == 2
    assert capsys.readouterr().err == f"alexnet: {words}\n"
    assert list(tmp_path.iterdir()) == []


def test_several_processes_measure_nothing_because_each_would_disturb_the_others(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["bench", "update"]) == 2
    assert "WORLD_SIZE is 2: each of several processes would measure one GPU" in capsys.readouterr().err


def test_the_command_asks_a_gpu_for_its_limits_and_tells_goals_beside_the_ratio(monkeypatch, capsys):
    found = measured(
        [1.0], [1.0], images=33_000, also={"of the matrix rate": 0.17}, goals={"images/s": 32_000.0}
    )
    monkeypatch.setattr(bench, "all_rows", lambda root: [row(list)])
    monkeypatch.setattr(bench, "measure_apart", lambda *_: found)
    rates = {"cpu": {"copy GB/s": 10.0}, "cuda": {"GPU copy GB/s": 3000.0}}
    monkeypatch.setattr(bench, "machine_limits", lambda rounds, device="cpu": rates[device])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert main(["bench"]) == 0
    limits_line, line = capsys.readouterr().out.splitlines()
    assert limits_line == "copy GB/s 10.0  GPU copy GB/s 3000.0"
    assert line.endswith("images/s 33,000 (goal 32,000 met)  of the matrix rate 0.17")
