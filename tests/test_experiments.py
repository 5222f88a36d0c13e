"""Experiments: intervals against tables and chance, verdicts by their rule, runs that go on after a break."""

import dataclasses
import importlib
import json
import math
import multiprocessing
import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_records import RECORD

from alexnet_lib import paper, records
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
    running,
    t_quantile,
    verdict,
)
from alexnet_lib.experiments.experiment import TOWER_GAP
from alexnet_lib.learning import TrainConfig
from alexnet_lib.qualitative import colorfulness
from alexnet_lib.chapters.evidence import NOT_YET, Finding, finding
from alexnet_lib.train import Training
from alexnet_lib.training import checkpoints
from alexnet_lib.training.fileio import held
from alexnet_lib.training.result import Interrupted
from alexnet_lib.training.runs import load_net
from alexnet_lib.specs import NETS, build

# Intervals

# The column 0.975 of a printed table of Student's distribution.
TABLE = {
    1: 12.706,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    9: 2.262,
    10: 2.228,
    30: 2.042,
    120: 1.980,
}


@pytest.mark.parametrize(("freedom", "printed"), TABLE.items())
def test_quantiles_are_those_of_the_printed_table(freedom, printed):
    assert t_quantile(freedom) == pytest.approx(printed, abs=5e-4)


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
    seeds = torch.randn(3000, 5, generator=draw) * 10  # what a seed does to both arms alike
    noise = torch.randn(2, 3000, 5, generator=draw)
    with_, without = seeds + noise[0], seeds + noise[1] + 0.7
    held = 0
    for row in range(3000):
        found = interval(list(zip(with_[row].tolist(), without[row].tolist(), strict=True)))
        held += found.low <= 0.7 <= found.high
    assert held / 3000 == pytest.approx(0.95, abs=0.015)


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
    assert Value("training error").of(RECORD) == 0.3
    assert Gap(Value("test error"), Value("training error")).of(RECORD) == pytest.approx(0.1)


# Verdicts

LRN = Comparison("lrn", "a", "b", Value("test error"), printed=0.014)
RELU = Comparison("relu-speed", "a", "b", Crossing("training error", 0.25), "ratio", 6.0)
DECAY = Comparison("weight-decay", "a", "b", Value("training error"))
OURS = Comparison(None, "a", "b", Value("test error"), printed=0.014)
OUR_RATIO = Comparison(None, "a", "b", Crossing("training error", 0.25), "ratio", 6.0)


@pytest.mark.parametrize(
    ("comparison", "low", "high", "words"),
    [
        (LRN, 0.008, 0.03, "reproduced"),
        (LRN, 0.006, 0.03, "same sign"),
        (LRN, -0.001, 0.03, "not at this scale"),
        (LRN, -0.03, -0.001, "contradicted"),
        (RELU, 2.5, 9.0, "reproduced"),  # above the root of 6, 2.449
        (RELU, 2.4, 9.0, "same sign"),
        (RELU, 0.9, 9.0, "not at this scale"),
        (RELU, 0.5, 0.9, "contradicted"),
        (DECAY, 0.001, 0.002, "reproduced"),
        (DECAY, -0.001, 0.002, "not at this scale"),
        (OURS, 0.001, 0.03, "effect"),
        (OURS, -0.001, 0.03, "no effect shown"),
        (OURS, -0.03, -0.001, "opposite effect"),
        (OUR_RATIO, 1.1, 9.0, "effect"),
        (OUR_RATIO, 0.9, 1.1, "no effect shown"),
        (OUR_RATIO, 0.5, 0.9, "opposite effect"),
    ],
)
def test_a_verdict_follows_the_rule(comparison, low, high, words):
    found = Interval((low + high) / 2, low, high, 5, comparison.kind)
    assert verdict(comparison, found) == words
    assert words in comparison.rule
    assert verdict(comparison, found, missing=[3]) == "not measured: no answer from seed 3"
    assert verdict(comparison, None) == "not measured"


def test_the_rule_names_its_number():
    assert "above 0.7 points" in LRN.rule
    assert "above 2.45" in RELU.rule
    assert "above no effect; same sign" in DECAY.rule


