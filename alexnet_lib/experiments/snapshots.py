"""The first layer's kernels at steps of a run, for the page that shows them grow (§6.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

from ..training import checkpoints
from ..training.fileio import atomic_write


def snapshot_steps(steps: int, count: int = 24) -> list[int]:
    """The steps before which a snapshot is taken: from 0 on, ever further apart. The last is weights.pt."""
    spread = np.geomspace(1, steps, count).round().astype(int)  # the first ones coincide
    return sorted({0, *spread.tolist()} - {steps})


@contextmanager
def snapshots(run: Path, steps_per_epoch: int, epochs: int) -> Iterator[None]:
    """While a run goes on in its folder, write conv1's weights to snapshots/step-N.npy there (float16).

    Where the run goes on from a checkpoint, its steps are counted from there.
    """
    found = checkpoints.newest(run) if run.is_dir() else None
    done = found[1]["progress"] if found else {"epoch": 0, "step": 0}
    now = done["epoch"] * steps_per_epoch + done["step"]
    wanted = snapshot_steps(steps_per_epoch * epochs)

    def take(optimizer: Optimizer, *_: object) -> None:
        nonlocal now
        if now in wanted:
            weights = next(w for group in optimizer.param_groups for w in group["params"] if w.dim() == 4)
            kernels = weights.detach().cpu().half().contiguous().numpy()  # (96, 3, 11, 11)
            atomic_write(run / "snapshots" / f"step-{now:05}.npy", lambda file: np.save(file, kernels))
        now += 1

    hook = register_optimizer_step_pre_hook(take)
    try:
        yield
    finally:
        hook.remove()
