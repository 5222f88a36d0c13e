"""The tables and the figure of chapter 5.1: presets as they are, memory as torch counts it, recorded runs."""

from dataclasses import asdict, replace

import pytest
import torch
from torch import nn

from alexnet_lib import figures, records
from alexnet_lib.architecture import AlexNet
from alexnet_lib.learning import TrainConfig
from alexnet_lib.normalization import LocalResponseNorm
from alexnet_lib.pooling import MaxPool
from alexnet_lib.tables import config_of, deviation_table, memory_table, preset_table, run_table
from alexnet_lib.training.presets import PRESETS

PAPER = TrainConfig()
POOL_AND_NORM = (LocalResponseNorm, MaxPool)
CONFIG = replace(PAPER, epochs=4, milestones=(1, 3), seed=7)
RECORD = records.Record(
    experiment="trial",
    label="small",
    date="2026-01-02",
    command="alexnet train --preset imagenette",
    data="ten patches",
    images=900,
    seed=7,
    config={**asdict(CONFIG), "changes": []},
    hardware="CPU, 1 thread(s)",
    versions={},
    commit="",
    seconds=5400.0,
    curves={
        "training error": [0.9, 0.8, 0.7, 0.6],
        "validation error": [0.9, 0.85, 0.8, 0.79],
        "rate": [0.01, 0.01, 0.001, 0.001],
    },
    results={"top-1 error, ten crops": 0.7777},
)


def test_a_preset_shows_what_it_changes_and_a_dash_where_it_is_the_paper():
    table = preset_table()
    assert set(table.column("imagenet")) == {"–"}  # the preset that is the paper's run
    for name, config in PRESETS.items():
        shown = dict(zip(table.column("field"), table.column(name), strict=True))
        changed = {field for field, words in shown.items() if words != "–"}
        other = {field for field in vars(config) if getattr(config, field) != getattr(PAPER, field)}
        assert changed == other | ({"crop"} if config.input_size != 224 else set())


def test_the_papers_column_has_words_where_the_default_only_stands_for_it():
    changed = replace(
        CONFIG, data="cifar10", crop=200, random_crops=False, training_images=9, stop_at_error=0.25
    )
    assert {name: (paper, ours) for name, paper, ours in deviation_table(changed).rows} == {
        "data": ("ImageNet", "cifar10"),
        "training_images": ("all", "9"),
        "crop": ("224", "200"),
        "random_crops": ("yes", "no"),
        "epochs": ("90", "4"),
        "stop_at_error": ("never", "0.25"),
        "milestones": ("on plateaus", "1, 3"),
        "seed": ("0 (ours)", "7"),  # the paper names none
    }


def test_the_memory_is_what_torch_counts():
    with torch.device("meta"):
        net, images = AlexNet("paper"), torch.zeros(1, 3, 224, 224)
    outputs = []
    for layer in (*net.features, *net.classifier):
        layer.register_forward_hook(lambda layer, given, output: outputs.append((layer, output.nbytes)))
    net(images)
    weights = sum(parameter.nbytes for parameter in net.parameters())
    takes = dict(memory_table().rows)
    assert takes["weights"] == takes["their velocity"] == f"{weights / 1e6:.0f} MB"
    kept = {  # and the last row has the gradients of all three
        "outputs of convolutional and fully-connected layers, 128 images": (nn.Conv2d, nn.Linear),
        "outputs of normalization and pooling": POOL_AND_NORM,
        "outputs of ReLUs, unless written over their inputs": nn.ReLU,
        "gradients of all these outputs, if each is kept": (nn.Conv2d, nn.Linear, nn.ReLU, *POOL_AND_NORM),
    }
    for row, kinds in kept.items():
        counted = 128 * sum(size for layer, size in outputs if isinstance(layer, kinds)) / 1e6
        # torch also has the outputs of the ReLUs behind fc6 and fc7.
        assert float(takes[row].removesuffix(" MB")) == pytest.approx(counted, rel=0.02)
    assert takes["ImageNet, 1,200,000 images, as bytes"] == f"{1_200_000 * 3 * 256 * 256 / 1e9:.1f} GB"


def test_a_run_is_told_with_its_hours_and_a_dash_for_what_was_not_measured():
    ((*told,),) = run_table([RECORD]).rows
    assert told[:4] == ["small", "ten patches, 900 images", "4", "1.5"]
    assert told[4:7] == ["–", "–", "77.8%"]


def test_the_settings_of_a_recorded_run_come_back_from_its_file(tmp_path):
    records.store(RECORD, tmp_path)
    (read,) = records.load("trial", tmp_path)
    assert config_of(read) == CONFIG


def test_a_record_from_before_a_field_existed_has_its_default():
    older = {name: value for name, value in RECORD.config.items() if name != "input_scale"}
    assert config_of(replace(RECORD, config=older)) == replace(CONFIG, input_scale=1.0)


def test_a_record_of_another_program_has_no_settings_to_read():
    with pytest.raises(ValueError, match=r"'trial' 'small' has no .*batch_size.* in its config"):
        config_of(replace(RECORD, config={"epochs": 3}))


def test_the_errors_at_the_end_are_told_and_the_picture_is_light():
    picture = figures.error_histories([RECORD])
    assert "small, 4 epochs: at the end training error 60%, validation error 79%" in picture.alt
    assert 500 < len(picture.png) < 80_000


def test_a_line_stands_where_the_rate_fell():
    constant = replace(RECORD, curves=RECORD.curves | {"rate": [0.01] * 4})
    assert figures.error_histories([RECORD]).png != figures.error_histories([constant]).png


def test_no_record_makes_no_figure():
    with pytest.raises(ValueError, match=r"records is \[\], and must not be empty"):
        figures.error_histories([])
