"""Several processes as one (§3.2): real ones, started by hand and by torchrun, and how they fail."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alexnet_lib.training import ranks as processes
from alexnet_lib.training.ranks import World, equal_share, joined, run_processes, share, total

CPU = torch.device("cpu")
TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
SECONDS = 60  # a busy machine takes long to import torch; a process that waits for ever takes longer


def place(rank, size):
    return World(rank, size, rank, CPU)


@pytest.fixture
def alone(monkeypatch):
    """No torchrun around the test itself."""
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def gpus(monkeypatch):
    """A machine with as many GPUs as the test says."""

    def have(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return have


# Functions that the new processes import from here.


def who(world, tensor):
    with joined() as inner:
        tensor += 1 + world.rank
        return world, inner, total(tensor, world)


def killed(world):
    if world.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    total(torch.ones(1), world)


def odd_row(world, folder):
    (Path(folder) / f"{world.rank}").write_text(str(os.getpid()))
    total(torch.ones(1), world)  # so that both have written
    if world.rank == 1:
        raise ValueError("row 3 is odd:\n leave it out")
    time.sleep(3600)


def surroundings(world):
    return Path.cwd(), dict(os.environ)


def unpicklable(world):
    return lambda: world


def test_a_process_that_torchrun_has_not_started_stays_alone(alone):
    with joined("cpu") as world:
        assert world == World(0, 1, 0, CPU)
        assert world.leads
        assert not torch.distributed.is_initialized()
        assert total(torch.ones(2), world).tolist() == [1, 1]


def test_an_exception_of_a_single_process_is_left_as_it_is(alone):
    with pytest.raises(KeyError, match="conv9"), joined("cpu"):
        raise KeyError("conv9")


def test_the_gpu_is_taken_where_there_is_one(alone, gpus):
    gpus(1)
    with joined() as world:
        assert world.device == torch.device("cuda", 0)
    gpus(0)
    with joined() as world:
        assert world.device == CPU


def test_an_unknown_device_is_refused_with_the_known_ones(alone):
    with pytest.raises(ValueError, match=r"device is 'cdua'.*did you mean 'cuda'.*cpu, cuda"), joined("cdua"):
        pass


def test_cuda_is_refused_where_torch_sees_no_gpu(alone, gpus):
    gpus(0)
    with pytest.raises(ValueError, match=r"'cuda', and torch sees no GPU.*device='cpu'"), joined("cuda"):
        pass


def test_more_processes_than_gpus_are_refused_in_each_of_them(alone, gpus):
    gpus(2)
    for name, value in zip(TORCHRUN, "0413", strict=True):
        alone.setenv(name, value)
    alone.setenv("LOCAL_WORLD_SIZE", "4")
    with (
        pytest.raises(ValueError, match=r"'cuda' with 4 processes .* sees 2: .*--nproc-per-node 2"),
        joined(),
    ):
        pass


def test_half_of_torchruns_variables_are_refused_with_the_missing_ones(alone):
    alone.setenv("RANK", "0")
    alone.setenv("WORLD_SIZE", "2")
    words = r"RANK is 0 and LOCAL_RANK, LOCAL_WORLD_SIZE not set.*torchrun"
    with pytest.raises(ValueError, match=words), joined("cpu"):
        pass


@given(size=st.integers(1, 9), rows=st.integers(0, 300))
def test_each_row_of_an_evaluation_set_is_one_process_s(size, rows):
    shares = [list(range(rows))[share(rows, place(rank, size))] for rank in range(size)]
    assert [row for rows_of_one in shares for row in rows_of_one] == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_of_a_batch_of_128_the_second_of_four_processes_takes_rows_32_to_63():
    assert equal_share("batch_size", 128, place(1, 4)) == slice(32, 64)


def test_a_batch_that_cannot_be_shared_equally_names_itself_and_the_next_that_can():
    with pytest.raises(ValueError, match=r"batch_size is 128, and 3 processes .* multiple of 3.* Use 129"):
        equal_share("batch_size", 128, place(0, 3))


@pytest.mark.parametrize("method", [processes.START_METHOD, "spawn"])  # spawn: not only on Linux
def test_three_processes_know_their_places_and_sum_over_all(monkeypatch, method):
    monkeypatch.setattr(processes, "START_METHOD", method)
    given_tensor = torch.zeros(2)
    results = run_processes(who, 3, given_tensor)
    assert [world for world, _, _ in results] == [place(rank, 3) for rank in range(3)]
    assert [inner for _, inner, _ in results] == [place(rank, 3) for rank in range(3)]
    assert [summed.tolist() for _, _, summed in results] == [[6, 6]] * 3
    assert given_tensor.tolist() == [0, 0]  # each process had its own copy


def test_new_processes_have_the_folder_and_the_environment_of_the_moment(monkeypatch, tmp_path):
    monkeypatch.setenv("HELLO", "then")
    monkeypatch.setenv("GONE", "then")
    run_processes(surroundings, 1)  # what later processes could take from it
    monkeypatch.setenv("HELLO", "now")
    monkeypatch.delenv("GONE")
    monkeypatch.chdir(tmp_path)
    [(folder, environment)] = run_processes(surroundings, 1)
    assert folder == tmp_path
    assert environment["HELLO"] == "now"
    assert "GONE" not in environment


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (killed, r"^rank 1 of 2 ended without a word"),
        (unpicklable, r"^rank [01] of 2 failed: .*lambda"),
    ],
)
def test_a_failing_process_is_named_with_its_reason_and_not_its_peers_echo(function, words):
    begun = time.monotonic()
    with pytest.raises(RuntimeError, match=words):
        run_processes(function, 2)
    assert time.monotonic() - begun < SECONDS


def test_no_process_outlives_a_failing_one(tmp_path):
    words = (
        r"^rank 1 of 2 failed: ValueError: row 3 is odd: leave it out \(test_processes\.py:\d+\); the other"
    )
    with pytest.raises(RuntimeError, match=words):
        run_processes(odd_row, 2, str(tmp_path))
    for rank in "01":
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / rank).read_text()), 0)


def test_a_function_written_in_a_notebook_is_refused(monkeypatch):
    notebook = type(sys)("__main__")
    exec("def mine(world): pass", notebook.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    with pytest.raises(ValueError, match=r"function is mine, written in a notebook.*move it to a module"):
        run_processes(notebook.mine, 2)


SCRIPT = """
import os, sys, time, torch
from alexnet_lib.training.ranks import joined, total
with joined("cpu") as world:
    line = f"{world.rank} {world.size} {total(torch.ones(1), world).item()}"
    os.write(1, (line + "\\n").encode())  # in one piece: print's two would mix with the other process's
    if "fail" in sys.argv and world.rank == 1:
        raise ValueError("the loss is NaN:\\nuse a smaller rate")
    if "sleep" in sys.argv:
        time.sleep(3600)
    total(torch.ones(1), world)
"""


@pytest.fixture
def torchrun(tmp_path, alone):
    (tmp_path / "script.py").write_text(SCRIPT)

    def run(*words):
        command = [*TWO, str(tmp_path / "script.py"), *words]
        return subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, timeout=SECONDS)

    return run


def test_torchrun_s_processes_join_and_part(torchrun):
    run = torchrun()
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.splitlines()) == ["0 2 2.0", "1 2 2.0"]


@pytest.mark.parametrize("peer", ["waiting", "sleep"])
def test_a_failing_rank_ends_torchrun_with_one_readable_line(torchrun, peer):
    run = torchrun("fail", peer)
    ours = [line for line in run.stderr.splitlines() if line.startswith("rank ")]
    assert run.returncode == 1
    assert ours[0] == (
        "rank 1 of 2 failed: ValueError: the loss is NaN: use a smaller rate (script.py:8); "
        "the other processes are stopped"
    )
    # A peer that waits sees the connection break, if torchrun does not end it before.
    assert ours[1:] in ([], ["rank 0 of 2 stops: its connection to another process broke"])
    assert "Traceback" not in run.stderr.split("torch/distributed/elastic")[0]  # behind it torchrun speaks
