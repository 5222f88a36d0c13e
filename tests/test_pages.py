"""Every page of the book in a Chromium: whole, alone on its host, fit for a phone and a screen reader."""

import json
import os
import re
import statistics
from pathlib import Path
from urllib.parse import unquote

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, finish, first_visit, new_tab, toc_pages, visiting

pytestmark = pytest.mark.browser

# One look a page, two at three pages, and at night all four there: what depends on the width does not depend
# on the theme.
LOOKS = [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")]
THOROUGH = ["book/index.html", "book/3_3_local_response_normalization.html", "book/claim_ledger.html"]
FROM_FILE = ["book/index.html", "book/4_2_dropout.html"]  # and the gallery, in widgets/test_gallery.py
# docutils writes a list of citations with roles that ARIA has since deprecated; browsers take them as plain
# list items, so nothing is lost to the reader. axe-core's rule -> how the element begins.
KNOWN = {
    "aria-allowed-role": '<div class="citation" ',
    "aria-deprecated-role": '<div class="citation" ',
    "aria-required-children": '<div role="list" class="citation-list">',
}

BROKEN_PICTURES = """() => [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"""
SILENT_PICTURES = """() => [...document.images].filter(i => !i.alt.trim()).map(i => i.src)"""
UNSET_FORMULAS = """() => {
  const main = document.querySelector("main, body").cloneNode(true);
  main.querySelectorAll("pre, code, script, style").forEach(part => part.remove());
  const raw = main.textContent.match(/\\$[^$\\n]+\\$|\\\\\\(|\\\\\\[|\\\\begin\\{/g) ?? [];
  const empty = [...document.querySelectorAll(".math")].filter(m => !m.querySelector("math"));
  return [...raw, ...empty.map(m => m.textContent)];
}"""
OVERHANG = """() => Math.max(0, document.scrollingElement.scrollWidth - innerWidth)"""
# Code and output that end behind the edge, on a laptop's screen; what is folded is not shown.
CLIPPED = """() => [...document.querySelectorAll(".bd-article pre")]
  .filter(pre => innerWidth >= 1280 && pre.checkVisibility() && pre.scrollWidth > pre.clientWidth)
  .map(pre => pre.textContent.trim().slice(0, 80))"""
# A chapter and the landing page begin with a question and a picture, not with code.
FIRST_SCREEN = """() => {
  if (!/index|book\\/[1-7]_/.test(location.pathname)) return [];
  const seen = selector => [...document.querySelectorAll(`.bd-article :is(${selector})`)]
    .filter(part => part.checkVisibility() && part.getBoundingClientRect().top + scrollY < innerHeight);
  const pictures = seen("img, svg.chart, canvas, .page-widget, .page-widget-live, table");
  return [...seen("div.highlight pre").map(() => "code"), ...(pictures.length ? [] : ["no picture"])];
}"""
STRETCHED = """() => [...document.querySelectorAll(".bd-article img")].filter(picture => {
  const { paddingLeft, paddingTop } = getComputedStyle(picture);
  const width = picture.clientWidth - 2 * parseFloat(paddingLeft);
  const height = picture.clientHeight - 2 * parseFloat(paddingTop);
  const ratio = (width * picture.naturalHeight) / (height * picture.naturalWidth);
  return height > 0 && Math.abs(ratio - 1) > 0.03;
}).map(picture => picture.src.slice(0, 200))"""
CHECKS = {
    "first screen": FIRST_SCREEN,
    "stretched pictures": STRETCHED,
    "clipped code": CLIPPED,
    "broken pictures": BROKEN_PICTURES,
    "pictures without alt text": SILENT_PICTURES,
    "formulas that are not set": UNSET_FORMULAS,
    "scrolls sideways": OVERHANG,
}


# axe-core takes most of its time over the contrast of text: words of code and rows of tables by the thousand.
# Elements of one kind have the same classes and colors, and so has all that contains them.
THREE_OF_A_KIND = """;(() => {
  const kinds = new Map([[document.documentElement, ""]]), counts = new Map();
  function kindOf(element) {
    if (!kinds.has(element)) {
      const { color, backgroundColor, opacity } = getComputedStyle(element);
      const own = [element.tagName, element.getAttribute("class"), color, backgroundColor, opacity];
      kinds.set(element, [kindOf(element.parentElement), ...own].join(" "));
    }
    return kinds.get(element);
  }
  const isText = node => node.nodeType === Node.TEXT_NODE && node.data.trim();
  for (const element of document.querySelectorAll("body, body *")) {
    if (element.matches("input, select, textarea") || [...element.childNodes].some(isText)) {
      const kind = kindOf(element), count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      element.toggleAttribute("data-read-contrast", count <= 3);
    }
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-read-contrast]" }] });
})();"""
AXE = Axe(AXE_SCRIPT + THREE_OF_A_KIND)


def violations(page):
    """What axe-core finds, one line for each element, without what is KNOWN."""
    # preload: axe would fetch style sheets once more, and resolve their imports against the wrong folder.
    options = {"preload": False, "resultTypes": ["violations"]}
    found = AXE.run(page, options=options).response["violations"]
    elements = [(rule["id"], element) for rule in found for element in rule["nodes"]]
    return [
        f"{rule}: {element['target']}: {element['failureSummary']}"
        for rule, element in elements
        if not (rule in KNOWN and element["html"].startswith(KNOWN[rule]))
    ]


def looks():
    """(page, width, theme) for each look; width and theme change from page to page."""
    for at, page in enumerate(toc_pages()):
        for width, theme in LOOKS if page in THOROUGH else [LOOKS[at % 2]]:
            marks = [pytest.mark.slow] if (width, theme) in LOOKS[2:] else []
            yield pytest.param(page, width, theme, marks=marks, id=f"{page}-{width}-{theme}")


def faults(visit):
    """What is wrong with an open page, by the check that finds it."""
    found = {name: visit.page.evaluate(script) for name, script in CHECKS.items()}
    found |= {"problems": visit.problems, "axe": violations(visit.page)}
    return {name: what for name, what in found.items() if what}


@pytest.mark.parametrize(("path", "width", "theme"), list(looks()))
def test_a_page_is_whole_accessible_and_alone_on_its_host(browser, book_url, path, width, theme):
    with visiting(browser, f"{book_url}/{path}", width=width, theme=theme) as visit:
        assert faults(visit) == {}


# How far the page has moved under its reader's eyes, and the characters of each full line of plain text.
MOVED_AND_LINES = """() => {
  const plain = document.querySelectorAll(".bd-article section > p:not(:has(code, math))");
  return [window.shift, [...plain].flatMap(paragraph => {
    const counts = new Map(), range = document.createRange();
    const texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) {
      for (let at = 0; at < text.length; at++) {
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const line = Math.round(range.getBoundingClientRect().bottom / 12);
        counts.set(line, (counts.get(line) ?? 0) + 1);
      }
    }
    return [...counts.values()].slice(0, -1);
  })];
}"""
HEAVIEST, MEDIAN = 550_000, 450_000  # bytes after gzip, before the reader scrolls


def test_a_first_visit_is_light_and_still_and_its_lines_have_60_to_72_characters(
    browser, book_url, record_property
):
    """The landing page and the chapters, at 1440 x 900."""
    weight, faults = {}, {}
    for path in filter(re.compile(r"book/(index|[1-7]_)").match, toc_pages()):
        files, (moved, lines) = first_visit(browser, f"{book_url}/{path}", MOVED_AND_LINES)
        assert len(files) > 10  # the theme's files are among them
        weight[path] = sum(size for _, size in files)
        length = statistics.median(lines)
        found = {
            "bytes": weight[path] if weight[path] > HEAVIEST else 0,
            "moved": moved if moved > 0.02 else 0,
            "characters a line": 0 if 60 <= length <= 72 else length,
            "fonts by themselves": sum(kind == "font" for kind, _ in files),  # lines move when one comes
        }
        if any(found.values()):
            faults[path] = found
    median = statistics.median(weight.values())
    record_property("a chapter with all that it loads, median, gzip", f"{median / 1000:.0f} kB")
    assert faults == {}
    assert median <= MEDIAN
    assert weight[toc_pages()[0]] <= 400_000


@pytest.mark.parametrize("path", FROM_FILE)
def test_a_page_works_from_a_file(browser, book_html, path):
    with visiting(browser, (book_html / path).as_uri()) as visit:
        assert visit.problems == []
        assert visit.page.evaluate(BROKEN_PICTURES) == []
        assert visit.page.evaluate(UNSET_FORMULAS) == []


def test_every_chapter_offers_its_file_and_a_program(book_html):
    for path in toc_pages():
        source = ROOT / Path(path).with_suffix(".ipynb")
        if source.exists():
            page = (book_html / path).read_text("utf-8")
            links = re.findall(r'<a download href="([^"]*)"', page)
            notebook, program = [(book_html / path).parent / unquote(link) for link in links]
            assert notebook.read_bytes() == source.read_bytes()
            compile(program.read_text("utf-8"), program.name, "exec")


def test_next_and_previous_lead_to_the_neighbors(book_html):
    pages = [None, *toc_pages(), None]
    for before, path, after in zip(pages, pages[1:], pages[2:], strict=False):
        page = (book_html / path).read_text("utf-8")
        for name, neighbor in (("left-prev", before), ("right-next", after)):
            found = re.findall(rf'<a class="{name}"\s+href="([^"]*)"', page)
            assert found == ([os.path.relpath(neighbor, Path(path).parent)] if neighbor else []), path


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_search_finds_the_chapter_on_overlapping_pooling(open_page, scheme):
    visit = open_page(toc_pages()[0], scheme=scheme)
    visit.page.keyboard.press("Control+k")
    visit.page.locator("input[type=search]:focus").fill("overlapping")
    visit.page.keyboard.press("Enter")
    hit = visit.page.locator("#search-results a", has_text="3.4 Overlapping pooling").first
    hit.wait_for()
    visit.page.wait_for_load_state("networkidle")
    if scheme == "http":  # for the sentence below a hit its page is read, which no page from a file may do
        assert visit.problems == []
    hit.click()
    visit.page.wait_for_url("**/3_4_overlapping_pooling.html*")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_front_door_leads_to_the_first_page(browser, book_url, book_html, scheme):
    page = browser.new_page()
    page.goto(f"{book_url}/index.html" if scheme == "http" else (book_html / "index.html").as_uri())
    page.wait_for_url(f"**/{toc_pages()[0]}")
    page.close()


INTRUDERS = """async elsewhere => {
  window.told = [];
  document.addEventListener("securitypolicyviolation", event => window.told.push(event.effectiveDirective));
  const add = (tag, given) => document.body.append(Object.assign(document.createElement(tag), given));
  add("div", { innerHTML: '<img src="data:,x" onerror="window.hacked = 1">' });
  add("script", { textContent: "window.hacked = 2" });
  add("script", { src: elsewhere });
  add("iframe", { src: elsewhere });
  add("base", { href: elsewhere });
  add("img", { src: elsewhere });
  setTimeout("window.hacked = 3");
  await fetch(elsewhere).catch(() => 0);
  for (let frame = 0; frame < 9; frame++) await new Promise(requestAnimationFrame);
  return [window.hacked ?? null, [...new Set(window.told)].sort()];
}"""


def test_the_policy_lets_nothing_run_or_load_that_is_not_the_books(open_page):
    """Every other test over http holds the other half: the book lives under the same policy."""
    page = open_page(toc_pages()[0]).page
    hacked, told = page.evaluate(INTRUDERS, "https://example.org/far")
    assert hacked is None
    scripts = ["script-src", "script-src-attr", "script-src-elem"]
    assert told == ["base-uri", "connect-src", "frame-src", "img-src", *scripts]


# What a reader's browser hands to a page: its address, and what other pages of the host stored.
STRANGE = [
    "\"'><img src=x onerror=window.hacked=1><script>window.hacked=1</script>",
    "javascript:window.hacked=1",
    '{"__proto__": {"hacked": 1}}',
    "%E0%A4%A",
    "1e999",
]
# Every name in localStorage and sessionStorage that a page reads has this value.
STORED = """value => {
  const kept = new Proxy({}, {
    get: (_, name) => ({ getItem: () => value, setItem() {}, removeItem() {}, clear() {} })[name] ?? value });
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get: () => kept, configurable: true });
  }
}"""


@pytest.mark.slow
def test_no_address_and_nothing_stored_in_the_browser_becomes_code(browser, book_url):
    visit = new_tab(browser, "light", javascript=True)  # of its own: what is stored there stays wrong
    for value in STRANGE:
        visit.page.add_init_script(f"({STORED})({json.dumps(value)})")
        for page in ("book/3_3_local_response_normalization.html?highlight=", "search.html?q="):
            visit.page.goto(f"{book_url}/{page}{value}#{value}", wait_until="load")
            finish(visit.page)
            assert visit.page.evaluate("window.hacked ?? ({}).hacked ?? null") is None, (page, value)
    # The theme says so where it takes its own colors instead of those that were stored.
    assert [p for p in visit.problems if not p.startswith("console: Got invalid theme mode: ")] == []
    visit.page.context.close()


NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
  const get = () => { throw new DOMException("denied", "SecurityError") };
  Object.defineProperty(window, name, { get, configurable: true });
}"""


def test_where_the_browser_gives_no_storage_search_and_theme_work(browser, book_url):
    """A search for what every object of JavaScript inherits is tried on the way."""
    visit = new_tab(browser, "light", javascript=True)
    page, hits = visit.page, visit.page.locator("#search-results li a")
    page.add_init_script(NO_STORAGE)
    for word in ("overlapping", "constructor", "__proto__"):
        page.goto(f"{book_url}/search.html?q={word}", wait_until="load")
        page.locator("#search-results p.search-summary").wait_for()
        found = hits.count()
        assert found if word == "overlapping" else "undefined" not in hits.all_inner_texts()
    before = page.locator("html").get_attribute("data-mode")
    page.locator(".theme-switch-button:visible").first.click()
    assert page.locator("html").get_attribute("data-mode") != before
    # The theme says so where it has no stored choice to follow.
    assert [p for p in visit.problems if not p.startswith("console: Got invalid theme mode: ")] == []
    page.context.close()


BAD_PAGE = """<!doctype html><html lang="en"><head><title>Bad</title>
<style>.dim { background: #222 } #pale { color: #bbb }</style></head><body><main>
<p>1</p><p>2</p><p>3</p><p>4</p><p class="dim">class</p><p style="color: #bbb">style</p><p id="pale">id</p>
<section class="dim"><p>around</p></section>
<h1>Bad</h1><p>Raw: $x^2$ and \\(y\\)</p><span class="math">z</span>
<img src="missing.png" alt="A missing picture"><img alt="" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<img src="https://example.org/far.png" alt="A picture on another host">
<div style="width: 3000px; color: #bbb; background: #ccc">wide and pale</div>
</main><script>throw new Error("thrown")</script></body></html>"""


def test_each_check_sees_a_bad_page(browser, tmp_path):
    (tmp_path / "bad.html").write_text(BAD_PAGE, "utf-8")
    with visiting(browser, (tmp_path / "bad.html").as_uri()) as visit:
        text = "\n".join(visit.problems)
        assert "asks another host: https://example.org/far.png" in text
        assert "script: thrown" in text
        assert "ERR_FILE_NOT_FOUND" in text
        assert len(visit.page.evaluate(BROKEN_PICTURES)) >= 2
        assert len(visit.page.evaluate(SILENT_PICTURES)) == 1
        assert visit.page.evaluate(UNSET_FORMULAS) == ["$x^2$", "\\(", "z"]
        assert visit.page.evaluate(OVERHANG) > 1000
        found = [line.split("'")[1] for line in violations(visit.page) if line.startswith("color-contrast")]
        assert found == [".dim:nth-child(5)", "p:nth-child(6)", "#pale", "section > p", "div"]
