"""Until the other branches are merged."""

from .runs import DivergedError, Interrupted, TrainResult  # noqa: F401
