"""A cache shows the pictures of its folder, is made once, survives a kill, and is refused when damaged."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import dataset
from alexnet_lib.data import cache as library
from alexnet_lib.data import folders, images
from alexnet_lib.data.batches import Batches, fingerprint
from alexnet_lib.data.cache import CacheError
from alexnet_lib.data.images import CorruptImageError
from alexnet_lib.dataset import load
from alexnet_lib.learning import TrainConfig
from alexnet_lib.training.ranks import World

SIDE, EACH = 8, 5  # pictures of 8x8, five for each of two classes and splits


def picture(seed, width=10, height=9):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def data(tmp_path):
    """Ten training and ten test pictures, in a folder whose name is not made of ASCII letters alone."""
    root = tmp_path / "Bilder für später 图"
    for s, split in enumerate(("train", "test")):
        for c, name in enumerate(("Käfer", "a cat")):
            (root / split / name).mkdir(parents=True)
            for k in range(EACH):
                picture(100 * s + 10 * c + k).save(root / split / name / f"nº {k}.png")
    return root


@pytest.fixture
def where(tmp_path):
    return tmp_path / "new" / "Zwischen lager ñ"


def stored(where, data, split="train"):
    return where / f"{data.name}-{split}-{SIDE}"


def cached(data, where, split="train", **options):
    return load(f"folder:{data}", split, size=SIDE, cache=where, **options)


def plain(data, split="train"):
    return load(f"folder:{data}", split, size=SIDE)


def same(ours, other):
    return (
        torch.equal(ours.images, other.images)
        and torch.equal(ours.labels, other.labels)
        and (ours.classes, ours.name, ours.split, ours.source, ours.folder)
        == (other.classes, other.name, other.split, other.source, other.folder)
    )


def tree(folder):
    """Every file below a folder, with its content's size and its time: what a write anywhere changes."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


@pytest.fixture
def decoded(monkeypatch):
    """The files that are decoded from now on."""
    seen, really = [], images._picture

    def counting(path, size, out):
        seen.append(path)
        return really(path, size, out)

    monkeypatch.setattr(images, "_picture", counting)
    return seen


@pytest.fixture
def listed(monkeypatch):
    """The folders that are listed from now on."""
    seen, really = [], folders.list_folder

    def counting(folder):
        seen.append(folder)
        return really(folder)

    monkeypatch.setattr(dataset, "list_folder", counting)
    return seen


# What it shows


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_cache_shows_the_pictures_that_are_loaded_without_one(data, where, split):
    expected = plain(data, split)
    assert expected.images.shape == (2 * EACH, 3, SIDE, SIDE)
    for _ in range(2):  # built, and found
        found = cached(data, where, split)
        assert same(found, expected)
        assert found.images.dtype == torch.uint8


def test_a_second_load_lists_and_decodes_nothing(data, where, decoded, listed):
    cached(data, where)
    assert len(decoded) == 2 * EACH
    assert len(listed) == 1
    cached(data, where)
    assert len(decoded) == 2 * EACH
    assert len(listed) == 1


def test_a_picture_whose_digest_is_zero_counts_as_decoded(data, where, decoded, monkeypatch):
    really = library.sha256
    zeros = SimpleNamespace(digest=lambda: bytes(32))
    # Of all that a cache hashes, pictures alone are arrays.
    monkeypatch.setattr(library, "sha256", lambda x: zeros if isinstance(x, np.ndarray) else really(x))
    cached(data, where)
    decoded.clear()
    cached(data, where)
    assert not decoded


def test_imagenette_has_a_cache_too(tmp_path, monkeypatch, decoded):
    monkeypatch.setitem(dataset.COUNTS, ("imagenette", "test"), 2)
    for wnid in ("n01440764", "n03888257"):
        for split in ("train", "val"):
            (tmp_path / "imagenette2-160" / split / wnid).mkdir(parents=True)
            picture(1, 224, 224).save(tmp_path / "imagenette2-160" / split / wnid / "a.JPEG")
    expected = load("imagenette", "test", tmp_path, size=SIDE)
    for _ in range(2):
        assert same(load("imagenette", "test", tmp_path, size=SIDE, cache=tmp_path / "cache"), expected)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"imagenette-test-{SIDE}"]
    assert len(decoded) == 4


