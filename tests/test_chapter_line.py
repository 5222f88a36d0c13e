"""The line under a chapter's title: what it says, where its links lead, and the chapter as a program."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat.v4 as v4
import pytest
from nbformat import write
from sphinx.errors import ConfigError

BOOK = Path(__file__).resolve().parent.parent / "book"
sys.path.append(str(BOOK / "_ext"))
import chapter_line  # noqa: E402

CHAPTERS = sorted(BOOK.glob("*.ipynb"))
GITHUB = "https://github.com/owner/name"
CONF = f"""
import sys
sys.path.append({str(BOOK / "_ext")!r})
extensions = ["myst_nb", "chapter_line"]
nb_execution_mode = "off"
html_theme = "basic"
html_sourcelink_suffix = ""
repository_address = {GITHUB!r}
"""


def test_a_chapter_says_its_times_and_has_its_links_and_a_plain_page_does_not(tmp_path):
    source, html = tmp_path / "Größe und Maß", tmp_path / "html"
    (source / "book").mkdir(parents=True)
    (source / "conf.py").write_text(CONF)
    (source / "index.md").write_text("# Book\n\n```{toctree}\nbook/one\n```\n")
    cells = [v4.new_markdown_cell("# One\n\n" + "word " * 599), v4.new_code_cell("print('a')")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    chapter = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "running_seconds": 10})
    write(chapter, source / "book" / "one.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "-b", "html", source, html]
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""
    (line,) = re.findall(
        r'</h1>\s*(<p class="chapter-line">.*</p>)', (html / "book/one.html").read_text("utf-8")
    )
    # 599 words, the title, "print" and "a" are 602.
    times = "Reading: about 3 minutes, at 200 words a minute. Running: about 10 s on a CPU. "
    words = times + "Download: .ipynb, .py. Open in: Colab, Binder."
    assert re.sub(r"<[^>]*>", "", line) == words
    for service, link in chapter_line.launches(GITHUB, "book/one.ipynb").items():
        assert f'href="{link}">{service}<' in line
    assert "chapter-line" not in (html / "index.html").read_text("utf-8")
    links = re.findall(r'<a download href="([^"]*)"', line)
    notebook, script = [(html / "book" / link).resolve() for link in links]
    assert json.loads(notebook.read_text("utf-8"))["cells"][1]["source"] == ["print('a')"]
    assert "\n# %%\nprint('a')\n" in script.read_text("utf-8")
    index = (html / "searchindex.js").read_text("utf-8")  # the search does not find the line's words
    assert '"word"' in index
    assert '"download"' not in index


def test_with_an_address_a_chapter_opens_in_colab_and_binder_and_elsewhere_in_binder_only():
    assert chapter_line.launches("", "book/one.ipynb") == {}
    assert chapter_line.launches(GITHUB, "book/one.ipynb") == {
        "Colab": "https://colab.research.google.com/github/owner/name/blob/main/book/one.ipynb",
        "Binder": "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab%2Ftree%2Fbook%2Fone.ipynb",
    }
    assert chapter_line.launches("https://git.example.org/name", "book/one.ipynb") == {
        "Binder": "https://mybinder.org/v2/git/https%3A%2F%2Fgit.example.org%2Fname/main"
        "?urlpath=lab%2Ftree%2Fbook%2Fone.ipynb"
    }


@pytest.mark.parametrize(
    "address", ["github.com/owner/name", GITHUB + "/", "git@github.com:o/n", "https://x"]
)
def test_an_address_that_no_machine_could_fetch_from_is_refused(address):
    with pytest.raises(ConfigError, match=r"repository_address is '.*': it must be empty, or like https://"):
        chapter_line.check_address(None, SimpleNamespace(repository_address=address))


@pytest.mark.parametrize(
    ("body", "minutes"),
    [
        ("<p>short</p>", 1),
        (f"<p>{'word ' * 1000}</p>", 5),
        (f"<p>{'word, ' * 1000}{'17 + 4 = 21 ' * 1000}</p>", 5),
        (f"<p>{'<b>word</b> ' * 1000}</p><details>{'folded ' * 1000}</details>", 5),
        (f"<pre>{'x = f(y) ' * 400}</pre><script>{'code ' * 1000}</script>", 6),  # x, f, y
    ],
)
def test_reading_time_counts_the_words_that_an_open_page_shows(body, minutes):
    assert chapter_line.reading_minutes(body) == minutes


def test_every_chapter_is_a_program_with_the_same_code():
    for path in CHAPTERS:
        notebook = json.loads(path.read_text("utf-8"))
        text = chapter_line.program(notebook, path.stem)
        code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        # The same statements in the same order and no other: what came from text are comments.
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse("\n".join(code))), path.name
        assert len(re.findall(r"^# %%", text, re.M)) == len(notebook["cells"])
