"""Experiments: intervals against tables and chance, verdicts by their rule, runs that go on after a break."""

import dataclasses
import json
import math
import sys
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_records import RECORD

from alexnet_lib import paper, records
from alexnet_lib.architecture import PAPER
from alexnet_lib.cli import main
from alexnet_lib.dataset import ten_photos
from alexnet_lib.experiments import (
    EXPERIMENTS,
    Answer,
    Arm,
    Comparison,
    Crossing,
    Experiment,
    Gap,
    Interval,
    Value,
    interval,
    report,
    run,
    runner,
    verdict,
)
from alexnet_lib.learning import TrainConfig
from alexnet_lib.qualitative import colorfulness
from alexnet_lib.specs import NETS
from alexnet_lib.train import Training
from alexnet_lib.training import checkpoints
from alexnet_lib.training.runs import DivergedError, Interrupted, build_net, load_net

# Intervals


def test_an_interval_is_the_one_worked_out_by_hand():
    # Differences 1, 3, 3: mean 7/3, variance (16/9 + 4/9 + 4/9) / 2 = 4/3, so 4.3027 * sqrt(4/3 / 3).
    found = interval([(1.0, 2.0), (1.0, 4.0), (2.0, 5.0)])
    assert found.mean == pytest.approx(7 / 3)
    assert found.high - found.mean == pytest.approx(4.302653 * 2 / 3, rel=1e-6)
    assert found.mean - found.low == pytest.approx(found.half_width)
    assert found.pairs == 3


def test_a_ratio_is_taken_on_the_scale_of_logarithms():
    # log2 of the ratios: 1 and 3. Mean 2, deviation sqrt(2), so 12.7062 * sqrt(2) / sqrt(2) to either side.
    found = interval([(1.0, 2.0), (3.0, 24.0)], "ratio")
    assert found.mean == pytest.approx(4.0)
    assert math.log2(found.high) == pytest.approx(2 + 12.706205, rel=1e-6)
    assert math.log2(found.low) == pytest.approx(2 - 12.706205, rel=1e-6)
    assert math.log2(found.half_width) == pytest.approx(12.706205, rel=1e-6)


def test_of_many_intervals_of_five_pairs_95_percent_hold_the_true_effect():
    draw = torch.Generator().manual_seed(0)
    seeds = torch.randn(1500, 5, generator=draw) * 10  # what a seed does to both arms alike
    noise = torch.randn(2, 1500, 5, generator=draw)
    with_, without = seeds + noise[0], seeds + noise[1] + 0.7
    held = 0
    for row in range(1500):
        found = interval(list(zip(with_[row].tolist(), without[row].tolist(), strict=True)))
        held += found.low <= 0.7 <= found.high
    assert held / 1500 == pytest.approx(0.95, abs=0.02)


@given(st.lists(st.tuples(*[st.floats(0.01, 100)] * 2), min_size=2, max_size=8))
def test_the_other_way_round_an_effect_changes_its_sign_and_a_ratio_is_turned_over(pairs):
    there, back = interval(pairs), interval([pair[::-1] for pair in pairs])
    assert back.low == pytest.approx(-there.high, rel=1e-9, abs=1e-9)
    there, back = interval(pairs, "ratio"), interval([pair[::-1] for pair in pairs], "ratio")
    assert math.log(back.low) == pytest.approx(-math.log(there.high), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("pairs", "kind", "words"),
    [
        ([(1.0, 2.0)], "difference", "pairs are 1, and one run says nothing of chance"),
        ([(1.0, 2.0), (2.0, 3.0)], "quotient", "kind is 'quotient'"),
        ([(1.0, 2.0), (0.0, 1.0)], "ratio", "a number that is not above 0"),
    ],
)
def test_pairs_without_an_interval_are_refused(pairs, kind, words):
    with pytest.raises(ValueError, match=words):
        interval(pairs, kind)


# Numbers of a run


def recorded(**changes):
    return dataclasses.replace(RECORD, **changes)


@pytest.mark.parametrize(
    ("errors", "epochs"),
    [
        ([0.9, 0.4, 0.2, 0.1], 2.25),  # from 0.4 at 1.5 to 0.2 at 2.5, three quarters of the way
        ([0.75, 0.25], 1.5),
        ([0.2, 0.1], 0.5),
        ([0.9, 0.3], None),
    ],
)
def test_a_crossing_lies_on_the_line_between_the_middles_of_two_epochs(errors, epochs):
    found = Crossing("training error", 0.25).of(recorded(curves={"training error": errors}))
    assert found == (None if epochs is None else pytest.approx(epochs))