def test_points_are_hundredths_and_a_ratio_is_in_times():
    pairs = {seed: (0.30 + 0.01 * seed, 0.31 + 0.02 * seed) for seed in range(2)}
    found = Answer(LRN, pairs, interval(list(pairs.values())), "same sign", ())
    assert found.effect.startswith("1.50 points (95 % interval -4.85 to 7.85, 2 seeds)")
    assert found.power == "an effect below 6.35 points would not have shown"
    assert found.means == "32.0 % against 30.5 %"
    found = Answer(RELU, pairs, Interval(4.0, 2.0, 8.0, 5, "ratio"), "same sign", ())
    assert found.means == "0.32 against 0.305"
    assert found.effect == "4.00 times (95 % interval 2.00 to 8.00, 5 seeds)"
    assert found.power == "an effect below 2.00 times would not have shown"


# The declared questions


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.name)
def test_every_arm_of_every_experiment_is_a_net_that_takes_its_images(experiment):
    for arm in experiment.arms:
        config = experiment.config(arm, 0)
        with torch.device("meta"):  # shapes without numbers: the large nets take no time
            net = build(config.spec, config.input_size, config.dropout, 10)
            assert net(torch.zeros(2, 3, config.input_size, config.input_size)).shape == (2, 10)


def test_every_claim_with_an_experiment_is_compared_in_it():
    asked = {claim.name: claim.experiment for claim in paper.CLAIMS if claim.experiment}
    answered = {
        comparison.claim: experiment.name
        for experiment in EXPERIMENTS.values()
        for comparison in experiment.comparisons
        if comparison.claim
    }
    assert asked == answered


def test_no_rate_is_chosen_by_the_test_set():
    for experiment in EXPERIMENTS.values():
        assert str(experiment.criterion) in ("validation error", "epochs to 25 % training error")
        for arm in experiment.arms:
            assert (
                experiment.criterion != Value("validation error")
                or experiment.config(arm, 0).val_fraction > 0
            )


def test_overlap_changes_no_size_of_any_map():
    from alexnet_lib.counts import trace

    for side, names in ((224, ("paper", "z-2")), (23, ("four-layer-no-norm", "four-layer-z-2"))):
        one, other = (dataclasses.replace(NETS[name], image_size=side) for name in names)
        assert [layer.size for layer in trace(one)] == [layer.size for layer in trace(other)]


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
            {"arms": {"a": Arm({}, nets=2)}, "comparisons": (Comparison(None, "a", "a", Value(TOWER_GAP)),)},
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


def test_rates_come_first_then_all_arms_of_each_seed(laboratory):
    assert [record.label for record in laboratory.made] == [
        *("relu-rate-search-1e-05", "relu-rate-search-0.001"),
        *("relu-seed0", "tanh-seed0", "hot-seed0", "relu-seed1", "tanh-seed1", "hot-seed1"),
    ]
    assert {record.seed for record in laboratory.made[2:]} == {0, 1}
    assert laboratory.made[0].seed not in (0, 1)
    assert {record.images for record in laboratory.made} == {40}
    assert {record.command for record in laboratory.made} == {"alexnet experiment run small"}


def test_what_is_on_record_is_not_run_again(laboratory):
    assert run(SMALL, **laboratory.options) == []


def test_a_run_that_another_experiment_made_is_copied_and_counted_once(laboratory, tmp_path, monkeypatch):
    records_there = tmp_path / "records"
    shutil.copytree(laboratory.folder, records_there)
    other = dataclasses.replace(
        SMALL,
        name="other",
        arms={"same": SMALL.arms["relu"], "new": Arm({"lr": 0.002})},
        comparisons=(Comparison(None, "same", "new", LOSS),),
    )
    trained = []
    train = running.train
    monkeypatch.setattr(
        running, "train", lambda config, *a, **b: trained.append(config) or train(config, *a, **b)
    )
    options = laboratory.options | {"folder": records_there, "out": tmp_path / "runs"}
    made = {record.label: record for record in run(other, **options)}
    assert [config.lr for config in trained] == [0.002, 0.002]
    here = {record.label: record for record in laboratory.made}
    for seed in (0, 1):
        twin = dataclasses.replace(here[f"relu-seed{seed}"], experiment="other", label=f"same-seed{seed}")
        assert made[f"same-seed{seed}"] == twin
        assert twin.command == "alexnet experiment run small"
    assert report(other, records_there).answers[0].interval.pairs == 2
    table = importlib.import_module("alexnet_lib.tables.experiments")  # whose function has its name
    monkeypatch.setattr(table, "EXPERIMENTS", {"small": SMALL, "other": other})
    hours = sum(record.seconds for record in (*here.values(), *(made[f"new-seed{k}"] for k in (0, 1)))) / 3600
    assert table.experiments(records_there).rows[-1][3] == f"{hours:.2f}"


