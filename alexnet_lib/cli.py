"""The command `alexnet`: fetch and check data sets, compare the specs of the net, train it, measure claims.

    alexnet data cifar10 --root ~/data
    alexnet specs
    alexnet train --list                                                # presets, and fields for --set
    alexnet train --preset laptop --out runs/laptop
    alexnet train --preset imagenette --root ~/data --out runs/imagenette --set epochs=30 --set lr=0.005
    alexnet evaluate runs/imagenette --root ~/data
    alexnet evaluate runs/seed0 runs/seed1 runs/seed2 --root ~/data     # their average, as in §6
    torchrun --standalone --nproc-per-node 2 -m alexnet_lib.cli train --preset imagenette --out runs/two
    alexnet predict photo.jpg --picture seen.png --occlusion
    alexnet finetune photos/ --out runs/mine                            # photos/cat/*.jpg, photos/dog/*.jpg
    alexnet predict photo.jpg --weights runs/mine
    alexnet export runs/imagenette model.onnx                           # also .pt2, .pt, .pth
    alexnet experiment list
    alexnet experiment run relu-against-tanh --root ~/data --out runs     # again, to go on after a break
    alexnet experiment report relu-against-tanh

An error is one line on stderr and exit code 2, with --debug its traceback; a run that Ctrl-C has stopped ends
with 130.
"""

import os
import re
import sys
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from . import __version__


class OneLineParser(ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0, or 2 after an error. Wrong arguments, --help and --version raise SystemExit."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has read enough; nothing is left to be flushed when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as stop:
        print("alexnet:", str(stop) or "stopped at once", file=sys.stderr)
        return 130
    except Exception as error:
        if arguments.debug:
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()][:3]
        if isinstance(error, ModuleNotFoundError):
            lines.append("- it comes with the chapters: pip install 'alexnet_lib[chapters]'")
        elif not isinstance(error, ValueError | OSError | MemoryError | ArithmeticError):
            lines.append(f"({type(error).__name__}; --debug shows more)")
        print("alexnet:", *lines, file=sys.stderr)
        return 2
    return 0


def _parser() -> ArgumentParser:
    epilog = __doc__.partition("\n\n")[2]
    parser = OneLineParser(
        "alexnet",
        description="The library of the book Reading AlexNet.",
        epilog=epilog,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"alexnet {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(under, name: str, run, *options: str, **about: str) -> ArgumentParser:
        made = under.add_parser(name, **about)
        made.set_defaults(run=run)
        for option in options:
            made.add_argument(option, **OPTIONS[option])
        return made

    data = command(
        commands, "data", _data, "--root", "--cache", help="fetch a data set if it is missing, and check it"
    )
    data.add_argument("name", metavar="NAME", help="ten-photos, cifar10, imagenette or folder:PATH")
    data.add_argument("--size", metavar="SIDE", type=int, help="the side of the pictures; needed by --cache")

    train = command(
        commands, "train", _train, "--root", "--cache", "--device", help="train a net, as a preset says"
    )
    which = train.add_mutually_exclusive_group(required=True)
    which.add_argument("--preset", metavar="NAME", help="laptop, imagenette, imagenet, ...: see --list")
    which.add_argument(
        "--list", action="store_true", help="show the presets, and the fields that --set changes"
    )
    train.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="change a field, such as epochs=30"
    )
    train.add_argument("--out", metavar="DIR", help="where checkpoints, log and weights go; else nowhere")
    train.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    train.add_argument(
        "--save-seconds", metavar="N", type=float, default=300.0, help="between two checkpoints (300)"
    )
    train.add_argument("--record", metavar="NAME[:LABEL]", help="put the run on record under this experiment")

    evaluate = command(
        commands,
        "evaluate",
        _evaluate,
        "--root",
        "--cache",
        "--device",
        help="errors of trained nets, and of their average",
    )
    evaluate.add_argument(
        "runs", metavar="DIR", nargs="+", help="the --out of a run; of several, the average"
    )
    evaluate.add_argument(
        "--data",
        metavar="NAME",
        help="test images in place of those the run names, such as a moved folder:PATH",
    )
    evaluate.add_argument("--classes", action="store_true", help="also the error of every class")

    predict = command(
        commands, "predict", _predict, "--weights", help="what a trained net sees in photographs"
    )
    predict.add_argument("photos", metavar="PHOTO", nargs="+")
    predict.add_argument("--ten-crops", action="store_true", help="average over ten crops, as the paper does")
    predict.add_argument("--picture", metavar="PNG", help="photograph, guesses and feature maps as a picture")
    predict.add_argument(
        "--occlusion", action="store_true", help="in the picture: where the answer comes from"
    )

    tuning = command(
        commands, "finetune", _finetune, "--weights", help="teach a trained net the classes of a folder"
    )
    tuning.add_argument("folder", metavar="FOLDER", help="one folder of photographs for each class")
    tuning.add_argument(
        "--out", metavar="DIR", required=True, help="where the run goes, for predict --weights"
    )
    tuning.add_argument("--epochs", metavar="N", type=int, default=10, help="with all layers (10)")
    tuning.add_argument("--seed", metavar="N", type=int, default=0)
    tuning.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")

    exporting = command(commands, "export", _export, help="a trained net as ONNX, torch.export or weights")
    exporting.add_argument("trained", metavar="RUN", help="the --out of a run, a checkpoint, or imagenette")
    exporting.add_argument("path", metavar="FILE", help="what to write: .onnx, .pt2, .pt or .pth")
    exporting.add_argument("--format", metavar="NAME", help="onnx, pt2, state_dict, torchvision")

    experiment = commands.add_parser("experiment", help="a claim of the paper, measured with an interval")
    deeds = experiment.add_subparsers(title="what to do", metavar="DEED", required=True)
    command(deeds, "list", _experiment_list, help="all experiments: arms, runs on record, verdict so far")
    running = command(
        deeds,
        "run",
        _experiment_run,
        "--root",
        "--device",
        help="make the runs that are not on record, and record each as it ends",
    )
    running.add_argument("name", metavar="NAME")
    running.add_argument("--arms", metavar="ARM,ARM", help="some arms only")
    running.add_argument("--seeds", metavar="N", type=int, help="runs an arm; else as the experiment says")
    running.add_argument("--out", metavar="DIR", default="runs", help="where checkpoints go (runs)")
    reporting = command(
        deeds, "report", _experiment_report, help="rates, effects with intervals, and verdicts"
    )
    reporting.add_argument("name", metavar="NAME", nargs="?", help="one experiment; else all")

    command(commands, "specs", _specs, help="all specs of the net side by side")
    return parser


