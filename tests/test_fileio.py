"""A file is written whole or not at all, and a folder belongs to one process at a time."""

import errno
import os
import stat
import subprocess
import sys
from threading import Event, Thread

import pytest

from alexnet_lib.training.fileio import atomic_write, held


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_stands_in_a_new_folder_with_what_was_written_and_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "folder" / "log.jsonl"
    for content in (b"first", b"second"):
        atomic_write(path, lambda file, content=content: file.write(content))
        assert path.read_bytes() == content
    assert names(path.parent) == ["log.jsonl"]


def test_a_stop_while_writing_leaves_no_part_behind(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_text("before")

    def stopped(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, stopped)
    assert names(tmp_path) == ["weights.pt"]
    assert path.read_text() == "before"


def test_a_full_disk_leaves_what_was_there_and_says_so(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "weights.pt"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    words = r"weights\.pt could not be written .*No space left.*name another folder\. Earlier files are"
    with pytest.raises(OSError, match=words):
        atomic_write(path, lambda file: file.write(b"after"))
    assert names(tmp_path) == ["weights.pt"]
    assert path.read_text() == "before"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a folder cannot be opened")
def test_the_content_goes_to_the_disk_before_the_name_does(tmp_path, monkeypatch):
    seen = []

    def watched(handle):
        seen.append(("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file", names(tmp_path)))

    monkeypatch.setattr(os, "fsync", watched)
    atomic_write(tmp_path / "a", lambda file: file.write(b"content"))
    assert seen == [("file", ["a.part"]), ("folder", ["a"])]


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path):
    code = (
        "import sys; from pathlib import Path; from alexnet_lib.training.fileio import held\n"
        f"with held(Path({str(tmp_path)!r})): pass"
    )

    def other_process():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    with held(tmp_path):
        refused = other_process()
    assert refused.returncode == 1
    assert "another run is writing there: wait for it, or name another folder" in refused.stderr
    assert other_process().returncode == 0


def test_who_waits_has_the_folder_once_it_is_free(tmp_path):
    entered = Event()

    def other():
        with held(tmp_path, waiting="waiting for this test"):
            entered.set()

    waiting = Thread(target=other)
    with held(tmp_path):
        waiting.start()
        assert not entered.wait(0.3)
    waiting.join(timeout=60)
    assert entered.is_set()
