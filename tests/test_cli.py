"""The command `alexnet`: what it prints, and one line for every error."""

import os
import subprocess
import sys

import pytest

import alexnet_lib
from alexnet_lib.chapters.architecture import torchinfo_layers
from alexnet_lib.cli import main


def error_line(capsys) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_data_prints_counts_classes_and_where_the_images_come_from(capsys):
    assert main(["data", "ten-photos"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "train    1,000 images of 3x64x64 from scikit-image"
    assert lines[1] == "test     1,000 images of 3x64x64 from scikit-image"
    assert lines[2].startswith("classes  10: astronaut, chelsea, coffee,")
    assert lines[3].startswith("source   patches of ten photographs")


def test_data_checks_a_folder_and_shortens_a_long_list_of_classes(tmp_path, capsys):
    from PIL import Image

    for split in ("train", "test"):
        for k in range(12):
            (tmp_path / split / f"c{k:02}").mkdir(parents=True)
            Image.new("RGB", (3, 2)).save(tmp_path / split / f"c{k:02}" / "a.png")
    assert main(["data", f"folder:{tmp_path}"]) == 0
    out = capsys.readouterr().out
    assert f"train    12 images of 3x2x3 from {tmp_path / 'train'}" in out
    assert "c09 and 2 more" in out


def test_a_set_that_cannot_be_fetched_is_one_line_and_exit_code_2(tmp_path, capsys, monkeypatch):
    import socket

    def no_address(*arguments, **keywords):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    assert main(["data", "cifar10", "--root", str(tmp_path)]) == 2
    line = error_line(capsys)
    assert line.startswith(f"alexnet: cifar10 could not be downloaded into {tmp_path}")
    assert "ten-photos" in line


@pytest.mark.parametrize(
    "error", [ValueError, OSError, ImportError, MemoryError, RuntimeError, ZeroDivisionError]
)
def test_an_error_of_several_lines_becomes_one_and_debug_shows_its_traceback(error, capsys, monkeypatch):
    from alexnet_lib import dataset

    def fail(*arguments, **options):
        raise error("first line\n  second line")

    monkeypatch.setattr(dataset, "load", fail)
    assert main(["data", "ten-photos"]) == 2
    assert error_line(capsys).startswith("alexnet: first line second line")
    with pytest.raises(error):
        main(["--debug", "data", "ten-photos"])


def test_train_lists_presets_and_fields(capsys):
    assert main(["train", "--list"]) == 0
    out = capsys.readouterr().out
    assert "imagenette" in out
    assert "batch_size=128" in out


@pytest.mark.parametrize("record", ["../../x:y", "trial:a/b", "..", "trial:"])
def test_a_record_that_could_not_be_written_is_refused_before_training(record, capsys, monkeypatch, tmp_path):
    from alexnet_lib import records, train

    monkeypatch.setattr(train, "train", lambda *_, **__: pytest.fail("training began"))
    if record == "trial:":
        (tmp_path / "file").write_text("no folder")
        monkeypatch.setattr(records, "RESULTS", tmp_path / "file")
    assert main(["train", "--preset", "laptop", "--record", record]) == 2
    assert "--record" in error_line(capsys)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a pipe that breaks")
def test_a_reader_who_has_seen_enough_is_no_error():
    code = "import sys; from alexnet_lib.cli import main; sys.exit(main(['train', '--list']))"
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (run.returncode, run.stderr) == (0, "")


def test_root_names_the_folder_that_is_read(tmp_path, capsys):
    (tmp_path / "cifar10-jpeg").mkdir()
    assert main(["data", "cifar10", "--root", str(tmp_path)]) == 2
    assert str(tmp_path / "cifar10-jpeg" / "train") in error_line(capsys)


@pytest.mark.parametrize(("name", "nearest"), [("cifar", "cifar10"), ("imagenete", "imagenette")])
def test_an_unknown_set_suggests_the_nearest(name, nearest, capsys):
    assert main(["data", name]) == 2
    assert f"did you mean {nearest!r}" in error_line(capsys)


def test_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"alexnet {alexnet_lib.__version__}\n"
    run = subprocess.run([sys.executable, "-m", "alexnet_lib", "--version"], capture_output=True, text=True)
    assert run.stdout == f"alexnet {alexnet_lib.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND (see alexnet --help)"),
        (["dat"], "invalid choice: 'dat'"),
        (["data"], "alexnet data: the following arguments are required: NAME"),
        (["data", "ten-photos", "--rot", "x"], "unrecognized arguments: --rot"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert words in error_line(capsys)


def test_help_does_not_wait_for_torch():
    code = "import sys, alexnet_lib.cli as cli; cli._parser().format_help(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("package", "command"),
    [("torchinfo", ["specs"]), ("matplotlib", ["finetune", "photos", "--out", "mine"])],
)
def test_what_comes_with_the_chapters_is_named_before_any_work(monkeypatch, capsys, package, command):
    monkeypatch.setitem(sys.modules, package, None)  # as where the library alone is installed
    torchinfo_layers.cache_clear()
    assert main(command) == 2
    told = capsys.readouterr().err
    assert package in told
    assert told.endswith("pip install 'alexnet_lib[chapters]'\n")
    assert told.count("\n") == 1
