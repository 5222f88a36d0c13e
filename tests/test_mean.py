"""The mean image beside a cache: the same numbers, found once, and never those of other pictures."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from alexnet_lib import dataset
from alexnet_lib.data import cache
from alexnet_lib.data.images import mean_image


@pytest.fixture
def pictures(tmp_path):
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        (tmp_path / "set" / split / "noise").mkdir(parents=True)
        for k in range(3):
            pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / split / "noise" / f"{k}.png")
    return lambda: dataset.load(f"folder:{tmp_path / 'set'}", "train", size=8, cache=tmp_path / "cache")


@pytest.fixture
def counted(monkeypatch):
    calls = []
    monkeypatch.setattr(cache, "mean_image", lambda images: calls.append(1) or mean_image(images))
    return calls


def test_the_second_run_reads_what_the_first_one_found(pictures, counted):
    first, second = pictures().mean(), pictures().mean()
    assert len(counted) == 1
    assert torch.equal(first, second)
    assert torch.equal(second, mean_image(pictures().images))
    assert second.shape == (3, 8, 8)


def test_a_set_in_memory_has_the_same_mean_and_writes_nothing(pictures, tmp_path):
    loaded = dataset.load(f"folder:{tmp_path / 'set'}", "train", size=8)
    assert torch.equal(loaded.mean(), pictures().mean())


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:-4] + b"abcd", lambda b: b"", lambda b: b[9:]]
)
def test_a_damaged_mean_is_found_anew(pictures, counted, damage):
    good = pictures().mean()
    path = pictures().cache / "mean"
    path.write_bytes(damage(path.read_bytes()))
    assert torch.equal(pictures().mean(), good)
    assert len(counted) == 2
    assert torch.equal(pictures().mean(), good)
    assert len(counted) == 2


def test_the_mean_of_other_pictures_is_not_taken(pictures, counted, tmp_path):
    other = pictures().mean()
    kept = (pictures().cache / "mean").read_bytes()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "set" / "train" / "noise" / "3.png")
    shutil.rmtree(tmp_path / "cache")
    (pictures().cache / "mean").write_bytes(kept)
    assert not torch.equal(pictures().mean(), other)
    assert torch.equal(pictures().mean(), mean_image(pictures().images))


def test_where_nothing_can_be_written_the_mean_is_found_each_time(pictures, counted, monkeypatch):
    images = pictures()

    def full(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(cache, "atomic_write", full)
    assert torch.equal(images.mean(), images.mean())
    assert len(counted) == 2


def test_the_mean_is_the_same_in_any_order_of_memory():
    images = torch.randint(0, 256, (40, 3, 5, 7), dtype=torch.uint8)
    by_pixel = mean_image(images.contiguous(memory_format=torch.channels_last))
    assert torch.equal(by_pixel, images.double().mean(0).float())
    assert by_pixel.is_contiguous()
    assert torch.equal(by_pixel, mean_image(images))
