"""The tables that are computed, against numbers worked out elsewhere."""

import dataclasses
import json
from dataclasses import replace

import pytest
from conftest import ROOT
from test_counts import PARAMETERS
from test_records import RECORD

from alexnet_lib import paper, records
from alexnet_lib.architecture import SPECS
from alexnet_lib.chapters import (
    architecture,
    discussion,
    learning,
    ledger,
    source,
    training,
)
from alexnet_lib.chapters.evidence import NOT_YET, finding
from alexnet_lib.learning import TrainConfig


def number(cell):
    return int(cell.replace(",", ""))


def test_the_specs_have_their_known_counts():
    table = architecture.spec_table()
    found = dict(zip(table.column("spec"), map(number, table.column("parameters")), strict=True))
    assert {name: found[name] for name in PARAMETERS} == PARAMETERS
    macs = dict(zip(table.column("spec"), table.column("multiply-accumulates"), strict=True))
    assert macs["paper"] == "724,406,816"


def test_the_layer_table_adds_up_to_the_net():
    table = architecture.layer_table("paper")
    assert sum(map(number, table.column("parameters"))) == PARAMETERS["paper"]
    assert table.rows[0] == ("conv1", "96 x 55 x 55", "290,400", "34,944", "105,415,200")


def test_the_counted_claims_contradict_one_sentence_and_find_one_misprint():
    rows = {row[0]: row for row in architecture.counted_claims().rows}
    wrong = [name for name, row in rows.items() if row[-1].startswith("contradicted")]
    assert wrong == ["Parameters of one convolutional layer, in percent of all"]
    assert rows["Parameters of the net"][1::2] == ("60 million", "60,965,224")
    figure = next(row for name, row in rows.items() if name.startswith("Figure 2"))
    assert figure[3] == f"8 of 9 agree; conv1 has {55 * 55 * 96:,}, not {55 * 48 * 96:,}"


def test_decay_halves_a_weight_in_as_many_steps_as_a_walk_takes():
    weight, velocity, steps = 1.0, 0.0, 0
    while weight > 0.5:
        velocity = 0.9 * velocity - 0.0005 * 0.01 * weight
        weight, steps = weight + velocity, steps + 1
    (row,) = learning.decay_half_lives([0.01]).rows
    assert number(row[1]) == pytest.approx(steps, rel=0.05)
    assert learning.check_decay_steps(steps).right


def test_the_nets_without_layers_have_the_counts_worked_by_hand():
    conv3, conv4, conv5 = 384 * 256 * 9 + 384, 384 * 192 * 9 + 384, 256 * 192 * 9 + 256
    conv4_on_128, conv5_on_128 = 384 * 128 * 9 + 384, 256 * 128 * 9 + 256
    whole = PARAMETERS["paper"]
    rows = discussion.nets_without_layers().rows
    assert [number(row[1]) for row in rows] == [
        whole,
        whole - conv3 - conv4 + conv4_on_128,
        whole - conv4,
        whole - conv3 - conv4 - conv5 + conv5_on_128,
    ]
    assert [row[4] for row in rows] == ["195", "163", "163", "131"]


def test_the_twelve_differences_have_a_row_each():
    found = dict.fromkeys(source.LOGGED, "x")
    assert {row[0] for row in source.twelve_differences(found).rows} == {d.subject for d in paper.DIFFERENCES}


def test_the_papers_net_differs_from_itself_in_nothing():
    table = source.reimplementations([SPECS["paper"], SPECS["torchvision"]])
    assert set(table.rows[0][2:]) <= {source.AS_PAPER, *table.rows[0][2:]}
    assert {row[2] for row in table.rows} == {source.AS_PAPER}
    assert sum(row[3] != source.AS_PAPER for row in table.rows) > 5


def test_the_memory_of_the_weights_is_what_torch_counts():
    takes = dict(training.memory_table().rows)
    assert takes["weights"] == takes["their velocity"] == f"{4 * PARAMETERS['paper'] / 1e6:.0f} MB"
    assert takes["ImageNet, 1,200,000 images, as bytes"] == f"{1_200_000 * 3 * 256 * 256 / 1e9:.1f} GB"


def test_the_settings_of_a_recorded_run_are_read_back():
    config = replace(TrainConfig(), epochs=4, milestones=(1, 3), seed=7)
    # As a file gives it back: a tuple comes back as a list.
    stored = json.loads(json.dumps({**dataclasses.asdict(config), "changes": []}))
    record = replace(RECORD, config=stored)
    assert training.config_of(record) == config


def test_each_speed_takes_as_long_as_108_million_images_divided_by_it():
    rows = training.speed_table(yours=108_000_000 / 3600).rows
    assert "5.4 days" in rows[0]
    assert rows[-1][2:4] == ("about 30,000", "1.0 hours")


@pytest.fixture(scope="module")
def table():
    return ledger.claim_ledger()


def test_the_ledger_has_a_row_for_each_claim_of_the_paper_and_fits_one_screen(table):
    ours = {"error-2012-continued", "no-communication", "lrn-layer-2"}  # of the 2012 logs, not of the paper
    named = {name for _, _, name, _ in ledger.LINES}
    # The difference of the center crop and the ten crops has a row.
    assert {claim.name for claim in paper.CLAIMS} - named == ours | {"error-2010-center"}
    assert len(table.rows) == len(set(table.column("claim"))) <= 26
    assert list(table.column("in words")).count(ledger.ASKED_NOT) <= 6
    assert all(len(cell) <= 60 for row in table.rows for cell in row)


def test_the_ledger_follows_the_chapters_and_links_to_pages_that_exist(table):
    sections = [tuple(map(int, section.split("."))) for section in table.column("§")]
    assert sections == sorted(sections)
    for section in table.column("§"):
        page = ledger.PAGES[section]
        assert (ROOT / "book" / f"{page}.ipynb").exists()
        assert f'href="{page}.html"' in table._repr_html_()


def test_an_experiment_without_an_interval_is_not_measured(tmp_path):
    claim = next(claim for claim in paper.CLAIMS if claim.name == "lrn")
    assert finding(claim, tmp_path).value == NOT_YET
    records.store(replace(RECORD, experiment=claim.experiment), tmp_path)
    assert finding(claim, tmp_path).verdict == "not measured"
    assert "1 runs on record" in finding(claim, tmp_path).value
