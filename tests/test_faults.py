"""Faults put in by hand, counted: nothing that was saved is lost, and no run ends with other numbers.

`tools/faults.py` kills runs at random moments, as many as one asks for.
"""

import contextlib
import json
import os
import random
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from alexnet_lib.bench import log
from PIL import Image
from test_bench import SESSION
from test_records import RECORD
from test_train import assert_same_bits, final_state
from training import CONFIG, TinyNet, sets, tiny_net, tiny_run

from alexnet_lib import records
from alexnet_lib import train as training
from alexnet_lib.data import cache, images
from alexnet_lib.dataset import load
from alexnet_lib.training import checkpoints
from alexnet_lib.training import fileio as files
from alexnet_lib.training import runlog as logbook
from alexnet_lib.training.ranks import run_processes

SHORT = replace(CONFIG, epochs=2)
PHOTOS = sets(per_class=10)


def run(folder, **options):
    """The run of these tests: two epochs of five steps, a checkpoint after each step."""
    return tiny_run(folder, SHORT, **{"sets": PHOTOS, "save_seconds": 0.0} | options)


def go_on(folder):
    """Go on where the folder's run stands, or from the start."""
    return run(folder, resume=checkpoints.newest(folder) is not None)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    run(folder)
    return final_state(folder)


@contextlib.contextmanager
def disk_of(size):
    """A disk whose files cannot grow beyond `size` bytes."""
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def flips(content, count):
    """The content with one other byte, `count` times, at places and to values by chance."""
    chance = random.Random(0)
    for _ in range(count):
        place, bits = chance.randrange(len(content)), chance.randrange(1, 256)
        yield content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :]


# Damaged files


@pytest.mark.parametrize("tenth", range(10))
def test_a_run_whose_newest_checkpoint_is_cut_goes_on_from_the_one_before_it(tenth, unbroken, tmp_path):
    stopped_at(tmp_path, step=7)
    path, _ = checkpoints.newest(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * tenth // 10])
    with pytest.warns(UserWarning, match=rf"{path.name} is (no|cut).*Going on from checkpoint-000000006\.pt"):
        run(tmp_path, resume=True)
    assert_same_bits(final_state(tmp_path), unbroken)


def test_any_other_byte_in_the_checkpoint_of_a_run_is_noticed(tmp_path):
    stopped_at(tmp_path, step=2)
    path, _ = checkpoints.newest(tmp_path)
    for damaged in flips(path.read_bytes(), 60):
        path.write_bytes(damaged)
        with pytest.raises(checkpoints.CheckpointError, match=path.name):
            checkpoints.read(path)


@pytest.mark.parametrize("name", ["listing", "digests", "images"])
def test_any_other_byte_in_a_cache_is_noticed_or_mended(name, tmp_path):
    folder = tmp_path / "photos" / "train" / "one"
    folder.mkdir(parents=True)
    for k in range(3):
        pixels = np.random.default_rng(k).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")

    def pictures():
        return load(
            f"folder:{tmp_path / 'photos'}", "train", size=6, cache=tmp_path / "cache", verify=True
        ).images

    whole = pictures().clone()
    path = tmp_path / "cache" / "photos-train-6" / name
    content = path.read_bytes()
    for damaged in flips(content, 30):
        path.write_bytes(damaged)
        with contextlib.suppress(cache.CacheError):
            assert torch.equal(pictures(), whole)
        path.write_bytes(content)


def test_any_other_byte_in_the_log_costs_no_more_than_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "SECONDS", 0.0)  # a line for each step
    run(tmp_path)
    path = tmp_path / "log.jsonl"
    content = path.read_bytes()
    lines = content.splitlines()
    assert len(lines) == 12
    for damaged in flips(content, 40):
        path.write_bytes(damaged)
        logbook.RunLog(tmp_path, epoch=SHORT.epochs).close()
        assert sum(line in path.read_bytes().splitlines() for line in lines) >= len(lines) - 2


@pytest.mark.parametrize("kind", ["run", "bench"])
def test_any_other_byte_in_a_record_is_noticed_by_the_files_name_or_changes_nothing_in_it(kind, tmp_path):
    record, bench = kind == "run", tmp_path / "bench"
    path = records.store(RECORD, tmp_path) if record else log.store(SESSION, bench)
    whole = records.load("trial", tmp_path) if record else log.load(bench)
    told = []
    for damaged in flips(path.read_bytes(), 200):
        path.write_bytes(damaged)
        try:
            # A space for a line's end, say, is the same record.
            assert (records.load("trial", tmp_path) if record else log.load(bench)) == whole
        except ValueError as error:
            told.append(str(error))
    assert len(told) > 150
    assert all(path.name in words for words in told)


# A full disk


