"""A real JupyterLab: a hand on a slider there reaches Python, torch answers, and Lab keeps its cells."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat.v4 as v4
import pytest
from nbformat import write

from .pages import EXPLORERS, FIRST, WIGGLE, held, move

# JupyterLab starts slowly: once, at night.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("JupyterLab")]

SECONDS = 120  # a kernel with torch starts slowly on a busy machine
SHOW = """\
import json, os
from IPython.display import display
from alexnet_lib import widgets

shown = {name: getattr(widgets, name)() for name in NAMES}

def tell(_change=None):
    with open("values.part", "w") as file:
        json.dump({name: widget.values() for name, widget in shown.items()}, file)
    os.replace("values.part", "values.json")

for widget in shown.values():
    widget.observe(tell)
    display(widget)
tell()
"""
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ip=127.0.0.1",
    "--ServerApp.token=",
    "--ServerApp.password=",
    "--ServerApp.disable_check_xsrf=True",
    "--ServerApp.port_retries=0",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]


def until(condition, what):
    """Wait until `condition()` gives something true, and return that."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {SECONDS} s")


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    cells = [
        v4.new_code_cell(f"NAMES = {EXPLORERS}\n{SHOW}"),
        v4.new_markdown_cell("one"),
        v4.new_markdown_cell("two"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    write(v4.new_notebook(cells=cells, metadata=kernel), folder / "show.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(folder):
    """The address of a JupyterLab with settings of its own, ended with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "s"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "w")}
    command = [sys.executable, "-m", "jupyter", "lab", *OPTIONS, f"--port={port}", f"--notebook-dir={folder}"]
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=os.environ | places, stdout=log, stderr=log, cwd=folder)
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/api/status"), "the start of JupyterLab")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="module")
def notebook(browser, lab, folder):
    """The notebook in Lab with its first cell run, in command mode."""
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{lab}/lab/tree/show.ipynb?reset")
    page.get_by_text("| Idle").first.wait_for(state="attached")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    until((folder / "values.json").exists, "the run of the cell")
    page.wait_for_function(
        "count => document.querySelectorAll('[data-paints]').length === count", arg=len(EXPLORERS)
    )
    yield page
    page.context.close()


def values(folder, name):
    return json.loads((folder / "values.json").read_text("utf-8"))[name]


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_key_on_a_slider_arrives_in_python_and_torch_agrees(notebook, folder, name):
    widget = notebook.locator("[data-paints]").nth(EXPLORERS.index(name))
    before = values(folder, name)
    moved = move(widget.locator(FIRST).first)
    until(lambda: values(folder, name) != before, f"the new value of {name} in Python")
    assert {key for key, value in values(folder, name).items() if value != before[key]} == {moved}
    badge = widget.locator(".badge")
    until(lambda: badge.inner_text() != "torch is computing ...", "torch's answer")
    assert badge.inner_text() == "" or badge.inner_text().startswith("torch agrees")


def test_typing_on_a_slider_leaves_labs_cells_alone(notebook):
    cells = notebook.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    slider = notebook.locator("[data-paints] input[type=range]").first
    slider.focus()
    for key in ("b", "a", "x", "d", "d", "ArrowDown"):
        notebook.keyboard.press(key)
    notebook.wait_for_timeout(500)
    assert cells.count() == before
    assert slider.evaluate("slider => slider.matches(':focus')")


MOVES, EACH_FRAME = 1000, 5


def test_a_thousand_moves_pile_up_neither_messages_nor_memory(notebook, folder, record_property):
    widget = notebook.locator("[data-paints]").nth(EXPLORERS.index("PoolingExplorer"))
    slider = widget.locator("input[type=range]").first

    def move(times):
        """Milliseconds from the last move until Python holds the slider's value and torch has answered."""
        slider.evaluate(WIGGLE, [times, EACH_FRAME])
        start = time.monotonic()
        window = slider.evaluate("slider => Number(slider.value)") + 1  # the slider's place is counted from 0
        until(lambda: values(folder, "PoolingExplorer")["z"] == window, "the last value in Python")
        until(lambda: widget.locator(".badge").inner_text().startswith("torch agrees"), "torch's answer")
        return 1000 * (time.monotonic() - start)

    socket = notebook.context.new_cdp_session(notebook)
    messages = []
    socket.on("Network.webSocketFrameSent", lambda frame: messages.append(len(str(frame))))
    socket.send("Network.enable")
    move(4 * EACH_FRAME + 1)
    before, sent = held(notebook), len(messages)
    behind = move(MOVES + 3)
    after, sent = held(notebook), len(messages) - sent
    grown = {name: after[name] - before[name] for name in after}
    record_property(f"JupyterLab, {MOVES} moves", f"{sent} messages, {behind:.0f} ms behind, {grown}")
    assert 0 < sent <= MOVES / EACH_FRAME + 10, "more messages than pictures"
    assert behind < 5000
    assert grown["JSHeapUsedSize"] < 5_000_000
    assert grown["Nodes"] < 500
