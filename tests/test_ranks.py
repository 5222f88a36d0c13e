"""Several processes as one (§3.2): real ones, started by hand and by torchrun, and how they fail."""

import os
import subprocess
import sys

import pytest
import torch

from alexnet_lib.training.ranks import (
    TORCHRUN,
    Ranks,
    all_reduce_sum,
    batch_shard,
    init_distributed,
    run_processes,
    shard,
)

CPU = torch.device("cpu")


def place(rank, size):
    return Ranks(rank, size, rank, CPU)


@pytest.fixture
def alone(monkeypatch):
    """No torchrun around the test itself."""
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def with_gpus(monkeypatch, count):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


# Functions that the new processes import from here.


def who(ranks, tensor):
    with init_distributed() as inner:
        tensor += 1 + ranks.rank
        return ranks, inner, all_reduce_sum(tensor, ranks)


def odd_row(ranks):
    if ranks.rank == 1:
        raise ValueError("row 3 is odd")
    all_reduce_sum(torch.ones(1), ranks)


def test_a_process_that_torchrun_has_not_started_stays_alone(alone):
    with init_distributed("cpu") as ranks:
        assert ranks == Ranks(0, 1, 0, CPU)
        assert ranks.is_main
        assert all_reduce_sum(torch.ones(2), ranks).tolist() == [1, 1]
    with pytest.raises(KeyError, match="conv9"), init_distributed(torch.device("cpu")):
        raise KeyError("conv9")


@pytest.mark.parametrize(
    ("device", "gpus", "variables", "words"),
    [
        ("cdua", 0, {}, "device is 'cdua'.*did you mean 'cuda'"),
        ("cuda", 0, {}, "torch sees 0: use device='cpu'"),
        ("cuda", 2, dict(zip(TORCHRUN, "0404", strict=True)), "4 processes .* sees 2: .*--nproc-per-node 2"),
        ("cpu", 0, {"RANK": "0", "WORLD_SIZE": "2"}, "LOCAL_RANK, LOCAL_WORLD_SIZE not"),
    ],
)
def test_a_device_or_a_start_that_does_not_fit_is_refused(device, gpus, variables, words, alone):
    with_gpus(alone, gpus)
    for name, value in variables.items():
        alone.setenv(name, value)
    with pytest.raises(ValueError, match=words), init_distributed(device):
        pass


def test_the_gpu_is_taken_where_there_is_one(alone):
    with_gpus(alone, 1)
    with init_distributed() as ranks:
        assert ranks.device == torch.device("cuda", 0)


@pytest.mark.parametrize(("size", "rows"), [(1, 7), (3, 7), (9, 4), (4, 0)])
def test_each_row_of_an_evaluation_set_is_one_process_s(size, rows):
    shares = [list(range(rows))[shard(rows, place(rank, size))] for rank in range(size)]
    assert [row for rows_of_one in shares for row in rows_of_one] == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_batch_is_shared_equally_or_not_at_all():
    assert batch_shard("batch_size", 128, place(1, 4)) == slice(32, 64)
    with pytest.raises(ValueError, match=r"batch_size is 128, and 3 processes .* Use 129"):
        batch_shard("batch_size", 128, place(0, 3))


@pytest.mark.slow  # two processes that train do it in test_train.py
def test_two_processes_know_their_places_and_sum_over_both():
    given = torch.zeros(2)
    results = run_processes(who, 2, given)
    assert (
        [ranks for ranks, _, _ in results] == [inner for _, inner, _ in results] == [place(0, 2), place(1, 2)]
    )
    assert [summed.tolist() for _, _, summed in results] == [[3, 3]] * 2
    assert given.tolist() == [0, 0]  # each process had its own copy


@pytest.mark.slow
def test_a_failing_process_ends_all_with_its_own_traceback():
    with pytest.raises(Exception, match=r"(?s)in odd_row.*row 3 is odd"):
        run_processes(odd_row, 2)


def test_a_function_written_in_a_notebook_is_refused(monkeypatch):
    notebook = type(sys)("__main__")
    exec("def mine(ranks): pass", notebook.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    with pytest.raises(ValueError, match="mine, written in a notebook"):
        run_processes(notebook.mine, 2)


SCRIPT = """
import os, sys, torch
from alexnet_lib.training.ranks import all_reduce_sum, init_distributed
with init_distributed("cpu") as ranks:
    os.write(1, f"{ranks.rank} {ranks.size} {all_reduce_sum(torch.ones(1), ranks).item()}\\n".encode())
    if "fail" in sys.argv and ranks.rank == 1:
        raise ValueError("the loss is NaN")
    all_reduce_sum(torch.ones(1), ranks)
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["fail"]])
def test_torchrun_s_processes_join_and_part_and_a_failing_one_has_its_traceback(words, tmp_path, alone):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = subprocess.run(
        [*command, str(tmp_path / "script.py"), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert sorted(run.stdout.splitlines()) == ["0 2 2.0", "1 2 2.0"], run.stderr
    assert (run.returncode, "ValueError: the loss is NaN" in run.stderr) == (len(words), bool(words))
