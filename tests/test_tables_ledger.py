"""The ledger holds every claim once, with its three values; the notes of readers hold the right numbers."""

import dataclasses
import importlib
import json
import re
from pathlib import Path

import pytest
from test_records import RECORD

from alexnet_lib import paper, records, tables
from alexnet_lib.tables import ledger
from alexnet_lib.tables.claims import NOT_YET, finding

CHAPTERS = sorted((Path(__file__).resolve().parent.parent / "book").glob("*.ipynb"))
CLAIM = next(claim for claim in paper.CLAIMS if claim.name == "lrn")


@pytest.fixture(scope="module")
def table():
    """The ledger, made once: it takes a third of a second."""
    return tables.claim_ledger()


def carded_sections():
    """The sections whose claims some chapter shows as a card."""
    for chapter in CHAPTERS:
        cells = json.loads(chapter.read_text("utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        yield from re.findall(r'claim_card\("([\d.]+)"\)', code)
        yield from (
            section
            for section, table in (("1", "counted_claims()"), ("6.1", "qualitative_claims("))
            if table in code
        )


@pytest.mark.parametrize("claim", paper.CLAIMS, ids=lambda claim: claim.name)
def test_every_claim_has_one_row_in_the_ledger_with_the_papers_value_and_the_sources(claim, table):
    (row,) = (row for row in table.rows if row[0] == claim.statement)
    assert row[1:3] == (claim.paper, claim.source or "nothing in the package")
    assert claim.section in row[5].split(", ")


def test_every_claim_stands_in_the_claim_card_of_a_chapter():
    assert {claim.section for claim in paper.CLAIMS} - set(carded_sections()) == set()


def test_the_ledger_has_the_sizes_that_are_counted_too_and_each_statement_once(table):
    statements = table.column("claim")
    assert set(tables.counted_claims().column("claim")) <= set(statements)
    assert len(set(statements)) == len(statements)


def test_the_ledger_follows_the_chapters(table):
    chapters = [row[5].split(",")[0] for row in table.rows]
    assert chapters[0] == "1"
    assert chapters[-1] == "7"
    assert chapters.index("3.5") < chapters.index("4.1") < chapters.index("5") < chapters.index("6.1")


def test_every_row_that_is_not_measured_says_so_in_its_value_or_why(table):
    for row in table.rows:
        if row[4] == "not measured":
            assert row[3] in (NOT_YET, "no towers in the recorded net") or "on record" in row[3]
        else:
            assert NOT_YET not in (row[3], row[6])


def test_the_calls_that_count_can_be_made_and_give_the_counted_value(table):
    assert sum("() of " in row[6] for row in table.rows) >= 13
    for row in table.rows:
        if "() of " in row[6]:
            name, _, module = row[6].partition("() of ")
            counted = getattr(importlib.import_module(module), name)()
            value = row[3].removesuffix(", counted")
            assert value == f"{counted:,}" if isinstance(counted, int) else value in repr(counted)


def test_the_verdicts_are_counted_and_add_up_to_the_ledger(table):
    counts = {verdict: int(count) for verdict, count in tables.verdict_counts().rows}
    assert list(counts) == [*ledger.VERDICTS, "all"]
    assert sum(counts.values()) == 2 * len(table.rows)
    # Parameters and neurons of the net; input, conv2 to conv5 and fc6 to fc8 of Figure 2.
    assert counts["reproduced"] >= 10
    # Neurons of conv1, shares of conv3 and conv4, and the number of views.
    assert counts["contradicted"] >= 3


def test_a_verdict_that_is_none_is_named():
    assert ledger.verdict_kind("contradicted: a misprint") == "contradicted"
    with pytest.raises(ValueError, match=r"verdict is 'hardly', and must begin with one of: reproduced, "):
        ledger.verdict_kind("hardly")


def test_an_experiment_without_records_is_not_measured(tmp_path):
    assert finding(CLAIM, tmp_path) == (finding(CLAIM, tmp_path / "nowhere"))
    assert finding(CLAIM, tmp_path).value == finding(CLAIM, tmp_path).command == NOT_YET


def test_an_experiment_with_records_is_counted_and_its_commands_are_named_once(tmp_path):
    for label, command in (("a", "run this"), ("b", "run that"), ("c", "run this")):
        run = dataclasses.replace(RECORD, experiment=CLAIM.experiment, label=label, command=command)
        records.store(run, tmp_path)
    found = finding(CLAIM, tmp_path)
    assert found.value == "3 runs on record, no interval yet"
    assert found.verdict == "not measured"
    assert found.command == "run this; run that"


def test_a_claim_about_nets_on_imagenet_names_the_papers_own_run():
    claim = next(claim for claim in paper.CLAIMS if claim.name == "error-2012")
    assert finding(claim).command.startswith("alexnet train --preset imagenet")


def test_the_notes_of_readers_hold_the_numbers_of_section_c():
    notes = {row[1]: row[2] for row in tables.readers_notes().rows}
    assert {row[0] for row in tables.readers_notes().rows} == {"000", "001", "002", "003", "004"}
    assert "2,178 views" in notes["Crops and reflections make the data 2048 times as large"]
    counts = notes["About 62 million parameters and 630 million operations"]
    assert all(number in counts for number in ("60,965,224", "62,378,344", "724 million"))
    assert "384" in notes["conv3 has 284 kernels"]
    assert "64,896" in notes["conv3 has 284 kernels"]
    assert notes["The entry won by 10.9 %"].startswith("By 10.9 points, 26.2 % against 15.3 %")
    assert "fell by 42 %" in notes["The entry won by 10.9 %"]
    assert notes["A table of layers with 58,322,314 parameters"].startswith("58,322,314")
