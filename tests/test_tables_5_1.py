"""The tables and the figure of chapter 5.1: presets as they are, memory as torch counts it, recorded runs."""

from dataclasses import asdict, replace

import pytest
import torch

from alexnet_lib import figures, records
from alexnet_lib.architecture import AlexNet
from alexnet_lib.learning import TrainConfig
from alexnet_lib.presets import PRESETS
from alexnet_lib.tables import config_of, deviation_table, memory_table, preset_table, run_table

PAPER = TrainConfig()
CONFIG = replace(PAPER, epochs=4, drop_epochs=(1, 3), seed=7)
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
        assert changed == {field for field in vars(config) if getattr(config, field) != getattr(PAPER, field)}


def test_values_are_told_in_words():
    rows = {row[0]: row[1:] for row in deviation_table(replace(CONFIG, crop=200, random_crops=False)).rows}
    assert rows["drop_epochs"] == ("none", "1, 3")
    assert rows["crop"] == ("the spec's own", "200")
    assert rows["random_crops"] == ("yes", "no")
    assert rows["epochs"] == ("90", "4")


def test_the_memory_is_what_torch_counts():
    with torch.device("meta"):
        net, images = AlexNet("paper"), torch.zeros(1, 3, 224, 224)
    outputs = []
    for layer in (*net.features, *net.classifier):
        layer.register_forward_hook(lambda layer, given, output: outputs.append(output.nbytes))
    net(images)
    weights = sum(parameter.nbytes for parameter in net.parameters())
    takes = dict(memory_table().rows)
    assert takes["weights"] == takes["their velocity"] == f"{weights / 1e6:.0f} MB"
    counted = float(takes["outputs of all steps, 128 images"].removesuffix(" MB"))
    # torch also has the outputs of the ReLUs and dropouts behind fc6 and fc7.
    assert counted == pytest.approx(128 * sum(outputs) / 1e6, rel=0.02)
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
    with pytest.raises(ValueError, match="records is empty"):
        figures.error_histories([])
