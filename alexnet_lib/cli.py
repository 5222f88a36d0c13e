"""The command `alexnet`: fetch and check data sets, compare the specs of the net, train it, measure claims.

    alexnet data cifar10 --root ~/data
    alexnet specs
    alexnet train --preset laptop --out runs/laptop
    alexnet train --preset imagenette --root ~/data --out runs/imagenette --set epochs=30 --set lr=0.005
    alexnet evaluate runs/imagenette --root ~/data
    alexnet evaluate runs/seed0 runs/seed1 runs/seed2 --root ~/data     # their average, as in §6
    torchrun --standalone --nproc-per-node 2 -m alexnet_lib.cli train --preset imagenette --out runs/two
    alexnet experiment list
    alexnet experiment run relu-against-tanh --root ~/data --out runs     # again, to go on after a break
    alexnet experiment run lrn-cifar --root ~/data --out runs --jobs 2    # two at a time, a thread each
    alexnet experiment report relu-against-tanh
    alexnet bench norm --threads 2                                       # speed against named peers

An error is one line on stderr and exit code 2; a run that Ctrl-C has stopped ends with 130.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from . import __version__

_ROOT = {"metavar": "DIR", "help": "where the data lies; else $ALEXNET_DATA, else ./data"}
_KEEP = {"action": "store_true", "help": "keep the memory of freed tensors: faster on a Linux CPU"}
_DEVICE = {"choices": ("cpu", "cuda"), "help": "by default cuda where there is a GPU"}


class OneLineParser(ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0, or 2 after an error. Wrong arguments, --help and --version raise SystemExit."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, ArithmeticError, OSError, ImportError, MemoryError) as error:
        print("alexnet:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print("alexnet:", str(stop) or "stopped at once; the last checkpoint stands", file=sys.stderr)
        return 130
    return 0


def _parser() -> ArgumentParser:
    parser = OneLineParser("alexnet", description="The library of the book Reading AlexNet.")
    parser.add_argument("--version", action="version", version=f"alexnet {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    data = commands.add_parser("data", help="fetch a data set if it is missing, and check it")
    data.add_argument("name", metavar="NAME", help="ten-photos, cifar10, imagenette or folder:PATH")
    data.add_argument("--root", **_ROOT)
    data.add_argument("--cache", metavar="DIR", help="decode the pictures once, into files in this folder")
    data.add_argument("--size", metavar="SIDE", type=int, help="the side of the pictures; needed by --cache")
    data.add_argument("--verify", action="store_true", help="check every picture in the cache, not a sample")
    data.set_defaults(run=_data)

    train = commands.add_parser("train", help="train a net, as a preset says, with changes")
    train.add_argument("--preset", metavar="NAME", required=True, help="laptop, imagenette, imagenet, ...")
    train.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="change a field of TrainConfig"
    )
    train.add_argument("--out", metavar="DIR", help="where checkpoints, log and weights go; else nowhere")
    train.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    train.add_argument("--root", **_ROOT)
    train.add_argument("--cache", metavar="DIR", help="decode pictures once, into files in this folder")
    train.add_argument("--device", **_DEVICE)
    train.add_argument("--keep-memory", **_KEEP)
    train.add_argument("--record", metavar="NAME[:LABEL]", help="put the run on record under this experiment")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="errors of trained nets, and of their average")
    evaluate.add_argument(
        "runs", metavar="DIR", nargs="+", help="the --out of a run; of several, the average"
    )
    evaluate.add_argument("--root", **_ROOT)
    evaluate.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    evaluate.add_argument("--classes", action="store_true", help="also the error of every class")
    evaluate.set_defaults(run=_evaluate)

    experiment = commands.add_parser("experiment", help="a claim of the paper, measured with an interval")
    deeds = experiment.add_subparsers(title="what to do", metavar="DEED", required=True)
    listing = deeds.add_parser("list", help="all experiments: arms, runs on record, verdict so far")
    listing.set_defaults(run=_experiment_list)
    running = deeds.add_parser("run", help="make the runs that are not on record, and record each as it ends")
    running.add_argument("name", metavar="NAME")
    running.add_argument("--arms", metavar="ARM,ARM", help="some arms only")
    running.add_argument("--seeds", metavar="N", type=int, help="runs an arm; else as the experiment says")
    running.add_argument("--jobs", metavar="N", type=int, default=1, help="runs at a time, a thread each (1)")
    running.add_argument("--device", **_DEVICE)
    running.add_argument("--root", **_ROOT)
    running.add_argument("--out", metavar="DIR", default="runs", help="where checkpoints go (runs)")
    running.set_defaults(run=_experiment_run)
    reporting = deeds.add_parser("report", help="rates, effects with intervals, and verdicts")
    reporting.add_argument("name", metavar="NAME", nargs="?", help="one experiment; else all")
    reporting.set_defaults(run=_experiment_report)

    bench = commands.add_parser(
        "bench", help="measure speed against named peers, beside the machine's limits"
    )
    bench.add_argument("names", metavar="NAME", nargs="*", help="rows or groups of rows; by default all")
    bench.add_argument("--rounds", metavar="N", type=int, default=7, help="times of each (7)")
    bench.add_argument("--threads", metavar="N", type=int, help="of torch; else as many as it takes")
    bench.add_argument("--root", **_ROOT)
    bench.add_argument("--keep-memory", **_KEEP)
    output = bench.add_mutually_exclusive_group()
    output.add_argument("--record", metavar="LABEL", help="put the measurements on record")
    output.add_argument("--list", action="store_true", help="show the rows, measure nothing")
    output.add_argument(
        "--profile", metavar="FILE", help="write where the time of one row goes, kernel by kernel"
    )
    bench.set_defaults(run=_bench)

    specs = commands.add_parser("specs", help="all specs of the net side by side")
    specs.set_defaults(run=_specs)
    return parser


# Each command imports what it needs: torch takes seconds, `alexnet --help` should not.


def _data(arguments: Namespace) -> None:
    from .dataset import load

    for split in ("train", "test"):
        found = load(
            arguments.name,
            split,
            arguments.root,
            size=arguments.size,
            download=True,
            cache=arguments.cache,
            verify=arguments.verify,
        )
        size = "x".join(str(side) for side in found.images.shape[1:])
        print(f"{split:<8} {len(found):,} images of {size} from {found.folder or 'scikit-image'}")
    print(f"classes  {len(found.classes)}: {_shortened(found.classes)}")
    print(f"source   {found.source}")


def _shortened(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _specs(arguments: Namespace) -> None:
    from .chapters.architecture import spec_table

    print(spec_table())


def _train(arguments: Namespace) -> None:
    from . import records
    from .chapters.training import deviation_table
    from .train import train
    from .training.presets import config_from

    if arguments.keep_memory:
        _keep_memory()
    config = config_from(arguments.preset, arguments.set)
    leads = os.environ.get("RANK", "0") == "0"
    if leads:
        print(deviation_table(config))
    outcome = train(
        config,
        arguments.out,
        resume=arguments.resume,
        root=arguments.root,
        cache=arguments.cache,
        device=arguments.device,
    )
    if not leads:
        return
    for name, value in outcome.results.items():
        print(f"{name:<28} {value:,.1f}" if "second" in name else f"{name:<28} {value:.2%}")
    experiment, _, label = (arguments.record or "").partition(":")
    if experiment:
        # Where data and run lie is the machine's matter, not the run's.
        command = f"alexnet train --preset {arguments.preset}"
        command += "".join(f" --set {setting}" for setting in arguments.set)
        print(f"on record: {records.store(outcome.record(experiment, label, command)).name}")


def _evaluate(arguments: Namespace) -> None:
    from .dataset import load
    from .evaluation import average_nets, per_class_errors, topk_error
    from .train import stored_size
    from .training.runs import CROPS, load_net

    nets = [load_net(folder) for folder in arguments.runs]
    test = load(nets[0].config.data, "test", arguments.root, size=stored_size(nets[0].config))
    guesses = min(5, len(test.classes))
    for crops in CROPS:
        judged = [net.probabilities(test, crops, arguments.device) for net in nets]
        rows = dict(zip(arguments.runs, judged, strict=True))
        if len(nets) > 1:
            rows[f"average of {len(nets)}"] = average_nets(judged)
        for name, probabilities in rows.items():
            errors = (topk_error(probabilities, test.labels, k) for k in (1, guesses))
            print(f"{crops:<8} top-1 {next(errors):.2%}  top-{guesses} {next(errors):.2%}  {name}")
    if arguments.classes:
        for name, error in zip(test.classes, per_class_errors(probabilities, test.labels), strict=True):
            print(f"{name:<24} {'no image' if error is None else f'{error:.2%}'}")


def _experiment_list(arguments: Namespace) -> None:
    from .experiments import EXPERIMENTS, report

    for name, experiment in EXPERIMENTS.items():
        found = report(experiment)
        runs = f"{len(found.runs):>3} of {experiment.runs:>3} runs"
        print(f"{name:<26} {len(experiment.arms):>2} arms  {runs}  {found.verdict}")
        print(f"    {experiment.question}")


def _experiment_run(arguments: Namespace) -> None:
    from .experiments import named, run

    experiment = named(arguments.name)
    arms = arguments.arms.split(",") if arguments.arms else None
    options = {"device": arguments.device, "root": arguments.root, "out": arguments.out}
    made = run(experiment, arms, seeds=arguments.seeds, jobs=arguments.jobs, **options)
    print(f"{len(made)} new runs on record; alexnet experiment report {experiment.name}")


def _bench(arguments: Namespace) -> None:
    import torch

    from .bench import all_rows, chosen, machine_limits, measure_apart, session, store
    from .dataset import data_root

    rows = chosen(all_rows(data_root(arguments.root)), arguments.names)
    if arguments.list:
        for row in rows:
            print(f"{row.name:<40} {row.ours}; against {row.peer}")
        return
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise ValueError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}: each of several processes would measure one GPU "
            f"while the others disturb it. Leave torchrun out"
        )
    command = ["alexnet bench", *arguments.names, f"--rounds {arguments.rounds}"]
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
        command.append(f"--threads {arguments.threads}")
    if arguments.keep_memory:
        _keep_memory()
        command.append("--keep-memory")
    if arguments.profile:
        _profile(rows, arguments)
        return
    limits = machine_limits(arguments.rounds)
    if torch.cuda.is_available():
        limits |= machine_limits(arguments.rounds, "cuda")
    print("  ".join(f"{name} {rate:.1f}" for name, rate in limits.items()))
    measured = []
    threads = torch.get_num_threads()
    for row in rows:
        measured.append(measure_apart(row, arguments.rounds, threads, arguments.keep_memory))
        print(_measured_line(measured[-1]), flush=True)
    if arguments.record:
        found = session(arguments.record, " ".join(command), limits, measured)
        print(f"on record: {store(found).name}")


def _profile(rows: Sequence, arguments: Namespace) -> None:
    """Write the profile of the one row that is asked for."""
    from pathlib import Path

    import torch

    from .bench.measure import apart
    from .bench.profiling import costliest
    from .training.fileio import atomic_write

    if len(rows) > 1:
        raise ValueError(
            f"--profile takes one row, and {len(rows)} are named: choose one of alexnet bench --list"
        )
    table = apart(costliest, rows[0], threads=torch.get_num_threads(), keep_memory=arguments.keep_memory)
    atomic_write(Path(arguments.profile), lambda file: file.write(table.encode()))
    print(f"where the time of {rows[0].name} goes: {arguments.profile}")


def _keep_memory() -> None:
    from .memory import keep_freed_memory

    if not keep_freed_memory():
        raise OSError("--keep-memory is a setting of Linux's own allocator, which is not here: leave it out")


def _measured_line(row) -> str:
    if row.missing:
        return f"{row.name:<40} not measured: {row.missing}"
    low, high = row.spread
    goal = "" if row.goal is None else f"  goal {row.goal:g} {'met' if row.meets_goal else 'missed'}"
    beside = "".join(f"  {_told(row, name, value)}" for name, value in row.beside.items())
    return f"{row.name:<40} x {row.ratio:.2f} ({low:.2f} to {high:.2f}){goal}{beside}"


def _told(row, name: str, value: float) -> str:
    """A number beside a row's ratio, with its goal."""
    shown = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    met = {True: "met", False: "missed"}.get(row.reaches(name))
    return f"{name} {shown}" + (f" (goal {row.goals[name]:,g} {met})" if met else "")


def _experiment_report(arguments: Namespace) -> None:
    from .experiments import EXPERIMENTS

    names = [arguments.name] if arguments.name else list(EXPERIMENTS)
    for number, name in enumerate(names):
        if number:
            print()
        _report(name)


def _report(name: str) -> None:
    from .chapters.evidence import reproduce
    from .experiments import named, report

    experiment = named(name)
    found = report(experiment)
    print(f"{name}: {experiment.question}")
    for arm, chosen in found.rates.items():
        print(f"rate of {arm}: {chosen.rate:g}{', at the edge of its grid' if chosen.at_edge else ''}")
    for answer in found.answers:
        print(f"\n{answer.words}: {answer.effect}")
        print(answer.power)
        print(f"{answer.verdict} ({answer.comparison.rule})")
    for label, reason in found.failed.items():
        print(f"\nfailed: {label}: {reason}")
    print(f"\n{reproduce(name)}")


if __name__ == "__main__":
    sys.exit(main())
