"""Sphinx extension: what the head of a page tells about it, and what the theme brings that no page uses.

- `description` is the page's first paragraph. With a public address (html_baseurl) there is a picture too.
- The theme's icon fonts (700 kB) are taken out: page.css draws the few icons that the pages have.
- The book's own fonts (95 kB) are put into page.css, so that they are there before the first line is drawn.
"""

import base64
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

CITATION = re.compile(r" \[[^\]]*\d{4}[a-z]?\]")
LONGEST = 160  # characters, which is about what a search engine shows


def description(doctree: nodes.document) -> str:
    """The first paragraph with words in it, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = CITATION.sub("", " ".join(paragraph.astext().split()))
        if len(text) > 40:
            return text if len(text) <= LONGEST else text[: LONGEST - 2].rpartition(" ")[0] + " …"
    return ""


def add_meta(app: Sphinx, _pagename: str, _template, context: dict, doctree) -> None:
    found = description(doctree) if doctree else ""
    title = context.get("title") or app.config.html_title
    told = [("description", found), ("og:description", found)] if found else []
    context["page_meta"] = [("og:title", title), ("og:site_name", app.config.html_title), *told]
    if app.config.html_baseurl:
        picture = f"{app.config.html_baseurl.rstrip('/')}/_static/share.png"
        context["page_meta"] += [("og:image", picture), ("og:url", context["pageurl"])]


def drop_icon_fonts(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        shutil.rmtree(Path(app.outdir, "_static", "vendor", "fontawesome"), ignore_errors=True)


def inline_fonts(app: Sphinx, error: Exception | None) -> None:
    sheet = Path(app.outdir, "_static", "page.css")
    if error is None:

        def data(found: re.Match) -> str:
            font = base64.b64encode((sheet.parent / found[1]).read_bytes()).decode()
            return f'url("data:font/woff2;base64,{font}")'

        sheet.write_text(re.sub(r'url\("(fonts/[^"]+)"\)', data, sheet.read_text("utf-8")), "utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", add_meta)
    app.connect("build-finished", drop_icon_fonts)
    app.connect("build-finished", inline_fonts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
