"""A run ends where it should: broken off and resumed, split over processes, stopped, diverged."""

import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from tqdm import tqdm
from training import CONFIG, TinyNet, sets, signaled_net, tiny_net, tiny_run

from alexnet_lib import records
from alexnet_lib import train as training
from alexnet_lib.data.batches import Batches, train_val_split
from alexnet_lib.evaluation import center_crop_probabilities, topk_error
from alexnet_lib.specs import InputScale
from alexnet_lib.train import DivergedError, Interrupted, train
from alexnet_lib.training import checkpoints, fit
from alexnet_lib.training.ranks import Ranks, run_processes
from alexnet_lib.training.runlog import read_log

ROOT = Path(__file__).resolve().parent.parent
ALONE = Ranks(0, 1, 0, torch.device("cpu"))
ONE_EPOCH = replace(CONFIG, epochs=1)


@pytest.fixture(autouse=True)
def signals():
    """As in a terminal, where the tests run behind nohup or in the background too."""
    names = [name for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    kept = [signal.signal(getattr(signal, name), signal.default_int_handler) for name in names]
    yield
    for name, handler in zip(names, kept, strict=True):
        signal.signal(getattr(signal, name), handler)


def final_state(folder):
    state = checkpoints.newest(folder)[1]
    del state["progress"]["seconds"]  # the one thing that differs from run to run
    return state


def assert_same_bits(ours, other, at="state"):
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


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    tiny_run(folder)
    return folder


# One run


def test_a_run_learns_and_tells_what_it_did(tmp_path):
    result = tiny_run(tmp_path, replace(CONFIG, epochs=6))
    error = result.curves["running training error"]
    assert len(error) == 6
    assert error[0] > 0.8 > 0.72 > min(error)  # how far exactly, depends on the masks that torch draws
    assert result.results["top-1 error, ten crops"] < 0.8
    assert result.results["top-5 error, center"] <= result.results["top-1 error, center"]
    assert result.images == 180  # of 200, a tenth held out
    losses = [line["training loss"] for line in read_log(tmp_path) if "whole epoch" in line]
    assert losses == result.curves["training loss"]
    weights = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert_same_bits(dict(weights), dict(result.net.state_dict()))


def test_the_training_error_is_measured_as_the_test_error_is_without_dropout_on_center_crops():
    result = tiny_run(config=ONE_EPOCH)
    images, _ = sets()
    chosen, _ = train_val_split(images, 0.1, seed=0)
    model = InputScale(result.net, CONFIG.input_scale)
    found = center_crop_probabilities(model, images.images[chosen], 16, mean=result.mean)
    assert result.curves["training error"] == [pytest.approx(topk_error(found, images.labels[chosen], 1))]
    assert result.curves["training error"] != result.curves["running training error"]


def test_a_run_that_is_asked_to_ends_with_the_first_epoch_whose_error_is_low_enough(tmp_path):
    whole = tiny_run().curves["running training error"]
    epochs = next(epoch for epoch, error in enumerate(whole, 1) if error <= whole[1])
    config = replace(CONFIG, stop_at_error=whole[1])
    result = tiny_run(tmp_path, config)
    assert result.curves["running training error"] == whole[:epochs]
    assert result.results["images per second"] * result.seconds == pytest.approx(epochs * 11 * 16)
    assert tiny_run(tmp_path, config, resume=True).curves == result.curves


def test_the_bar_shows_the_validation_error_on_a_narrow_terminal(monkeypatch):
    shown = io.StringIO()
    bar = {"file": shown, "ncols": 80, "disable": False, "mininterval": 0}
    monkeypatch.setattr(training, "tqdm", lambda *given, **options: tqdm(*given, **options | bar))
    tiny_run(config=replace(CONFIG, epochs=2), progress=True)
    assert re.search(r"val=\d+\.\d%", shown.getvalue())


def test_ten_crops_are_measured_where_the_images_leave_a_border_for_them():
    assert "top-1 error, ten crops" in tiny_run(config=replace(ONE_EPOCH, training_images=40)).results
    without = tiny_run(config=replace(ONE_EPOCH, image_size=16)).results
    assert "top-1 error, center" in without
    assert "top-1 error, ten crops" not in without


def test_of_two_classes_there_is_no_top_5_error():
    two = [replace(part, labels=part.labels % 2, classes=("a", "b")) for part in sets()]
    net = tiny_net()
    net.head = nn.Linear(128, 2)
    results = tiny_run(config=ONE_EPOCH, sets=tuple(two), net=net).results
    assert "top-2 error, center" in results
    assert not any("top-5" in name for name in results)


def test_one_step_is_the_printed_rule_on_the_mean_gradient_of_the_batch():
    config = replace(ONE_EPOCH, batch_size=180, weight_decay=0.1, input_scale=1.0)
    result = tiny_run(config=config, net=tiny_net(dropout=0.0))
    reference = tiny_net(dropout=0.0)
    images, _ = sets()
    chosen, _ = train_val_split(images, 0.1, seed=0)
    batch, labels = Batches(images, chosen, config, ALONE).step(0, 0)
    nn.functional.cross_entropy(reference(batch), labels).backward()
    for ours, start in zip(result.net.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, (start - 0.1 * 0.02 * start - 0.02 * start.grad).detach())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    one, same, other = (tiny_run(config=replace(ONE_EPOCH, seed=seed)) for seed in (0, 0, 1))
    assert_same_bits(dict(one.net.state_dict()), dict(same.net.state_dict()))
    assert not torch.equal(one.net.head.weight, other.net.head.weight)


def test_the_rate_falls_when_the_validation_error_stops_improving_or_at_named_epochs():
    rates = tiny_run(config=replace(CONFIG, epochs=8, lr=1e-7)).curves["lr"]  # too small to learn anything
    assert rates == sorted(rates, reverse=True)
    assert sorted(set(rates)) == pytest.approx([1e-10, 1e-9, 1e-8, 1e-7])
    rates = tiny_run(config=replace(CONFIG, epochs=4, milestones=(1, 3))).curves["lr"]
    assert rates == pytest.approx([2e-2, 2e-3, 2e-3, 2e-4])


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_too(precision, monkeypatch):
    monkeypatch.setattr(training, "settle_precision", lambda config, ranks: config)
    result = tiny_run(config=replace(CONFIG, precision=precision, epochs=4))
    assert result.curves["training loss"][-1] < 2.0
    assert result.net.head.weight.dtype == torch.float32


@pytest.mark.parametrize("supported", [False, True])
def test_a_cpu_without_instructions_for_bfloat16_takes_float32_and_says_so(supported, monkeypatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    with nullcontext() if supported else pytest.warns(UserWarning, match="precision is 'bfloat16'"):
        result = tiny_run(config=replace(ONE_EPOCH, precision="bfloat16"))
    precision = "bfloat16" if supported else "float32"
    assert result.record("trial", "", "command").config["precision"] == precision


def test_a_default_of_float64_makes_no_difference():
    torch.set_default_dtype(torch.float64)
    try:
        assert tiny_run(config=ONE_EPOCH).net.head.weight.dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", [{}, {"precision": "bfloat16"}, {"compiled": True}])
def test_a_gpu_learns_what_the_cpu_learns(settings):
    cpu = tiny_run(net=tiny_net(dropout=0.0))
    gpu = tiny_run(config=replace(CONFIG, **settings), net=tiny_net(dropout=0.0), device="cuda")
    assert gpu.curves["training loss"] == pytest.approx(cpu.curves["training loss"], rel=0.05)


# Broken off and resumed


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_a_run_ends_with_the_same_bits(tmp_path):
    def start(folder, resume):
        code = "import pathlib, sys, training as t; t.long_run(pathlib.Path(sys.argv[1]), bool(sys.argv[2:]))"
        command = [sys.executable, "-c", code, str(folder)] + ["resume"] * resume
        return subprocess.Popen(command, cwd=ROOT / "tests")

    def written():
        return {path.name for path in broken.glob("checkpoint-*.pt")}

    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    process, chance, kills = start(unbroken, False), random.Random(0), 0
    while kills < 3:
        before = written()
        victim = start(broken, bool(before))
        while written() == before and victim.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.05))
        victim.kill()
        kills += victim.wait() == -signal.SIGKILL
    (broken / "checkpoint-000000001.pt.part").write_bytes(b"half")  # of a kill in the middle of writing
    assert start(broken, True).wait(300) == process.wait(300) == 0
    assert_same_bits(final_state(broken), final_state(unbroken))
    assert not list(broken.glob("*.part"))
    assert (broken / "weights.pt").exists()


