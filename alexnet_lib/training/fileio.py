"""Atomic file writes, and a lock so that one process uses a folder at a time."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm


def atomic_write(path: Path, write: Callable[[io.BufferedIOBase], object]) -> None:
    """Let `write` fill a new file, then put it in the place of `path`; until then what stood there stays.

    Raises OSError, with the way out, where the disk takes no more.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
        raise OSError(
            f"{path} could not be written ({' '.join(str(error).split())}): make room there, or name another "
            f"folder. Earlier files are as they were"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def lock_folder(folder: Path, waiting: str = "") -> Iterator[None]:
    """Keep a folder for this process, by a file `lock` in it that the system frees however the process ends.

    Where another process has it: ValueError, or, if there are words for `waiting`, they are shown until the
    folder is free. Raises OSError, with the way out, where nothing can be written.
    """
    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        if not waiting:
            raise ValueError(
                f"folder is {folder}, and another run is writing there: wait for it, or name another folder"
            ) from None
        with tqdm(desc=waiting, bar_format="{desc}", disable=None):
            lock.acquire()
    except OSError as error:
        raise OSError(f"folder {folder} could not be written ({error}): name another folder") from error
    try:
        yield
    finally:
        lock.release()
