"""The glossary is in order, short, and points to chapters that use its words."""

import json
import re
from functools import cache
from pathlib import Path

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = (BOOK / "glossary.md").read_text("utf-8")
GLOSSARY = re.search(r"```\{glossary\}\n(.*?)\n```", PAGE, re.S).group(1)
ENTRY = re.compile(r"(?P<term>\S.*)\n  (?P<words>.+) \(\[(?P<chapter>.+)\]\((?P<file>\w+\.(?:ipynb|md))\)\)")
ENTRIES = [ENTRY.fullmatch(entry.strip("\n")) for entry in GLOSSARY.split("\n\n")]
LETTERS = ("N", "C", "H", "W", "n", "k", r"\alpha", r"\beta", "z", "s", "p", r"\epsilon", "v", "w")


@cache
def read(chapter):
    """What a chapter says, in small letters on one line: text, code and printed tables."""
    if chapter.endswith(".md"):
        return (BOOK / chapter).read_text("utf-8").lower()
    parts = []
    for cell in json.loads((BOOK / chapter).read_text("utf-8"))["cells"]:
        parts += cell["source"]
        for output in cell.get("outputs", []):
            parts += output.get("data", {}).get("text/plain", []) + output.get("text", [])
    return re.sub(r"\s+", " ", "".join(parts).replace("*", "")).lower()


def test_every_entry_is_in_order_short_and_used_in_the_chapter_that_it_names():
    assert None not in ENTRIES
    assert len(ENTRIES) > 70
    terms = [entry["term"].lower() for entry in ENTRIES]
    assert terms == sorted(set(terms))
    for entry in ENTRIES:
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", entry["words"])
        assert len(sentences) <= 2, entry["term"]
        assert entry["words"].endswith("."), entry["term"]
        assert entry["term"].lower() in read(entry["file"]), entry["term"]
        if entry["chapter"][0].isdigit():
            number = re.match(r"[\d_]+(?=_)", entry["file"]).group().replace("_", ".")
            assert entry["chapter"] == number, entry["term"]


def test_the_notation_explains_the_letters_of_the_paper():
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| $"))
    shown = re.findall(r"\$([^$]+)\$", rows)
    assert [letter for letter in LETTERS if letter not in shown] == []
