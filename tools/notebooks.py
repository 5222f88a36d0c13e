"""Execute, clean, store and check the chapters.

    python tools/notebooks.py store [PATH ...]    run each chapter, clean it, write it back
    python tools/notebooks.py check [PATH ...]    say what is wrong with a stored chapter

Without a path both take every chapter of book/. The page shows the stored outputs, so a chapter is stored
only as a whole: if one fails half-way, its file stays as it was. If _config.yml gives the repository's
address, a chapter begins with a cell that installs the library on a machine that lacks it, such as Colab's.
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
CELL_SECONDS = 30  # a cell that needs more should read a recorded result
CELL_LINES = 20
PICTURE_BYTES = 160_000  # a photograph has twice the density of a chart
NOTEBOOK_BYTES = 600_000
ALT_LETTERS = 20
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT_IN_CELL = {"tags", "mystnb"}
# Without the version of Python, which would change from machine to machine.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
RUNNING = "running_seconds"  # beside METADATA, in coarse steps so that a busy machine changes no file
STEPS = (5, 10, 20, 30, 60, 120)
INSTALL_TAG = "install"
INSTALL = """\
# Where the library is missing, as in Colab, this cell fetches it; elsewhere it does nothing.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("alexnet_lib") is None:
    library = "alexnet_lib[chapters] @ git+{address}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", library], check=True)
    importlib.invalidate_caches()"""
# Two parts or more below a root; not within a URL or base64 (a letter or slash before), a tag or a data URI.
ROOTED_PATH = re.compile(r"(?<![\w.+/:<,])/(?:[\w.-]+/)+[\w.-]+|\b[A-Z]:\\+Users\b")
# A cell that is folded whole holds the solution of an exercise.
SOLUTION = {"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
# A folded listing; its call is not shown.
LISTING = {"code_prompt_show": "Show the library's code", "code_prompt_hide": "Hide it"}
# A folded output is what a checker says to the reader's own code.
VERDICT = {"code_prompt_show": "What the checker says so far", "code_prompt_hide": "Hide it"}
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def repository_address():
    """The public address of the repository, from _config.yml; empty while there is none."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    return config["sphinx"]["config"]["repository_address"]


def install_source(address):
    """What the cell that installs the library holds; None without an address."""
    return INSTALL.format(address=address) if address else None


def is_install(cell):
    return INSTALL_TAG in cell.metadata.get("tags", [])


def place_install_cell(notebook, address):
    """Below the title, the cell that installs the library from `address`; without one, no such cell."""
    notebook.cells = [cell for cell in notebook.cells if not is_install(cell)]
    if address:
        metadata = {"tags": ["hide-input", INSTALL_TAG]}
        cell = nbformat.v4.new_code_cell(install_source(address), id="install-the-library", metadata=metadata)
        notebook.cells.insert(1, cell)


def about(seconds, stored=None):
    """The next step; the stored one, if that is a neighbor."""
    step = next((step for step in STEPS if seconds <= step), STEPS[-1])
    near = stored in STEPS and abs(STEPS.index(step) - STEPS.index(stored)) <= 1
    return stored if near else step


def pictures(output):
    """The pictures of one output, as pairs of data and alt text."""
    notes = output.get("metadata", {})
    forms = output.get("data", {}).items()
    return [(data, notes.get(mime, {}).get("alt", "")) for mime, data in forms if mime.startswith("image/")]


def clean(notebook):
    """Keep what a reader sees; drop what differs between two runs or works only with a kernel."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        for key in set(cell.metadata) - KEPT_IN_CELL:
            del cell.metadata[key]
        tags = set(cell.metadata.get("tags", []))
        both = LISTING if "remove-input" in tags else VERDICT
        for tag, prompt in (("hide-cell", SOLUTION), ("hide-output", both)):
            if tag in tags:
                cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), **prompt}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            # The page takes a picture's alt text from the cell, not from the output that brings it.
            for _, alt in pictures(output):
                cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), "image": {"alt": alt}}


def store(path):
    """Execute and clean one chapter and replace its file; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    place_install_cell(notebook, repository_address())
    before, start = notebook.metadata.get(RUNNING), time.perf_counter()
    resources = {"metadata": {"path": str(path.parent)}}
    # How prints are grouped into outputs depends on timing, so streams are joined.
    NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", coalesce_streams=True, resources=resources
    ).execute()
    clean(notebook)
    notebook.metadata[RUNNING] = about(time.perf_counter() - start, before)
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)


