"""`RunExplorer`: epochs to a threshold, on made-up curves that no run has recorded."""

import math
import random
from dataclasses import replace

import pytest

from alexnet_lib.records import Record
from alexnet_lib.widgets import RunExplorer, runs

from .pages import ask

MADE_UP = Record(
    experiment="made_up",
    label="falling",
    date="2000-01-01",
    command="none",
    data="no data",
    images=1234,
    seed=7,
    config={"rate": 0.5},
    hardware="no machine",
    versions={},
    commit="",
    seconds=0,
    curves={"test error": [0.9, 0.5, 0.25, 0.1]},
    results={},
)
SLOW = replace(
    MADE_UP, label="slow", curves={"training error": [0.9] * 4, "test error": [0.8, 0.7, 0.6, 0.25]}
)
KEYS = ["made_up-falling-test-error", "made_up-slow-training-error", "made_up-slow-test-error"]


def test_two_runs_of_the_same_measure_are_shown_first():
    widget = RunExplorer([MADE_UP, SLOW])
    assert list(widget.runs) == KEYS
    assert (widget.a, widget.b) == (KEYS[0], KEYS[2])


def test_training_errors_go_before_other_measures():
    both = replace(MADE_UP, curves={"test error": [0.9], "training error": [0.9]})
    widget = RunExplorer([both, replace(both, label="other")])
    assert (widget.a, widget.b) == ("made_up-falling-training-error", "made_up-other-training-error")


def test_runs_that_share_no_measure_are_shown_in_their_order():
    widget = RunExplorer([MADE_UP, replace(SLOW, curves={"training loss": [2.0]})])
    assert (widget.a, widget.b) == (KEYS[0], "made_up-slow-training-loss")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            {},
            "At or below 0.250: test error of falling (made up) after 3 epochs, test error of slow (made up) "
            "after 4 epochs; a ratio of 4 / 3 = 1.33, from one run each,",
        ),
        ({"threshold": 0.95}, "falling (made up) after 1 epoch, test error of slow (made up) after 1 epoch;"),
        (
            {"b": KEYS[1]},
            "training error of slow (made up) in none of its 4 epochs; no ratio, from one run each, which "
            "differ in data or measure, measured here and not in the paper.",
        ),
    ],
)
def test_the_summary_says_when_each_is_there_and_their_ratio(setting, words):
    assert words in RunExplorer([MADE_UP, SLOW], **setting).summary()


def test_a_second_run_of_one_name_leaves_the_first_its_link():
    again = replace(MADE_UP, date="2000-01-02")
    widget = RunExplorer([MADE_UP, again, again])
    assert list(widget.runs) == [KEYS[0], f"{KEYS[0]}~2", f"{KEYS[0]}~3"]
    assert widget.runs[f"{KEYS[0]}~2"]["name"] == "test error of falling (made up), 2000-01-02"


@pytest.mark.browser
def test_the_page_finds_the_same_epoch(arena):
    rng = random.Random(0)
    for _ in range(40):
        values = [round(rng.random(), 2) for _ in range(rng.randint(1, 8))]
        threshold = round(rng.random(), 2)
        record = replace(MADE_UP, curves={"test error": values})
        ours = ask(arena, "runs.firstBelow", values, threshold)
        assert ours == record.first_below("test error", threshold), (values, threshold)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("high", "count", "expected"),
    [
        (20, 10, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]),
        (0.74, 6, [0, 0.2, 0.4, 0.6]),
        (3.15, 6, [0, 1, 2, 3]),
        (90, 10, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]),
    ],
)
def test_the_axes_carry_few_round_numbers(arena, high, count, expected):
    assert ask(arena, "runs.ticks", high, count) == expected


def test_the_package_has_runs_to_compare_and_relu_stands_before_tanh():
    shipped = runs.recorded()
    assert [record.label for record in shipped[:2]] == ["relu", "tanh"]
    assert {record.experiment for record in shipped[:2]} == {runs.FIRST}
    widget = RunExplorer()
    assert (widget.a, widget.b) == (
        "first_curves-relu-running-training-error",
        "first_curves-tanh-running-training-error",
    )
    assert len(widget.runs) == sum(len(record.curves) for record in shipped)


def test_a_run_in_two_experiments_and_further_seeds_are_left_out_of_the_choice(monkeypatch):
    command = "alexnet experiment run made_up"
    made = replace(MADE_UP, command=command, label="arm-seed0", curves=SLOW.curves)
    others = [
        replace(made, label="arm-seed1"),
        replace(made, label="arm-rate-search-0.01"),
        replace(made, experiment="other"),
    ]
    monkeypatch.setattr(runs, "every_record", lambda: [*others, made])
    shown = runs.recorded()
    assert [(each.experiment, each.label, *each.curves) for each in shown] == [
        ("made_up", "arm-seed0", "training error")
    ]


@pytest.mark.parametrize(
    ("records", "kind", "words"),
    [
        ([], ValueError, "records hold 0 curves, and two are compared: give records with at least two"),
        ([MADE_UP], ValueError, "records hold 1 curves"),
        (["relu"], TypeError, r"records holds 'relu', and must hold Record alone: .*load\(experiment\)"),
        (
            [replace(MADE_UP, curves={"loss": [math.nan]}), SLOW],
            ValueError,
            r"loss of falling \(made up\) must hold finite numbers",
        ),
        ([replace(MADE_UP, curves={"loss": []}), SLOW], ValueError, "must hold finite numbers, one for each"),
    ],
)
def test_records_that_cannot_be_compared_are_refused_in_words(records, kind, words):
    with pytest.raises(kind, match=words):
        RunExplorer(records)
