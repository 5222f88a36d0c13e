"""Presets hold together, and a command line changes them by name, type and rule."""

import pytest
import torch

from alexnet_lib.learning import TrainConfig
from alexnet_lib.training.presets import PRESETS, config_from


def test_the_preset_imagenet_is_the_paper():
    assert PRESETS["imagenet"].deviations() == {}


def test_the_baseline_is_the_one_of_the_readers_notes():
    baseline = PRESETS["cifar10-227"]
    assert (baseline.optimizer, baseline.lr, baseline.batch_size, baseline.epochs) == ("adam", 1e-3, 64, 15)
    assert (baseline.input_size, baseline.data) == (227, "cifar10")
    assert PRESETS["cifar10-paper"].deviations().keys() == {"spec", "data", "epochs", "milestones"}


@pytest.mark.parametrize("name", PRESETS)
def test_the_net_of_every_preset_takes_its_crops(name):
    from alexnet_lib.training.runs import build_net

    config = PRESETS[name]
    with torch.device("meta"):  # shapes without numbers
        net = build_net(config, 10).eval()
        assert net(torch.zeros(1, 3, config.input_size, config.input_size)).shape == (1, 10)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["epochs=30"], {"epochs": 30}),
        (["lr=0.005", "weight_decay=0"], {"lr": 0.005, "weight_decay": 0.0}),
        (["milestones=20,30"], {"milestones": (20, 30)}),
        (["milestones=20"], {"milestones": (20,)}),
        (["milestones="], {"milestones": ()}),
        (["milestones=none"], {"milestones": ()}),
        (["compiled=true", "channels_last=no"], {"compiled": True, "channels_last": False}),
        (["crop=192"], {"crop": 192}),
        (["crop=none"], {"crop": None}),
        (["data=folder:/a=b"], {"data": "folder:/a=b"}),
        (["epochs=3", "epochs=4"], {"epochs": 4}),
    ],
)
def test_settings_are_read_by_the_type_of_their_field(settings, expected):
    config = config_from("imagenet", settings)
    for name, value in expected.items():
        assert (getattr(config, name), type(getattr(config, name))) == (value, type(value))
    unchanged = {name for name in TrainConfig.__dataclass_fields__ if name not in expected}
    assert all(getattr(config, name) == getattr(PRESETS["imagenet"], name) for name in unchanged)


@pytest.mark.parametrize(
    ("preset", "settings", "words"),
    [
        ("imagenete", [], "preset is 'imagenete'.* did you mean 'imagenette'"),
        ("laptop", ["epoch=3"], "set is 'epoch'.* did you mean 'epochs'"),
        ("laptop", ["epochs"], "set is 'epochs', and a setting is NAME=VALUE"),
        ("laptop", ["epochs=3.5"], r"epochs is 3\.5"),
        ("laptop", ["lr=fast"], "lr is 'fast', and must be"),
        ("laptop", ["compiled=maybe"], "compiled is 'maybe'"),
        ("laptop", ["milestones=3,x"], "milestones"),
        ("laptop", ["epochs=0"], "epochs is 0, and must be at least 1"),
        ("laptop", ["lr=nan"], "lr is .*nan"),
    ],
)
def test_a_wrong_setting_names_itself_and_the_way_out(preset, settings, words):
    with pytest.raises((TypeError, ValueError), match=words):
        config_from(preset, settings)
