"""A file is written whole or not at all, and a folder belongs to one process at a time."""

from threading import Event, Thread

import pytest

from alexnet_lib.training.fileio import atomic_write, lock_folder


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_stands_in_a_new_folder_with_what_was_written_and_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "folder" / "log.jsonl"
    for content in (b"first", b"second"):
        atomic_write(path, lambda file, content=content: file.write(content))
        assert path.read_bytes() == content
    assert names(path.parent) == ["log.jsonl"]


@pytest.mark.parametrize(
    ("error", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "No space left"), OSError)]
)
def test_a_stop_or_a_full_disk_while_writing_leaves_what_was_there(error, raised, tmp_path):
    path = tmp_path / "weights.pt"
    path.write_text("before")

    def write(file):
        file.write(b"half")
        raise error

    with pytest.raises(raised):
        atomic_write(path, write)
    assert names(tmp_path) == ["weights.pt"]
    assert path.read_text() == "before"


def test_a_folder_belongs_to_one_run_at_a_time_and_who_waits_has_it_next(tmp_path):
    entered = Event()

    def other():
        with lock_folder(tmp_path, waiting="waiting for this test"):
            entered.set()

    waiting = Thread(target=other)
    with lock_folder(tmp_path):
        with pytest.raises(ValueError, match="another run is writing there"), lock_folder(tmp_path):
            pass
        waiting.start()
        assert not entered.wait(0.2)
    waiting.join(timeout=60)
    assert entered.is_set()
