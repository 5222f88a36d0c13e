"""Keeping freed memory: a switch of one system's allocator, and nothing elsewhere."""

import platform
import subprocess
import sys

import pytest

from alexnet_lib import cli, memory


@pytest.mark.skipif(sys.platform != "linux", reason="this system has another allocator")
def test_the_allocator_is_told_to_use_its_own_heap_and_to_give_nothing_back(monkeypatch):
    told = []

    class Library:
        def mallopt(self, what, value):
            told.append((what, value))
            return 1

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Library())
    assert memory.keep_freed_memory() is True
    assert told == [(-4, 0), (-1, 2**31 - 1)]  # malloc.h: M_MMAP_MAX, M_TRIM_THRESHOLD


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this system has another allocator")
def test_glibc_takes_the_settings():
    code = "from alexnet_lib.memory import keep_freed_memory as keep; raise SystemExit(not keep())"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_systems_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory.keep_freed_memory() is False


def test_another_allocator_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert memory.keep_freed_memory() is False


def test_the_command_says_so_where_it_cannot(monkeypatch, capsys):
    monkeypatch.setattr(memory, "keep_freed_memory", lambda: False)
    assert cli.main(["train", "--preset", "laptop", "--keep-memory"]) == 2
    assert "--keep-memory is a setting of Linux's own allocator" in capsys.readouterr().err
