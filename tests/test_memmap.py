"""A cache shows the pictures of its own folder, is made once, and is refused when damaged or out of date."""

import json
import os
import shutil
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from alexnet_lib.data import images, memmap
from alexnet_lib.data.images import CorruptImageError
from alexnet_lib.data.memmap import list_folder
from alexnet_lib.dataset import load

SIZE = 8
# Names whose order is not the one that first comes to mind, and files that are no pictures.
NAMES = [
    *("b/2.png", "b/10.PNG", "b/deep/er/1.jpg", "b/deep-er/1.jpg", "b/deep/0.webp", "b/.hidden.png"),
    *("a-b/x.tiff", "a/ünïcode name.jpeg", "a/notes.txt", "a/thumbs.db", "a/jpg", "B/1.ppm", "loose.png"),
]


def make(root, value=None, count=5):
    """`count` pictures for each of two splits and classes: noise, or one value; BMP, so equally large."""
    for k in range(4 * count):
        path = root / ("train", "test")[k % 2] / ("Käfer", "a cat")[k // 2 % 2] / f"nº {k // 4}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(k).integers(0, 256, (9, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels if value is None else np.full_like(pixels, value)).save(path)
    return root


@pytest.fixture
def data(tmp_path):
    return make(tmp_path / "Bilder für später 图")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "new" / "cache"


def cached(data, cache, split="train", size=SIZE):
    return load(f"folder:{data}", split, size=size, cache=cache)


@pytest.fixture
def decoded(monkeypatch):
    """The files that are decoded from now on."""
    seen, really = [], images.read_image
    monkeypatch.setattr(images, "read_image", lambda path: seen.append(path) or really(path))
    return seen


def test_the_pictures_and_their_order_are_those_of_torchvision(tmp_path):
    for name in NAMES:
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.bmp").touch()
    (tmp_path / "set" / "a" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "a" / "broken.jpg").symlink_to(tmp_path / "nowhere")
    listing, expected = list_folder(tmp_path / "set"), ImageFolder(tmp_path / "set")
    assert [str(tmp_path / "set" / file) for file in listing.files] == [path for path, _ in expected.samples]
    assert listing.labels.tolist() == expected.targets
    assert list(listing.classes) == expected.classes
    assert listing.others == ("a/jpg", "a/notes.txt", "a/thumbs.db")


def test_a_cache_shows_the_pictures_that_are_loaded_without_one(data, cache, decoded):
    for split in ("train", "test"):
        plain = load(f"folder:{data}", split, size=SIZE)
        for most in (20, 10):  # built, and found
            decoded.clear()
            found = cached(data, cache, split)
            assert torch.equal(found.images, plain.images)
            assert torch.equal(found.labels, plain.labels)
            assert found.images.is_contiguous(memory_format=torch.channels_last)
            assert len(decoded) <= most
    assert torch.equal(cached(data, cache, size=4).images, load(f"folder:{data}", "train", size=4).images)


def test_two_folders_of_one_name_never_share_their_pixels(tmp_path, cache):
    cats, dogs = (make(tmp_path / name / "images", value) for name, value in (("cats", 10), ("dogs", 200)))
    assert cached(cats, cache).images.unique().tolist() == [10]
    assert cached(dogs, cache).images.unique().tolist() == [200]
    assert cached(cats, cache).images.unique().tolist() == [10]


def test_other_pictures_of_the_same_names_and_bytes_are_noticed(tmp_path, cache):
    cached(make(tmp_path / "images", 10), cache)
    with pytest.raises(ValueError, match=r"is out of date: .*nº \d\.bmp has changed since.*delete"):
        cached(make(tmp_path / "images", 200), cache)


def test_many_pictures_are_not_decoded_again(tmp_path, cache, decoded):
    make(tmp_path / "images", count=60)
    cached(tmp_path / "images", cache)
    assert len(decoded) > 100
    decoded.clear()
    cached(tmp_path / "images", cache)
    assert 0 < len(decoded) <= memmap.SAMPLE


@pytest.mark.parametrize("change", ["come", "go", "rename", "grow"])
def test_a_folder_that_has_changed_is_said_with_the_way_out(data, cache, change):
    cached(data, cache)
    old, new = data / "train" / "Käfer" / "nº 2.bmp", data / "train" / "Käfer" / "nº 9.bmp"
    if change == "come":
        shutil.copy(old, new)
    elif change == "go":
        old.unlink()
    elif change == "rename":
        old.rename(new)
    else:
        old.write_bytes(old.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"is out of date: Käfer/nº [29]\.bmp has changed since.*delete"):
        cached(data, cache)
    shutil.rmtree(cache)
    assert torch.equal(cached(data, cache).images, load(f"folder:{data}", "train", size=SIZE).images)


def test_a_cache_that_names_another_folder_is_refused(data, cache):
    cached(data, cache)
    (about,) = cache.glob("*.json")
    about.write_text(json.dumps(json.loads(about.read_text()) | {"folder": "/elsewhere"}))
    with pytest.raises(ValueError, match=r"is of /elsewhere, and data is in .*delete"):
        cached(data, cache)


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: os.truncate(path, 150)])
def test_half_a_cache_is_built_anew_or_refused(data, cache, suffix, damage):
    expected = cached(data, cache).images.clone()
    (path,) = cache.glob(f"*{suffix}")
    damage(path)
    if suffix == ".json" and not path.exists():  # as after a kill: the JSON is written last
        assert torch.equal(cached(data, cache).images, expected)
    else:
        with pytest.raises(ValueError, match=r"is damaged .*delete .*to have it built anew"):
            cached(data, cache)


