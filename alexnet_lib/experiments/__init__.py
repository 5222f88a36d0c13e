"""The paper's claims as experiments: declared questions, their runs, intervals and verdicts (§3-§7).

alexnet experiment list
alexnet experiment run relu-against-tanh --root DIR --out runs
alexnet experiment report relu-against-tanh
"""

from .answers import Answer, ChosenRate, Report, on_record, report
from .model import (
    POINTS,
    Arm,
    Comparison,
    Crossing,
    Experiment,
    Gap,
    Interval,
    Value,
    interval,
    run_label,
    verdict,
)
from .questions import EXPERIMENTS, named
from .runner import run

__all__ = [
    "EXPERIMENTS",
    "POINTS",
    "Answer",
    "Arm",
    "ChosenRate",
    "Comparison",
    "Crossing",
    "Experiment",
    "Gap",
    "Interval",
    "Report",
    "Value",
    "interval",
    "named",
    "on_record",
    "report",
    "run",
    "run_label",
    "verdict",
]