@pytest.mark.parametrize("step", [1, 11, 20, 33])
def test_resumed_after_any_step_a_run_ends_with_the_same_bits(step, unbroken, tmp_path):
    """After the last step too: Ctrl-C in the last epoch stops the run before the test set."""
    with pytest.raises(Interrupted, match=r"saved in .* --resume"):
        tiny_run(tmp_path, net=signaled_net(step))
    tiny_run(tmp_path, resume=True)
    assert_same_bits(final_state(tmp_path), final_state(unbroken))


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_a_closed_terminal_saves_and_nohup_is_respected(tmp_path):
    with pytest.raises(Interrupted):
        tiny_run(tmp_path, net=signaled_net(3, signal.SIGHUP))
    assert checkpoints.newest(tmp_path)[0].name == "checkpoint-000000003.pt"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert len(tiny_run(config=ONE_EPOCH, net=signaled_net(3, signal.SIGHUP)).curves["lr"]) == 1
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_ctrl_c_stops_at_once_and_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as stop:
        tiny_run(net=signaled_net(2, times=2))
    assert not isinstance(stop.value, Interrupted)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_without_a_folder_says_that_nothing_was_saved():
    with pytest.raises(Interrupted, match="nothing was saved"):
        tiny_run(net=signaled_net(2, signal.SIGTERM))


