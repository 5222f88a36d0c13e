"""Sphinx extension: a page loads no script that it has no use for.

_config.yml needs its name and no other line:

    sphinx:
      local_extensions: {alexnet_lib.widgets.light_pages: .}

It imports the standard library and Sphinx only: building the page needs no torch.

- Sphinx gives MathJax, a quarter of a megabyte, to every page above one with formulas, so to the first page
  too.
- pydata-sphinx-theme writes the page's name into a script, for a list of versions that this book has not.
  Without it all pages have the same few inline scripts, which a content security policy can name one by one.
- The theme's icons are a font and, once more, a script of 1.5 MB. book/static/scripts/fontawesome.js, which
  is empty, takes that script's place: Sphinx copies our static files over those of the theme.
"""

import re

from sphinx.application import Sphinx

FORMULA = re.compile(r'class="[^"]*\bmath\b')
MATHJAX = re.compile(r"mathjax/|^window\.MathJax = ")
PAGE_NAME = re.compile(r"^DOCUMENTATION_OPTIONS\.pagename = ")


def drop_needless(_app: Sphinx, _pagename: str, _template, context: dict, _doctree) -> None:
    """Take the scripts off a page that it does not need."""
    needless = [PAGE_NAME] if FORMULA.search(context.get("body") or "") else [PAGE_NAME, MATHJAX]
    for script in list(context["script_files"]):
        text = str(script.filename or script.attributes.get("body", ""))
        if any(pattern.search(text) for pattern in needless):
            context["script_files"].remove(script)


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", drop_needless, priority=900)  # after all who add scripts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
