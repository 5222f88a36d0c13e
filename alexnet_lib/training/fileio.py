"""Files that a full disk, a kill or a power cut leaves whole, and folders that one process has at a time."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tqdm import tqdm

try:
    import fcntl
except ImportError:  # Windows: two processes in one folder go unnoticed there
    fcntl = None


def atomic_write(path: Path, write: Callable[[io.BufferedIOBase], object]) -> None:
    """Let `write` fill a new file and put it in the place of `path`; until then what stood there stays.

    Raises OSError, with the way out, where the disk takes no more.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
        raise OSError(
            f"{path} could not be written ({' '.join(str(error).split())}): make room there, or name another "
            f"folder. Earlier files are as they were"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def held(folder: Path, waiting: str = "") -> Iterator[None]:
    """Keep a folder for this process, by a file `lock` in it.

    Where another process has it: ValueError, or, if there are words for `waiting`, they are shown until the
    folder is free. Raises OSError, with the way out, where nothing can be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise OSError(f"folder {folder} could not be written ({error}): name another folder") from error
    with lock:
        if fcntl:  # the system lets go of the file when the process ends, however it ends
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waiting:
                    raise ValueError(
                        f"folder is {folder}, and another run is writing there: wait for it, or name another "
                        f"folder"
                    ) from None
                with tqdm(desc=waiting, bar_format="{desc}", disable=None):
                    fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(folder: Path) -> None:
    """Put the folder's list of names on the disk too: without it a new name may be lost with the power."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
