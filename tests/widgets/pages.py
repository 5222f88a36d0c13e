"""Pages with live widgets, made from today's code without building the book, and what to read off them."""

import random
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from matplotlib.figure import Figure

from alexnet_lib import widgets

PAGE = (
    '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
    '<script defer src="page-widgets.js"></script></head>'
    "<body><main><h1>{title}</h1>{body}</main></body></html>"
)


def example_text(k, word):
    """Repeat a word."""
    return word * k


def example_figure(slope):
    """A line through zero."""
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([-1, 1], [-slope, slope])
    return figure


EXAMPLES = {
    "page_interact-text": lambda: widgets.page_interact(example_text, k=[1, 2, 3], word=["no", "yes"]),
    "page_interact-figure": lambda: widgets.page_interact(example_figure, slope=[0.5, 1, 1e-05]),
}
EXPLORERS = [name for name in widgets.__all__ if name.endswith(("Explorer", "Growth"))]
NAMES = [*EXPLORERS, *EXAMPLES]


def make(name, **values):
    """A fresh widget of this name."""
    return EXAMPLES[name]() if name in EXAMPLES else getattr(widgets, name)(**values)


def html_of(widget):
    return widget._repr_mimebundle_()[0]["text/html"]


@dataclass
class Site:
    folder: Path
    root: str

    def _page(self, name, copies):
        path = self.folder / f"{name}-{copies}.html"
        if not path.exists():
            body = html_of(make(name)) * copies
            path.write_text(PAGE.format(title=name, body=body), "utf-8")
        return path

    def url(self, name, copies=1):
        return f"{self.root}/{self._page(name, copies).name}"

    def file(self, name, copies=1):
        return self._page(name, copies).as_uri()


def random_setting(widget, seed):
    """A value inside the range of every parameter; seed 0 takes all lowest, 1 all highest."""
    return {p["name"]: _draw(p, seed, random.Random(f"{seed} {p['name']}")) for p in widget.params}


def _draw(p, seed, rng):
    listed = {
        "toggle": [False, True],
        "choice": [o[0] for o in p.get("options", [])],
        "steps": p.get("values"),
    }
    if p["kind"] in listed:
        values = listed[p["kind"]]
        return values[0] if seed == 0 else values[-1] if seed == 1 else rng.choice(values)
    if seed < 2:
        return [p["min"], p["max"]][seed]
    if p["whole"]:
        return rng.randint(p["min"], p["max"])
    if p["log"]:
        return max(p["min"], float(f"{p['min'] * (p['max'] / p['min']) ** rng.random():.3g}"))
    return round(rng.uniform(p["min"], p["max"]), 4)


LIVE = "document.querySelector('.page-widget-live')"
ROOT = f"{LIVE}.shadowRoot"
# What the reader sees of a widget besides its controls.
OUTPUT = """box => {
  const root = box.querySelector('.page-widget-live').shadowRoot;
  const drawn = [...root.querySelectorAll('canvas')].map(c => c.toDataURL());
  const words = [...root.querySelectorAll('.summary, table, pre, svg')].map(e => e.outerHTML);
  const images = [...root.querySelectorAll('img:not([hidden])')].map(i => i.src);
  return [...drawn, ...words, ...images].join('\\n');
}"""
PAINTS = "box => Number(box.querySelector('.page-widget-live').dataset.paints)"


def after_painting(box, act):
    """Do something to a widget and wait until it has drawn its new state."""
    before = box.evaluate(PAINTS)
    act()
    box.page.wait_for_function(
        "([box, before]) => Number(box.querySelector('.page-widget-live').dataset.paints) > before",
        arg=[box.element_handle(), before],
    )


# The first control that Tab reaches, and the key that moves a control from where it stands.
FIRST = "input:not([type=radio], [type=file], [type=text]), input[type=radio]:checked, select"
MOVING_KEY = """c => {
  if (c.type === 'checkbox' || c.type === 'button') return 'Space';
  if (c.type === 'range') return c.value === c.max ? 'ArrowLeft' : 'ArrowRight';
  return c.selectedIndex === c.length - 1 ? 'ArrowUp' : 'ArrowDown';
}"""


def move(control):
    """Move a control by one key; returns the name of its parameter."""
    control.focus()
    control.page.keyboard.press(control.evaluate(MOVING_KEY))
    return control.evaluate("control => control.dataset.name ?? control.name")


# Moves a slider back and forth, several times a frame as a fast hand on a slow machine does.
WIGGLE = """async (slider, [moves, eachFrame]) => {
  const last = Number(slider.max);
  for (let move = 1; move <= moves; move++) {
    const place = move % (2 * last);
    slider.value = place > last ? 2 * last - place : place;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    if (move % eachFrame === 0) await new Promise(requestAnimationFrame);
  }
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
}"""


def wait_for_workers(page, count):
    """A worker that is ended is gone a moment later."""
    for _ in range(100):
        if len(page.workers) == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{len(page.workers)} workers, and not {count}")


def ask(arena, function, *values):
    """Call one of a module's functions in the page: ask(arena, "crop.shared", ...)."""
    return arena.evaluate(
        """async ([module, name, values]) => {
          const found = (await PAGE_WIDGETS.load(module))[name](...values);
          return ArrayBuffer.isView(found) ? [...found] : found;
        }""",
        [*function.split("."), values],
    )


def saying(page, words, part=".answer"):
    """Wait until a part of the widget says these words."""
    page.wait_for_function(f"words => {ROOT}.querySelector('{part}').textContent.includes(words)", arg=words)


def barriers(page):
    """What axe-core finds in the page: rules, and the elements that break them."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


def fits_a_phone(page):
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(200)
    beyond = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    page.set_viewport_size(size)
    return beyond <= 0


def held(page):
    """What a page holds once its garbage is collected: bytes of JavaScript, elements, listeners."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return {name: found[name] for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners")}
