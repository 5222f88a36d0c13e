"""Recorded runs: what was measured, on which data, seeds and hardware, by which command.

One JSON file per run, alexnet_lib/results/<experiment>/<date>_<device>[_<label>].json; added, never edited.
"""

import json
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

from .guard import AnyFloat, Index, NonNegative, require_choice, require_path, validate_fields
from .training.fileio import atomic_write

RESULTS = Path(str(files("alexnet_lib") / "results"))
# Config fields that have other names today than when the first records were made.
RENAMED = {
    "rate": "lr",
    "rate_plan": "lr_plan",
    "rate_divisions": "max_drops",
    "drop_epochs": "milestones",
    "held_out": "val_fraction",
    "image_side": "image_size",
    "colour_noise": "color_noise",
    "noise_magnitude": "color_noise_scale",
}
RUNNING, MEASURED = "running training error", "training error"


@dataclass(frozen=True)
class Record:
    """One run. `curves` maps a name such as "training error" to its value after each epoch."""

    experiment: str
    label: str  # which arm or setting of the experiment
    date: str
    command: str
    data: str  # the copy of the data set, as `ImageSet.source` says it
    images: Index  # training images used
    seed: Index
    config: dict
    hardware: str
    versions: dict[str, str]
    commit: str
    seconds: NonNegative
    curves: dict[str, list[AnyFloat]]
    results: dict[str, AnyFloat]
    memory: Index | None = None  # bytes: the most that was held since `reset_peak`; None where unknown

    def __post_init__(self):
        validate_fields(self)
        if len(lengths := {len(values) for values in self.curves.values()}) > 1:
            raise ValueError(f"curves have {sorted(lengths)} points, and a run has as many epochs in each")

    @property
    def epochs(self) -> int:
        """Epochs on record."""
        return max(map(len, self.curves.values()), default=0)

    @property
    def copied_from(self) -> str | None:
        """The experiment that the run was made for, which its command names; None if it is this one."""
        *command, name = (self.command.split() + 4 * [""])[:4]
        return name if command == ["alexnet", "experiment", "run"] and name != self.experiment else None

    def first_below(self, curve: str, threshold: float) -> int | None:
        """The first epoch, counted from 1, whose value is at or below `threshold`; None if none is."""
        values = self.curves[require_choice("curve", curve, self.curves)]
        return next((epoch for epoch, value in enumerate(values, 1) if value <= threshold), None)


def load(experiment: str, folder: str | Path = RESULTS) -> list[Record]:
    """All records of an experiment, oldest first.

    Raises ValueError for an unknown experiment, and for a file that is not a record.
    """
    require_choice("experiment", experiment, _experiments(folder))
    found = []
    for path in sorted(Path(folder, experiment).glob("*.json")):
        try:
            found.append(Record(**fields_of(path)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name} is not a record: {error}") from error
    return found


def every_record(folder: str | Path = RESULTS) -> list[Record]:
    """All records of all experiments, oldest first; runs of one day by experiment and label."""
    found = [record for name in _experiments(folder) for record in load(name, folder)]
    return sorted(found, key=lambda run: (run.date, run.experiment, run.label, run.seed))


def _experiments(folder: str | Path) -> list[str]:
    folder = require_path("folder", folder, "records lie in it, a folder for each experiment")
    if not folder.is_dir():
        raise ValueError(f"folder is {str(folder)!r}, and must be one that exists: records lie in it")
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def fields_of(path: Path) -> dict:
    """The fields of a record's file under today's names; ValueError where it is not a JSON object.

    The running training error is of the training pass itself, with its random crops and dropout. A record
    that has both means by "training error" the one measured afterwards.
    """
    text = path.read_text("utf-8").replace("colour", "color").replace("centre", "center")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not a record: it holds no JSON object")
    found.pop("sha256", None)  # of the first records
    if isinstance(config := found.get("config"), dict):
        found["config"] = renamed(config)
    if isinstance(curves := found.get("curves"), dict):
        found["curves"] = renamed_curves(curves)
    return found


def renamed(fields: dict) -> dict:
    """A config, or curves, under today's names."""
    return {RENAMED.get(name, name): value for name, value in fields.items()}


def renamed_curves(curves: dict) -> dict:
    """Curves under today's names. The first runs called "training error" what is the running one."""
    names = {MEASURED: RUNNING} if RUNNING not in curves else {}
    return {names.get(name, name): curve for name, curve in renamed(curves).items()}


def store(record: Record, folder: str | Path = RESULTS) -> Path:
    """Write a record whole or not at all. FileExistsError where one of that name stands."""
    folder = require_path("folder", folder, "records go there, into a folder for each experiment")
    return write_new(asdict(record), folder / _file_name("experiment", record.experiment))


def write_new(found: dict, folder: Path) -> Path:
    """Write what has date, hardware and label to <date>_<device>[_<label>].json, never over another."""
    device = found["hardware"].split(",")[0].lower().replace(" ", "-")
    name = "_".join(filter(None, (found["date"], device, found["label"])))
    path = folder / (_file_name("label", name) + ".json")
    if path.exists():
        raise FileExistsError(f"{path.name} is on record, and records are never edited: use another label")
    text = (json.dumps(found, indent=1) + "\n").encode()
    atomic_write(path, lambda file: file.write(text))
    return path


def _file_name(name: str, text: str) -> str:
    """A text that names one file or folder here, and none elsewhere."""
    if text in ("", "..") or Path(text).name != text or "\\" in text or "\0" in text:
        raise ValueError(f"{name} makes a file name {text!r}, and must hold no / and be no dot: use letters")
    return text


def environment(device: str | None = None) -> dict:
    """What a record says of where and when it was made: date, hardware, versions, commit, memory.

    device: "cpu" or "cuda", where the run was made; None: "cuda" where there is one.
    """
    import torch

    on_gpu = torch.cuda.is_available() if device is None else device == "cuda"
    if on_gpu:
        hardware = f"{torch.cuda.get_device_name()}, {torch.cuda.device_count()} device(s)"
    else:
        hardware = f"CPU, {torch.get_num_threads()} thread(s), {platform.machine()}"
    return {
        "date": date.today().isoformat(),
        "hardware": hardware,
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
        "commit": _commit(Path(__file__).resolve().parent),
        "memory": torch.cuda.max_memory_allocated() if on_gpu else _peak(),
    }


def reset_peak() -> None:
    """Count memory from here: of a run, not of what the process did before. On a CPU Linux alone can."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int | None:
    """The most memory that this process has held since `reset_peak`, in bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # everywhere else in kilobytes


def _commit(package: Path) -> str:
    """The commit that the package stands at, with a + where anything has been changed since.

    "" outside a checkout of its own: of another project's commit it would say nothing.
    """
    told = []
    for question in ("rev-parse --show-toplevel", "rev-parse HEAD", "--no-optional-locks status --porcelain"):
        try:
            git = subprocess.run(["git", *question.split()], cwd=package, capture_output=True, text=True)
        except OSError:  # no git
            return ""
        if git.returncode:
            return ""
        told.append(git.stdout.strip())
    top, head, changed = told
    return head[:12] + ("+" if changed else "") if Path(top).resolve() == package.parent else ""
