"""Sphinx extension: the line under a chapter's title, and the chapter as a Python program.

The line says how long the chapter takes to read and to run, and links to its downloads.
The setting `repository_address` in _config.yml gives the public address of the repository; while it is empty,
there are no links to Colab and Binder.

It imports the standard library, what comes with Sphinx's theme, and Sphinx: building the page needs no torch.

- Reading time counts what the open page shows, code and tables included; folded cells are not counted.
- The running time is what `tools/notebooks.py store` measured and keeps in the notebook.
- The line is put into the finished page, so that the search does not find its words on every page.
"""

import json
import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

WORDS_A_MINUTE = 200
BRANCH = "main"
NOT_READ = ["script", "style", "svg", "details", "a.headerlink"]
HEADER = """\
# {name}.ipynb of the book Reading AlexNet, as a program: what follows a line "# %%" is one cell.
# It needs the library alexnet_lib and shows no pictures by itself: open it in an editor that knows cells.
"""


def reading_minutes(body: str) -> int:
    """Minutes that a page's HTML takes to read, at WORDS_A_MINUTE, at least one. A word has a letter."""
    page = BeautifulSoup(body, "html.parser")
    for element in page.select(",".join(NOT_READ)):
        element.decompose()
    words = re.findall(r"\w*[^\W\d_]\w*", page.get_text(" "))
    return max(1, round(len(words) / WORDS_A_MINUTE))


def program(notebook: dict, name: str) -> str:
    """A notebook as Python in the percent format: its code as it stands, its text as comments."""
    parts = [HEADER.format(name=name)]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            parts.append(f"# %%\n{source}\n")
        else:
            comment = "\n".join(f"# {line}".rstrip() for line in source.splitlines())
            parts.append(f"# %% [markdown]\n{comment}\n")
    return "\n".join(parts)


def launches(address: str, path: str) -> dict[str, str]:
    """Where a stored notebook opens on another machine: service -> link. Colab reads from GitHub only."""
    if not address:
        return {}
    path = quote(path)
    lab = f"{BRANCH}?urlpath={quote(f'lab/tree/{path}', safe='')}"
    if address.startswith("https://github.com/"):
        repository = address.removeprefix("https://github.com/")
        return {
            "Colab": f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{path}",
            "Binder": f"https://mybinder.org/v2/gh/{repository}/{lab}",
        }
    return {"Binder": f"https://mybinder.org/v2/git/{quote(address, safe='')}/{lab}"}


def line(minutes: int, metadata: dict, files: dict[str, str], services: dict[str, str]) -> str:
    """The line as HTML; metadata are the notebook's. The links have a span of their own, hidden in print."""
    unit = "minute" if minutes == 1 else "minutes"
    said = f"Reading: about {minutes} {unit}, at {WORDS_A_MINUTE} words a minute."
    if seconds := metadata.get("running_seconds"):
        said += f" Running: about {seconds} s on a CPU."
    links = [f'<a download href="{escape(link)}">{escape(name)}</a>' for name, link in files.items()]
    linked = f"Download: {', '.join(links)}."
    if services:
        links = [f'<a href="{escape(link)}">{escape(name)}</a>' for name, link in services.items()]
        linked += f" Open in: {', '.join(links)}."
    return f'<p class="chapter-line">{said} <span class="chapter-links">{linked}</span></p>'


def check_address(app: Sphinx, config) -> None:
    address = config.repository_address
    if address and not re.fullmatch(r"https://[^\s/]+(/[^\s/]+)+", address):
        raise ConfigError(
            f"repository_address is {address!r}: it must be empty, or like https://github.com/OWNER/NAME "
            "without a slash at its end, since readers' machines fetch the library from it"
        )


def add_line(app: Sphinx, pagename: str, _template, context: dict, _doctree) -> None:
    if pagename not in app.env.found_docs or not app.env.doc2path(pagename).endswith(".ipynb"):
        return
    notebook = json.loads(Path(app.env.doc2path(pagename)).read_text("utf-8"))
    stored = Path(app.outdir, "_sources", f"{pagename}.py")  # Sphinx puts the .ipynb there itself
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(program(notebook, Path(pagename).name), encoding="utf-8")
    files = {kind: context["pathto"](f"_sources/{pagename}{kind}", 1) for kind in (".ipynb", ".py")}
    shown = line(
        reading_minutes(context["body"]),
        notebook["metadata"],
        files,
        launches(app.config.repository_address, f"{pagename}.ipynb"),
    )
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{shown}", 1)


def setup(app: Sphinx) -> dict:
    app.add_config_value("repository_address", "", "html", str)
    app.connect("config-inited", check_address)
    app.connect("html-page-context", add_line)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
