"""Sphinx extension: the glossary's words in the chapters, each linked at its first place on a page.

The link leads to the glossary. With scripts/page.js the definition comes as a card under the word, from
glossary.js, which is written beside the pages and loaded when the first word is pointed at.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import glossary
from sphinx.application import Sphinx

PAGE = "book/glossary"
# Pages that list or define words, and front pages on which a link would distract.
WITHOUT = {PAGE, "book/index", "book/api", "book/bibliography", "book/widget_gallery", "book/the_net"}
NOT_IN = (nodes.reference, nodes.literal, nodes.math, nodes.title, nodes.table, nodes.raw)
MARKUP = re.compile(r"\s*\(\S+\)$")  # the chapter that explains a word, at the end of its definition


def entries(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Anchor -> word and definition."""
    found = {}
    for item in app.env.get_doctree(PAGE).findall(nodes.definition_list_item):
        if isinstance(item.parent.parent, glossary):
            term, definition = item.next_node(nodes.term), item.next_node(nodes.definition)
            found[term["ids"][0]] = (term.astext(), MARKUP.sub("", definition.astext()))
    return found


def pattern(words: list[str]) -> re.Pattern:
    """Any of the words, the longest first, also in the plural."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest))})(e?s)?(?![\w-])", re.IGNORECASE)


def link_words(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if docname in WITHOUT or app.builder.format != "html":
        return
    anchors = {word.lower(): anchor for anchor, (word, _) in entries(app).items()}
    address, words, seen = app.builder.get_relative_uri(docname, PAGE), pattern(list(anchors)), set()
    for text in list(doctree.findall(nodes.Text)):
        around = ancestors(text)
        if in_html_link(text):
            continue
        if not any(isinstance(n, nodes.paragraph) for n in around) or any(
            isinstance(n, NOT_IN) for n in around
        ):
            continue
        parts, at, plain = [], 0, text.astext()
        for match in words.finditer(plain):
            word = match[1].lower()
            if word in seen:
                continue
            seen.add(word)
            link = nodes.reference(match[0], match[0], refuri=f"{address}#{anchors[word]}", internal=True)
            link["classes"].append("word")
            parts += [nodes.Text(plain[at : match.start()]), link]
            at = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(plain[at:])])


def in_html_link(text: nodes.Text) -> bool:
    """Whether an `<a>` written as HTML is open here."""
    before = text.parent.children[: text.parent.index(text)]
    html = "".join(node.astext() for node in before if isinstance(node, nodes.raw))
    return html.count("<a ") > html.count("</a>")


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def write_cards(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        text = json.dumps(entries(app), ensure_ascii=False)
        Path(app.outdir, "_static", "glossary.js").write_text(f"window.GLOSSARY = {text};\n", "utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("doctree-resolved", link_words)
    app.connect("build-finished", write_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