def test_a_run_on_other_data_is_made_anew(laboratory, tmp_path):
    other = dataclasses.replace(
        SMALL, name="other", arms={"same": Arm({"lr": 1e-3})}, comparisons=(), seeds=2
    )
    images, test = laboratory.options["sets"]
    sets = dataclasses.replace(images, source="another copy"), test
    shutil.copytree(laboratory.folder, tmp_path / "records")
    made = run(other, **laboratory.options | {"folder": tmp_path / "records", "out": tmp_path, "sets": sets})
    assert [record.command for record in made] == 2 * ["alexnet experiment run other"]


def test_a_run_whose_record_has_no_colors_is_made_anew_where_they_are_compared(photos, tmp_path):
    plain = dataclasses.replace(
        SMALL, arms={"net": Arm({"spec": "four-layer-no-norm", "epochs": 1})}, comparisons=()
    )
    gap = Comparison(None, "net", "net", Value("tower color gap", unit="of colorfulness"))
    colors = dataclasses.replace(plain, name="colors", comparisons=(gap,))
    options = {"folder": tmp_path / "records", "out": tmp_path, "sets": photos, "device": "cpu"}
    run(plain, progress=False, **options)
    made = run(colors, progress=False, **options)
    assert [record.command for record in made] == 2 * ["alexnet experiment run colors"]
    again = run(dataclasses.replace(plain, name="again"), progress=False, **options)
    assert {record.command for record in again} <= {
        f"alexnet experiment run {name}" for name in ("small", "colors")
    }


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
    assert found.answers[1].verdict == "not measured: no answer from seed 0, 1"


def test_the_answer_is_the_interval_of_the_pairs_of_a_seed(laboratory):
    by_label = {
        record.label: record.curves["training loss"][-1] for record in laboratory.made if record.curves
    }
    pairs = [(by_label[f"relu-seed{seed}"], by_label[f"tanh-seed{seed}"]) for seed in (0, 1)]
    answer = report(SMALL, laboratory.folder).answers[0]
    assert answer.interval == interval(pairs)
    assert answer.verdict == verdict(SMALL.comparisons[0], interval(pairs))
    assert answer.effect.endswith("2 seeds)")
    assert answer.power.startswith(f"an effect below {answer.interval.half_width:.2f} ")
    assert answer.circumstances.startswith("patches of ten photographs")
    assert ", 40 images; CPU" in answer.circumstances


