"""Where the time of a row goes, by torch's own profiler: `alexnet bench ROW --profile FILE`."""

import torch
from torch.profiler import ProfilerActivity, profile

from ..records import circumstances
from .measure import NotMeasured, Row

MOST = 30  # kinds of work in a table, the rest of which takes next to nothing


def costliest(row: Row) -> str:
    """A table of what one call of a row's own way spends its time on, the most expensive first.

    On a GPU by the time of its kernels, else by that of torch's operations; either without what they call.
    The profiler takes time itself, so shares hold and sums are too long. ValueError where the row lacks
    something here.
    """
    try:
        pair = row.prepare()
    except NotMeasured as lack:
        raise ValueError(f"row {row.name} cannot be profiled: {lack}") from None
    pair.ours()  # compiles, and chooses algorithms
    on_gpu = torch.cuda.is_available()
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=kinds, acc_events=True) as seen:
        pair.ours()
    by = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    found = circumstances()
    where = f"{found['hardware']}, torch {found['versions']['torch']}, {found['date']}"
    return f"{row.name}: {row.ours}\n{where}\n{seen.key_averages().table(sort_by=by, row_limit=MOST)}"
