"""An address, a browser's storage and the state in a copied page are data: never markup, never code."""

import json
import re

import pytest
from conftest import visiting

from alexnet_lib.widgets import bundle

from .pages import NAMES, PAGE, html_of, make

# Addresses and states are read by code that all widgets share: two of them always, the others at night.
grouped = [
    pytest.param(
        name,
        marks=[
            pytest.mark.xdist_group(name),
            *([] if name in ("LrnExplorer", "TowerExplorer") else [pytest.mark.slow]),
        ],
        id=name,
    )
    for name in NAMES
]
every_widget = pytest.mark.parametrize("name", grouped)

MARKUP = "\"'><img src=x onerror=\"window.hacked='markup'\"><script>window.hacked='script'</script>"
HOSTILE = [
    MARKUP,
    "javascript:window.hacked=1",
    "');window.hacked=1;//",
    "${window.hacked=1}",
    "__proto__",
    "1e999",
    "NaN",
    "%",
    "%E0%A4%A",
    "%3Cimg src=x onerror=window.hacked=1%3E",
    "{",
    "9" * 100_000,
]
FOLLOW = """async ([box, addresses]) => {
  const root = box.querySelector(".page-widget-live").shadowRoot;
  const [note, summary] = [".note", ".summary"].map((part) => root.querySelector(part));
  const seen = [];
  for (const address of addresses) {
    location.hash = address;
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    seen.push([note.textContent, note.childElementCount, summary.textContent]);
  }
  return seen;
}"""
HACKED = "() => window.hacked ?? ({}).hacked ?? null"


@pytest.mark.browser
@every_widget
def test_no_address_becomes_markup_or_code(browser, site, name):
    widget = make(name)
    names = [p["name"] for p in widget.params]
    addresses = []
    for bad in HOSTILE:
        asked = [
            f"{widget.page_name}.{part}" for part in (*(f"{n}={bad}" for n in names), f"{bad}=1", f"={bad}")
        ]
        addresses.append("&".join([bad, *asked, *asked]))
    with visiting(browser, site.url(name)) as visit:
        box = visit.page.locator(".page-widget")
        seen = visit.page.evaluate(FOLLOW, [box.element_handle(), addresses])
        for bad, (note, elements, summary) in zip(HOSTILE, seen, strict=True):
            # One sentence for a parameter, and one for all unknown names, however often they are asked for.
            assert note.count("The link ") == len(names) + 1, bad[:99]
            assert (elements, summary) == (0, widget.summary()), bad[:99]
        assert visit.page.evaluate(HACKED) is None
        assert visit.problems == []


DRAWN = {"label", "unit", "title", "told", "words"}  # what of a state is drawn as words


def with_markup(value, drawn=False):
    """A state whose words are markup: labels, units, the options' names, texts made beforehand."""
    if isinstance(value, dict):
        texts = {"data"} if value.get("kind") == "text" else set()
        named = {key: with_markup(part, key in DRAWN | texts) for key, part in value.items()}
        options = [[key, MARKUP + words] for key, words in value.get("options", [])]
        return named | ({"options": options} if options else {})
    if isinstance(value, list):
        return [with_markup(part, drawn) for part in value]
    return MARKUP + value if drawn and isinstance(value, str) else value


def all_strings(value):
    if isinstance(value, dict):
        return {key: all_strings(part) for key, part in value.items()}
    if isinstance(value, list):
        return [all_strings(part) for part in value]
    return MARKUP if isinstance(value, str) else value


WRONG = [1e308, MARKUP, None, {"__proto__": 1}, [], "NaN"]


def wrong_settings(state):
    return state | {p["name"]: WRONG[at % len(WRONG)] for at, p in enumerate(state["params"])}


# How a state is spoilt -> its text, and whether the figure starts; None: some do.
SPOILT = {
    "words are markup": (lambda state: json.dumps(with_markup(state)), True),
    "wrong settings": (lambda state: json.dumps(wrong_settings(state)), True),
    "a prototype": (lambda state: json.dumps(state)[:-1] + ',"__proto__":{"hacked":1}}', True),
    "every string is markup": (lambda state: json.dumps(all_strings(state)), None),
    "another script as data": (lambda state: json.dumps(state | {"more": {"$asset": "../hack"}}), False),
    "cut": (lambda state: json.dumps(state)[:-9], False),
    "not a number": (lambda state: json.dumps(state | {"more": float("nan")}), False),
    "code": (lambda state: "window.hacked=1", False),
}


def copied(html, spoil):
    """A widget's HTML with another state in it, escaped as twin.py does it."""
    before, text, after = re.fullmatch(
        r'(.*<script type="application/json">)(.*)(</script>.*)', html
    ).groups()
    return before + spoil(json.loads(text)).replace("<", "\\u003c") + after


@pytest.mark.browser
@every_widget
def test_no_state_of_a_copied_page_becomes_markup_or_code(browser, site, name):
    widget = make(name)
    html = html_of(widget)
    body = "".join(copied(html, spoil) for spoil, _ in SPOILT.values())
    (site.folder / f"{name}-spoilt.html").write_text(PAGE.format(title=name, body=body), "utf-8")
    (site.folder / "hack.js").write_text("window.hacked = 'another script'", "utf-8")
    with visiting(browser, f"{site.root}/{name}-spoilt.html") as visit:
        boxes = visit.page.locator(".page-widget").all()
        failures = 0
        for (how, (_, starts)), box in zip(SPOILT.items(), boxes, strict=True):
            live = box.locator(".page-widget-live")
            assert live.locator("script, [onerror]").count() == 0, how
            started = box.get_attribute("data-state") == "ready"
            assert starts is None or started == starts, how
            if how in ("wrong settings", "a prototype"):
                assert live.locator(".summary").inner_text() == widget.summary(), how
            if not started:
                failures += 1
                assert live.inner_text().startswith("This figure did not start ("), how
                assert box.locator("figure img").is_visible(), how
        assert visit.page.evaluate(HACKED) is None
        # Each figure that did not start says why on the console, and nothing else goes wrong.
        assert len(visit.problems) == failures, visit.problems
        assert all(problem.startswith("console: ") for problem in visit.problems)


# Ways from text to markup or code, and what keeps text for later pages.
DANGEROUS = re.compile(
    r"(?:inner|outer)HTML|insertAdjacentHTML|setHTML|createContextualFragment|DOMParser|srcdoc|document\.write"
    r"|\beval\b|\bFunction\(|set(?:Timeout|Interval)\([\"'`]|javascript:|setAttribute\([\"']on"
    r"|createElement\([\"']script|import\(|localStorage|sessionStorage|document\.cookie|postMessage"
)
ALLOWED = [
    ("host.js", 'createElement("script'),  # data of the book's own, by a name out of a list
    ("host.js", "import("),  # a module of the bundle, by a name out of a list
    ("engine_client.js", "import("),  # the book's own engine, where workers are refused
    ("engine_client.js", "postMessage"),  # between the engine's worker and the page
    ("engine_client.js", "postMessage"),
]


def test_no_script_of_ours_has_a_way_from_text_to_markup_or_code():
    found = [
        (path.name, words)
        for path in sorted(bundle.JS.glob("*.js"))
        for words in DANGEROUS.findall(path.read_text("utf-8"))
    ]
    assert sorted(found) == sorted(ALLOWED)
