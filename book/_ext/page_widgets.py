"""Sphinx extension: the widgets' script and data go into the book once, and a dead widget is a warning.

It imports the standard library, docutils, Sphinx and myst-nb only: building the page needs no torch.

- A page with a widget gets page-widgets.js; the data assets are beside it and loaded when a widget asks.
- Of an output's forms the page shows the static HTML before the live view, and no widget manager is loaded.
- storage.js comes before the theme's scripts, which end where a browser gives a page no storage.
- A search for "constructor" finds words and not what every JavaScript object inherits.
- A stored ipywidgets control has no kernel in the page. It becomes a note, and a warning that stops a
  strict build, unless its cell has the tag `live-only`, by which an author says that this is meant.
- A page has no inline script with its name, so that all pages have the same inline scripts and a security
  policy can list them.
"""

import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the library is not installed for readers
from alexnet_lib.widgets.bundle import asset_names, asset_script, on_click_names, page_script

LOG = logging.getLogger(__name__)
VIEW = "application/vnd.jupyter.widget-view+json"
SCRIPT = "page-widgets.js"
PAGE_NAME = "DOCUMENTATION_OPTIONS.pagename = "
TWIN_FIRST = [[builder, "text/html", 5] for builder in ("html", "dirhtml", "singlehtml")]
NOTE = "This control works in Jupyter only: it needs a running kernel."
DEAD = (
    "a widget is stored that needs a running kernel and would be dead in the page: use a widget of "
    "alexnet_lib.widgets or page_interact, show it alone and not inside a box, or give the cell the tag "
    "live-only"
)

# How a control prints when its view was taken out of the notebook, as ours are stored. ipywidgets may be
# missing where the page is built, so its classes are known by name.
_CONTROL = (
    r"interactive|interactive_output|[HV]?Box|GridBox|Accordion|Tab|Stack|AppLayout|TwoByTwoLayout"
    r"|GridspecLayout|(Int|Float|FloatLog)(Range)?Slider|Selection(Range)?Slider|(Bounded)?(Int|Float)Text"
    r"|Text|Textarea|Password|Combobox|Dropdown|Select(Multiple)?|RadioButtons|ToggleButtons?|Checkbox|Valid"
    r"|Button|Output|Play|Controller|ColorPicker|FileUpload|TagsInput|(Int|Float)sInput|(Int|Float)Progress"
    r"|DatePicker|TimePicker|DatetimePicker|HTML|HTMLMath|Label|Image|Audio|Video|\w+Explorer"
)
BARE_CONTROL = re.compile(rf"^({_CONTROL})\((\)$|\w+=)")


def prefer_twins(app: Sphinx, config) -> None:
    config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, *TWIN_FIRST]
    config.nb_ipywidgets_js = {}


def write_bundle(app: Sphinx) -> None:
    """Write script and data where Sphinx picks up static files."""
    static = Path(app.doctreedir) / "page_widgets"
    data = static / "page-assets"
    data.mkdir(parents=True, exist_ok=True)
    (static / SCRIPT).write_text(page_script(), encoding="utf-8")
    for name in [*asset_names(), *on_click_names()]:
        (data / f"{name}.js").write_text(asset_script(name), encoding="ascii")
    # Here and not in _config.yml: Jupyter Book would put every script of a configured folder on every page.
    app.config.html_static_path.append(str(static))


def add_storage(_app: Sphinx, _pagename: str, _template, context: dict, _doctree) -> None:
    """Put storage.js into the head of a page before anything else that runs."""
    script = f'<script src="{context["pathto"]("_static/scripts/storage.js", 1)}"></script>'
    context["metatags"] = context.get("metatags", "") + script


def list_inherited_names(app: Sphinx) -> list:
    """Give names that every JavaScript object inherits an empty entry, where the search would find those."""
    if indexer := getattr(app.builder, "indexer", None):
        for words in (indexer._mapping, indexer._title_mapping):
            for name in ("__proto__", "constructor"):
                words.setdefault(name, set())
    return []


def add_script(app: Sphinx, pagename: str, _template, context: dict, _doctree) -> None:
    scripts = getattr(app.env, "nb_metadata", {}).get(pagename, {}).get("js_files", {})
    for key in [key for key in scripts if key.startswith("ipywidgets")]:
        del scripts[key]  # the kernel's widget state, as large as all the data again
    if 'class="page-widget"' in (context.get("body") or ""):
        app.add_js_file(SCRIPT, loading_method="defer")


def drop_page_name(_app: Sphinx, _pagename: str, _template, context: dict, _doctree) -> None:
    for script in list(context["script_files"]):
        if str(script.attributes.get("body", "")).startswith(PAGE_NAME):
            context["script_files"].remove(script)


class DeadWidgets(SphinxPostTransform):
    """Replace outputs that only a kernel can bring to life; runs before myst-nb picks a form (priority 4)."""

    default_priority = 3

    def run(self, **kwargs) -> None:
        bundles = [n for n in self.document.findall(nodes.container) if n.get("nb_element") == "mime_bundle"]
        for bundle in filter(is_dead, bundles):
            if "tag_live-only" not in classes_around(bundle):
                LOG.warning(DEAD, location=bundle, type="page-widgets", subtype="dead")
            bundle.replace_self(nodes.note("", nodes.paragraph("", NOTE)))


def is_dead(bundle: nodes.container) -> bool:
    """Whether an output is a widget without an HTML form."""
    forms = {form["mime_type"]: form for form in bundle.children}
    if "text/html" in forms:
        return False
    plain = forms["text/plain"].astext() if "text/plain" in forms else ""
    return VIEW in forms or bool(BARE_CONTROL.match(plain))


def classes_around(node: nodes.Node) -> set[str]:
    found = set()
    while node is not None:
        found.update(node.get("classes", []) if isinstance(node, nodes.Element) else [])
        node = node.parent
    return found


def setup(app: Sphinx) -> dict:
    app.setup_extension("myst_nb")
    app.connect("config-inited", prefer_twins)
    app.connect("builder-inited", write_bundle)
    app.connect("html-page-context", add_storage)
    app.connect("html-collect-pages", list_inherited_names)
    app.connect("html-page-context", add_script, priority=400)  # before myst-nb adds its scripts (500)
    app.connect("html-page-context", drop_page_name, priority=900)  # after all that add scripts
    app.add_post_transform(DeadWidgets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