def test_a_run_without_the_number_has_none():
    empty = recorded(curves={}, results={})
    for measure in (Crossing("training error", 0.5), Value("x"), Gap(Value("x"), Value("training error"))):
        assert measure.of(empty) is None


def test_values_are_results_or_the_ends_of_curves_and_a_gap_lies_between_them():
    assert Value("test error").of(RECORD) == 0.4
    assert Value("running training error").of(RECORD) == 0.3
    gap = Gap(Value("test error"), Value("running training error"))
    assert gap.of(RECORD) == pytest.approx(0.1)


# Verdicts

LRN = Comparison("lrn", "a", "b", Value("test error"), printed=0.014)
RELU = Comparison("relu-speed", "a", "b", Crossing("training error", 0.25), "ratio", 6.0)
OURS = Comparison(None, "a", "b", Value("training error"))


@pytest.mark.parametrize(
    ("comparison", "low", "high", "words"),
    [
        (LRN, 0.015, 0.03, "larger"),
        (LRN, 0.006, 0.03, "about as large"),
        (LRN, 0.006, 0.013, "smaller, same direction"),
        (LRN, -0.001, 0.03, "no effect seen"),
        (LRN, -0.03, -0.001, "opposite"),
        (RELU, 7.0, 9.0, "larger"),
        (RELU, 2.4, 9.0, "about as large"),
        (RELU, 1.1, 5.0, "smaller, same direction"),
        (RELU, 0.9, 9.0, "no effect seen"),
        (RELU, 0.5, 0.9, "opposite"),
        (OURS, 0.001, 0.002, "effect"),
    ],
)
def test_a_verdict_follows_the_rule(comparison, low, high, words):
    assert verdict(comparison, Interval((low + high) / 2, low, high, 5, comparison.kind)) == words
    assert verdict(comparison, None) == "cannot be asked here"


def test_points_are_hundredths_and_a_ratio_is_in_times():
    pairs = {seed: (0.30 + 0.01 * seed, 0.31 + 0.02 * seed) for seed in range(2)}
    found = Answer(LRN, pairs, interval(list(pairs.values())), "", ())
    assert found.effect.startswith("1.50 points (95 % interval -4.85 to 7.85, 2 seeds)")
    assert found.half_width == "plus or minus 6.35"
    assert found.means == "32.0 % against 30.5 %"
    found = Answer(RELU, pairs, Interval(4.0, 2.0, 8.0, 5, "ratio"), "", ())
    assert found.effect == "4.00 times (95 % interval 2.00 to 8.00, 5 seeds)"
    assert found.half_width == "times or divided by 2.00"


def test_a_run_that_does_not_get_there_took_more_than_its_epochs():
    found = report(EXPERIMENTS["relu-against-tanh"]).answers
    (same_rate,) = (each for each in found if each.comparison.against == "tanh-at-relu-rate")
    assert same_rate.verdict == "more than 40 epochs: tanh-at-relu-rate in 5 of 5 runs"
    (sigmoid,) = (each for each in found if each.comparison.against == "sigmoid")
    assert sigmoid.verdict == "more than 40 epochs: sigmoid at every rate tried"


# The declared questions


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.name)
def test_every_arm_of_every_experiment_is_a_net_that_takes_its_images(experiment):
    for arm in experiment.arms:
        config = experiment.config(arm, 0)
        with torch.device("meta"):  # shapes without numbers: the large nets take no time
            net = build_net(config, 10)
            assert net(torch.zeros(2, 3, config.input_size, config.input_size)).shape == (2, 10)


def test_every_claim_with_an_experiment_is_compared_in_it():
    asked = {claim.name: claim.experiment for claim in paper.CLAIMS if claim.experiment}
    answered = {
        comparison.claim: experiment.name
        for experiment in EXPERIMENTS.values()
        for comparison in experiment.comparisons
        if comparison.claim
    }
    (averaged,) = (each.name for each in EXPERIMENTS.values() if each.average)  # a record, no comparison
    assert asked == answered | {"averaged-nets": averaged}


def test_no_rate_is_chosen_by_the_test_set():
    for experiment in EXPERIMENTS.values():
        assert str(experiment.criterion) in ("validation error", "epochs to 25 % running training error")
        for arm in experiment.arms:
            assert (
                not experiment.arms[arm].rates
                or experiment.criterion != Value("validation error")
                or experiment.config(arm, 0).val_fraction > 0
            )


