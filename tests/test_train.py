"""A run ends where it should: broken off and resumed, split over processes, stopped, diverged."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from training import CONFIG, long_run, sets, tiny_net, tiny_run

from alexnet_lib import records
from alexnet_lib import train as training
from alexnet_lib.cli import main
from alexnet_lib.data.batches import Batches, train_val_split
from alexnet_lib.train import DivergedError, Interrupted
from alexnet_lib.training import checkpoints
from alexnet_lib.training.ranks import World, new_process, run_processes

ROOT = Path(__file__).resolve().parent.parent


def final_state(folder):
    state = checkpoints.newest(folder)[1]
    del state["progress"]["seconds"]  # the one thing that differs from run to run
    return state


def assert_same_bits(ours, other, at="state"):
    assert type(ours) is type(other), at
    if isinstance(ours, dict):
        assert ours.keys() == other.keys(), at
        for key in ours:
            assert_same_bits(ours[key], other[key], f"{at}[{key!r}]")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(other), at
        for k, pair in enumerate(zip(ours, other, strict=True)):
            assert_same_bits(*pair, f"{at}[{k}]")
    elif isinstance(ours, torch.Tensor):
        assert torch.equal(ours, other), at
    else:
        assert ours == other, at


def written(folder):
    return {path.name for path in folder.glob("checkpoint-*.pt")}


# One run


def test_a_run_learns_and_tells_what_it_did(tmp_path):
    outcome = tiny_run(tmp_path, replace(CONFIG, epochs=6))
    error = outcome.curves["training error"]
    assert len(error) == 6
    assert error[0] > 0.8 > 0.72 > min(error)  # how far exactly, depends on the masks that torch draws
    assert outcome.results["top-1 error, ten crops"] < 0.8
    assert outcome.results["top-5 error, center"] <= outcome.results["top-1 error, center"]
    assert outcome.images == 180  # of 200, a tenth held out
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["training loss"] for line in lines if "whole epoch" in line] == outcome.curves[
        "training loss"
    ]
    weights = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert_same_bits(dict(weights), dict(outcome.net.state_dict()))


def test_a_run_that_is_asked_to_ends_with_the_first_epoch_whose_error_is_low_enough(tmp_path):
    config = replace(CONFIG, epochs=6)
    whole = tiny_run(config=config).curves["training error"]
    level = whole[3]  # reached in the fourth epoch at the latest
    epochs = next(epoch for epoch, error in enumerate(whole, 1) if error <= level)
    outcome = tiny_run(tmp_path, replace(config, stop_at_error=level))
    assert outcome.curves["training error"] == whole[:epochs]
    assert outcome.results["images per second"] * outcome.seconds == pytest.approx(epochs * 11 * 16)
    assert checkpoints.newest(tmp_path)[1]["progress"]["epoch"] == epochs
    again = tiny_run(tmp_path, replace(config, stop_at_error=level), resume=True)
    assert again.curves == outcome.curves


def test_a_run_on_fewer_images_takes_that_many():
    outcome = tiny_run(config=replace(CONFIG, epochs=1, training_images=40))
    assert outcome.images == 40
    assert outcome.results["images per second"] * outcome.seconds == pytest.approx(2 * 16)


def test_ten_crops_are_measured_where_the_images_leave_room_for_them():
    assert "top-1 error, ten crops" in tiny_run(config=replace(CONFIG, epochs=1)).results
    without = tiny_run(config=replace(CONFIG, epochs=1, image_size=16)).results
    assert "top-1 error, center" in without
    assert "top-1 error, ten crops" not in without


@pytest.mark.parametrize("ours", [True, False])
def test_relus_work_in_place_in_our_own_nets_alone_and_in_the_run_alone(ours, monkeypatch):
    net, seen = tiny_net(dropout=0.0), set()
    units = [unit for unit in net.modules() if isinstance(unit, nn.ReLU)]
    for unit in units:
        unit.register_forward_hook(lambda unit, given, out: seen.add(unit.inplace))
    monkeypatch.setattr(training, "build_net", lambda config, classes: net)
    tiny_run(config=replace(CONFIG, epochs=1), net=None if ours else net)
    assert seen == {ours}
    assert not any(unit.inplace for unit in units)


def test_one_step_is_the_printed_rule_on_the_mean_gradient_of_the_batch():
    config = replace(CONFIG, epochs=1, batch_size=180, weight_decay=0.1, input_scale=1.0)
    outcome = tiny_run(config=config, net=tiny_net(dropout=0.0))
    reference = tiny_net(dropout=0.0)
    images, _ = sets()
    chosen, _ = train_val_split(images, 0.1, seed=0)
    batch, labels = Batches(images, chosen, config, World(0, 1, 0, torch.device("cpu"))).step(0, 0)
    nn.functional.cross_entropy(reference(batch), labels).backward()
    for ours, start in zip(outcome.net.parameters(), reference.parameters(), strict=True):
        expected = start - 0.1 * 0.02 * start - 0.02 * start.grad
        torch.testing.assert_close(ours, expected.detach())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    one, same, other = (tiny_run(config=replace(CONFIG, epochs=1, seed=seed)) for seed in (0, 0, 1))
    assert_same_bits(dict(one.net.state_dict()), dict(same.net.state_dict()))
    assert not torch.equal(one.net.head.weight, other.net.head.weight)


def test_every_image_is_seen_once_an_epoch_and_held_out_ones_only_at_its_end():
    images, _ = sets()
    chosen, held = train_val_split(images, 0.1, seed=0)
    assert sorted([*chosen.tolist(), *held.tolist()]) == list(range(200))
    batches = Batches(images, chosen, replace(CONFIG, batch_size=18), World(0, 1, 0, torch.device("cpu")))
    assert batches.steps == 10
    orders = [batches.order(epoch).tolist() for epoch in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == chosen.tolist()
    assert orders[0] != orders[1]


def test_the_rate_falls_when_the_held_out_error_stops_improving():
    config = replace(CONFIG, epochs=8, rate=1e-7)  # too small to learn anything
    rates = tiny_run(config=config).curves["lr"]
    assert rates == sorted(rates, reverse=True)
    assert sorted(set(rates)) == pytest.approx([1e-10, 1e-9, 1e-8, 1e-7])


def test_the_rate_falls_at_named_epochs():
    rates = tiny_run(config=replace(CONFIG, epochs=4, milestones=(1, 3))).curves["lr"]
    assert rates == pytest.approx([2e-2, 2e-3, 2e-3, 2e-4])


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_shows_speed_loss_errors_and_the_time_left():
    code = "from training import CONFIG, tiny_run; tiny_run(progress=True)"
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40, 160))
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT / "tests", stderr=theirs):
        os.close(theirs)
        shown = ""
        with contextlib.suppress(OSError):  # the terminal's end
            while part := os.read(ours, 4096):
                shown += part.decode()
    os.close(ours)
    # training: 61%|######    | 320/528 [00:01<00:00, 250 images/s, loss=..., training error=...%]
    assert re.search(
        r"training: +\d+%.*\[\d\d:\d\d<\d\d:\d\d.* images/s, loss=\d\.\d{3}, training error=\d+\.\d%", shown
    )
    assert "validation error=" in shown
    assert "test set" in shown


@pytest.fixture
def photo_folder(tmp_path):
    """A folder of class folders, as ImageNet has them: two classes of grass and gravel."""
    for split, part in zip(("train", "test"), sets(per_class=10), strict=True):
        for k in range(80, 100):  # ten of each of the last two classes
            path = tmp_path / "photos" / split / part.classes[part.labels[k]] / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(part.images[k].permute(1, 2, 0).numpy()).resize((80, 80)).save(path)
    return tmp_path / "photos"


def test_a_preset_trains_the_papers_net_from_the_command_line(photo_folder, tmp_path, capsys):
    command = ["train", "--preset", "laptop", "--set", f"data=folder:{photo_folder}", "--device", "cpu"]
    command += ["--set", "epochs=1", "--set", "batch_size=8", "--out", str(tmp_path / "run")]
    command += ["--cache", str(tmp_path / "cache")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert re.search(r"epochs +90 +1\n", said)
    assert re.search(r"crop +224 +64\n", said)
    assert "top-5 error, ten crops" in said
    assert {path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    weights = torch.load(tmp_path / "run" / "weights.pt", weights_only=True)
    assert sum(weight.numel() for weight in weights.values()) > 20_000_000


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_too(precision):
    outcome = tiny_run(config=replace(CONFIG, precision=precision, epochs=4))
    assert outcome.curves["training loss"][-1] < 2.0
    assert outcome.net.head.weight.dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", [{}, {"precision": "bfloat16"}, {"compiled": True}])
def test_a_gpu_learns_what_the_cpu_learns(settings):
    config = replace(CONFIG, epochs=2, **settings)
    cpu = tiny_run(config=replace(CONFIG, epochs=2), net=tiny_net(dropout=0.0))
    gpu = tiny_run(config=config, net=tiny_net(dropout=0.0), device="cuda")
    assert gpu.curves["training loss"] == pytest.approx(cpu.curves["training loss"], rel=0.05)


# Broken off and resumed


def test_killed_at_random_moments_and_resumed_a_run_ends_with_the_same_bits(tmp_path):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    new_process(long_run, unbroken, False).join()
    chance, kills, code = random.Random(0), 0, None
    while code != 0:
        before = written(broken)
        process = new_process(long_run, broken, bool(before))
        if kills < 4:
            while written(broken) == before and process.is_alive():
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 0.1))
            process.kill()
        process.join(120)
        code = process.exitcode
        assert code is not None, "the run hangs"
        kills += code == -signal.SIGKILL
    assert kills == 4
    assert_same_bits(final_state(broken), final_state(unbroken))
    assert (broken / "weights.pt").exists()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    tiny_run(folder)
    return folder


@pytest.mark.parametrize("step", [1, 11, 12, 20, 33])
def test_resumed_after_any_step_a_run_ends_with_the_same_bits(step, unbroken, tmp_path, monkeypatch):
    taken = training.Training._step

    def until(run):
        taken(run)
        if run.done.epoch * run.batches.steps + run.done.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(training.Training, "_step", until)
    with pytest.raises(Interrupted, match=r"saved in .* Go on with the same command and --resume"):
        tiny_run(tmp_path)
    monkeypatch.setattr(training.Training, "_step", taken)
    tiny_run(tmp_path, resume=True)
    assert_same_bits(final_state(tmp_path), final_state(unbroken))


def test_a_resumed_run_logs_every_epoch_once(tmp_path, monkeypatch):
    monkeypatch.setattr("alexnet_lib.training.runlog.SECONDS", 0.0)
    tiny_run(tmp_path, replace(CONFIG, epochs=2))
    (tmp_path / "checkpoint-000000022.pt").unlink()  # back to the end of the first epoch
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"epoch": 2, "st')  # a line that a killed run did not finish
    tiny_run(tmp_path, replace(CONFIG, epochs=2), resume=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if "whole epoch" in line] == [1, 2]
    assert [line["step"] for line in lines if "step" in line] == [*range(1, 12)] * 2


def test_ctrl_c_without_a_folder_says_that_nothing_was_saved(monkeypatch):
    taken = training.Training._step
    monkeypatch.setattr(
        training.Training, "_step", lambda run: (taken(run), os.kill(os.getpid(), signal.SIGTERM))
    )
    with pytest.raises(Interrupted, match="nothing was saved, because no folder was named"):
        tiny_run()


def test_a_second_ctrl_c_stops_at_once_and_the_handlers_are_put_back(monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    taken = training.Training._step

    def twice(run):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        taken(run)

    monkeypatch.setattr(training.Training, "_step", twice)
    with pytest.raises(KeyboardInterrupt) as stop:
        tiny_run()
    assert not isinstance(stop.value, Interrupted)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_folder_with_a_run_is_not_written_over(tmp_path):
    tiny_run(tmp_path, replace(CONFIG, epochs=1))
    with pytest.raises(ValueError, match=r"holds a run already: go on with it by resume=True"):
        tiny_run(tmp_path, replace(CONFIG, epochs=1))


def test_resuming_from_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no checkpoint: name the run's folder"):
        tiny_run(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "words"), [({"seed": 1}, "seed is 1, .* has 0"), ({"batch_size": 20}, "batch_size")]
)
def test_a_resumed_run_cannot_become_another_one(change, words, tmp_path):
    tiny_run(tmp_path, replace(CONFIG, epochs=1))
    with pytest.raises(ValueError, match=words + ".*Name another folder for another run"):
        tiny_run(tmp_path, replace(CONFIG, epochs=2, **change), resume=True)


def test_a_resumed_run_can_change_its_rate_by_hand_and_that_is_on_record(tmp_path):
    tiny_run(tmp_path, replace(CONFIG, epochs=1))
    outcome = tiny_run(tmp_path, replace(CONFIG, epochs=2, lr=0.01, weight_decay=0.0), resume=True)
    assert outcome.curves["lr"] == [0.02, 0.01]
    record = outcome.record("trial", "", "command")
    assert record.config["changes"] == [
        {"epoch": 1, "epochs": [1, 2], "rate": [0.02, 0.01], "weight_decay": [0.0005, 0.0]}
    ]
    records.store(record, tmp_path)
    assert records.load("trial", tmp_path) == [record]


def test_other_images_are_noticed(tmp_path):
    tiny_run(tmp_path, replace(CONFIG, epochs=1))
    images, test = sets()
    images = replace(images, images=images.images.clone())
    images.images[7, 0, 3, 3] ^= 1
    with pytest.raises(ValueError, match=r"is not what the run .* was trained on"):
        tiny_run(tmp_path, replace(CONFIG, epochs=2), resume=True, sets=(images, test))


# Diverged


def test_a_loss_that_is_no_number_stops_the_run_and_the_last_good_state_is_kept(tmp_path):
    tiny_run(tmp_path, replace(CONFIG, epochs=1))
    (good,) = tmp_path.glob("checkpoint-*")
    where, left = r"loss is (nan|inf) in epoch 2 at step \d+", r"last good state is .*00011\.pt"
    with pytest.raises(DivergedError, match=rf"{where}; try a tenth of the rate \(--set lr=1e\+19\).*{left}"):
        tiny_run(tmp_path, replace(CONFIG, epochs=3, rate=1e20), resume=True)
    assert list(tmp_path.glob("checkpoint-*")) == [good]
    outcome = tiny_run(tmp_path, replace(CONFIG, epochs=2, lr=0.01), resume=True)
    assert outcome.curves["training loss"][-1] < 2.4


# Several processes


def split_run(world, folder, config):
    outcome = tiny_run(folder, config, net=tiny_net(dropout=0.0))
    return dict(outcome.net.state_dict()), outcome.results, outcome.curves


def test_two_processes_end_where_one_does_for_the_same_global_batch(tmp_path):
    config = replace(CONFIG, epochs=2)
    one = tiny_run(config=config, net=tiny_net(dropout=0.0))
    for weights, results, curves in run_processes(split_run, 2, tmp_path, config):
        for name, weight in one.net.state_dict().items():
            torch.testing.assert_close(weights[name], weight, rtol=1e-4, atol=1e-6)
        for name in ("top-1 error, center", "top-5 error, ten crops"):
            assert results[name] == pytest.approx(one.results[name], abs=1e-12)  # each image counted once
        assert curves["training loss"] == pytest.approx(one.curves["training loss"], rel=1e-5)
        assert curves["training error"] == pytest.approx(one.curves["training error"], abs=1e-12)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-000000011.pt",
        "checkpoint-000000022.pt",
        "lock",
        "log.jsonl",
        "weights.pt",
    ]


def test_torchrun_trains_on_two_processes_and_a_wrong_batch_ends_both_with_one_line_each(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "alexnet_lib.cli", "train", "--preset", "laptop", "--device", "cpu"]
    command += ["--set", "epochs=1", "--set", "batch_size=301"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert run.returncode != 0
    assert "batch_size is 301, and 2 processes need a multiple of 2" in run.stderr
    assert "Use 302" in run.stderr