@pytest.mark.parametrize("tenth", range(10))
def test_a_disk_that_is_full_after_any_tenth_of_a_checkpoint_keeps_the_one_before_it(
    tenth, unbroken, tmp_path
):
    stopped_at(tmp_path, step=6)
    path, before = checkpoints.newest(tmp_path)
    words = r"(checkpoint-\d+\.pt|log\.jsonl) could not be written .*: make room there, or name another"
    with disk_of(path.stat().st_size * tenth // 10), pytest.raises(OSError, match=words):
        run(tmp_path, resume=True)
    assert_same_bits(checkpoints.newest(tmp_path)[1], before)
    assert not list(tmp_path.glob("*.part"))
    run(tmp_path, resume=True)
    assert_same_bits(final_state(tmp_path), unbroken)


def test_a_disk_that_is_full_for_the_log_says_so_and_the_run_goes_on_later(unbroken, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "save", lambda *_: None)  # they are larger, and so the first to fail
    for size in range(0, 50, 10):
        folder = tmp_path / str(size)
        with disk_of(size), pytest.raises(OSError, match=r"log\.jsonl could not be written .*--resume"):
            run(folder)
    monkeypatch.undo()
    run(folder)
    assert_same_bits(final_state(folder), unbroken)
    assert [json.loads(line)["epoch"] for line in (folder / "log.jsonl").read_text().splitlines()] == [1, 2]


def test_a_disk_that_is_full_after_any_tenth_of_a_record_has_none_of_it(tmp_path):
    size = records.store(RECORD, tmp_path / "whole").stat().st_size
    for tenth in range(10):
        with disk_of(size * tenth // 10), pytest.raises(OSError, match=r"relu\.json could not be written"):
            records.store(RECORD, tmp_path)
        assert list((tmp_path / "trial").iterdir()) == []
    assert records.load("trial", records.store(RECORD, tmp_path).parent.parent) == [RECORD]


# Folders


@pytest.mark.parametrize("place", ["file/run", "n" * 300, "/proc/run"])
def test_a_folder_that_cannot_be_made_is_named_before_the_first_step(place, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"folder .* could not be written .*: name another folder"):
        run(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_second_run_in_a_folder_is_refused_and_the_first_is_not_disturbed(unbroken, tmp_path, monkeypatch):
    taken, refused = training.Training._step, []

    def step(self):
        monkeypatch.setattr(training.Training, "_step", taken)
        for resume in (False, True):
            with pytest.raises(ValueError, match="another run is writing there"):
                run(tmp_path, resume=resume)
            refused.append(resume)
        taken(self)

    monkeypatch.setattr(training.Training, "_step", step)
    run(tmp_path)
    assert refused == [False, True]
    assert_same_bits(final_state(tmp_path), unbroken)


# The clock


@pytest.mark.parametrize("seconds", [-1.0, -3600.0, -4e8, 4e8])
def test_a_clock_that_is_set_changes_nothing(seconds, unbroken, tmp_path, monkeypatch):
    stopped_at(tmp_path, step=7)
    for age, path in enumerate(sorted(tmp_path.iterdir())):
        os.utime(path, (2e9 - 1e6 * age, 2e9 - 1e6 * age))  # the newest file seems the oldest
    now = training.time.time
    monkeypatch.setattr(training.time, "time", lambda: now() + seconds)
    run(tmp_path, resume=True)
    assert_same_bits(final_state(tmp_path), unbroken)


# Processes that die


def stopped_at(folder, step, signals=1):
    """A run that Ctrl-C has stopped after so many steps."""
    taken = training.Training._step

    def until(self):
        taken(self)
        if self.done.epoch * self.batches.steps + self.done.step == step:
            for _ in range(signals):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Training, "_step", until)
        with pytest.raises(KeyboardInterrupt):
            run(folder)


@pytest.mark.parametrize("step", [1, 3, 5, 7, 10])
def test_two_ctrl_c_at_once_cost_one_step_at_most(step, unbroken, tmp_path):
    stopped_at(tmp_path, step, signals=2)
    assert step == 1 or checkpoints.newest(tmp_path)[0].name == f"checkpoint-{step - 1:09d}.pt"
    go_on(tmp_path)
    assert_same_bits(final_state(tmp_path), unbroken)


@pytest.mark.parametrize("call", range(0, 24, 2))
def test_a_stop_in_the_middle_of_saving_keeps_the_checkpoint_before(call, unbroken, tmp_path, monkeypatch):
    synced, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) > call:
            raise KeyboardInterrupt
        synced(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.undo()
    go_on(tmp_path)
    assert_same_bits(final_state(tmp_path), unbroken)


def dying(world, folder):
    """A run on this process among several; the second one kills itself after seven steps."""
    taken = training.Training._step

    def until(self):
        taken(self)
        if world.rank == 1 and self.done.epoch * self.batches.steps + self.done.step == 7:
            os.kill(os.getpid(), signal.SIGKILL)

    training.Training._step = until
    run(folder)


def going_on(world, broken, whole):
    run(broken, resume=True)
    run(whole)


def test_a_rank_that_dies_ends_the_run_and_both_go_on_to_the_same_bits(tmp_path):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    with pytest.raises(RuntimeError, match="rank 1 of 2 ended without a word"):
        run_processes(dying, 2, broken)
    run_processes(going_on, 2, broken, whole)
    assert_same_bits(final_state(broken), final_state(whole))


def test_a_decoder_without_memory_is_not_the_pictures_fault(tmp_path, monkeypatch):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    def full(path):
        raise MemoryError("decoder")

    monkeypatch.setattr(images, "read_image", full)
    with pytest.raises(MemoryError, match="decoder"):
        images.read_images([tmp_path / "a.png"])


# Memory


class Greedy(TinyNet):
    def forward(self, batch):
        return super().forward(batch) + torch.empty(len(batch) * 2**50)[0]


class Gpu(TinyNet):
    def forward(self, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.parametrize("net", [Greedy, Gpu])
@pytest.mark.parametrize(("batch", "words"), [(16, "use batch_size=8"), (1, "use a smaller crop or net")])
def test_a_batch_that_the_memory_does_not_hold_says_which_to_use(net, batch, words):
    with pytest.raises(MemoryError, match=rf"^batch_size is {batch}, and the memory of cpu .*: {words}$"):
        tiny_run(config=replace(SHORT, batch_size=batch), sets=PHOTOS, net=net())


def test_another_error_of_a_step_stays_what_it_is():
    net = tiny_net()
    net.head = torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tiny_run(sets=PHOTOS, net=net)