def test_splits_and_sizes_lie_side_by_side(data, where):
    cached(data, where, "train")
    cached(data, where, "test")
    load(f"folder:{data}", "test", size=4, cache=where)
    names = {f"{data.name}-train-8", f"{data.name}-test-8", f"{data.name}-test-4"}
    assert {path.name for path in where.iterdir()} == names


def test_nothing_is_written_outside_the_folder_that_was_named(data, where, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = tree(tmp_path)
    plain(data)
    assert tree(tmp_path) == before
    cached(data, where)
    after = tree(tmp_path).items()
    assert {path: value for path, value in after if where.parent not in (path, *path.parents)} == before


def test_a_run_sees_the_same_batches_and_the_same_fingerprint(data, where):
    config = TrainConfig(data=f"folder:{data}", image_size=SIDE, crop=6, batch_size=4)
    world = World(0, 1, 0, torch.device("cpu"))
    batches = [
        Batches(found, torch.arange(len(found)), config, world).step(0, 1)
        for found in (plain(data), cached(data, where))
    ]
    assert torch.equal(batches[0][0], batches[1][0])
    assert torch.equal(batches[0][1], batches[1][1])
    assert fingerprint(cached(data, where)) == fingerprint(plain(data))


def test_writing_to_the_images_never_reaches_the_file(data, where):
    expected, found = plain(data), cached(data, where)
    found.images.zero_()
    assert not found.images.any()
    assert same(cached(data, where, verify=True), expected)


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux that counts what a mapping may come to take")
def test_a_cache_larger_than_the_memory_can_be_mapped(tmp_path):
    row, memory = 3 * 256 * 256, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    count = 2 * memory // row
    with (tmp_path / "images").open("wb") as file:
        file.truncate(count * row)  # takes no room: the system stores no zeros
    mapped = library._mapped(tmp_path, count, 256)
    assert mapped.nbytes > memory
    assert not mapped[count - 1].any()


# Changes


@pytest.mark.parametrize("change", ["come", "go", "rename"])
def test_a_folder_that_has_changed_is_noticed_and_the_way_out_is_said(data, where, change):
    cached(data, where)
    old, new = data / "train" / "Käfer" / "nº 2.png", data / "train" / "Käfer" / "nº 9.png"
    if change == "come":
        shutil.copy(old, new)
    elif change == "go":
        old.unlink()
    else:
        old.rename(new)
    words = r"is out of date: .* has changed since, for one Käfer/nº [29]\.png. delete .*-train-8 to have it"
    with pytest.raises(CacheError, match=words):
        cached(data, where)
    shutil.rmtree(stored(where, data))
    assert same(cached(data, where), plain(data))


def test_folders_with_new_times_and_the_same_pictures_are_listed_again_once(data, where, decoded, listed):
    cached(data, where)
    for name in ("Käfer", "a cat"):
        os.utime(data / "train" / name, ns=(1, 1))  # as after a copy to another machine
    assert same(cached(data, where), plain(data))
    decoded.clear(), listed.clear()
    cached(data, where)
    assert (decoded, listed) == ([], [])


def test_a_picture_overwritten_in_place_is_seen_by_verify_alone(data, where):
    expected, path = plain(data), data / "train" / "a cat" / "nº 0.png"
    cached(data, where)
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert same(cached(data, where), expected)
    size = f"{len(content) + 1:,} bytes, and had {len(content):,}"
    with pytest.raises(CacheError, match=rf"is out of date: .*nº 0\.png has {size} when it was listed"):
        cached(data, where, verify=True)


# Breaking off

CHILD = """
import sys, time
from alexnet_lib.data import cache
from alexnet_lib.data import images
from alexnet_lib.dataset import load
really = images._picture
def slowly(path, size, out):
    time.sleep(0.2)
    print("decodes", flush=True)
    return really(path, size, out)
images._picture, images.CHUNK, images.os.cpu_count = slowly, 1, lambda: 1
cache.FLUSH_SECONDS = 0.0
print("ready", flush=True)
sys.stdin.readline()
load(sys.argv[1], "train", size=8, cache=sys.argv[2])
"""


def child(data, where):
    """A process that is ready to build, slowly, once a line is written to it."""
    command = [sys.executable, "-c", CHILD, f"folder:{data}", str(where)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, **pipes, text=True, env=os.environ | {"PYTHONUTF8": "1"})
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def done(folder):
    return np.fromfile(folder / "digests", np.uint64).astype(bool).sum() if folder.is_dir() else 0


def test_a_build_that_is_killed_goes_on_where_it_stood(data, where, decoded):
    expected = plain(data)
    decoded.clear()
    with child(data, where) as building:
        go(building)
        for _ in range(5):
            assert building.stdout.readline() == "decodes\n"
        building.send_signal(signal.SIGKILL)
    assert building.returncode == -signal.SIGKILL
    kept = done(stored(where, data))
    assert 0 < kept < 2 * EACH
    assert same(cached(data, where, verify=True), expected)
    assert len(decoded) == 2 * EACH - kept


def test_a_build_that_was_stopped_before_the_first_picture_begins_again(data, where):
    expected = cached(data, where)
    for name in ("images", "digests"):
        (stored(where, data) / name).unlink()
    assert same(cached(data, where), expected)


def test_an_unfinished_build_whose_pixels_were_cut_decodes_these_again(data, where, decoded):
    expected, marks = plain(data), stored(where, data) / "digests"
    cached(data, where)
    marks.write_bytes(bytes(8) + marks.read_bytes()[8:])  # the first picture is not decoded yet
    os.truncate(stored(where, data) / "images", 7 * 3 * SIDE * SIDE - 1)  # six whole pictures, four cut off
    decoded.clear()
    assert same(cached(data, where, verify=True), expected)
    assert len(decoded) == 1 + 4


def test_of_two_processes_one_builds_and_the_other_waits(data, where):
    running = [child(data, where) for _ in range(2)]
    for process in running:
        go(process)
    shown = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], shown
    assert sorted(names.count("decodes") for names, _ in shown) == [0, 2 * EACH]
    assert same(cached(data, where, verify=True), plain(data))