def test_a_run_that_is_broken_off_goes_on_and_ends_with_the_same_numbers(laboratory, tmp_path, monkeypatch):
    save = Training._save

    def save_and_stop(training):
        save(training)
        raise KeyboardInterrupt

    options = laboratory.options | {"folder": tmp_path / "records", "out": tmp_path / "runs"}
    monkeypatch.setattr(Training, "_save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        run(SMALL, ["relu"], **options)
    monkeypatch.setattr(Training, "_save", save)
    assert not (tmp_path / "records").exists()
    epochs = []
    step = Training._step
    monkeypatch.setattr(
        Training, "_step", lambda training: epochs.append(training.done.epoch) or step(training)
    )
    again = run(SMALL, ["relu"], seeds=1, **options)
    assert epochs[0] == 1  # the first epoch was in the checkpoint
    assert [record.curves for record in again] == [record.curves for record in laboratory.made[:3]]


def test_ctrl_c_says_how_to_go_on(laboratory, tmp_path, monkeypatch):
    def stopped(*given, **options):
        raise Interrupted("go on with --resume")

    monkeypatch.setattr(running, "train", stopped)
    with pytest.raises(Interrupted, match=r"hot-seed0 stopped and saved in .*; the same command goes on"):
        run(SMALL, ["hot"], **laboratory.options | {"folder": tmp_path})


def test_a_run_of_an_experiment_on_towers_has_the_gap_of_its_first_kernels_and_that_of_chance(
    photos, tmp_path
):
    gap = Value("tower color gap", unit="of colorfulness")
    chance = Value("tower color gap, random split", unit="of colorfulness")
    towers = dataclasses.replace(
        SMALL,
        setting=dataclasses.replace(SETTING, image_size=64, crop=64, epochs=1, dropout=0.5),
        arms={"two": Arm({"spec": "paper"})},
        comparisons=(Comparison(None, "two", "two", chance, other=gap),),
    )
    sets = tuple(ten_photos(split, 64, per_class) for split, per_class in (("train", 8), ("test", 1)))
    options = {"folder": tmp_path, "out": tmp_path / "runs", "sets": sets, "device": "cpu"}
    made = run(towers, progress=False, **options)
    for record in made:
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


# Several at a time


def numbers(made):
    """What of records must not depend on how many are made at a time."""
    timed = "images per second"
    return {
        record.label: (
            record.curves,
            {name: value for name, value in record.results.items() if name != timed},
            record.config,
            record.images,
        )
        for record in made
    }


@contextmanager
def one_thread():
    """Workers have one thread, and sums in another order end in other bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_two_at_a_time_make_the_same_records_bit_for_bit(photos, tmp_path):
    options = {"sets": photos, "device": "cpu", "progress": False}
    with one_thread():
        alone = run(SMALL, ["relu", "tanh"], folder=tmp_path / "one", out=tmp_path / "a", **options)
    together = run(SMALL, ["relu", "tanh"], jobs=2, folder=tmp_path / "two", out=tmp_path / "b", **options)
    assert numbers(together) == numbers(alone)
    assert {record.label for record in together[:2]} == {"relu-rate-search-1e-05", "relu-rate-search-0.001"}
    assert {record.hardware for record in together} == {
        f"{record.hardware}, 2 runs at a time" for record in alone
    }
    assert together[0].hardware.startswith("CPU, 1 thread(s)")
    assert {record.command for record in together} == {"alexnet experiment run small --jobs 2"}
    assert (
        report(SMALL, tmp_path / "two").answers[0].interval
        == report(SMALL, tmp_path / "one").answers[0].interval
    )
    assert run(SMALL, ["relu", "tanh"], jobs=2, folder=tmp_path / "two", out=tmp_path / "b", **options) == []


LONG = dataclasses.replace(SMALL, arms={"relu": Arm({"lr": 1e-3, "epochs": 60})}, comparisons=(), seeds=2)


@pytest.fixture(scope="module")
def unbroken(photos, tmp_path_factory):
    """What LONG's runs come to, one after the other."""
    at = tmp_path_factory.mktemp("unbroken")
    options = {"sets": photos, "device": "cpu", "progress": False}
    with one_thread():
        return numbers(run(LONG, folder=at / "records", out=at / "runs", **options))


def when_saved(out, then):
    """Wait in a thread until both of LONG's runs have a checkpoint, and call `then`."""

    def wait_and_call():
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            if len({path.parent for path in out.glob("small/*/checkpoint-*.pt")}) == 2:
                return then()
            time.sleep(0.02)

    thread = threading.Thread(target=wait_and_call)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("stop", "error", "words"),
    [
        (
            lambda: multiprocessing.active_children()[0].kill(),
            ChildProcessError,
            r"the process that made relu-seed\d was killed.*The same command goes on; with fewer --jobs",
        ),
        (
            lambda: os.kill(os.getpid(), signal.SIGINT),
            Interrupted,
            "relu-seed0, relu-seed1 stopped and saved; the same command goes on",
        ),
    ],
    ids=["killed", "ctrl-c"],
)
def test_two_at_a_time_that_are_broken_off_go_on_to_the_same_bits(
    photos, tmp_path, unbroken, stop, error, words
):
    options = {"sets": photos, "device": "cpu", "progress": False}
    there = {"folder": tmp_path / "records", "out": tmp_path / "runs", "jobs": 2}
    stopper = when_saved(tmp_path / "runs", stop)
    with pytest.raises(error, match=words):
        run(LONG, **there, **options)
    stopper.join()
    assert multiprocessing.active_children() == []
    assert not (tmp_path / "records").exists()
    begun = [checkpoints.newest(tmp_path / "runs" / "small" / f"relu-seed{seed}")[1] for seed in (0, 1)]
    assert all(1 <= state["progress"]["epoch"] < 60 for state in begun)
    assert numbers(run(LONG, **there, **options)) == unbroken


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_another_process_is_making_is_named_and_left_to_it(photos, tmp_path, jobs):
    options = {"sets": photos, "device": "cpu", "progress": False, "jobs": jobs}
    there = {"folder": tmp_path / "records", "out": tmp_path / "runs"}
    words = "hot-seed0 is being made by another process in .*: the same command looks again"
    with held(tmp_path / "runs" / "small" / "hot-seed0"), pytest.warns(UserWarning, match=words):
        made = run(SMALL, ["hot"], **there, **options)
    assert [record.label for record in made] == ["hot-seed1"]
    assert [record.label for record in run(SMALL, ["hot"], **there, **options)] == ["hot-seed0"]


