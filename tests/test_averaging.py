"""Several nets as one run (§6): their average, the images that they share, a run that is broken off."""

import dataclasses
import itertools
import signal
from types import SimpleNamespace

import pytest
import torch

from alexnet_lib import records
from alexnet_lib.dataset import ten_photos
from alexnet_lib.evaluation import topk_error
from alexnet_lib.experiments import Arm, Comparison, Experiment, Value, on_record, report, run
from alexnet_lib.learning import TrainConfig
from alexnet_lib.train import Training
from alexnet_lib.training import checkpoints
from alexnet_lib.training.runs import Interrupted, load_net

SETTING = TrainConfig(
    spec="figure-1-relu",
    data="ten-photos",
    val_fraction=0.0,
    training_images=20,
    image_size=40,
    crop=32,
    color_noise=0.0,
    batch_size=10,
    epochs=2,
    max_drops=0,
    dropout=0.0,
)
LOSS = Value("training loss", unit="")
TOGETHER, ALONE = Value("top-1 error, averaged"), Value("top-1 error, ten crops")
AVERAGED = Experiment(
    "averaged",
    "What does the average of two nets save?",
    SETTING,
    {"two-nets": Arm({}, (1e-3,), nets=2), "one-net": Arm({}, rate_of="two-nets")},
    (Comparison(None, "two-nets", "two-nets", TOGETHER, other=ALONE),),
    criterion=LOSS,
    seeds=2,
)


@pytest.fixture(scope="module")
def photos():
    return ten_photos("train", 40, 8), ten_photos("test", 40, 2)


@pytest.fixture(scope="module")
def averages(tmp_path_factory, photos):
    """The records of runs of two nets each, and of one."""
    at = tmp_path_factory.mktemp("averages")
    options = {
        "folder": at / "records",
        "out": at / "runs",
        "sets": photos,
        "device": "cpu",
        "progress": False,
    }
    chosen, loop = {}, Training.loop

    def noted(training):
        chosen[training.folder.relative_to(at / "runs" / "averaged").as_posix()] = training.batches.chosen
        loop(training)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "loop", noted)
        run(AVERAGED, **options)
    return SimpleNamespace(at=at, options=options, chosen=chosen, runs=on_record("averaged", at / "records"))


def test_a_run_of_two_nets_is_their_mean_and_the_error_of_their_average(averages, photos):
    _, test = photos
    record, folder = averages.runs["two-nets-seed1"], averages.at / "runs" / "averaged" / "two-nets-seed1"
    nets = [load_net(folder / f"net-{place}") for place in (0, 1)]
    assert [net.config.seed for net in nets] == [2, 3]
    assert {net.config.split for net in nets} == {1}
    judged = [net.probabilities(test) for net in nets]
    own = [topk_error(each, test.labels, 1) for each in judged]
    assert record.results["top-1 error, ten crops"] == pytest.approx(sum(own) / 2)
    assert record.results["top-1 error, averaged"] == topk_error((judged[0] + judged[1]) / 2, test.labels, 1)
    assert record.results["top-5 error, averaged"] == topk_error((judged[0] + judged[1]) / 2, test.labels, 5)
    assert record.config["nets"] == 2
    assert record.seed == record.config["seed"] == 1
    curves = [checkpoints.newest(folder / f"net-{place}")[1]["progress"]["curves"] for place in (0, 1)]
    for name, values in record.curves.items():
        assert values == pytest.approx(
            [(a + b) / 2 for a, b in zip(*(each[name] for each in curves), strict=True)]
        )


def test_the_nets_of_a_run_learn_from_the_same_images_and_no_two_are_alike(averages):
    folder = averages.at / "runs" / "averaged"
    nets = [load_net(folder / f"two-nets-seed{k}" / f"net-{place}") for k in (0, 1) for place in (0, 1)]
    first, second, third, fourth = (
        averages.chosen[f"two-nets-seed{k}/net-{place}"] for k in (0, 1) for place in (0, 1)
    )
    assert torch.equal(first, second)
    assert torch.equal(third, fourth)
    assert not torch.equal(first, third)
    weights = [net.net.features[0].weight for net in nets]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(weights, 2))


def test_the_first_net_of_the_first_run_is_the_run_of_one_net(averages):
    one, two = (
        averages.at / "runs" / "averaged" / name for name in ("one-net-seed0", "two-nets-seed0/net-0")
    )
    alone, first = (load_net(folder).net.state_dict() for folder in (one, two))
    assert all(torch.equal(alone[name], first[name]) for name in alone)


def test_the_rate_of_averaged_nets_is_tried_with_one(averages):
    assert "nets" not in averages.runs["two-nets-rate-search-0.001"].config
    assert "nets" not in averages.runs["one-net-seed0"].config


def test_a_run_of_one_net_is_not_taken_for_one_of_several(averages, tmp_path):
    answer = report(AVERAGED, averages.options["folder"]).answers[0]
    assert answer.interval.pairs == 2
    assert answer.pairs[1] == tuple(
        averages.runs["two-nets-seed1"].results[f"top-1 error, {which}"]
        for which in ("averaged", "ten crops")
    )
    folder = tmp_path / "records"
    for label, record in averages.runs.items():
        if label == "two-nets-seed1":
            record = dataclasses.replace(
                record, config={name: value for name, value in record.config.items() if name != "nets"}
            )
        records.store(record, folder)
    with pytest.raises(
        ValueError, match=r"two-nets-seed1 of averaged has nets = 1, and the experiment declares 2"
    ):
        report(AVERAGED, folder)


def test_averaged_nets_that_are_broken_off_go_on_with_the_net_they_were_at(averages, tmp_path, monkeypatch):
    options = averages.options | {"folder": tmp_path / "records", "out": tmp_path / "runs"}
    steps, count = [], Training.count

    def counted(training, *given):
        steps.append(training.folder.name)
        if len(steps) == 10:  # of four steps a net: the search, the first net, and half of the second
            signal.raise_signal(signal.SIGTERM)
        count(training, *given)

    monkeypatch.setattr(Training, "count", counted)
    with pytest.raises(Interrupted, match="two-nets-seed0 stopped and saved"):
        run(AVERAGED, ["two-nets"], **options)
    run(AVERAGED, ["two-nets"], **options)
    assert steps[9:] == 3 * ["net-1"] + 4 * ["net-0"] + 4 * ["net-1"]  # the end of one run, and the other
    again = on_record("averaged", tmp_path / "records")
    for label, record in again.items():
        before = averages.runs[label]
        assert record.curves == before.curves
        for name in record.results.keys() - {"images per second"}:
            assert record.results[name] == before.results[name]


def test_what_averaged_nets_wait_for_counts_their_nets(tmp_path):
    assert report(AVERAGED, tmp_path).waits_for.startswith(
        "5 of 5 runs of up to 2 nets of 2 epochs on ten-photos"
    )
