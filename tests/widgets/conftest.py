"""Fixtures of the widgets' tests.

site     Site: `.url("LrnExplorer")` over http, `.file("LrnExplorer")`, one page per widget
arena    a loaded page in which `window.PAGE_WIDGETS.load(name)` gives a module's pure functions
"""

import threading
from functools import partial

import pytest
from conftest import QuietHandler, Server, visiting

from alexnet_lib.widgets import bundle

from .pages import PAGE, Site


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("widgets")
    (folder / "page-assets").mkdir()
    (folder / "page-widgets.js").write_text(bundle.page_script(), "utf-8")
    for name in [*bundle.asset_names(), *bundle.on_click_names()]:
        (folder / "page-assets" / f"{name}.js").write_text(bundle.asset_script(name), "ascii")
    (folder / "arena.html").write_text(PAGE.format(title="Arena", body=""), "utf-8")
    with Server(("127.0.0.1", 0), partial(QuietHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.fixture(scope="module")
def arena(browser, site):
    with visiting(browser, f"{site.root}/arena.html") as visit:
        yield visit.page
