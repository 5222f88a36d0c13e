"""The glossary is in order, short, and points to chapters that use its words."""

import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = (BOOK / "glossary.md").read_text("utf-8")
GLOSSARY = re.search(r"```\{glossary\}\n(.*?)\n```", PAGE, re.S).group(1)
ENTRY = re.compile(r"(?P<term>\S.*)\n  (?P<words>.+) \(\[(?P<chapter>.+)\]\((?P<file>\w+\.ipynb)\)\)")
ENTRIES = [ENTRY.fullmatch(entry.strip("\n")) for entry in GLOSSARY.split("\n\n")]
LETTERS = ("N", "C", "H", "W", "n", "k", r"\alpha", r"\beta", "z", "s", "p", r"\epsilon", "v", "w")


def read(chapter):
    """What a chapter says, in small letters on one line: text, code and printed tables."""
    parts = []
    for cell in json.loads((BOOK / chapter).read_text("utf-8"))["cells"]:
        parts += cell["source"]
        for output in cell.get("outputs", []):
            parts += output.get("data", {}).get("text/plain", []) + output.get("text", [])
    return re.sub(r"\s+", " ", "".join(parts).replace("*", "")).lower()


def test_every_entry_has_a_term_words_and_a_chapter():
    assert None not in ENTRIES
    assert len(ENTRIES) > 100


def test_the_terms_are_in_order_and_each_stands_once():
    terms = [entry["term"].lower() for entry in ENTRIES]
    assert terms == sorted(set(terms))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["term"])
def test_a_term_is_explained_in_two_sentences_at_most_and_used_in_its_chapter(entry):
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", entry["words"])
    assert len(sentences) <= 2
    assert entry["words"].endswith(".")
    assert entry["term"].lower() in read(entry["file"])


def test_a_chapter_is_named_by_the_number_of_its_file():
    for entry in ENTRIES:
        if entry["chapter"][0].isdigit():
            number = re.match(r"[\d_]+(?=_)", entry["file"]).group().replace("_", ".")
            assert entry["chapter"] == number


def test_the_notation_explains_the_letters_of_the_paper():
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| $"))
    shown = re.findall(r"\$([^$]+)\$", rows)
    assert [letter for letter in LETTERS if letter not in shown] == []