def check(path):
    """What keeps a stored chapter from being clean: a list of sentences, empty if nothing does."""
    problems = []
    if path.stat().st_size > NOTEBOOK_BYTES:
        problems.append(f"the file has {path.stat().st_size:,} bytes, more than {NOTEBOOK_BYTES:,}")
    notebook = nbformat.read(path, as_version=4)
    if not METADATA.items() <= notebook.metadata.items() or "widgets" in notebook.metadata:
        problems.append("its metadata are not those of a stored chapter: run `make notebooks`")
    wanted = install_source(repository_address())
    if [cell.source for cell in notebook.cells if is_install(cell)] != ([wanted] if wanted else []):
        problems.append("its install cell is not that of _config.yml's address: run `make notebooks`")
    runs = 0
    for number, cell in enumerate(notebook.cells, start=1):
        runs += cell.cell_type == "code"
        found = [*check_text(cell.source), *(check_code(cell, runs) if cell.cell_type == "code" else ())]
        problems += [f"cell {number}: {problem}" for problem in found]
    return problems


def check_code(cell, run):
    if cell.execution_count != run:
        yield f"execution_count is {cell.execution_count}, in order it is {run}"
    if (lines := len(cell.source.splitlines())) > CELL_LINES:
        yield f"{lines} lines, more than {CELL_LINES}: move code to alexnet_lib"
    if extra := set(cell.metadata) - KEPT_IN_CELL:
        yield f"cell metadata {sorted(extra)} are not kept: run `make notebooks`"
    shown = [picture for output in cell.outputs for picture in pictures(output)]
    if len(shown) > 1:
        yield f"{len(shown)} pictures: the page knows one alt text per cell, so show one"
    for data, alt in shown:
        size = len(data) * 3 // 4  # base64 writes three bytes as four letters
        if size > PICTURE_BYTES:
            yield f"a picture has about {size:,} bytes, more than {PICTURE_BYTES:,}"
        if len(alt) < ALT_LETTERS:
            yield f"a picture has no alt text of at least {ALT_LETTERS} letters: say what it shows"
        elif cell.metadata.get("mystnb", {}).get("image") != {"alt": alt}:
            yield "the page does not know the picture's alt text: run `make notebooks`"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"it fails with {output.ename}"
        if output.get("name") == "stderr":
            yield "it prints to stderr: a warning, or a progress bar that differs from run to run"
        data = output.get("data", {})
        if WIDGET_VIEW in data:
            yield "a widget view is stored, and its kernel is gone: run `make notebooks`"
        for text in (output.get("text", ""), *(data[mime] for mime in data if not mime.startswith("image/"))):
            yield from check_text(str(text))


def check_text(text):
    yield from (f"absolute path {found}" for found in ROOTED_PATH.findall(text))
    yield from (f"memory address {found}" for found in ADDRESS.findall(text))
    if re.search(r"!\[\s*\]\(", text) or any("alt=" not in tag for tag in re.findall(r"<img\b[^>]*>", text)):
        yield "a picture has no alt text: write ![what it shows](file), or alt= in HTML"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["store", "check"])
    parser.add_argument("paths", nargs="*", type=Path, default=sorted(BOOK.glob("*.ipynb")))
    arguments = parser.parse_args()
    failed = False
    for path in arguments.paths:
        start = time.perf_counter()
        try:
            if arguments.action == "store":
                store(path)
            problems = check(path)
        except (CellExecutionError, CellTimeoutError) as error:
            problems = [f"not stored: {error}"]
        print(f"{path.name}: {'to fix' if problems else 'ok'}, {time.perf_counter() - start:.1f} s")
        print(*(f"  {problem}\n" for problem in problems), sep="", end="", flush=True)
        failed |= bool(problems)
    sys.exit(failed)


if __name__ == "__main__":
    main()