def test_what_is_wrong_with_a_run_is_said_by_the_command_and_not_by_a_dead_process(tmp_path):
    options = {"folder": tmp_path, "out": tmp_path, "device": "cpu", "progress": False, "root": tmp_path}
    lost = dataclasses.replace(SMALL, setting=dataclasses.replace(SETTING, data="folder:nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run(lost, ["hot"], jobs=2, **options)
    with pytest.raises(ValueError, match="jobs is 0, and must be at least 1"):
        run(SMALL, jobs=0, **options)


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
    assert found.answers[0].verdict == "not measured: tanh has no training loss at any rate tried"


def test_data_are_loaded_once_for_all_runs(photos, tmp_path, monkeypatch):
    asked = []

    def load(name, split, root, size):
        asked.append((name, split, root, size))
        return photos[split == "test"]

    monkeypatch.setattr(running, "load", load)
    made = run(SMALL, ["hot"], folder=tmp_path, out=tmp_path, root="here", device="cpu", progress=False)
    assert len(made) == 2
    assert asked == [("ten-photos", split, "here", 32) for split in ("train", "test")]


# Records that lie


def spoil(folder, label, change):
    (path,) = (folder / "small").glob(f"*_{label}.json")
    content = json.loads(path.read_text())
    change(content)
    path.write_text(records.sealed(content))


@pytest.mark.parametrize(
    ("label", "change", "words"),
    [
        (
            "relu-seed0",
            lambda run: run["config"].update(epochs=4),
            "relu-seed0 of small has epochs = 4, and .* 3",
        ),
        ("relu-seed0", lambda run: run["config"].update(rate=1e-5), "rate = 1e-05"),
        ("relu-seed0", lambda run: run.update(seed=7), "seed 7, not 0"),
        ("relu-seed0", lambda run: run["config"].update(seed=7), "seed = 7"),
        ("relu-seed0", lambda run: run["config"].update(changes=[{"epoch": 1}]), "changes"),
        ("relu-rate-search-0.001", lambda run: run["config"].update(rate=1.0), "rate = 1.0"),
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


def test_a_record_from_before_a_field_was_there_counts_with_its_default(laboratory, tmp_path):
    for record in laboratory.made:
        records.store(record, tmp_path)
    spoil(tmp_path, "relu-seed0", lambda run: run["config"].pop("compiled"))
    assert report(SMALL, tmp_path).answers[0].interval


def test_runs_count_only_when_the_search_of_their_rate_is_complete(laboratory, tmp_path):
    for record in laboratory.made:
        if record.label != "relu-rate-search-1e-05":
            records.store(record, tmp_path)
    found = report(SMALL, tmp_path)
    assert list(found.rates) == ["hot"]
    assert [answer.verdict for answer in found.answers] == [
        "not measured",
        "not measured: no answer from seed 0, 1",
    ]


def test_a_missing_seed_is_named(laboratory, tmp_path):
    for record in laboratory.made:
        if record.label != "tanh-seed1":
            records.store(record, tmp_path)
    answer = report(SMALL, tmp_path).answers[0]
    assert answer.verdict == "not measured: no answer from seed 1"
    assert answer.power == "no interval, no power"
    assert answer.effect == "3 runs on record, too few for an interval"


# The command line


def test_the_command_lists_arms_runs_and_verdict_of_each_experiment(capsys):
    assert main(["experiment", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(EXPERIMENTS)
    assert [line.strip() for line in lines[1::2]] == [asked.question for asked in EXPERIMENTS.values()]
    (towers,) = (line for line in lines if line.startswith("two-towers "))
    found = report(EXPERIMENTS["two-towers"])
    assert towers.split(maxsplit=1)[1] == f"4 arms  {len(found.runs):>3} of  32 runs  {found.verdict}"


def test_the_command_reports_all_experiments_where_none_is_named(capsys):
    assert main(["experiment", "report"]) == 0
    out = capsys.readouterr().out
    for name, asked in EXPERIMENTS.items():
        assert f"{name}: {asked.question}" in out
        assert f"To measure {name}\n" in out


def test_the_command_runs_the_named_arms_and_reports(laboratory, capsys, monkeypatch):
    from alexnet_lib import experiments

    asked = []
    monkeypatch.setitem(experiments.EXPERIMENTS, "small", SMALL)
    monkeypatch.setattr(experiments, "run", lambda *given, **options: asked.append((given, options)) or [])
    monkeypatch.setattr(experiments, "report", lambda experiment: report(experiment, laboratory.folder))
    assert main(["experiment", "run", "small", "--arms", "relu,tanh", "--seeds", "3", "--out", "here"]) == 0
    assert asked == [
        ((SMALL, ["relu", "tanh"]), {"seeds": 3, "jobs": 1, "device": None, "root": None, "out": "here"}),
    ]
    assert main(["experiment", "report", "small"]) == 0
    out = capsys.readouterr().out
    assert "rate of relu: 0.001, at the edge of its grid" in out
    assert "tanh against relu: training loss: " in out
    assert "failed: hot-seed1: the loss is nan" in out
    assert main(["experiment", "report", "smalls"]) == 2
    assert "did you mean 'small'" in capsys.readouterr().err


# The claim card


def figure_1_record(label, config, epochs):
    """A record of Figure 1's net whose error falls from 50 % in a straight line, to 25 % after `epochs`."""
    errors = [0.5]
    while errors[-1] > 0.25:
        errors.append(0.5 - 0.25 * len(errors) / (epochs - 0.5))
    return recorded(
        experiment="relu-against-tanh",
        label=label,
        seed=config.seed,
        config={**dataclasses.asdict(config), "changes": []},
        curves={"training error": errors},
        command="alexnet experiment run relu-against-tanh",
    )


def figure_1_records(folder, tanh_epochs):
    experiment = EXPERIMENTS["relu-against-tanh"]
    for arm, best in (("relu", 0.002), ("tanh", 0.02)):
        for rate in experiment.arms[arm].rates:
            config = experiment.search_config(arm, rate)
            epochs = 5.0 if rate == best else 9.0
            records.store(figure_1_record(f"{arm}-rate-search-{rate:g}", config, epochs), folder)
        for seed in range(5):
            epochs = 4.0 if arm == "relu" else tanh_epochs[seed]
            config = experiment.config(arm, seed, best)
            records.store(figure_1_record(f"{arm}-seed{seed}", config, epochs), folder)


def test_the_claim_card_shows_effect_interval_seeds_data_hardware_and_verdict(tmp_path):
    (claim,) = paper.claims("3.1")
    assert finding(claim, tmp_path) == Finding(NOT_YET, "not measured", NOT_YET)
    figure_1_records(tmp_path, [6.0, 6.0, 6.0, 6.0, 6.0])
    found = finding(claim, tmp_path)
    assert found.value == (
        "1.50 times (95 % interval 1.50 to 1.50, 5 seeds); ten-photos, 10 images; CPU, 1 thread(s), x86_64"
    )
    assert found.verdict == "same sign"
    assert found.command == "alexnet experiment run relu-against-tanh"


@pytest.mark.parametrize(
    ("tanh_epochs", "words"),
    [
        ([24.0, 26.0, 25.0, 23.0, 22.0], "reproduced"),
        ([3.0, 5.0, 4.0, 4.5, 3.5], "not at this scale"),
        ([3.0, 3.1, 3.2, 3.0, 3.1], "contradicted"),
    ],
)
def test_the_card_takes_the_verdict_of_the_rule(tmp_path, tanh_epochs, words):
    figure_1_records(tmp_path, tanh_epochs)
    assert finding(paper.claims("3.1")[0], tmp_path).verdict == words
