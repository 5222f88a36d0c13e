"""A little book: script and data where they belong, and no dead widget unnoticed."""

import subprocess
import sys

import nbformat.v4 as v4
import pytest
from conftest import ROOT
from nbformat import write

from .pages import html_of, make

CONF = f"""
import sys
sys.path.append({str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "page_widgets"]
nb_execution_mode = "off"
html_theme = "basic"
"""
VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = {"application/vnd.jupyter.widget-state+json": {"state": {"x": {"a": 1}}, "version_major": 2}}
BARE = [
    "IntSlider(value=0)",
    "interactive(children=(IntSlider(value=0),), _dom_classes=('widget-interact',))",
    "VBox(children=(Button(),))",
    "Output()",
    "LrnExplorer()",
    "LrnExplorer(n=9)",
]
NOT_A_WIDGET = [
    "Conv2d(3, 96, kernel_size=(11, 11), stride=(4, 4))",
    "LocalResponseNorm(n=5, k=2)",
    "Text(0.5, 1.0, 'x')",
    "TrainConfig(batch_size=128)",
    "Label",
    "<Figure size 640x480 with 1 Axes>",
]


def notebook(*outputs, tags=()):
    cells = [v4.new_markdown_cell("# Page")]
    for data in outputs:
        output = v4.new_output("execute_result", data=data, execution_count=1)
        cells.append(
            v4.new_code_cell("1", execution_count=1, outputs=[output], metadata={"tags": list(tags)})
        )
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        "widgets": WIDGET_STATE,
    }
    return v4.new_notebook(cells=cells, metadata=metadata)


def build(folder, pages):
    """Pages {name: notebook} -> (folder of the built pages, what Sphinx warned)."""
    source, html = folder / "source", folder / "html"
    source.mkdir()
    (source / "conf.py").write_text(CONF)
    listed = "\n".join(pages)
    (source / "index.md").write_text(f"# Book\n\n```{{toctree}}\n{listed}\n```\n")
    for name, page in pages.items():
        write(page, source / f"{name}.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", source, html]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode == 0) == (run.stderr == ""), run.stderr
    return html, run.stderr


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The pages of a little book that a strict build takes."""
    twin = {"text/plain": "LrnExplorer()", "text/html": html_of(make("LrnExplorer")), VIEW: {"model_id": "x"}}
    pages = {
        "two": notebook(twin, twin),
        "none": notebook({"text/plain": "96"}),
        "live": notebook(*({"text/plain": text} for text in BARE), tags=["live-only"]),
        "alike": notebook(*({"text/plain": text} for text in NOT_A_WIDGET)),
    }
    html, warned = build(tmp_path_factory.mktemp("good"), pages)
    assert warned == ""
    return html


def test_a_page_with_a_widget_gets_the_script_once_and_no_other_page_does(good):
    page = (good / "two.html").read_text("utf-8")
    assert page.count("page-widgets.js") == 1
    assert page.count('class="page-widget"') == 2
    assert "page-widgets.js" not in (good / "none.html").read_text("utf-8")
    assert (good / "_static" / "page-widgets.js").is_file()
    assert (good / "_static" / "page-assets" / "conv1.js").is_file()


def test_no_widget_manager_and_no_kernel_state_reach_the_page(good):
    page = (good / "none.html").read_text("utf-8")
    assert "widget-state" not in page
    assert "require" not in page


def test_a_cell_that_says_so_may_need_a_kernel(good):
    page = (good / "live.html").read_text("utf-8")
    assert page.count("needs a running kernel") == len(BARE)
    assert "IntSlider" not in page


def test_what_only_looks_like_a_widget_is_left_alone(good):
    assert "LocalResponseNorm" in (good / "alike.html").read_text("utf-8")


def test_a_dead_widget_stops_the_strict_build(tmp_path):
    dead = [{"text/plain": "x", VIEW: {"model_id": "x"}}, *({"text/plain": text} for text in BARE)]
    html, warned = build(tmp_path, {"page": notebook(*dead)})
    assert warned.count("a widget is stored that needs a running kernel") == len(dead)
    assert "page.ipynb" in warned
    assert (html / "page.html").read_text("utf-8").count("needs a running kernel") == len(dead)
