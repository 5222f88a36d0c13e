"""Records are written whole, read back equal, and refused when they are none."""

import dataclasses
import json
import subprocess
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
    curves={"running training error": [0.9, 0.2, 0.3]},
    results={"test error": 0.4},
)


def test_a_stored_record_is_read_back_equal(tmp_path):
    path = records.store(RECORD, tmp_path)
    assert path.relative_to(tmp_path).as_posix() == "trial/2026-01-02_cpu_relu.json"
    assert records.load("trial", tmp_path) == [RECORD]
    assert [item.name for item in path.parent.iterdir()] == [path.name]  # no half-written file beside it


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
    path.write_text(json.dumps(content)[: -20 if damage == "cut" else None])
    with pytest.raises(ValueError, match=r"2026-01-02_cpu_relu\.json is not a record"):
        records.load("trial", tmp_path)


@pytest.mark.parametrize(
    ("field", "name"), [("experiment", "../trial"), ("label", "a/b"), ("experiment", "..")]
)
def test_a_record_is_written_into_no_other_folder(tmp_path, field, name):
    folder = tmp_path / "records"
    with pytest.raises(ValueError, match=rf"{field} makes a file name .*{name}"):
        records.store(dataclasses.replace(RECORD, **{field: name}), folder)
    assert list(tmp_path.iterdir()) == []


def test_curves_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="curves"):
        dataclasses.replace(RECORD, curves={"a": [1.0], "b": [1.0, 2.0]})


def test_the_first_epoch_below_a_threshold_counts_from_one():
    assert RECORD.epochs == 3
    assert RECORD.first_below("running training error", 0.25) == 2
    assert RECORD.first_below("running training error", 0.2) == 2
    assert RECORD.first_below("running training error", 0.1) is None
    with pytest.raises(ValueError, match="curve is 'loss'"):
        RECORD.first_below("loss", 0.1)


def test_a_run_that_another_experiment_made_is_told_by_its_command():
    other = dataclasses.replace(RECORD, command="alexnet experiment run trial-cifar")
    own = dataclasses.replace(RECORD, command="alexnet experiment run trial --jobs 2")
    assert (RECORD.copied_from, own.copied_from, other.copied_from) == (None, None, "trial-cifar")


def git(folder, *words):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True)


def test_the_commit_on_record_is_of_the_package_itself_and_not_of_a_project_around_it(tmp_path):
    package = tmp_path / "project" / "venv" / "alexnet_lib"
    package.mkdir(parents=True)
    (package / "a.py").write_text("1")
    git(tmp_path / "project", "init", "-q")
    git(tmp_path / "project", "add", ".")
    git(tmp_path / "project", "commit", "-qm", "first")
    assert records._commit(package) == ""
    git(package.parent, "init", "-q")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-qm", "first")
    assert len(records._commit(package)) == 12
    (package / "a.py").write_text("2")
    assert records._commit(package).endswith("+")


def test_the_training_error_of_the_first_records_was_the_running_one(tmp_path):
    old = dataclasses.replace(RECORD, curves={"training error": [0.9, 0.2, 0.3]})
    records.store(old, tmp_path)
    assert records.load("trial", tmp_path)[0].curves == {"running training error": [0.9, 0.2, 0.3]}
    both = {"running training error": [0.9], "training error": [0.8]}
    records.store(dataclasses.replace(RECORD, label="new", curves=both), tmp_path)
    assert records.load("trial", tmp_path)[0].curves == both


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such count")
def test_the_memory_on_record_is_what_the_process_held_at_most():
    before = records.environment("cpu")["memory"]
    more = before + 100_000_000
    held = b"x" * more  # each byte written, so that the system has to give it
    del held
    assert more < records.environment("cpu")["memory"] < more + 1.5 * before


def test_a_record_from_before_memory_was_kept_has_none(tmp_path):
    path = records.store(RECORD, tmp_path)
    content = json.loads(path.read_text())
    del content["memory"]
    path.write_text(json.dumps(content))
    assert records.load("trial", tmp_path)[0].memory is None


def test_every_record_in_the_package_can_be_read():
    assert len(records.every_record()) == len(list(records.RESULTS.rglob("*.json"))) > 0
