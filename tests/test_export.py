"""An exported network gives the scores of the run's own, at any number of images."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from alexnet_lib.augmentation import center_crop
from alexnet_lib.cli import main
from alexnet_lib.learning import TrainConfig
from alexnet_lib.training import checkpoints
from alexnet_lib.training.runs import load_net
from alexnet_lib.use.export import FromPixels, export

CONFIG = TrainConfig(
    spec="four-layer", data="ten-photos", image_size=40, crop=32, input_scale=0.02, dropout=0.0
)
CLASSES = ("ant", "bee", "cat")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run: the small net with two response normalizations, not trained."""
    from alexnet_lib.training.runs import build_net

    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    net = build_net(CONFIG, len(CLASSES))
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    mean = 100 + 20 * torch.rand(3, 40, 40)
    state = {"net": net.state_dict(), "config": asdict(CONFIG), "mean": mean, "classes": list(CLASSES)}
    checkpoints.save(state, folder, 1)
    torch.save(net.state_dict(), folder / "weights.pt")
    return folder


def scores(run, pixels):
    """What the run's net says of crops, with the mean and the scale of its training."""
    found = load_net(run)
    with torch.no_grad():
        return found.net((pixels - center_crop(found.mean, 32)) * CONFIG.input_scale)


def from_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == list(CLASSES)
    return lambda pixels: torch.from_numpy(session.run(None, {"pixels": pixels.numpy()})[0])


@pytest.mark.parametrize("suffix", [".onnx", ".pt2", ".pt"])
def test_what_is_read_back_gives_the_scores_of_the_run(run, tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    assert str(path) in export(run, path)
    if suffix == ".pt":
        net = load_net(run)
        torch.nn.init.zeros_(net.net.features.conv1.weight)
        net.net.load_state_dict(torch.load(path, weights_only=True))
        read = FromPixels(net.net, center_crop(net.mean, 32), CONFIG.input_scale)
    else:
        read = from_onnx(path) if suffix == ".onnx" else torch.export.load(path).module()
    for count in (1, 7):
        pixels = torch.from_numpy(np.random.default_rng(count).uniform(0, 255, (count, 3, 32, 32))).float()
        expected = scores(run, pixels)
        with torch.no_grad():
            assert (read(pixels) - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_torchvisions_own_net_takes_the_weights_under_its_names(tmp_path, monkeypatch):
    from torchvision.models import alexnet

    from alexnet_lib.architecture import AlexNet
    from alexnet_lib.use import export as module
    from alexnet_lib.use.weights import Trained

    mean = torch.full((3, 224, 224), 110.0)
    given = Trained(AlexNet("torchvision", 3).eval(), mean, 0.02, CLASSES, 224, "torchvision", "any")
    net = FromPixels(given.net, mean, 0.02)
    monkeypatch.setattr(module, "load_trained", lambda run: given)
    export("any", tmp_path / "model.pth")
    with torch.device("meta"):
        theirs = alexnet(num_classes=3).eval()
    theirs.load_state_dict(torch.load(tmp_path / "model.pth", weights_only=True), assign=True)
    pixels = torch.rand(1, 3, 224, 224) * 255
    with torch.no_grad():
        torch.testing.assert_close(theirs((pixels - 110) * 0.02), net(pixels))


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("run", "there.onnx", "is there already"),
        ("run", "model.keras", "did you mean '.pt'? choose from .onnx"),
        ("run", "model", "suffix is ''"),
        ("run", "no/such/model.pt", "make"),
        ("run", "model.pth", "other layers"),
        ("nowhere", "model.pt", "no such folder"),
        ("run/weights.pt", "model.pt", "holds weights alone"),
        ("run/there.onnx", "model.pt", "no checkpoint"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(run, tmp_path, capsys, source, name, words):
    (tmp_path / "there.onnx").write_text("mine")
    (run / "there.onnx").write_text("mine")
    source = str(run) + source.removeprefix("run") if source.startswith("run") else source
    assert main(["export", source, str(tmp_path / name)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert words.partition("?")[0] in line or "none of the known" in line
    assert [one.name for one in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_text() == "mine"


def test_a_program_that_disagrees_is_not_written(run, tmp_path, monkeypatch):
    from alexnet_lib.use import export as module

    monkeypatch.setattr(module, "CLOSE", -1.0)
    with pytest.raises(ValueError, match="nothing was written"):
        export(run, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
