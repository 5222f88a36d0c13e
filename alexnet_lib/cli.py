"""The command `alexnet`: fetch and check data sets, and compare the specs of the net.

    alexnet data ten-photos
    alexnet data cifar10 --root ~/data
    alexnet specs

An error is one line on stderr and exit code 2.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

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
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print("alexnet:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0


def _parser() -> ArgumentParser:
    parser = OneLineParser("alexnet", description="The library of the book Reading AlexNet.")
    parser.add_argument("--version", action="version", version=f"alexnet {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    data = commands.add_parser("data", help="fetch a data set if it is missing, and check it")
    data.add_argument("name", metavar="NAME", help="ten-photos, cifar10, imagenette or folder:PATH")
    data.add_argument("--root", metavar="DIR", help="where it lies; else $ALEXNET_DATA, else ./data")
    data.set_defaults(run=_data)

    specs = commands.add_parser("specs", help="all specs of the net side by side")
    specs.set_defaults(run=_specs)
    return parser


# Each command imports what it needs: torch takes seconds, `alexnet --help` should not.


def _data(arguments: Namespace) -> None:
    from .dataset import load

    for split in ("train", "test"):
        found = load(arguments.name, split, arguments.root, download=True)
        size = "x".join(str(side) for side in found.images.shape[1:])
        print(f"{split:<8} {len(found):,} images of {size} from {found.folder or 'scikit-image'}")
    print(f"classes  {len(found.classes)}: {_shortened(found.classes)}")
    print(f"source   {found.source}")


def _shortened(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _specs(arguments: Namespace) -> None:
    from .tables import spec_table

    print(spec_table())
