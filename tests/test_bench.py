"""The arithmetic of `alexnet bench` with a clock that the tests set, its records, and its command."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image

from alexnet_lib import bench, figures, records, tables
from alexnet_lib.bench import inputs, limits, log, steps
from alexnet_lib.cli import main


class Clock:
    """Moves only when work says so."""

    def __init__(self):
        self.now, self.order = 100.0, []

    def __call__(self):
        return self.now

    def work(self, name, times):
        """Work whose calls take these seconds, the last one ever after."""
        left = list(times)

        def call():
            self.order.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


def row(prepare, goal=2.0):
    return bench.Row("group/one", "ours", "peer", "bytes", goal, 3.0, prepare)


def measured(ours, peer, **fields):
    return bench.Measured("group/one", "ours", "peer", "bytes", 2.0, 3.0, tuple(ours), tuple(peer), **fields)


def test_both_are_timed_in_turn_and_the_first_call_of_each_does_not_count():
    clock = Clock()
    pair = bench.Pair(clock.work("ours", [50, 1, 2, 4]), clock.work("peer", [70, 4, 4, 4]), images=8)
    found = bench.measure(row(lambda: pair), rounds=3, clock=clock)
    assert clock.order == ["peer", "ours"] * 4
    assert found.seconds_ours == (1, 2, 4)
    assert found.seconds_peer == (4, 4, 4)
    assert found.ratios == (4, 2, 1)
    assert (found.ratio, found.spread, found.images_per_second) == (2, (1, 4), 4)


def test_the_ratio_is_the_median_of_the_rounds_not_the_ratio_of_the_medians():
    # A neighbor makes the second round slow for both; each round's own ratio does not see it.
    found = measured([1, 10, 1], [2, 30, 5])
    assert found.ratio == 3
    assert found.ratio != 5 / 1


@pytest.mark.parametrize(("peer", "met"), [(2.0, True), (1.99, False)])
def test_a_goal_is_met_from_its_value_on(peer, met):
    assert measured([1.0], [peer]).meets_goal is met


def test_without_a_goal_or_a_time_nothing_is_met_or_missed():
    assert dataclasses.replace(measured([1.0], [1.0]), goal=None).meets_goal is None
    assert measured([], [], missing="no GPU here").meets_goal is None


def test_what_a_row_lacks_is_told_in_the_result():
    def prepare():
        raise bench.NotMeasured("no GPU here")

    found = bench.measure(row(prepare))
    assert (found.missing, found.ratios, found.predicted) == ("no GPU here", (), 3.0)


def test_times_that_are_no_pairs_are_refused():
    with pytest.raises(ValueError, match=r"^group/one has 2 times of ours and 1 of the peer's"):
        measured([1, 2], [1])


def test_rounds_are_a_count():
    with pytest.raises(ValueError, match=r"^rounds is 0, and must be at least 1: .*median"):
        bench.measure(row(lambda: None), rounds=0)


def test_the_rates_of_the_machine_follow_from_bytes_and_operations(monkeypatch):
    monkeypatch.setitem(limits.MEBIBYTES, "cpu", 4)
    monkeypatch.setitem(limits.SIDE, "cpu", 10)
    times = iter(range(1000))  # every call takes one second
    found = bench.machine_limits(3, clock=lambda: next(times))
    bytes_moved = 2 * 4 * 2**20  # read and written
    assert found == pytest.approx(
        {"copy GB/s": bytes_moved / 1e9, "clone GB/s": bytes_moved / 1e9, "matrix GFLOP/s": 2000 / 1e9}
    )


def test_the_most_memory_counts_what_is_held_at_one_time():
    def work():
        for _ in range(3):  # each pair is freed before the next one
            a = torch.ones(2**18)
            a + a

    assert bench.peak_bytes(work) == 2 * 2**20


SESSION = bench.Session(
    label="quiet",
    date="2026-01-02",
    command="alexnet bench --rounds 2",
    hardware="CPU, 2 thread(s), x86_64",
    versions={"torch": "2"},
    commit="abc",
    threads=2,
    cores=2,
    load=0.5,
    limits={"copy GB/s": 10.0},
    rows=(measured([1.0, 2.0], [4.0, 4.0], images=8, also={"memory": 2.25}), measured([], [], missing="no")),
)


def test_a_stored_session_is_read_back_equal_and_never_overwritten(tmp_path):
    path = bench.store(SESSION, tmp_path)
    assert path.name == "2026-01-02_cpu_quiet.json"
    assert bench.load(tmp_path) == [SESSION]
    with pytest.raises(FileExistsError, match=r"records are never edited: use another label"):
        bench.store(SESSION, tmp_path)


def test_times_are_stored_to_four_digits(tmp_path):
    exact = dataclasses.replace(SESSION, rows=(measured([0.123456], [1234.56]),))
    (row,) = json.loads(bench.store(exact, tmp_path).read_text("utf-8"))["rows"]
    assert (row["seconds_ours"], row["seconds_peer"]) == ([0.1235], [1235.0])


def test_the_newest_session_of_a_label_counts(tmp_path):
    later = dataclasses.replace(SESSION, date="2026-01-03")
    for found in (later, SESSION, dataclasses.replace(SESSION, date="2026-01-04", label="busy")):
        bench.store(found, tmp_path)
    assert bench.latest("quiet", tmp_path) == later
    with pytest.raises(ValueError, match=r"label is 'other', .* choose from busy, quiet"):
        bench.latest("other", tmp_path)


def test_the_table_of_a_session_tells_ratio_range_and_goal_and_why_a_row_lacks_them(tmp_path):
    slow = dataclasses.replace(measured([2.0], [3.0]), name="other/slow")
    bench.store(dataclasses.replace(SESSION, rows=(*SESSION.rows, slow)), tmp_path)
    table = tables.speed("quiet", folder=tmp_path)
    assert table.column("times as fast") == ("3.00", "not measured yet", "1.50")
    assert table.column("range") == ("2.00 to 4.00", "no", "1.50 to 1.50")
    assert table.column("goal") == ("2, met", "2", "2, missed")
    assert table.column("images/s") == ("5", "", "")
    assert table.caption == "Speed: all rows; 2 threads, 2 rounds, 2026-01-02"
    kept = dataclasses.replace(SESSION, label="kept", command="alexnet bench --keep-memory")
    bench.store(kept, tmp_path)
    assert tables.speed("kept", folder=tmp_path).caption == (
        "Speed: all rows; 2 threads, 2 rounds, memory kept, 2026-01-02"
    )
    assert tables.speed("quiet", "other", folder=tmp_path).column("row") == ("other/slow",)
    assert ("copy GB/s", "10") in tables.limits("quiet", tmp_path).rows


def test_the_figure_of_a_session_shows_what_was_measured(tmp_path):
    bench.store(SESSION, tmp_path)
    assert figures.speed("quiet", folder=tmp_path).alt == (
        "Times as fast as the peer, medians: group/one 3.00 (goal 2)."
    )
    bench.store(dataclasses.replace(SESSION, label="none", rows=SESSION.rows[1:]), tmp_path)
    with pytest.raises(ValueError, match=r"no row of them was measured under the label 'none'"):
        figures.speed("none", folder=tmp_path)


def test_the_table_of_the_pages_reads_the_newest_record_of_a_browser(tmp_path):
    with pytest.raises(ValueError, match=r"folder is .*, and holds no record of the pages"):
        tables.pages(tmp_path)
    row = {"widget": "lrn", "slider": "k", "p50_ms": 9.6, "p95_ms": 20.4, "html_kb": 12.34}
    found = {
        **{"date": "2026-01-02", "hardware": "CPU", "label": "quiet", "browser": "Chromium 1", "presses": 30},
        **{
            "cores": 2,
            "load": 0.5,
            "first_page": {"kb": 195.4, "fonts_kb": 90.0, "files": 31},
            "rows": [row],
        },
    }
    (tmp_path / "pages").mkdir()
    records.write_new(found | {"label": "earlier", "rows": []}, tmp_path / "pages")
    records.write_new(found, tmp_path / "pages")
    table = tables.pages(tmp_path)
    assert table.rows == (("lrn", "k", "10", "20", "12.3"),)
    assert "195 kB without its fonts, in 31 files" in table.caption


@pytest.mark.parametrize("text", ["[]", "{}", '{"rows": [{}]}', "no json"])
def test_a_file_that_is_no_record_names_itself(tmp_path, text):
    (tmp_path / "bad.json").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"^bad\.json is no record"):
        bench.load(tmp_path)


def test_every_session_on_record_reads():
    assert all(isinstance(found, log.Session) for found in bench.load())


@pytest.fixture
def little(tmp_path, monkeypatch):
    """A folder where Imagenette would lie, and rows that take eight of its pictures."""
    for name, color in (("one", 0), ("two", 200)):
        (tmp_path / "imagenette2-160" / "train" / name).mkdir(parents=True)
        for k in range(36):
            picture = Image.new("RGB", (20, 16), (color, color, color))
            picture.save(tmp_path / "imagenette2-160" / "train" / name / f"{k}.jpg")
    monkeypatch.setattr(inputs, "FILES", 8)
    monkeypatch.setattr(inputs, "BATCH", 4)
    return tmp_path


def test_rows_on_files_take_pictures_of_all_classes_at_their_own_size(little):
    paths, side, size = inputs._pictures(little)
    assert Counter(path.parent.name for path in paths) == {"one": 4, "two": 4}
    assert (side, size) == (16, 14)
    assert inputs.from_picture(side, size)(Image.open(paths[0])).shape == (3, 14, 14)


def test_the_first_epoch_sees_every_picture_once_and_leaves_nothing(little, monkeypatch):
    seen, really = [], inputs.Batches.step
    monkeypatch.setattr(inputs.Batches, "step", lambda *at: seen.append(really(*at)) or seen[-1])
    monkeypatch.setattr(tempfile, "tempdir", str(little))
    pair = inputs.first_epoch(little)
    before = set(little.rglob("*"))
    pair.ours()
    assert torch.cat([labels for _, labels in seen]).bincount().tolist() == [4, 4]
    assert [tuple(batch.shape) for batch, _ in seen] == [(4, 3, 14, 14)] * 2
    assert set(little.rglob("*")) == before


@pytest.mark.parametrize("tuned", [False, True])
def test_a_tuned_peer_has_channels_last_and_the_fused_update(monkeypatch, tuned):
    made, seen, sgd = [], [], torch.optim.SGD

    class Seen(sgd):
        def __init__(self, parameters, **settings):
            made.append(settings.get("fused"))
            super().__init__(parameters, **settings)

    def peer():
        layers = torch.nn.Conv2d(3, 4, 9, stride=64), torch.nn.Flatten(), torch.nn.LazyLinear(1000)
        net = torch.nn.Sequential(*layers)
        net(torch.zeros(1, 3, 224, 224))
        net[0].register_forward_hook(
            lambda layer, images, _: seen.extend(
                each.is_contiguous(memory_format=torch.channels_last) for each in (layer.weight, *images)
            )
        )
        return net

    monkeypatch.setattr(torch.optim, "SGD", Seen)
    pair = steps.whole_step(peer, batch=2, tuned=tuned)
    pair.peer()
    assert made == [True if tuned else None]
    assert seen == [tuned, tuned]


def test_torch_has_its_threads_back_after_work_with_one():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with contextlib.suppress(KeyboardInterrupt), inputs.one_thread():
            within = torch.get_num_threads()
            raise KeyboardInterrupt
        assert (within, torch.get_num_threads()) == (1, 2)
    finally:
        torch.set_num_threads(before)


def test_rows_on_files_say_which_files_they_lack(tmp_path):
    (row,) = (row for row in bench.all_rows(tmp_path) if row.name == "input/first-epoch")
    assert (
        f"{tmp_path / 'imagenette2-160' / 'train'} has no 1024 pictures: fetch imagenette"
        in bench.measure(row).missing
    )


def test_rows_have_names_of_their_own_and_say_what_moves():
    rows = bench.all_rows()
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.moves and row.ours and row.peer for row in rows)


def test_a_group_is_all_its_rows_and_a_name_is_one():
    rows = bench.all_rows()
    assert {row.name for row in bench.chosen(rows, ["update"])} == {"update/foreach", "update/fused"}
    assert [row.name for row in bench.chosen(rows, ["update/fused"])] == ["update/fused"]
    assert bench.chosen(rows, []) == rows
    with pytest.raises(ValueError, match=r"^name is 'updates', .* did you mean 'update'"):
        bench.chosen(rows, ["updates"])


def telling():
    """A pair that tells which process it is made in, and with how many threads."""
    return bench.Pair(
        list, list, also={"process": float(os.getpid()), "threads": float(torch.get_num_threads())}
    )


def test_a_row_is_measured_in_a_process_of_its_own_with_the_threads_that_are_asked_for():
    asked = torch.get_num_threads() + 1
    found = bench.measure_apart(row(telling), rounds=2, threads=asked)
    assert len(found.ratios) == 2
    assert found.also["threads"] == asked
    assert found.also["process"] != os.getpid()


def storing():
    """A pair that tells how much compiled code is stored for it already."""
    stored = os.listdir(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    return bench.Pair(list, list, also={"stored": float(len(stored))})


def test_a_row_is_compiled_anew_because_stored_code_has_another_number_of_threads(tmp_path, monkeypatch):
    (tmp_path / "code").touch()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    assert bench.measure_apart(row(storing), rounds=2).also["stored"] == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "code"]


@pytest.fixture
def quick(monkeypatch):
    """Two rows that take no time, in place of the real ones, and no limits to measure."""

    def lacking():
        raise bench.NotMeasured("no GPU here")

    rows = [row(lambda: bench.Pair(list, list)), dataclasses.replace(row(lacking), name="gpu/one")]
    monkeypatch.setattr(bench, "all_rows", lambda root: rows)
    # Rows made here do not travel into another process.
    monkeypatch.setattr(bench, "measure_apart", lambda row, rounds, *_: bench.measure(row, rounds))
    monkeypatch.setattr(bench, "machine_limits", lambda rounds: {"copy GB/s": 10.0})


def test_the_command_prints_a_line_a_row(quick, capsys):
    assert main(["bench", "--rounds", "2"]) == 0
    limit, one, gpu = capsys.readouterr().out.splitlines()
    assert limit == "copy GB/s 10.0"
    assert one.startswith("group/one")
    assert "goal 2 m" in one
    assert gpu.split(None, 1) == ["gpu/one", "not measured: no GPU here"]


def test_the_command_lists_rows_without_measuring(quick, capsys):
    assert main(["bench", "gpu", "--list"]) == 0
    assert capsys.readouterr().out.split(None, 1) == ["gpu/one", "ours; against peer\n"]


def test_the_command_puts_measurements_on_record(quick, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "store", lambda found: bench.log.store(found, tmp_path))
    assert main(["bench", "group", "--rounds", "2", "--record", "trial"]) == 0
    (found,) = bench.load(tmp_path)
    assert (found.label, found.command) == ("trial", "alexnet bench group --rounds 2")
    assert found.limits == {"copy GB/s": 10.0}
    assert [len(row.ratios) for row in found.rows] == [2]


def test_a_row_that_is_not_known_is_one_line(capsys):
    assert main(["bench", "nrom"]) == 2
    assert "did you mean 'norm'" in capsys.readouterr().err


def test_no_module_adds_a_library_that_takes_long_to_what_torch_imports():
    # matplotlib, IPython and anywidget are what these are made for; Triton is there only with NVIDIA's GPUs.
    own = ("figures", "chapter", "widgets", "normalization_triton")
    library = Path(bench.__file__).parent.parent
    names = sorted({path.stem if path.is_file() else path.name for path in library.iterdir()})
    names = [name for name in names if name.isidentifier() and not name.startswith("_") and name not in own]
    code = (
        "import sys, importlib, torch; before = set(sys.modules)\n"
        f"for name in {names}: importlib.import_module('alexnet_lib.' + name)\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = {name for name in told.stdout.split() if not name.startswith("_")} - sys.stdlib_module_names
    assert {"alexnet_lib", "PIL"} <= added
    # defusedxml, where it is there: Pillow 11.0 imports it with itself, later ones do not.
    assert added <= {"alexnet_lib", "PIL", "tqdm", "numpy", "defusedxml"}
