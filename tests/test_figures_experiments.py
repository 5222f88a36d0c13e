"""An experiment's figure, its caption and its tables say what its records say, and nothing without them."""

import dataclasses
import json

import pytest
from test_experiments import figure_1_record, figure_1_records
from test_records import RECORD

from alexnet_lib import figures, records, tables
from alexnet_lib.experiments import EXPERIMENTS

NAME = "relu-against-tanh"


@pytest.fixture
def measured(tmp_path):
    """ReLU takes 4 epochs with every seed, tanh 5, 6 or 7."""
    figure_1_records(tmp_path, [6.0, 5.0, 7.0, 6.0, 6.0])
    return tmp_path


def dropout_record(label, config):
    return dataclasses.replace(
        RECORD,
        experiment="dropout-cifar",
        label=label,
        seed=config.seed,
        config={**dataclasses.asdict(config), "changes": []},
    )


def remember(folder, **changes):
    """Change every record in a folder, as if it had been written so."""
    for path in (folder / NAME).iterdir():
        path.write_text(records.sealed(json.loads(path.read_text()) | changes))


def test_the_figure_is_light_and_tells_means_effects_and_the_papers_value(measured):
    picture = figures.experiment(NAME, measured)
    assert len(picture.png) < 80_000
    assert "relu 21.4 % after 5 epochs, 5 seeds" in picture.alt  # 50 - 25 * 4 / 3.5
    assert "tanh against relu: epochs to 25 % training error: 1.49 times (95 % interval" in picture.alt
    assert "in the paper 6, same sign" in picture.alt
    assert "sigmoid" not in picture.alt


def test_a_mean_goes_no_further_than_its_shortest_run(measured):
    # 50 - 25 (e - 1) / (n - 0.5) is at or below 25 first at e = n + 1: 6, 7 and 8 epochs.
    assert "after 6 epochs, 5 seeds" in figures.experiment(NAME, measured).alt


def test_the_caption_names_interval_seeds_data_and_hardware(measured):
    caption = figures.experiment_caption(NAME, measured)
    assert "means over 5 seeds" in caption
    assert "95 % intervals" in caption
    assert "ten-photos, 10 images; CPU, 1 thread(s), x86_64." in caption


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_without_records_figure_and_caption_say_what_they_wait_for(tmp_path, name):
    words = f"Not measured yet: waits for {EXPERIMENTS[name].runs} of {EXPERIMENTS[name].runs} runs of up to"
    assert words in figures.experiment(name, tmp_path).alt
    assert figures.experiment_caption(name, tmp_path).startswith(words)


def test_where_all_runs_failed_the_caption_does_not_wait_for_more(tmp_path):
    asked = EXPERIMENTS["dropout-cifar"]
    for arm, declared in asked.arms.items():
        rates = declared.rates or asked.arms[declared.rate_of].rates
        runs = [(f"{arm}-rate-search-{rate:g}", asked.search_config(arm, rate)) for rate in declared.rates]
        runs += [(f"{arm}-seed{seed}", asked.config(arm, seed, rates[0])) for seed in range(5)]
        for label, config in runs:
            record = dropout_record(label, config)
            failed = {**record.config, "failed": "the loss is nan"}
            records.store(dataclasses.replace(record, config=failed, curves={}, results={}), tmp_path)
    words = "Not measured: all runs are on record, and too few came to a number."
    assert figures.experiment_caption("dropout-cifar", tmp_path) == words
    assert words in figures.experiment("dropout-cifar", tmp_path).alt


def test_effects_of_different_units_stand_on_axes_of_their_own(tmp_path, monkeypatch):
    drawn = []
    effects = figures.experiments._effects
    monkeypatch.setattr(
        figures.experiments,
        "_effects",
        lambda axis, answers: drawn.append([answer.unit for answer in answers]) or effects(axis, answers),
    )
    asked = EXPERIMENTS["dropout-cifar"]
    for arm, loss in (("dropout", 1.0), ("no-dropout", 0.5)):
        rates = asked.arms[arm].rates
        runs = [(f"{arm}-rate-search-{rate:g}", asked.search_config(arm, rate)) for rate in rates]
        runs += [(f"{arm}-seed{seed}", asked.config(arm, seed, rates[0])) for seed in range(5)]
        for label, config in runs:
            curve = {
                "training loss": [2.0, loss],
                "training error": [0.8, loss / 2],
                "validation error": [0.5, 0.5],
            }
            record = dataclasses.replace(
                dropout_record(label, config),
                curves=curve,
                results={"top-1 error, center": 0.4 + 0.01 * loss},
            )
            records.store(record, tmp_path)
    alt = figures.experiment("dropout-cifar", tmp_path).alt
    assert drawn == [["times"], ["points", "points"]]
    assert "Mean training loss by arm: dropout 1 after 2 epochs" in alt


