"""Predicting and fine-tuning, as a reader would do it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib.architecture import AlexNet
from alexnet_lib.augmentation import center_crop
from alexnet_lib.cli import main
from alexnet_lib.dataset import photographs
from alexnet_lib.relu import FourLayerNet
from alexnet_lib.specs import NETS
from alexnet_lib.use.finetune import finetune
from alexnet_lib.use.predict import layer_maps, occlusion, predict
from alexnet_lib.use.weights import Trained, load_trained


@pytest.fixture(scope="module")
def shipped():
    return load_trained()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes that anyone can tell apart: patches of a photograph of galaxies, and of one of gravel."""
    at = tmp_path_factory.mktemp("photos")
    for name, source in (("galaxies", "hubble_deep_field"), ("gravel", "gravel")):
        (at / name).mkdir()
        photo = photographs()[source]
        for k in range(8):
            patch = photo[:, 20 * k : 20 * k + 200, 20 * k : 20 * k + 200].permute(1, 2, 0).numpy()
            Image.fromarray(patch).save(at / name / f"{k}.png")
    return at


@pytest.fixture(scope="module")
def tuned(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "mine"
    return finetune(folder, out, epochs=1, tell=lambda told: None)


def test_predict_gives_torchs_own_probabilities(shipped, folder):
    photo = folder / "gravel" / "0.png"
    (seen,) = predict([photo], shipped)
    picture = torch.from_numpy(
        np.asarray(Image.open(photo).convert("RGB").resize((144, 144), Image.BICUBIC)).copy()
    )
    assert (seen.image.float() - picture.permute(2, 0, 1).float()).abs().mean() < 8  # another resampling
    with torch.no_grad():
        x = center_crop(seen.image[None].float() - shipped.mean, 128) * shipped.factor
        expected = shipped.net(x).softmax(dim=1)[0]
    values, indices = expected.topk(5)
    assert [guess.label for guess in seen.guesses] == [shipped.classes[k] for k in indices]
    assert [guess.probability for guess in seen.guesses] == pytest.approx(values.tolist(), rel=1e-4)


def test_occlusion_is_what_a_gray_square_costs(shipped, folder):
    (seen,) = predict([folder / "galaxies" / "0.png"], shipped)
    label = seen.guesses[0].label
    found = occlusion(shipped, seen.image, label)
    x = center_crop(seen.image[None].float() - shipped.mean, 128)
    covered = x.clone()
    covered[..., 12:44, 24:56] = 0  # second row, third column
    with torch.no_grad():
        before, after = (shipped.net(each * shipped.factor).softmax(1)[0] for each in (x, covered))
    k = shipped.classes.index(label)
    assert found[1, 2].item() == pytest.approx((before[k] - after[k]).item(), abs=1e-5)


def test_finetune_learns_two_classes_and_predict_uses_the_run(tuned, folder):
    assert tuned.classes == ("galaxies", "gravel")
    assert (tuned.training, tuned.held_out) == (12, 4)
    assert tuned.right == tuned.right_frozen == 4
    low, high = tuned.interval
    assert low == pytest.approx(0.025 ** (1 / 4))
    assert high == 1.0
    (seen,) = predict([folder / "gravel" / "3.png"], tuned.folder)
    assert seen.guesses[0].label == "gravel"
    assert len(seen.guesses) == 2


def test_a_run_that_is_there_is_refused_before_anything_is_read(tuned):
    with pytest.raises(FileExistsError, match="holds a run already"):
        finetune("nowhere", tuned.folder)


def test_the_new_layer_leaves_the_other_layers_as_they_are(tuned):
    """With so small a rate all layers move a little: none is drawn anew."""
    before, after = load_trained().net, load_trained(tuned.folder).net
    for name in ("conv1", "conv5"):
        old, new = (getattr(net.features, name).weight for net in (before, after))
        assert 0 < (new - old).norm() / old.norm() < 0.05


def test_torchvisions_weights_give_torchvisions_scores(monkeypatch):
    """With random weights in place of the download, and torchvision's own preprocessing as the oracle."""
    from torchvision.models import AlexNet_Weights, alexnet

    torch.manual_seed(0)
    theirs = alexnet(weights=None).eval()
    monkeypatch.setattr(AlexNet_Weights, "get_state_dict", lambda *_, **__: theirs.state_dict())
    found = load_trained("torchvision")
    image = torch.randint(0, 256, (1, 3, 256, 256), dtype=torch.uint8)
    recipe = AlexNet_Weights.IMAGENET1K_V1.transforms()
    with torch.no_grad():
        expected = theirs(recipe(image))
        ours = found.model(center_crop(image.float() - found.mean, found.crop))
    assert (ours - expected).abs().max() / expected.abs().max() < 1e-4
    assert len(found.classes) == 1000


def test_a_file_that_is_not_torchvisions_is_named(monkeypatch):
    from torchvision.models import AlexNet_Weights

    monkeypatch.setattr(
        AlexNet_Weights, "get_state_dict", lambda *_, **__: torch.nn.Linear(2, 2).state_dict()
    )
    with pytest.raises(ValueError, match=r"alexnet-owt-7be5be79\.pth is not torchvision's file"):
        load_trained("torchvision")


def test_a_file_with_another_sum_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth").write_bytes(b"")
    with pytest.raises(ValueError, match="SHA-256 starts with e3b0c442, not 7be5be79"):
        load_trained("torchvision")


def test_a_net_of_other_layers_is_drawn_by_its_own_and_one_that_is_no_alexnet_is_refused(tmp_path):
    spec = replace(NETS["no-conv3"], image_size=67, hidden=(8, 8))
    mean, classes = torch.zeros(3, 70, 70), ("a", "b")
    found = Trained(AlexNet(spec, 2), mean, 1.0, classes, 67, "no-conv3", "mine")
    maps = layer_maps(found, torch.zeros(3, 70, 70, dtype=torch.uint8))
    assert [len(each) for each in maps.values()] == [96, 256, 384, 256]
    other = Trained(FourLayerNet(classes=2), mean, 1.0, classes, 32, "figure-1-relu", "mine")
    with pytest.raises(ValueError, match="must be an AlexNet"):
        layer_maps(other, torch.zeros(3, 70, 70, dtype=torch.uint8))


def _offline(*_, **__):
    raise OSError("no network")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("predict nowhere.jpg", "no such file"),
        ("predict letter.pdf", "letter.pdf"),
        ("predict galaxies/0.png --weights nowhere", "no such folder"),
        ("predict galaxies/0.png --occlusion", "add --picture"),
        ("predict galaxies/0.png --picture letter.pdf", "is there already"),
        ("finetune nowhere --out run", "no such folder"),
        ("finetune one --out run", "at least two"),
        ("finetune few --out run", "needs at least 5"),
        ("finetune broken --out run", "3.png"),
        ("finetune above --out run", "such as above/train"),
        ("predict galaxies/0.png --weights plain.pt", "holds weights alone"),
        ("predict galaxies/0.png --weights letter.pdf", "no checkpoint"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(command, told, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.4")
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "plain.pt")
    sets = {"one": "a", "few": "ab", "broken": "ab", "galaxies": ".", "above": ("train/a", "train/b")}
    for name, classes in sets.items():
        for each in classes:
            (tmp_path / name / each).mkdir(parents=True, exist_ok=True)
            for k in range(3 if name == "few" else 6):
                at = tmp_path / name / each / f"{k}.png"
                at.write_bytes((folder / "galaxies" / f"{k}.png").read_bytes())
    (tmp_path / "broken" / "b" / "3.png").write_bytes(b"no picture")
    assert main(command.split()) == 2
    said = capsys.readouterr().err.strip()
    assert told in said
    assert "\n" not in said.split("alexnet: ")[-1]
    assert not (tmp_path / "run").exists()


def test_without_a_network_torchvisions_weights_say_where_to_put_them(monkeypatch, capsys):
    from torchvision.models import AlexNet_Weights

    monkeypatch.setattr(AlexNet_Weights, "get_state_dict", _offline)
    with pytest.raises(OSError, match=r"put it at .*alexnet-owt-7be5be79\.pth"):
        load_trained("torchvision")
