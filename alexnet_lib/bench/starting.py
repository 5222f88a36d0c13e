"""Rows on starting: what this library adds to `import torch`."""

import subprocess
import sys
from functools import partial

from .measure import Pair, Row


def starting(module: str) -> Pair:
    """A fresh Python that imports torch and the module, against one that imports torch."""

    def run(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    return Pair(partial(run, f"import torch, {module}"), partial(run, "import torch"))


def rows() -> list[Row]:
    """Training, and the tables; figures import matplotlib, which is not torch's matter."""
    return [
        Row(
            f"import/{module}",
            f"import torch, alexnet_lib.{module}",
            "import torch",
            "torchvision, which takes longer than torch, is imported where it is used",
            0.9,  # 0.3 s above torch's 2.8
            None,
            partial(starting, f"alexnet_lib.{module}"),
        )
        for module in ("train", "tables")
    ]
