"""Write the locks: one version of each package for every system and Python, and the sums of its files.

    python tools/locks.py              add what requirements.txt newly asks for; the rest stays as it is
    python tools/locks.py --upgrade    the newest versions that requirements.txt allows; `make update`
    python tools/locks.py --upgrade --resolution lowest-direct
                                       the oldest versions that it allows, to try whether that is true

What is said behind it goes to `uv pip compile`. The files are parts of one solution, and a sum is a sha256:

    locks/everything.txt    what `make test` installs, without torch
    locks/torch.txt         torch, torchvision and what comes with their build for NVIDIA cards
    locks/reading.txt       what `make book` installs
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
EVERYTHING, TORCH, READING = (LOCKS / f"{name}.txt" for name in ("everything", "torch", "reading"))
READ_WITH = "jupyter-book\nsphinx-mathjax-offline\n"
# In a file of their own, because torch may come from another address, where its files have other sums.
WITH_TORCH = re.compile(r"(torch|torchvision|triton|(cuda|nvidia)-[\w-]+)==")
HEADER = """\
# Written by tools/locks.py; `make update` renews it.
# Wheels only: to build a source package is to run its code, with tools that have no sum here.
--only-binary :all:
"""
UV = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--generate-hashes"]
UV += ["--universal", "--python-version", "3.11", "--only-binary", ":all:", "--annotation-style", "line"]


def solve(known, *words, asked=None):
    """The text of a lock that meets the words given to uv, and keeps to the text `known` where it can."""
    with TemporaryDirectory() as folder:
        lock = Path(folder, "lock.txt")
        lock.write_text(known, "utf-8")
        subprocess.run([*UV, *words, "-o", lock], cwd=ROOT, input=asked, check=True, text=True)
        return lock.read_text("utf-8")


def split(lock):
    """The text of a lock in two: torch with what comes with it, and all else."""
    torch, rest = "", ""
    for block in re.split(r"(?m)^(?=\S)", lock):
        if WITH_TORCH.match(block):
            torch += block
        else:
            rest += block
    return torch, rest


def main(words):
    known = "".join(path.read_text("utf-8") for path in (EVERYTHING, TORCH) if path.exists())
    torch, rest = split(solve(known, "requirements.txt", *words))
    LOCKS.mkdir(exist_ok=True)
    TORCH.write_text(HEADER + torch, "utf-8")
    EVERYTHING.write_text(HEADER + rest, "utf-8")
    READING.write_text(HEADER + solve("", "-", "-c", "locks/everything.txt", asked=READ_WITH), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