def test_a_listing_that_another_process_writes_meanwhile_is_not_foreign(data, where, tmp_path, monkeypatch):
    expected = cached(data, where)
    listing, away, looking = stored(where, data) / "listing", tmp_path / "listing", Path.glob
    listing.rename(away)

    def meanwhile(folder, pattern):
        if away.exists():
            away.rename(listing)
        return looking(folder, pattern)

    monkeypatch.setattr(Path, "glob", meanwhile)
    assert same(cached(data, where), expected)


def test_unreadable_pictures_are_all_named_and_decoded_alone_once_they_are_replaced(data, where, decoded):
    bad = [data / "train" / "Käfer" / "nº 1.png", data / "train" / "a cat" / "nº 3.png"]
    good = [path.read_bytes() for path in bad]
    bad[0].write_bytes(b"")
    bad[1].write_bytes(good[1][:60])
    for _ in range(2):
        with pytest.raises(CorruptImageError, match=r"2 file\(s\) cannot be read as images") as caught:
            cached(data, where)
        assert caught.value.paths == tuple(sorted(bad))
    for path, content in zip(bad, good, strict=True):
        path.unlink()
        path.write_bytes(content)
    decoded.clear()
    found = cached(data, where)
    assert sorted(decoded) == sorted(bad)
    assert same(found, plain(data))


def test_an_unfinished_cache_takes_over_what_still_has_its_place(data, where, decoded):
    first, last = data / "train" / "Käfer" / "nº 0.png", data / "train" / "a cat" / "nº 4.png"
    last.write_bytes(b"")
    with pytest.raises(CorruptImageError):
        cached(data, where)
    last.unlink()  # the last picture of the second class: all before it keep their places, and none after it
    after = 0 if last.parent.name > first.parent.name else EACH
    decoded.clear()
    found = cached(data, where)
    assert len(decoded) == after
    assert same(found, plain(data))


# Damage


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