def test_the_table_has_effect_verdict_rule_and_power_of_each_comparison(measured):
    table = tables.experiment(NAME, measured)
    assert len(table.rows) == len(EXPERIMENTS[NAME].comparisons)
    comparison, means, effect, verdict, rule, power = table.rows[0]
    assert comparison == "tanh against relu: epochs to 25 % training error"
    assert means == "6 against 4"
    assert effect.startswith("1.49 times (95 % interval ")
    assert verdict == "same sign"
    assert rule == "reproduced above 2.45"  # the root of six
    assert table.rows[-1][4] == "effect above 1"
    assert power.startswith("an effect below 1.")
    assert table.rows[1][1:4] == ("", "not measured yet", "not measured")


def test_each_rate_is_told_with_what_its_run_came_to(measured):
    found = {row[0]: row[1:] for row in tables.rates(NAME, measured).rows}
    assert list(found) == list(EXPERIMENTS[NAME].arms)
    assert found["relu"] == ("0.0005: 9.0; 0.001: 9.0; 0.002: 5.0; 0.004: 9.0", "0.002")
    assert found["tanh-at-relu-rate"] == ("as relu", "0.002")
    assert found["sigmoid"] == ("", "not known yet")


def test_a_rate_at_the_edge_of_its_grid_is_told_and_so_is_an_arm_without_one(tmp_path):
    asked = EXPERIMENTS[NAME]
    for arm, best in (("relu", 0.004), ("tanh", None)):
        for rate in asked.arms[arm].rates:
            epochs = 5.0 if rate == best else 9.0
            run = figure_1_record(f"{arm}-rate-search-{rate:g}", asked.search_config(arm, rate), epochs)
            if best is None:
                run = dataclasses.replace(run, curves={"training error": [0.5, 0.4]})
            records.store(run, tmp_path)
    found = {row[0]: row[1:] for row in tables.rates(NAME, tmp_path).rows}
    assert found["relu"][1] == "0.004, the edge of the grid"
    assert found["tanh"][0].startswith("0.01: not reached; 0.02: not reached; ")
    assert found["tanh"][1] == "none"


def test_errors_of_rates_are_told_to_a_hundredth_of_a_point(tmp_path):
    run = dropout_record(
        "dropout-rate-search-0.004", EXPERIMENTS["dropout-cifar"].search_config("dropout", 0.004)
    )
    records.store(dataclasses.replace(run, curves={"validation error": [0.35084]}), tmp_path)
    assert tables.rates("dropout-cifar", tmp_path).rows[0][1] == "0.004: 35.08 %"


def test_to_measure_again_is_told_with_command_time_memory_and_hardware(measured):
    found = dict(tables.reproduce(NAME, measured).rows)
    assert found == {
        "command": "alexnet experiment run relu-against-tanh",
        "runs on record": "18 of 99",
        "time of all, one after another": "0.01 hours",  # 18 runs of 1.5 s
        "memory of the largest": "not on record",
        "data": "ten-photos",
        "hardware": "CPU, 1 thread(s), x86_64",
    }
    remember(measured, memory=1_250_000_000, seconds=400.0)
    found = dict(tables.reproduce(NAME, measured).rows)
    assert found["memory of the largest"] == "1.2 GB"
    assert found["time of all, one after another"] == "2.00 hours"


def test_the_overview_counts_runs_and_hours_and_says_what_waits(measured):
    table = tables.experiments(measured)
    found = {row[0]: row[1:] for row in table.rows}
    runs, hours = (
        records.load(NAME, measured),
        sum(run.seconds for run in records.load(NAME, measured)) / 3600,
    )
    assert list(found) == [*EXPERIMENTS, "all"]
    asked = EXPERIMENTS[NAME].runs
    assert found[NAME][1:3] == (f"{len(runs)} of {asked}", f"{hours:.2f}")
    assert found["depth"] == (
        *("not measured", "0 of 32", "0.00"),
        "32 of 32 runs of up to 90 epochs on imagenette, 224 pixels a side",
    )
    everything = sum(experiment.runs for experiment in EXPERIMENTS.values())
    assert found["all"] == ("", f"{len(runs)} of {everything}", f"{hours:.2f}", "")


def test_an_unknown_experiment_names_the_nearest(tmp_path):
    for draw in (figures.experiment, figures.experiment_caption, tables.experiment, tables.reproduce):
        with pytest.raises(ValueError, match="did you mean 'lrn-cifar'"):
            draw("lrn-cifra", tmp_path)
