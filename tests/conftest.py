"""Fixtures for the tests that look at the built pages in a Chromium.

    book_html   folder of the built pages; the book is built first if it is missing or older than its sources
    book_url    that folder over http on this machine, such as "http://127.0.0.1:43211", under the content
                security policy of SECURITY.md
    browser     one Chromium for the whole run; where there is none, the test is skipped and says why
    open_page   open_page("book/index.html", width=1280, theme="light", scheme="http") -> Visit

A `Visit` has `.page`, the loaded Playwright page with its widgets drawn, and `.problems`, one
sentence for each console error, failed request and request to another host (those find none). Plain
functions for other test files: `toc_pages()` for parametrize, and `visiting(...)`, which `open_page` calls.
A test that needs `browser` carries `@pytest.mark.browser`.
"""

import contextlib
import gzip
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse

import pytest
import yaml
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
SOURCES = ("_config.yml", "_toc.yml", "book", "alexnet_lib/widgets")
NO_CHROMIUM = (
    "no Chromium. Install one (Debian: apt-get install chromium; anywhere: "
    "playwright install chromium), or name its program in the variable ALEXNET_CHROMIUM."
)
# The first is the same browser without windows: pages load in 15 percent less time.
CHROMIUM_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
CHROMIUM_OPTIONS = [
    "--no-sandbox",  # its own sandbox cannot start in most containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A camera that shows a moving clock, and that every page may use.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # No other host has an address. To route requests through the tests would switch off the browser's cache.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
OTHER_HOST = re.compile(r"^(?!http://127\.0\.0\.1[:/]|file:|data:|blob:|about:)")


def toc_pages():
    """The pages that _toc.yml lists, as paths below the folder of built pages."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{name}.html" for name in [toc["root"], *chapters]]


def is_current(html, sources):
    """Whether the page was built after the last change in its sources."""
    files = [file for source in sources for file in (source, *source.rglob("*")) if file.is_file()]
    changed = max(file.stat().st_mtime for file in files if file.suffix != ".pyc")
    built = html / "searchindex.js"  # every build ends with it
    return built.is_file() and built.stat().st_mtime >= changed


@pytest.fixture(scope="session")
def book_html(tmp_path_factory):
    if not is_current(HTML, [ROOT / source for source in SOURCES]):
        # Parallel test processes would write the same files at once, so such a one builds for itself.
        out = ROOT if "PYTEST_XDIST_WORKER" not in os.environ else tmp_path_factory.mktemp("book")
        command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--path-output", out]
        run = subprocess.run([*command, "--all", "-n", "-W", "--keep-going"], capture_output=True, text=True)
        assert run.returncode == 0, f"the book does not build:\n{run.stderr[-4000:]}"
        return out / "_build" / "html"
    return HTML


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing: a line for each request would bury the test's own output."""

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")  # as hosts of static pages do
        super().end_headers()


def policy():
    """The content security policy of SECURITY.md, on one line."""
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    return " ".join(re.search(r"Content-Security-Policy:(.+?)```", page, re.DOTALL).group(1).split())


class BookHandler(QuietHandler):
    def end_headers(self):
        self.send_header("Content-Security-Policy", policy())
        super().end_headers()


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A browser that closes a page cuts its connections; any other error is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture(scope="session")
def book_url(book_html):
    with Server(("127.0.0.1", 0), partial(BookHandler, directory=book_html)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@cache
def chromium():
    """The program of a Chromium, or None: the one that is named, the system's, Playwright's own."""
    named = [os.environ.get("ALEXNET_CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES)]
    if program := next(filter(None, named), None):
        return program
    with sync_playwright() as playwright:  # takes a second, so it comes last
        program = playwright.chromium.executable_path
    return program if os.path.exists(program) else None


@pytest.hookimpl(trylast=True)  # after -m has taken out what is not to run
def pytest_collection_modifyitems(items):
    wanting = [item for item in items if item.get_closest_marker("browser")]
    if wanting and chromium() is None:
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        yield chrome
        chrome.close()


@dataclass
class Visit:
    page: Page
    problems: list[str] = field(default_factory=list)


# Tabs that no visit has, by what a tab cannot change. A fresh one costs three times as much as a visit.
IDLE = defaultdict(list)


@contextlib.contextmanager
def visiting(browser, address, *, width=1280, theme="light", javascript=True):
    """Open an address and wait until its widgets are drawn."""
    idle = IDLE[browser, urlparse(address).scheme, theme, javascript]
    visit = idle.pop() if idle else new_tab(browser, theme, javascript)
    visit.problems, page = [], visit.page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address, wait_until="load")
    if javascript:
        finish(page)
    yield visit
    # After an error in a test its tab is left as it is, and not used again.
    page.emulate_media(media="null")
    if javascript:
        page.evaluate("() => [localStorage, sessionStorage].forEach(kept => kept.clear())")
    page.goto("about:blank")
    idle.append(visit)


FINISH = """async () => {
  for (const picture of document.images) picture.loading = "eager";
  await Promise.all([...document.images].map(picture => picture.decode().catch(() => {})));
  await document.fonts.ready;
  await window.PAGE_WIDGETS?.wake();
}"""


def finish(page):
    """Wake what is far down the page too, and wait until all is there and drawn."""
    page.evaluate(FINISH)
    page.wait_for_function("() => !document.querySelector('[data-widget]:not([data-state])')")


def new_tab(browser, theme, javascript):
    """An empty tab that notes what goes wrong in it, and what it asks another host for."""
    context = browser.new_context(java_script_enabled=javascript, reduced_motion="reduce")
    context.set_default_timeout(60_000)  # a machine with other work to do is slow, not wrong
    # Where the theme keeps a reader's choice; without one it follows the system.
    context.add_init_script(f"for (const key of ['mode', 'theme']) localStorage.setItem(key, '{theme}')")
    visit = Visit(context.new_page())

    def say(problem):
        visit.problems.append(problem)

    page = visit.page
    page.on("request", lambda r: OTHER_HOST.match(r.url) and say(f"asks another host: {r.url}"))
    page.on("console", lambda line: line.type == "error" and say(f"console: {line.text}"))
    page.on("pageerror", lambda error: say(f"script: {error}"))
    page.on("response", lambda answer: answer.status >= 400 and say(f"{answer.status}: {answer.url}"))

    def fail(request):
        # Who leaves a page breaks off what it still loads, such as its icon.
        if request.failure != "net::ERR_ABORTED" and not OTHER_HOST.match(request.url):
            say(f"{request.failure}: {request.url}")

    page.on("requestfailed", fail)
    return visit


SHIFTS = """window.shift = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""


def first_visit(browser, address, ask="() => null"):
    """As by a reader who was never here, on a laptop: every file, as its kind and its bytes after gzip as
    servers use it, and what the page answers to `ask`. `window.shift` is its cumulative layout shift."""
    page, answers = browser.new_page(viewport={"width": 1440, "height": 900}), []
    page.on("response", lambda answer: answers.append(answer))
    page.add_init_script(SHIFTS)
    page.goto(address, wait_until="networkidle")
    found = [(answer.request.resource_type, len(gzip.compress(answer.body(), 6))) for answer in answers]
    told = page.evaluate(ask)
    page.close()
    return found, told


def weights(browser, address):
    """Every file that a browser loads for a page."""
    return first_visit(browser, address)[0]


@pytest.fixture
def open_page(browser, book_url, book_html):
    with contextlib.ExitStack() as stack:

        def open_(path, *, scheme="http", **look):
            address = f"{book_url}/{path}" if scheme == "http" else (book_html / path).as_uri()
            return stack.enter_context(visiting(browser, address, **look))

        yield open_


def pytest_terminal_summary(terminalreporter):
    """Print what tests noted with `record_property`, such as the longest modules, and why no browser ran."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties if report.when == "call" else []:
            terminalreporter.write_line(f"{name}: {value}")
    skipped = [r for r in terminalreporter.getreports("skipped") if NO_CHROMIUM in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} browser tests skipped: {NO_CHROMIUM}")