SETTING = TrainConfig(
    spec="figure-1-relu",
    data="ten-photos",
    val_fraction=0.0,
    training_images=40,
    image_size=32,
    crop=32,
    random_crops=False,
    color_noise=0.0,
    batch_size=20,
    epochs=3,
    max_drops=0,
    weight_decay=0.0,
    dropout=0.0,
)
LOSS = Value("training loss", unit="")
SMALL = Experiment(
    "small",
    "Which learns faster?",
    SETTING,
    {
        "relu": Arm({}, (1e-5, 1e-3)),
        "tanh": Arm({"spec": "figure-1-tanh"}, rate_of="relu"),
        "hot": Arm({"lr": 1e30}),
    },
    (Comparison(None, "relu", "tanh", LOSS), Comparison(None, "relu", "hot", LOSS)),
    criterion=LOSS,
    seeds=2,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": 1}, "seeds is 1, and must be at least 2"),
        ({"comparisons": (Comparison(None, "relu", "tahn", LOSS),)}, "arm is 'tahn'.*did you mean 'tanh'"),
        ({"arms": {"a": Arm({}, rate_of="b")}}, "rate_of is 'b'"),
        (
            {"arms": {"a": Arm({}, rate_of="b"), "b": Arm({})}},
            "rate_of is 'b' in arm 'a': name an arm with a grid",
        ),
        ({"arms": {"a": Arm({"spec": "papier"})}}, "did you mean 'paper'"),
        (
            {"arms": {"a": Arm({"stop_at_error": 0.25}, nets=2)}, "comparisons": ()},
            "nets is 2 in arm 'a': .* leave out stop_at_error",
        ),
        (
            {"arms": {"a": Arm({}, nets=2)}, "comparisons": (), "colors": True},
            "leave out .*color",
        ),
    ],
)
def test_an_experiment_that_does_not_fit_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(SMALL, **changes)


def test_a_comparison_names_a_known_claim_and_kind():
    with pytest.raises(ValueError, match=r"claim is 'lnr'.*did you mean 'lrn'"):
        Comparison("lnr", "a", "b", LOSS)
    with pytest.raises(ValueError, match="kind is 'quotient'"):
        Comparison("lrn", "a", "b", LOSS, "quotient")


# Runs


@pytest.fixture(scope="module")
def photos():
    return ten_photos("train", 32, 8), ten_photos("test", 32, 2)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory, photos):
    """The records of the small experiment, all of whose runs were made once."""
    at = tmp_path_factory.mktemp("laboratory")
    options = {
        "folder": at / "records",
        "out": at / "runs",
        "sets": photos,
        "device": "cpu",
        "progress": False,
    }
    return SimpleNamespace(made=run(SMALL, **options), options=options, folder=at / "records")


def test_an_arm_is_complete_before_the_next_begins_and_its_rates_come_first(laboratory):
    assert [record.label for record in laboratory.made] == [
        *("relu-rate-search-1e-05", "relu-rate-search-0.001"),
        *("relu-seed0", "relu-seed1", "tanh-seed0", "tanh-seed1", "hot-seed0", "hot-seed1"),
    ]
    assert {record.seed for record in laboratory.made[2:]} == {0, 1}
    assert laboratory.made[0].seed not in (0, 1)
    assert {record.images for record in laboratory.made} == {40}
    assert {record.command for record in laboratory.made} == {"alexnet experiment run small"}


def test_what_is_on_record_is_not_run_again(laboratory):
    assert run(SMALL, **laboratory.options) == []


def test_each_arm_runs_at_the_rate_with_the_lowest_criterion(laboratory):
    losses = {record.config["lr"]: record.curves["training loss"][-1] for record in laboratory.made[:2]}
    assert losses[1e-3] < losses[1e-5]
    rates = {record.label: record.config["lr"] for record in laboratory.made[2:]}
    assert rates["relu-seed1"] == rates["tanh-seed1"] == 1e-3
    chosen = report(SMALL, laboratory.folder).rates
    assert (chosen["relu"].rate, chosen["relu"].at_edge) == (1e-3, True)
    assert (chosen["hot"].rate, chosen["hot"].at_edge) == (1e30, False)