def test_a_stop_in_the_middle_of_saving_keeps_the_checkpoint_before(unbroken, tmp_path, monkeypatch):
    synced, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) > 4:
            raise KeyboardInterrupt
        synced(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        tiny_run(tmp_path, save_seconds=0.0)
    monkeypatch.undo()
    assert checkpoints.newest(tmp_path)[0].name == "checkpoint-000000004.pt"
    tiny_run(tmp_path, resume=True)
    assert_same_bits(final_state(tmp_path), final_state(unbroken))


def test_a_folder_with_a_run_is_not_written_over_and_nothing_is_not_resumed(tmp_path):
    with pytest.raises(ValueError, match="holds no checkpoint"):
        tiny_run(tmp_path, resume=True)
    tiny_run(tmp_path, ONE_EPOCH)
    with pytest.raises(ValueError, match="holds a run already"):
        tiny_run(tmp_path, ONE_EPOCH)


def test_a_second_run_in_a_folder_is_refused_and_the_first_is_not_disturbed(unbroken, tmp_path):
    net, refused = tiny_net(), []

    def hook(*_):
        if not refused:
            with pytest.raises(ValueError, match="another run is writing there") as error:
                tiny_run(tmp_path)
            refused.append(error)

    net.register_forward_hook(hook)
    tiny_run(tmp_path, net=net)
    assert refused
    assert_same_bits(final_state(tmp_path), final_state(unbroken))


@pytest.mark.parametrize("change", [{"seed": 1}, {"batch_size": 20}])
def test_a_resumed_run_cannot_become_another_one(change, tmp_path):
    tiny_run(tmp_path, ONE_EPOCH)
    with pytest.raises(ValueError, match=rf"{next(iter(change))} is .*another folder for another run"):
        tiny_run(tmp_path, replace(CONFIG, **change), resume=True)


def test_a_resumed_run_can_change_its_rate_by_hand_and_that_is_on_record(tmp_path):
    tiny_run(tmp_path, ONE_EPOCH)
    result = tiny_run(tmp_path, replace(CONFIG, epochs=2, lr=0.01, weight_decay=0.0), resume=True)
    assert result.curves["lr"] == [0.02, 0.01]
    record = result.record("trial", "", "command")
    assert record.config["changes"] == [
        {"epoch": 1, "epochs": [1, 2], "lr": [0.02, 0.01], "weight_decay": [0.0005, 0.0]}
    ]
    records.store(record, tmp_path)
    assert records.load("trial", tmp_path) == [record]


def test_the_same_images_in_another_folder_go_on_and_other_images_do_not(tmp_path):
    tiny_run(tmp_path, ONE_EPOCH)
    moved = replace(CONFIG, epochs=2, data="folder:elsewhere")
    assert len(tiny_run(tmp_path, moved, resume=True).curves["lr"]) == 2
    images, test = sets()
    images = replace(images, images=images.images.clone())
    images.images[0, 0, 3, 3] ^= 1
    with pytest.raises(ValueError, match=r"is not what the run .* was trained on"):
        tiny_run(tmp_path, resume=True, sets=(images, test))


# What does not fit, and what goes wrong


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spec": "paper", "image_size": 40, "crop": 20}, "too small|leaves|20"),
        ({"spec": "four-layer", "image_size": 32, "crop": 32, "dropout": 0.5}, "dropout is 0.5"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_an_image_is_read(changes, words, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "load", lambda *_, **__: pytest.fail("images are read"))
    with pytest.raises(ValueError, match=words):
        train(replace(CONFIG, **changes), tmp_path)
    with pytest.raises(ValueError, match="batch_size is 16, and 3 processes need a multiple of 3"):
        fit.require_fit(CONFIG, Ranks(0, 3, 0, torch.device("cpu")))


def empty(images):
    return replace(images, images=images.images[:0], labels=images.labels[:0])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"config": "laptop"}, "config"),
        ({"sets": (torch.zeros(1), torch.zeros(1))}, "sets"),
        ({"sets": sets()[:1]}, "sets"),
        ({"sets": (sets()[0], replace(sets()[1], classes=tuple("abcdefghij")))}, "sets"),
        ({"sets": (sets()[0], empty(sets()[1]))}, "sets"),
        ({"save_seconds": "5"}, "save_seconds"),
        ({"save_seconds": -1.0}, "save_seconds"),
        ({"save_seconds": float("nan")}, "save_seconds"),
        ({"device": "cdua"}, "device"),
        ({"net": "paper"}, "net"),
        ({"folder": ""}, "folder"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(arguments, name):
    with pytest.raises((TypeError, ValueError), match=name):
        tiny_run(**arguments)


def test_a_device_may_be_torchs_own():
    assert tiny_run(config=ONE_EPOCH, device=torch.device("cpu")).curves["lr"]


@pytest.mark.parametrize("place", ["file/run", "/proc/run"])
def test_a_folder_that_cannot_be_made_is_named_before_the_first_step(place, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"folder .* could not be written"):
        tiny_run(tmp_path / place)


def test_a_loss_that_is_no_number_stops_the_run_and_the_last_good_state_is_kept(tmp_path):
    tiny_run(tmp_path, ONE_EPOCH)
    (good,) = tmp_path.glob("checkpoint-*")
    words = r"loss is (nan|inf) in epoch 2 at step \d+.*--set lr=1e\+19.*last good state is .*00011\.pt"
    with pytest.raises(DivergedError, match=words):
        tiny_run(tmp_path, replace(CONFIG, lr=1e20), resume=True)
    assert list(tmp_path.glob("checkpoint-*")) == [good]
    result = tiny_run(tmp_path, replace(CONFIG, epochs=2, lr=0.01), resume=True)
    assert result.curves["training loss"][-1] < 2.4


class Greedy(TinyNet):
    def forward(self, batch):
        return super().forward(batch) + torch.empty(len(batch) * 2**50)[0]


@pytest.mark.parametrize(("batch", "words"), [(16, "use batch_size=8"), (1, "use a smaller crop or net")])
def test_a_batch_that_the_memory_does_not_hold_says_which_to_use(batch, words):
    with pytest.raises(MemoryError, match=rf"^batch_size is {batch}, and the memory of cpu .*: {words}$"):
        tiny_run(config=replace(ONE_EPOCH, batch_size=batch), net=Greedy())


# Several processes


def split_run(ranks, folder, config):
    result = tiny_run(folder, config, net=tiny_net(dropout=0.0))
    return dict(result.net.state_dict()), result.results, result.curves


def test_two_processes_end_where_one_does_for_the_same_global_batch(tmp_path):
    config = replace(CONFIG, epochs=2)
    one = tiny_run(config=config, net=tiny_net(dropout=0.0))
    for weights, results, curves in run_processes(split_run, 2, tmp_path, config):
        for name, weight in one.net.state_dict().items():
            torch.testing.assert_close(weights[name], weight, rtol=1e-4, atol=1e-6)
        for name in ("top-1 error, center", "top-5 error, ten crops"):
            assert results[name] == pytest.approx(one.results[name], abs=1e-12)  # each image counted once
        assert curves["training loss"] == pytest.approx(one.curves["training loss"], rel=1e-5)
        for name in ("training error", "running training error"):
            assert curves[name] == pytest.approx(one.curves[name], abs=1e-12)
    names = {path.name for path in tmp_path.iterdir()} - {"lock"}
    assert names == {"checkpoint-000000011.pt", "checkpoint-000000022.pt", "log.jsonl", "weights.pt"}


def dying(ranks, folder):
    net = signaled_net(14, signal.SIGKILL) if ranks.rank else tiny_net()
    tiny_run(folder, net=net, save_seconds=0.0)


def going_on(ranks, broken, whole):
    tiny_run(broken, resume=True)
    tiny_run(whole)


@pytest.mark.slow
def test_a_rank_that_dies_ends_the_run_and_both_go_on_to_the_same_bits(tmp_path):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    with pytest.raises(Exception, match=r"SIGKILL|closed by peer|reset by peer"):
        run_processes(dying, 2, broken)
    run_processes(going_on, 2, broken, whole)
    assert_same_bits(final_state(broken), final_state(whole))


@pytest.mark.slow
def test_torchrun_trains_on_two_processes_and_a_wrong_batch_ends_both_with_one_line_each():
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "alexnet_lib.cli", "train", "--preset", "laptop", "--device", "cpu"]
    command += ["--set", "epochs=1", "--set", "batch_size=301"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert run.returncode != 0
    assert "alexnet: batch_size is 301, and 2 processes need a multiple of 2" in run.stderr
