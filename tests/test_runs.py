"""A net comes back from its run's folder, and judges images as the run did."""

from dataclasses import replace

import pytest
import torch
from training import CONFIG, sets, tiny_net, tiny_run

from alexnet_lib.cli import main
from alexnet_lib.evaluation import topk_error
from alexnet_lib.training import runs
from alexnet_lib.training.runs import load_net


@pytest.fixture
def tiny_nets(monkeypatch):
    """Folders are read as the tiny net's, not as AlexNet's."""
    monkeypatch.setattr(runs, "build_net", lambda config, classes: tiny_net())


def test_a_net_read_again_has_the_errors_of_its_run(tmp_path, tiny_nets):
    outcome = tiny_run(tmp_path, replace(CONFIG, epochs=2, milestones=(1,)))
    net, (_, test) = load_net(tmp_path), sets()
    assert net.config == outcome.config
    assert torch.equal(net.mean, outcome.mean)
    for crops, name in (("center", "center"), ("ten", "ten crops")):
        error = topk_error(net.probabilities(test, crops), test.labels, 1)
        assert error == pytest.approx(outcome.results[f"top-1 error, {name}"])


def test_other_classes_and_other_crops_are_refused(tmp_path, tiny_nets):
    tiny_run(tmp_path, replace(CONFIG, epochs=1))
    net, (_, test) = load_net(tmp_path), sets()
    with pytest.raises(ValueError, match="judge it on the set that it was trained for"):
        net.probabilities(replace(test, classes=test.classes[::-1]))
    with pytest.raises(ValueError, match="crops is 'eleven'"):
        net.probabilities(test, "eleven")


def test_an_empty_folder_says_what_it_should_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="name the --out of an `alexnet train`"):
        load_net(tmp_path)


def test_the_command_prints_each_net_and_their_average(tmp_path, tiny_nets, capsys, monkeypatch):
    monkeypatch.setattr("alexnet_lib.dataset.load", lambda *_, **__: sets()[1])
    folders = [str(tmp_path / name) for name in ("a", "b")]
    for seed, folder in enumerate(folders):
        tiny_run(folder, replace(CONFIG, epochs=1, seed=seed))
    assert main(["evaluate", *folders, "--classes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:6]] == ["center"] * 3 + ["ten"] * 3
    assert lines[5].endswith("average of 2")
    assert len(lines) == 6 + 10
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "holds no checkpoint" in capsys.readouterr().err