def test_a_run_that_diverges_is_recorded_as_failed_and_the_next_begins(laboratory):
    (failed,) = (record for record in laboratory.made if record.label == "hot-seed0")
    assert failed.results == failed.curves == {}
    assert failed.config["failed"].startswith("the loss is nan in epoch 1 at step ")
    assert str(laboratory.options["out"]) not in json.dumps(dataclasses.asdict(failed))
    found = report(SMALL, laboratory.folder)
    assert list(found.failed) == ["hot-seed0", "hot-seed1"]
    assert found.answers[1].verdict == "cannot be asked here: no answer from seed 0, 1"


def test_the_answer_is_the_interval_of_the_pairs_of_a_seed(laboratory):
    by_label = {
        record.label: record.curves["training loss"][-1] for record in laboratory.made if record.curves
    }
    pairs = [(by_label[f"relu-seed{seed}"], by_label[f"tanh-seed{seed}"]) for seed in (0, 1)]
    answer = report(SMALL, laboratory.folder).answers[0]
    assert answer.interval == interval(pairs)
    assert answer.verdict == verdict(SMALL.comparisons[0], interval(pairs))
    assert answer.effect.endswith("2 seeds)")
    assert answer.half_width == f"plus or minus {answer.interval.half_width:.2f}"
    assert answer.setting.startswith("patches of ten photographs")
    assert ", 40 images; CPU" in answer.setting


