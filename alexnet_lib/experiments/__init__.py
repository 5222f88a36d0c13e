"""The paper's claims as experiments: declared questions, their runs, intervals and verdicts (§3-§7).

alexnet experiment list
alexnet experiment run relu-against-tanh --root DIR --out runs
alexnet experiment report relu-against-tanh
"""

from .experiment import POINTS, Arm, Comparison, Crossing, Experiment, Gap, Value, run_label
from .interval import Interval, interval, t_quantile
from .questions import EXPERIMENTS, named
from .report import Answer, ChosenRate, Report, on_record, report, verdict
from .running import run

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
    "t_quantile",
    "verdict",
]