OPTIONS = {
    "--weights": {
        "metavar": "NAME",
        "default": "imagenette",
        "help": "imagenette (ships with the library), torchvision, or the --out of a run",
    },
    "--root": {"metavar": "DIR", "help": "where the data lies; else $ALEXNET_DATA, else ./data"},
    "--cache": {"metavar": "DIR", "help": "decode the pictures once, into files in this folder"},
    "--device": {"choices": ("cpu", "cuda"), "help": "by default cuda where there is a GPU"},
}


# Each command imports what it needs: torch takes seconds, `alexnet --help` should not.


def _data(arguments: Namespace) -> None:
    from .dataset import load

    for split in ("train", "test"):
        found = load(
            arguments.name, split, arguments.root, size=arguments.size, download=True, cache=arguments.cache
        )
        size = "x".join(str(side) for side in found.images.shape[1:])
        print(f"{split:<8} {len(found):,} images of {size} from {found.folder or 'scikit-image'}")
    names = ", ".join(found.classes[:10])
    more = f" and {len(found.classes) - 10} more" if len(found.classes) > 10 else ""
    print(f"classes  {len(found.classes)}: {names}{more}")
    print(f"source   {found.source}")


def _specs(arguments: Namespace) -> None:
    from .chapters.architecture import spec_table

    print(spec_table())


def _train(arguments: Namespace) -> None:
    from . import records
    from .train import train
    from .training.presets import PRESETS, config_from

    if arguments.list:
        for name, preset in PRESETS.items():
            print(
                f"{name:<15}{preset.data}, {preset.spec}, {preset.epochs} epochs, {preset.input_size} pixels"
            )
        print("\nfields for --set, with the paper's values:")
        for name, value in vars(PRESETS["imagenet"]).items():
            print(f"  {name}={','.join(map(str, value)) if isinstance(value, tuple) else value}")
        return
    config = config_from(arguments.preset, arguments.set)
    experiment, _, label = (arguments.record or "").partition(":")
    if experiment:
        _require_recordable(experiment, label, records.RESULTS)
    is_main = os.environ.get("RANK", "0") == "0"
    if is_main:
        print("where this run leaves the paper:")
        for name, (paper, ours) in config.deviations().items():
            print(f"  {name:<18} {paper!s:<18} {ours}")
    result = train(
        config,
        arguments.out,
        resume=arguments.resume,
        root=arguments.root,
        cache=arguments.cache,
        device=arguments.device,
        save_seconds=arguments.save_seconds,
    )
    if not is_main:
        return
    for name, value in result.results.items():
        print(f"{name:<28} {value:,.1f}" if "second" in name else f"{name:<28} {value:.2%}")
    if experiment:
        # Where data and run lie is the machine's matter, not the run's.
        command = f"alexnet train --preset {arguments.preset}"
        command += "".join(f" --set {setting}" for setting in arguments.set)
        print(f"on record: {records.store(result.record(experiment, label, command)).name}")


def _require_recordable(experiment: str, label: str, folder: Path) -> None:
    """Refuse, before the run, a --record that could not be written after it."""
    for name in filter(None, (experiment, label)):
        if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name):
            raise ValueError(
                f"--record has {name!r}, which becomes a file name: use letters, digits, - and _"
            )
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"--record writes into {folder}, which is not writable ({error}): leave it out"
        ) from None