def test_a_run_that_is_broken_off_goes_on_and_ends_with_the_same_numbers(laboratory, tmp_path, monkeypatch):
    save, count, epochs = checkpoints.save, Training.count, []

    def save_and_stop(*given):
        save(*given)
        raise KeyboardInterrupt

    def counted(training, *given):
        epochs.append(training.done.epoch)
        count(training, *given)

    options = laboratory.options | {"folder": tmp_path / "records", "out": tmp_path / "runs"}
    monkeypatch.setattr(checkpoints, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        run(SMALL, ["relu"], **options)
    assert not (tmp_path / "records").exists()
    monkeypatch.setattr(checkpoints, "save", save)
    monkeypatch.setattr(Training, "count", counted)
    again = run(SMALL, ["relu"], seeds=1, **options)
    assert epochs[0] == 1  # the first epoch was in the checkpoint
    assert [record.curves for record in again] == [record.curves for record in laboratory.made[:3]]


def test_ctrl_c_says_how_to_go_on(laboratory, tmp_path, monkeypatch):
    def stopped(*given, **options):
        raise Interrupted("go on with --resume")

    monkeypatch.setattr(runner, "train", stopped)
    with pytest.raises(Interrupted, match=r"hot-seed0 stopped and saved in .*; the same command goes on"):
        run(SMALL, ["hot"], **laboratory.options | {"folder": tmp_path})


def test_a_run_of_an_experiment_on_towers_has_the_gap_of_its_first_kernels_and_that_of_chance(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(NETS, "narrow", dataclasses.replace(PAPER, name="narrow", hidden=(16,)))
    gap = Value("tower color gap", unit="of colorfulness")
    chance = Value("tower color gap, random split", unit="of colorfulness")
    towers = dataclasses.replace(
        SMALL,
        setting=dataclasses.replace(SETTING, image_size=64, crop=64, epochs=1, dropout=0.5),
        arms={"two": Arm({"spec": "narrow"})},
        colors=True,
        average="two",
        comparisons=(Comparison(None, "two", "two", chance, other=gap),),
    )
    sets = tuple(ten_photos(split, 64, per_class) for split, per_class in (("train", 8), ("test", 1)))
    options = {"folder": tmp_path, "out": tmp_path / "runs", "sets": sets, "device": "cpu"}
    made = run(towers, progress=False, **options)
    *made, average = made
    assert average.label == "two-average"
    assert average.results["top-1 error, averaged"] <= 1
    for record in made:
        kinds = [record.results[f"{kind} kernels, tower 1"] for kind in ("gray", "noise-like", "colored")]
        assert sum(kinds) == 48
        net = load_net(tmp_path / "runs" / "small" / record.label).net
        color = colorfulness(net.features.conv1.weight.detach()).double()
        assert record.results["tower color gap"] == pytest.approx(
            abs(color[:48].mean() - color[48:].mean()).item(), abs=1e-6
        )
        draw = torch.Generator().manual_seed(7)
        splits = (color[torch.randperm(96, generator=draw)].view(2, 48).mean(dim=1) for _ in range(3000))
        by_chance = sum(abs(a - b).item() for a, b in splits) / 3000
        assert record.results["tower color gap, random split"] == pytest.approx(by_chance, rel=0.1)
    effect = report(towers, tmp_path).answers[0].effect
    assert "of colorfulness (95 % interval" in effect


def test_runs_of_other_experiments_have_no_gap(laboratory):
    assert not any(name.startswith("tower") for record in laboratory.made for name in record.results)


@pytest.fixture
def diverging(photos, tmp_path, monkeypatch):
    """run(...) of the arm "hot" whose training ends at once; `seeds` is what was trained."""
    there = {"folder": tmp_path / "records", "out": tmp_path / "runs"}
    options = there | {"sets": photos, "device": "cpu", "progress": False}
    seeds = []

    def train(config, *given, **more):
        seeds.append(config.seed)
        raise DivergedError("the loss is nan; try a tenth of the rate")

    monkeypatch.setattr(runner, "train", train)
    return SimpleNamespace(seeds=seeds, run=lambda of=SMALL, **more: run(of, ["hot"], **options | more))


def test_a_run_is_left_to_who_makes_it_until_it_is_on_record(diverging, monkeypatch):
    ended, store = runner.train, records.store

    def elsewhere():
        with pytest.warns(UserWarning, match="hot-seed0 is being made by another process"):
            return [record.label for record in diverging.run()]

    def train(config, *given, **options):
        if config.seed == 0 and not diverging.seeds:
            diverging.seeds.append("elsewhere")
            assert elsewhere() == ["hot-seed1"]
        return ended(config, *given, **options)

    def stored(record, folder):
        if record.label == "hot-seed0":
            assert elsewhere() == []
        return store(record, folder)

    monkeypatch.setattr(runner, "train", train)
    monkeypatch.setattr(records, "store", stored)
    assert [record.label for record in diverging.run()] == ["hot-seed0"]
    assert diverging.run() == []
    assert diverging.seeds == ["elsewhere", 1, 0]


def test_an_average_is_left_to_who_makes_it_too(diverging, monkeypatch):
    averaged, asked = dataclasses.replace(SMALL, average="hot"), []

    def average(label, runs, folders, test):
        asked.append(label)
        assert len(asked) == 1
        with pytest.warns(UserWarning, match="hot-average is being made by another process"):
            assert diverging.run(averaged) == []
        return dataclasses.replace(runs[0], label=label)

    monkeypatch.setattr(runner, "average_of_runs", average)
    assert [record.label for record in diverging.run(averaged)] == ["hot-seed0", "hot-seed1", "hot-average"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets how much a process has held")
def test_the_memory_of_a_run_is_not_that_of_the_run_before_it(diverging):
    held = b"x" * 300_000_000
    del held
    most = records.environment("cpu")["memory"]
    (record,) = diverging.run(seeds=1)
    assert record.memory < most - 200_000_000


def test_an_arm_none_of_whose_rates_comes_to_anything_is_not_measured_and_waits_for_nothing(photos, tmp_path):
    arms = {"relu": Arm({}, (1e30, 1e29)), "tanh": SMALL.arms["tanh"], "fine": Arm({"lr": 1e-3})}
    hot = dataclasses.replace(SMALL, arms=arms, comparisons=(Comparison(None, "tanh", "fine", LOSS),))
    options = {"folder": tmp_path, "out": tmp_path / "runs", "sets": photos, "device": "cpu"}
    assert report(hot, tmp_path).without_rate == ()
    assert report(hot, tmp_path).waits_for.startswith("8 of 8 runs")
    made = run(hot, progress=False, **options)
    searched = ["relu-rate-search-1e+30", "relu-rate-search-1e+29"]
    assert [record.label for record in made] == [*searched, "fine-seed0", "fine-seed1"]
    found = report(hot, tmp_path)
    assert (set(found.rates), found.without_rate) == ({"fine"}, ("relu", "tanh"))
    assert (found.never_run, found.waits_for) == (4, "")
    assert found.answers[0].verdict == "cannot be asked here: no rate tried brings tanh to a training loss"


def test_data_are_loaded_once_for_all_runs(photos, tmp_path, monkeypatch):
    asked = []

    def load(name, split, root, size):
        asked.append((name, split, root, size))
        return photos[split == "test"]

    monkeypatch.setattr(runner, "load", load)
    made = run(SMALL, ["hot"], folder=tmp_path, out=tmp_path, root="here", device="cpu", progress=False)
    assert len(made) == 2
    assert asked == [("ten-photos", split, "here", 32) for split in ("train", "test")]


# Records that lie


def spoil(folder, label, change):
    (path,) = (folder / "small").glob(f"*_{label}.json")
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("label", "change", "words"),
    [
        (
            "relu-seed0",
            lambda run: run["config"].update(epochs=4),
            "relu-seed0 of small has epochs = 4, and .* 3",
        ),
        ("relu-seed0", lambda run: run["config"].update(lr=1e-5), "lr = 1e-05"),
        ("relu-seed0", lambda run: run.update(seed=7), "seed 7, not 0"),
        ("relu-seed0", lambda run: run["config"].update(seed=7), "seed = 7"),
        ("relu-seed0", lambda run: run["config"].update(changes=[{"epoch": 1}]), "changes"),
        ("relu-rate-search-0.001", lambda run: run["config"].update(lr=1.0), "lr = 1.0"),
        ("tanh-seed1", lambda run: run.update(data="others"), "data are others and patches"),
        ("tanh-seed1", lambda run: run.update(label="tanh-seed0"), "tanh-seed0 of small is on record twice"),
    ],
)
def test_a_record_that_is_not_what_was_declared_is_refused(laboratory, tmp_path, label, change, words):
    for record in laboratory.made:
        records.store(record, tmp_path)
    assert report(SMALL, tmp_path).answers
    spoil(tmp_path, label, change)
    with pytest.raises(ValueError, match=words):
        report(SMALL, tmp_path)


def test_a_record_from_before_a_field_was_there_counts_and_so_does_another_precision(laboratory, tmp_path):
    for record in laboratory.made:
        records.store(record, tmp_path)
    spoil(tmp_path, "relu-seed0", lambda run: run["config"].pop("compiled"))
    spoil(tmp_path, "relu-seed1", lambda run: run["config"].update(precision="bfloat16"))
    assert report(SMALL, tmp_path).answers[0].interval


def test_runs_count_only_when_the_search_of_their_rate_is_complete(laboratory, tmp_path):
    for record in laboratory.made:
        if record.label != "relu-rate-search-1e-05":
            records.store(record, tmp_path)
    found = report(SMALL, tmp_path)
    assert list(found.rates) == ["hot"]
    assert [answer.verdict for answer in found.answers] == [
        "cannot be asked here",
        "cannot be asked here: no answer from seed 0, 1",
    ]


def test_a_missing_seed_is_named(laboratory, tmp_path):
    for record in laboratory.made:
        if record.label != "tanh-seed1":
            records.store(record, tmp_path)
    answer = report(SMALL, tmp_path).answers[0]
    assert answer.verdict == "cannot be asked here: no answer from seed 1"
    assert answer.half_width == "no interval"
    assert answer.effect == "3 runs on record, too few for an interval"


# The command line


def test_the_command_lists_arms_runs_and_verdict_of_each_experiment(capsys):
    assert main(["experiment", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(EXPERIMENTS)
    assert [line.strip() for line in lines[1::2]] == [asked.question for asked in EXPERIMENTS.values()]
    assert lines[0].endswith(report(EXPERIMENTS["what-each-part-is-worth"]).verdict)


def test_the_command_reports_all_experiments_where_none_is_named(capsys):
    assert main(["experiment", "report"]) == 0
    out = capsys.readouterr().out
    for name, asked in EXPERIMENTS.items():
        assert f"{name}: {asked.question}" in out
        assert f"alexnet experiment run {name}\n" in out


def test_the_command_runs_the_named_arms_and_reports(laboratory, capsys, monkeypatch):
    from alexnet_lib import experiments

    asked = []
    monkeypatch.setitem(experiments.EXPERIMENTS, "small", SMALL)
    monkeypatch.setattr(experiments, "run", lambda *given, **options: asked.append((given, options)) or [])
    monkeypatch.setattr(experiments, "report", lambda experiment: report(experiment, laboratory.folder))
    assert main(["experiment", "run", "small", "--arms", "relu,tanh", "--seeds", "3", "--out", "here"]) == 0
    assert asked == [
        ((SMALL, ["relu", "tanh"]), {"seeds": 3, "device": None, "root": None, "out": "here"}),
    ]
    assert main(["experiment", "report", "small"]) == 0
    out = capsys.readouterr().out
    assert "rate of relu: 0.001, at the edge of its grid" in out
    assert "tanh against relu: training loss: " in out
    assert "failed: hot-seed1: the loss is nan" in out
    assert main(["experiment", "report", "smalls"]) == 2
    assert "did you mean 'small'" in capsys.readouterr().err