DAMAGES = [
    (
        "images",
        lambda path: flip(path, 0),
        r"images is damaged, picture 0 \(Käfer/nº 0\.png\) does not fit",
    ),
    ("images", lambda path: flip(path, -1), r"picture 9 \(a cat/nº 4\.png\) does not fit its digest"),
    ("images", lambda path: os.truncate(path, 1919), r"has 1,919 bytes and 10 pictures of 3x8x8 have 1,920"),
    ("images", Path.unlink, r"images is damaged, it has 0 bytes"),
    ("digests", lambda path: flip(path, 30), r"picture 3 .*does not fit its digest"),
    ("digests", lambda path: os.truncate(path, 72), r"digests is damaged, it has 9 digests for 10 pictures"),
    ("listing", lambda path: flip(path, -3), r"listing is damaged"),
    ("listing", lambda path: os.truncate(path, 200), r"listing is damaged"),
    ("listing", lambda path: os.truncate(path, 0), r"listing is damaged"),
    ("listing", lambda path: flip(path, 24), r"listing is a 'alexnet_lib image cache 2', and .* cache 3'"),
]


@pytest.mark.parametrize(("name", "damage", "words"), DAMAGES, ids=[name for name, *_ in DAMAGES])
def test_a_damaged_cache_is_refused_with_the_reason_and_the_way_out(data, where, name, damage, words):
    cached(data, where)
    damage(stored(where, data) / name)
    with pytest.raises(CacheError, match=words) as caught:
        cached(data, where)
    assert f"delete {stored(where, data)} to have it built anew" in str(caught.value)


def test_damage_outside_the_sample_is_found_by_verify(data, where, monkeypatch):
    monkeypatch.setattr(library, "SAMPLE", 3)  # of ten pictures: the first, the fifth, the last
    cached(data, where)
    flip(stored(where, data) / "images", 7 * 3 * SIDE * SIDE)
    cached(data, where)
    with pytest.raises(CacheError, match=r"picture 7 .*does not fit its digest"):
        cached(data, where, verify=True)


def test_a_folder_with_other_files_is_not_written_to(data, where):
    stored(where, data).mkdir(parents=True)
    (stored(where, data) / "thesis.tex").write_text("mine")
    before = tree(where)
    with pytest.raises(CacheError, match=r"no cache of this library, it holds 'thesis\.tex'.*another folder"):
        cached(data, where)
    assert tree(where) == before


def test_two_folders_of_one_name_do_not_share_a_cache(data, where, tmp_path):
    cached(data, where)
    twin = tmp_path / "twin" / data.name
    shutil.copytree(data, twin)
    assert same(cached(data, where), plain(data))
    (twin / "train" / "Käfer" / "nº 0.png").rename(twin / "train" / "Käfer" / "nº -1.png")
    with pytest.raises(CacheError, match=r"is out of date: .*twin.* for one Käfer/nº -1\.png"):
        cached(twin, where)


# Disks


def test_a_disk_too_small_is_noticed_before_anything_is_decoded(data, where, decoded, monkeypatch):
    usage = namedtuple("usage", "total used free")(10_000, 8_081, 1_919)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    words = r"needs 1,920 bytes for 10 pictures of 3x8x8, and .* has 1,919 left: make room, name a folder on"
    with pytest.raises(OSError, match=words):
        cached(data, where)
    assert decoded == []


def test_a_disk_that_fills_up_says_so_and_keeps_what_is_there(data, where, monkeypatch, decoded):
    def full(handle):
        if len(decoded) == 2 * EACH:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(library.os, "fsync", full)
    with pytest.raises(OSError, match=r"could not be written .*No space left on device.*make room there"):
        cached(data, where)
    monkeypatch.undo()
    assert same(cached(data, where), plain(data))


@pytest.fixture
def read_only(monkeypatch):
    """A disk that takes nothing, for every user: file permissions do not hold a superuser back."""
    opened = Path.open

    def refusing(path, mode="r", *arguments, **options):
        if set(mode) & set("wa+x"):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return opened(path, mode, *arguments, **options)

    return lambda: monkeypatch.setattr(Path, "open", refusing)