def _evaluate(arguments: Namespace) -> None:
    import torch

    from .dataset import load
    from .evaluation import average_nets, per_class_errors, topk_error
    from .train import stored_size
    from .training.runs import load_net

    nets = {folder: load_net(folder) for folder in arguments.runs}
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    sets = {}  # each run's own test images: by data and by the size that it stores them in
    for net in nets.values():
        wanted = arguments.data or net.config.data, stored_size(net.config)
        if wanted not in sets:
            sets[wanted] = load(wanted[0], "test", arguments.root, size=wanted[1], cache=arguments.cache)
    found = {}
    for crops in ("center", "ten"):
        judged = {}
        for folder, net in nets.items():
            if crops == "ten" and net.config.image_size == net.config.input_size:
                continue  # without a border the ten are two, five times
            test = sets[arguments.data or net.config.data, stored_size(net.config)]
            judged[folder] = net.probabilities(test, crops, device, progress=True), test
        first = next(iter(judged.values()), (None, None))[1]
        same = all(
            test.classes == first.classes and test.labels.equal(first.labels) for _, test in judged.values()
        )
        if len(judged) > 1 and same:
            average = average_nets([probabilities for probabilities, _ in judged.values()])
            judged[f"average of {len(judged)}"] = average, first
        elif len(judged) > 1:
            print("no average: the runs were not made for the same test images")
        for name, (probabilities, test) in judged.items():
            errors = {
                k: topk_error(probabilities, test.labels, k) for k in sorted({1, min(5, len(test.classes))})
            }
            told = "  ".join(f"top-{k} {error:.2%}" for k, error in errors.items())
            print(f"{crops + (' crop' if crops == 'center' else ' crops'):<11} {told}  {name}")
            found = crops, name, probabilities, test
    if arguments.classes:
        crops, name, probabilities, test = found
        print(f"top-1 error of each class, {crops} crop{'s' * (crops == 'ten')}, {name}:")
        for name, error in zip(test.classes, per_class_errors(probabilities, test.labels), strict=True):
            print(f"{name:<24} {'no image' if error is None else f'{error:.2%}'}")


def _predict(arguments: Namespace) -> None:
    from .use.predict import picture, predict
    from .use.weights import load_trained

    if arguments.picture and len(arguments.photos) > 1:
        raise ValueError("--picture draws one photograph: name one, or leave --picture out")
    if arguments.occlusion and not arguments.picture:
        raise ValueError("--occlusion is drawn into a picture: add --picture seen.png")
    if arguments.picture and Path(arguments.picture).exists():
        raise FileExistsError(f"{arguments.picture} is there already: name another file, or remove it first")
    found = load_trained(arguments.weights)
    for seen in predict(arguments.photos, found, ten_crops=arguments.ten_crops):
        print(f"{seen.photo}:")
        for guess in seen.guesses:
            print(f"  {guess.probability:6.1%}  {guess.label}")
        if arguments.picture:
            print(f"drawn in {picture(seen, found, arguments.picture, occluded=arguments.occlusion)}")


def _finetune(arguments: Namespace) -> None:
    import matplotlib  # noqa: F401 (for the picture at the end: what lacks it says so now)

    from .use.finetune import confusion_picture, finetune

    options = {name: getattr(arguments, name) for name in ("weights", "epochs", "seed", "resume")}
    found = finetune(arguments.folder, arguments.out, **options)
    low, high = found.interval
    print(
        f"the whole network: {found.right} of {found.held_out} held-out photographs right, "
        f"{found.right / found.held_out:.0%} (95 % interval {low:.0%} to {high:.0%})"
    )
    drawn = Path(arguments.out, "confusion.png")
    drawn.unlink(missing_ok=True)
    print(f"which class was taken for which: {confusion_picture(found, drawn)}")
    print(f"try it: alexnet predict PHOTO --weights {arguments.out}")


def _export(arguments: Namespace) -> None:
    from .use.export import export

    print(export(arguments.trained, arguments.path, arguments.format))


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
    made = run(experiment, arms, seeds=arguments.seeds, **options)
    print(f"{len(made)} new runs on record; alexnet experiment report {experiment.name}")


def _experiment_report(arguments: Namespace) -> None:
    from .experiments import EXPERIMENTS, named, report

    for name in [arguments.name] if arguments.name else EXPERIMENTS:
        experiment = named(name)
        found = report(experiment)
        print(f"{name}: {experiment.question}")
        for arm, chosen in found.rates.items():
            print(f"rate of {arm}: {chosen.rate:g}{', at the edge of its grid' if chosen.at_edge else ''}")
        for answer in found.answers:
            print(f"\n{answer.words}: {answer.effect}\n{answer.half_width}")
            print(f"{answer.verdict}")
        for label, reason in found.failed.items():
            print(f"\nfailed: {label}: {reason}")
        print(f"\nalexnet experiment run {name}\n")


if __name__ == "__main__":
    sys.exit(main())
