"""Sphinx extension: formulas as MathML, set when the book is built.

Browsers draw MathML themselves since 2023, so a page needs no script for its formulas, and a screen reader
reads them. The font is a part of STIX Two Math (book/static/fonts). math-core translates the LaTeX; what it
cannot read is a warning, which stops a strict build.
"""

from html import escape

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOG = logging.getLogger(__name__)
TRANSLATE = LatexToMathML(fancy_error=False)


def mathml(node: nodes.Element, block: bool) -> str:
    """The formula of a node as a `math` element; the LaTeX itself where it cannot be read."""
    latex = node.astext()
    try:
        return TRANSLATE.convert_with_local_state(latex, displaystyle=block)
    except LatexError as error:
        LOG.warning("a formula cannot be read: %s", error, location=node, type="formulas")
        return f"<code>{escape(latex)}</code>"


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(f'<span class="math">{mathml(node, False)}</span>')
    raise nodes.SkipNode


def visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    # Wide ones scroll on a phone, and what scrolls must be reached by keyboard.
    self.body.append(self.starttag(node, "div", "", CLASS="math", tabindex="0"))
    self.body.append(f"{mathml(node, True)}</div>\n")
    raise nodes.SkipNode


def choose(_app: Sphinx, config) -> None:
    config.html_math_renderer = "mathml"


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("config-inited", choose)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