def test_a_build_that_breaks_off_leaves_nothing_that_counts(data, cache):
    bad = data / "train" / "a cat" / "nº 3.bmp"
    good = bad.read_bytes()
    bad.write_bytes(good[:60])
    with pytest.raises(CorruptImageError, match=r"1 file.*nº 3\.bmp"):
        cached(data, cache)
    assert not [path for path in cache.iterdir() if path.suffix != ".lock"]
    bad.write_bytes(good)
    assert len(cached(data, cache)) == 10


def test_of_several_builders_one_decodes_and_the_others_wait(data, cache, decoded):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: cached(data, cache), range(3)))
    assert all(torch.equal(one.images, found[0].images) for one in found)
    assert len(decoded) <= 10 + 3 * 10  # each compares its sample


def test_writing_to_the_images_never_reaches_the_file(data, cache):
    expected = cached(data, cache).images.clone()
    cached(data, cache).images.zero_()
    assert torch.equal(cached(data, cache).images, expected)


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="no count of the memory here")
def test_a_cache_larger_than_the_memory_can_be_mapped(tmp_path):
    row, memory = 3 * 256 * 256, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    header = {"descr": "|u1", "fortran_order": False, "shape": (2 * memory // row, 256, 256, 3)}
    with (tmp_path / "big.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 2 * memory // row * row)  # takes no room: the system stores no zeros
    mapped = memmap._mapped(tmp_path / "big.npy")
    assert mapped.nbytes > memory
    assert not mapped[-1].any()


def test_a_disk_too_small_is_noticed_before_anything_is_decoded(data, cache, decoded, monkeypatch):
    usage = namedtuple("usage", "total used free")(10_000, 8_081, 1_919)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OSError, match=r"needs 1,920 bytes for 10 pictures of 3x8x8, and .* has 1,919 left"):
        cached(data, cache)
    assert not decoded


def test_a_finished_cache_is_used_from_where_nothing_can_be_written(data, cache, monkeypatch):
    cached(data, cache)
    monkeypatch.setattr(memmap, "FileLock", None)
    monkeypatch.setattr(memmap, "atomic_write", None)
    assert len(cached(data, cache)) == 10


def test_a_cache_needs_a_size(data, cache):
    with pytest.raises(ValueError, match=r"size is None, and a cache holds squares"):
        load(f"folder:{data}", "train", cache=cache)
    with pytest.raises(ValueError, match=r"cache is ''"):
        load(f"folder:{data}", "train", size=SIZE, cache="")
