"""Records are written whole, read back equal, and refused when they are none."""

import dataclasses
import hashlib
import json
import os
import sys

import pytest

from alexnet_lib import records

RECORD = records.Record(
    experiment="trial",
    label="relu",
    date="2026-01-02",
    command="python train.py",
    data="ten-photos",
    images=10,
    seed=0,
    config={"epochs": 3},
    hardware="CPU, 1 thread(s), x86_64",
    versions={"torch": "2"},
    commit="abc",
    seconds=1.5,
    curves={"training error": [0.9, 0.2, 0.3]},
    results={"test error": 0.4},
)


def test_a_stored_record_is_read_back_equal(tmp_path):
    path = records.store(RECORD, tmp_path)
    assert path.relative_to(tmp_path).as_posix() == "trial/2026-01-02_cpu_relu.json"
    assert records.load("trial", tmp_path) == [RECORD]
    assert [item.name for item in path.parent.iterdir()] == [path.name]  # no half-written file beside it


def test_a_disk_that_takes_no_more_leaves_no_half_record(tmp_path, monkeypatch):
    def full(handle):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"2026-01-02_cpu_relu\.json could not be written .*make room there"):
        records.store(RECORD, tmp_path)
    assert list((tmp_path / "trial").iterdir()) == []


def test_a_record_is_never_edited(tmp_path):
    records.store(RECORD, tmp_path)
    with pytest.raises(FileExistsError, match="never edited"):
        records.store(dataclasses.replace(RECORD, seed=1), tmp_path)
    assert records.load("trial", tmp_path)[0].seed == 0


def test_an_unknown_experiment_names_the_nearest(tmp_path):
    records.store(RECORD, tmp_path)
    with pytest.raises(ValueError, match="did you mean 'trial'"):
        records.load("trail", tmp_path)


@pytest.mark.parametrize("damage", ["missing", "extra", "cut"])
def test_a_file_that_is_no_record_is_refused_by_name(tmp_path, damage):
    path = records.store(RECORD, tmp_path)
    content = json.loads(path.read_text())
    if damage == "missing":
        del content["seed"]
    if damage == "extra":
        content["mood"] = "good"
    path.write_text(records.sealed(content)[: -20 if damage == "cut" else None])
    with pytest.raises(ValueError, match=r"2026-01-02_cpu_relu\.json is no record"):
        records.load("trial", tmp_path)


def test_a_changed_digit_in_a_record_is_noticed_and_told_with_the_way_back(tmp_path):
    path = records.store(RECORD, tmp_path)
    path.write_text(path.read_text().replace('"test error": 0.4', '"test error": 0.3'))
    with pytest.raises(
        ValueError,
        match=r"^2026-01-02_cpu_relu\.json was changed after it was written, .* git shows what it was",
    ):
        records.load("trial", tmp_path)


def test_a_record_without_a_digest_is_refused(tmp_path):
    path = records.store(RECORD, tmp_path)
    path.write_text(json.dumps(dataclasses.asdict(RECORD)))
    with pytest.raises(ValueError, match=r"^2026-01-02_cpu_relu\.json is no record: it has no sha256"):
        records.load("trial", tmp_path)


def test_the_digest_is_that_of_the_other_fields_by_name_whatever_lies_between_them(tmp_path):
    path = records.store(RECORD, tmp_path)
    found = json.loads(path.read_text())
    assert list(found)[-1] == "sha256"
    digest = found.pop("sha256")
    assert digest == hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    turned = {name: found[name] for name in sorted(found, reverse=True)}
    path.write_text(json.dumps(turned | {"sha256": digest}, indent=4))
    assert records.load("trial", tmp_path) == [RECORD]


@pytest.mark.parametrize(
    ("field", "name"), [("experiment", "../trial"), ("label", "a/b"), ("experiment", "..")]
)
def test_a_record_is_written_into_no_other_folder(tmp_path, field, name):
    folder = tmp_path / "records"
    with pytest.raises(ValueError, match=rf"{field} makes a file name .*{name}"):
        records.store(dataclasses.replace(RECORD, **{field: name}), folder)
    assert list(tmp_path.iterdir()) == []


def test_curves_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="same number of epochs"):
        dataclasses.replace(RECORD, curves={"a": [1.0], "b": [1.0, 2.0]})


def test_the_first_epoch_below_a_threshold_counts_from_one():
    assert RECORD.epochs == 3
    assert RECORD.first_below("training error", 0.25) == 2
    assert RECORD.first_below("training error", 0.2) == 2
    assert RECORD.first_below("training error", 0.1) is None
    with pytest.raises(ValueError, match="curve is 'loss'"):
        RECORD.first_below("loss", 0.1)


@pytest.mark.parametrize(
    ("command", "taken_over"),
    [
        ("alexnet experiment run trial", False),
        ("alexnet experiment run trial --jobs 2", False),
        ("alexnet experiment run trial-cifar", True),
        ("alexnet train --preset trial", False),
        ("", False),
    ],
)
def test_a_run_that_another_experiment_made_is_told_by_its_command(command, taken_over):
    assert dataclasses.replace(RECORD, command=command).taken_over is taken_over


def test_the_circumstances_of_a_run_are_filled_in():
    found = records.circumstances()
    assert set(found) == {"date", "hardware", "versions", "commit", "memory"}
    assert found["versions"]["torch"]
    assert records.circumstances("cpu")["hardware"].startswith("CPU, ")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such count")
def test_the_memory_on_record_is_what_the_process_held_at_most():
    before = records.circumstances("cpu")["memory"]
    more = before + 300_000_000
    held = b"x" * more  # each byte written, so that the system has to give it
    del held
    assert more < records.circumstances("cpu")["memory"] < more + 1.5 * before


def test_a_record_from_before_memory_was_kept_has_none(tmp_path):
    path = records.store(RECORD, tmp_path)
    content = json.loads(path.read_text())
    del content["memory"]
    path.write_text(records.sealed(content))
    assert records.load("trial", tmp_path)[0].memory is None


def test_every_record_in_the_package_can_be_read():
    assert len(records.every_record()) == len(list(records.RESULTS.rglob("*.json"))) > 0
