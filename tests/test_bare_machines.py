"""Machines of strangers: no home folder, no compiler, no git, one core, a proxy before the network."""

import os
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from alexnet_lib.dataset import load

ROOT = Path(__file__).resolve().parent.parent

# A reader's session. Nothing lies on the path, so no compiler, git or make is found.
SESSION = """
import os, shutil, sys
from pathlib import Path
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
assert not any(map(shutil.which, ("cc", "gcc", "g++", "git", "make")))
from alexnet_lib import records
from alexnet_lib.cli import main
from training import tiny_run
assert main(["specs"]) == 0
outcome = tiny_run(Path(sys.argv[1]))
records.store(outcome.record("trial", "", ""), Path(sys.argv[1]) / "records")
"""


def test_without_home_path_and_second_core_the_library_trains(tmp_path):
    environment = {
        **{"PATH": "", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        # No folder can be made below a file, not even by a user who may write everywhere.
        **{"HOME": f"{os.devnull}/home", "USERPROFILE": f"{os.devnull}/home"},
        **{name: os.environ[name] for name in ("SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ},
    }
    command = [sys.executable, "-c", SESSION, tmp_path / "run"]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "paper" in told.stdout
    assert len([*(tmp_path / "run" / "records").rglob("*.json")]) == 1


class Proxy(BaseHTTPRequestHandler):
    """A proxy that notes what it is asked for, and refuses it."""

    def refuse(self):
        self.server.asked.append((self.command, self.path))
        self.send_error(403, "not from here")

    do_CONNECT = do_GET = do_HEAD = refuse

    def log_message(self, *args):
        """Say nothing: the test looks at `asked`."""


@pytest.fixture
def proxy(monkeypatch):
    """A proxy on this machine, set by the variables that people set."""
    server = HTTPServer(("127.0.0.1", 0), Proxy)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it keeps the settings of its first use
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("name", "host"), [("cifar10", "cs.toronto.edu"), ("imagenette", "amazonaws.com")])
def test_a_download_asks_the_proxy_that_is_set(name, host, proxy, tmp_path):
    with pytest.raises(ConnectionError, match=rf"{name} could not be downloaded .*403"):
        load(name, "train", tmp_path, download=True)
    method, where = proxy.asked[0]
    assert method == "CONNECT"
    assert where.endswith(f"{host}:443")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