def test_a_finished_cache_is_used_from_where_nothing_can_be_written(data, where, read_only):
    cached(data, where)
    (stored(where, data) / "lock").unlink()
    before = tree(where)
    read_only()
    assert same(cached(data, where), plain(data))
    os.utime(data / "train" / "a cat", ns=(1, 1))
    assert same(cached(data, where), plain(data))
    assert tree(where) == before


def test_a_cache_cannot_be_built_where_nothing_can_be_written(data, where, read_only):
    read_only()
    with pytest.raises(OSError, match=r"could not be written .*Read-only file system.*name another folder"):
        cached(data, where)


def test_a_file_in_the_place_of_the_folder_is_named(data, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"folder .*file/.*could not be written .*name another folder"):
        cached(data, tmp_path / "file")


# Arguments


@pytest.mark.parametrize("name", ["ten-photos", "cifar10"])
def test_small_sets_refuse_a_cache(name, tmp_path):
    with pytest.raises(ValueError, match=rf"cache is .*, and {name} is so small .* leave cache out"):
        load(name, "train", tmp_path, cache=tmp_path)


def test_a_cache_needs_a_size_and_verify_needs_a_cache(data, where):
    with pytest.raises(ValueError, match=r"size is None, and a cache holds squares .*size=256"):
        load(f"folder:{data}", "train", cache=where)
    with pytest.raises(ValueError, match=r"verify is True and cache is None"):
        load(f"folder:{data}", "train", verify=True)
    with pytest.raises(ValueError, match=r"cache is empty"):
        load(f"folder:{data}", "train", size=SIDE, cache="")
    assert not where.exists()


# Decoding ahead


def test_decoding_runs_ahead_but_not_far(tmp_path, decoded):
    path = tmp_path / "one.png"
    picture(0).save(path)
    most = (4 * min(8, os.cpu_count()) + 1) * images.CHUNK
    with images.decoding([path] * 3000, SIDE, lambda first, pictures: len(pictures)) as counts:
        seen = next(counts)
        deadline = time.monotonic() + 60
        while len(decoded) < most:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.3)
        assert len(decoded) == most
        assert seen + sum(counts) == 3000


@pytest.mark.parametrize("size", [None, SIDE])
def test_the_memory_of_pictures_is_taken_again_and_no_picture_is_lost_by_it(tmp_path, size):
    paths = []
    for k in range(301):
        side = SIDE if k % 3 else SIDE + 1
        paths.append(tmp_path / f"{k}.png")
        Image.new("RGB", (side, side), (k % 256, k // 256, side)).save(paths[-1])
    held = []  # so that the system cannot give out the same memory again

    def look(first, pictures):
        held.append(pictures[0])
        return [
            (first + n, one[:2].flatten(1).unique(dim=1).tolist(), one.shape[-1])
            for n, one in enumerate(pictures)
        ]

    with images.decoding(paths, size, look) as chunks:
        seen = [found for chunk in chunks for found in chunk]
    sides = [size or (SIDE if k % 3 else SIDE + 1) for k in range(301)]
    assert seen == [(k, [[k % 256], [k // 256]], sides[k]) for k in range(301)]
    if size:
        assert len(held) >= 9
        assert len({picture.data_ptr() for picture in held}) <= min(8, os.cpu_count())  # one for each thread


def test_an_error_of_the_work_reaches_the_caller(tmp_path):
    path = tmp_path / "one.png"
    picture(0).save(path)

    def work(first, pictures):
        raise OSError(f"no room for picture {first}")

    with (
        pytest.raises(OSError, match="no room for picture 0"),
        images.decoding([path] * 40, SIDE, work) as found,
    ):
        next(found)


def test_pictures_lie_pixel_by_pixel_in_memory_and_in_the_cache(data, where):
    for loaded in (plain(data), cached(data, where), cached(data, where)):
        assert loaded.images.is_contiguous(memory_format=torch.channels_last)
    first = (stored(where, data) / "images").read_bytes()[: 3 * SIDE * SIDE]
    assert first == plain(data).images[0].permute(1, 2, 0).contiguous().numpy().tobytes()
