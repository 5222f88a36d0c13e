"""A net comes back from its run's folder, and judges images as the run did."""

from dataclasses import replace

import pytest
import torch
from training import CONFIG, sets, tiny_net, tiny_run

from alexnet_lib import dataset
from alexnet_lib.cli import main
from alexnet_lib.dataset import ten_photos
from alexnet_lib.evaluation import topk_error
from alexnet_lib.training import checkpoints, runs
from alexnet_lib.training.runs import load_net

ONE_EPOCH = replace(CONFIG, epochs=1)


@pytest.fixture(autouse=True)
def tiny_nets(monkeypatch):
    """Folders are read as the tiny net's, not as AlexNet's."""
    monkeypatch.setattr(runs, "build_net", lambda config, classes: tiny_net())


def test_a_net_read_again_has_the_errors_of_its_run(tmp_path):
    result = tiny_run(tmp_path, replace(CONFIG, epochs=2, milestones=(1,)))
    net, (_, test) = load_net(tmp_path), sets()
    assert net.config == result.config
    assert torch.equal(net.mean, result.mean)
    for crops, name in (("center", "center"), ("ten", "ten crops")):
        error = topk_error(net.probabilities(test, crops), test.labels, 1)
        assert error == pytest.approx(result.results[f"top-1 error, {name}"])


def test_a_checkpoint_whose_config_has_older_names_is_read(tmp_path):
    config = replace(ONE_EPOCH, milestones=(2, 5), color_noise=0.2, color_noise_scale="deviation")
    tiny_run(tmp_path, config)
    path, state = checkpoints.newest(tmp_path)
    old = dict(rate="lr", held_out="val_fraction", drop_epochs="milestones", image_side="image_size")
    old |= dict(colour_noise="color_noise", noise_magnitude="color_noise_scale", rate_plan="lr_plan")
    for name, new in (old | dict(rate_divisions="max_drops")).items():
        state["config"][name] = state["config"].pop(new)
    state["config"].pop("init")
    torch.save(state, path)
    assert load_net(tmp_path).config == config
    assert tiny_run(tmp_path, replace(config, epochs=2), resume=True).config.epochs == 2


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        load_net(tmp_path)
    tiny_run(tmp_path, ONE_EPOCH)
    net, (_, test) = load_net(tmp_path), sets()
    with pytest.raises(ValueError, match="judge it on the set that it was trained for"):
        net.probabilities(replace(test, classes=test.classes[::-1]))
    with pytest.raises(ValueError, match="crops is 'eleven'"):
        net.probabilities(test, "eleven")
    with pytest.raises(TypeError, match="images"):
        net.probabilities(test.images)


@pytest.fixture
def two_sizes(tmp_path, monkeypatch):
    """Two runs that store their images in different sizes."""
    monkeypatch.setattr(dataset, "load", lambda name, split, root, size, cache: ten_photos(split, size, 10))
    folders = [str(tmp_path / name) for name in ("a", "b")]
    for side, folder in zip((20, 32), folders, strict=True):
        parts = ten_photos("train", side, 20), ten_photos("test", side, 10)
        tiny_run(folder, replace(ONE_EPOCH, image_size=side), sets=parts)
    return folders


def test_evaluate_judges_every_run_on_images_of_its_own_size_in_any_order(two_sizes, capsys):
    told = {}
    for folders in (two_sizes, two_sizes[::-1], two_sizes[:1], two_sizes[1:]):
        assert main(["evaluate", *folders]) == 0
        for line in capsys.readouterr().out.splitlines():
            crops, name = line.split()[0], line.split()[-1]
            if name in two_sizes:
                assert told.setdefault((crops, name), line) == line
    assert len(told) == 4


def test_evaluate_prints_each_net_their_average_and_which_crops_the_classes_belong_to(two_sizes, capsys):
    assert main(["evaluate", *two_sizes, "--classes", "--data", "ten-photos"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9].strip() for line in lines[:6]] == ["center cr"] * 3 + ["ten crops"] * 3
    assert lines[5].endswith("average of 2")
    assert "ten crops" in lines[6]
    assert len(lines) == 7 + 10


def test_runs_on_different_test_images_are_not_averaged(two_sizes, capsys, monkeypatch):
    monkeypatch.setattr(
        dataset,
        "load",
        lambda name, split, root, size, cache: ten_photos(split, size, 10 if size < 30 else 5),
    )
    assert main(["evaluate", *two_sizes]) == 0
    out = capsys.readouterr().out
    assert "no average" in out
    assert "average of" not in out
