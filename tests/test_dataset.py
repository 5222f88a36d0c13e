"""Data sets and the paper's preprocessing (§2): torchvision and hand-made files are the oracles."""

import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10, ImageFolder
from torchvision.datasets.utils import calculate_md5

from alexnet_lib import dataset
from alexnet_lib.data import sets
from alexnet_lib.data.images import CorruptImageError, mean_image, rescale_and_crop
from alexnet_lib.dataset import load, photographs, ten_photos

REAL = os.environ.get("ALEXNET_DATA")  # read before `offline` hides it


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test reaches a network: every address lookup fails, as on a machine without one."""

    def no_address(*arguments, **keywords):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    monkeypatch.delenv("ALEXNET_DATA", raising=False)


def picture(width=6, height=5, seed=0, mode="RGB"):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def image_folder(root: Path, splits=("train", "test"), classes=("cat", "dog"), each=2, **options) -> Path:
    for split in splits:
        for label, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            for k in range(each):
                picture(seed=10 * label + k, **options).save(root / split / name / f"{k}.png")
    return root


# Ten photographs


def test_ten_photos_are_a_thousand_labeled_patches_of_ten_classes():
    train = load("ten-photos", "train")
    assert train.images.shape == (1000, 3, 64, 64)
    assert train.images.dtype == torch.uint8
    assert train.labels.dtype == torch.int64
    assert train.labels.bincount().tolist() == [100] * 10
    assert len(train.classes) == len(set(train.classes)) == 10
    assert "stand-in for ImageNet" in train.source
    assert repr(train) == "ImageSet('ten-photos', 'train': 1000 of 3x64x64, 10 classes)"


@pytest.mark.parametrize("size", [16, 64, 225])
def test_no_pixel_of_a_photograph_is_in_both_splits(monkeypatch, size):
    """Photographs whose blue and green name the column: each split shows its own columns alone."""
    shapes = {name: photo.shape for name, photo in photographs().items()}
    numbered = {}
    for name, shape in shapes.items():
        columns = torch.arange(shape[2]).expand(shape[1:])
        numbered[name] = torch.stack([columns * 0, columns // 256, columns % 256]).to(torch.uint8)
    monkeypatch.setattr(dataset, "photographs", lambda: numbered)
    for label in range(10):
        columns = {}
        for split in ("train", "test"):
            found = ten_photos(split, size, per_class=20)
            first_rows = found.images[found.labels == label, :, 0].long()  # (20, 3, size)
            columns[split] = set((256 * first_rows[:, 1] + first_rows[:, 2]).flatten().tolist())
        assert not columns["train"] & columns["test"]


def test_every_patch_is_cut_from_the_photograph_of_its_class():
    photos, patches = photographs(), ten_photos("test", 40, per_class=2)
    for patch, label in zip(patches.images, patches.labels, strict=True):
        whole = photos[patches.classes[label]]
        windows = whole.unfold(1, 40, 1).unfold(2, 40, 1)  # (3, rows, columns, 40, 40)
        starts = (windows[:, :, :, 0, 0] == patch[:, 0, 0][:, None, None]).all(0).nonzero()
        assert any(torch.equal(windows[:, row, column], patch) for row, column in starts)


def test_the_patches_do_not_depend_on_the_global_seed():
    torch.manual_seed(1)
    first = ten_photos("train", 32, 5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(first.images, ten_photos("train", 32, 5).images)
    assert torch.equal(torch.get_rng_state(), state)


def test_gray_photographs_have_three_equal_channels_and_the_others_have_not():
    gray = {name for name, photo in photographs().items() if torch.equal(photo[0], photo[1])}
    assert gray == {"grass", "gravel"}


def test_a_patch_larger_than_half_a_photograph_is_refused():
    with pytest.raises(ValueError, match=r"size is 226, and half of chelsea is 300x225: use at most 225"):
        load("ten-photos", "train", size=226)


# Any folder


def test_an_image_folder_loads_with_the_labels_of_torchvision(tmp_path):
    image_folder(tmp_path, classes=("dog", "ant", "cat"), each=3)
    found = load(f"folder:{tmp_path}", "test")
    expected = ImageFolder(tmp_path / "test")
    assert found.classes == ("ant", "cat", "dog")
    assert found.labels.tolist() == expected.targets
    for image, (reference, _) in zip(found.images, expected, strict=True):
        assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(reference))
    assert found.folder == tmp_path / "test"


def test_val_serves_as_test_and_test_comes_first(tmp_path):
    image_folder(tmp_path, splits=("train", "val"))
    assert load(f"folder:{tmp_path}", "test").folder.name == "val"
    image_folder(tmp_path, splits=("test",))
    assert load(f"folder:{tmp_path}", "test").folder.name == "test"


def test_pictures_of_several_sizes_are_rescaled_and_cropped_to_256(tmp_path):
    image_folder(tmp_path)
    wide = picture(9, 5)
    wide.save(tmp_path / "train" / "dog" / "1.png")
    found = load(f"folder:{tmp_path}", "train")
    assert found.images.shape == (4, 3, 256, 256)
    assert torch.equal(found.images[3], rescale_and_crop(wide))
    assert load(f"folder:{tmp_path}", "test").images.shape == (4, 3, 5, 6)
    assert load(f"folder:{tmp_path}", "test", size=4).images.shape == (4, 3, 4, 4)


def test_every_corrupt_file_is_named_with_its_reason_and_the_good_ones_are_not(tmp_path):
    image_folder(tmp_path, each=20, width=64, height=64)
    truncated, text, empty = (tmp_path / "train" / name for name in ("cat/3.png", "dog/7.png", "dog/9.png"))
    truncated.write_bytes(truncated.read_bytes()[:5000])
    text.write_text("this is no picture")
    empty.write_bytes(b"")
    with pytest.raises(CorruptImageError, match=r"3 file\(s\) cannot be read.*truncated") as caught:
        load(f"folder:{tmp_path}", "train")
    assert caught.value.paths == (truncated, text, empty)
    assert all(str(path) in str(caught.value) for path in caught.value.paths)
    assert str(tmp_path / "train" / "cat" / "0.png") not in str(caught.value)


def test_a_missing_split_folder_is_named(tmp_path):
    image_folder(tmp_path, splits=("train",))
    with pytest.raises(FileNotFoundError, match=r"no folder test or val for the test split.*ten-photos"):
        load(f"folder:{tmp_path}", "test")


def test_an_empty_class_folder_is_named(tmp_path):
    image_folder(tmp_path)
    for split in ("train", "test"):
        (tmp_path / split / "emu").mkdir()
    with pytest.raises(FileNotFoundError, match=r"one folder of images a class in .*train: .*emu"):
        load(f"folder:{tmp_path}", "train")


def test_a_folder_without_class_folders_says_so(tmp_path):
    (tmp_path / "train").mkdir()
    picture().save(tmp_path / "train" / "0.png")
    with pytest.raises(FileNotFoundError, match=r"one folder of images a class in .*class folder"):
        load(f"folder:{tmp_path}", "train")


def test_splits_with_different_classes_are_refused_because_labels_would_shift(tmp_path):
    image_folder(tmp_path, splits=("train",), classes=("ant", "cat", "dog"))
    image_folder(tmp_path, splits=("test",), classes=("cat", "dog"))
    for split in ("train", "test"):
        with pytest.raises(ValueError, match=r"not the same classes in .*only one holds ant\."):
            load(f"folder:{tmp_path}", split)


def test_the_unlabeled_test_folder_of_imagenet_does_not_hinder_training(tmp_path):
    image_folder(tmp_path, splits=("train",))
    (tmp_path / "test").mkdir()
    picture().save(tmp_path / "test" / "0.png")
    assert len(load(f"folder:{tmp_path}", "train")) == 4


# CIFAR-10 and Imagenette


def fake_cifar_binary(root: Path, monkeypatch) -> np.ndarray:
    """Tiny batches in torchvision's format, with their own checksums in its list; returns the pixels."""
    folder = root / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    lists, pixels = {"train_list": [], "test_list": []}, {}
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        pixels[name] = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": pixels[name], "labels": [3, 1, 4, 1]}))
        key = "test_list" if name == "test_batch" else "train_list"
        lists[key].append([name, calculate_md5(folder / name)])
    classes = ["airplane", "automobile", "bird", "cat", "deer"]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": classes}))
    meta = {"filename": "batches.meta", "key": "label_names", "md5": calculate_md5(folder / "batches.meta")}
    for name, value in {**lists, "meta": meta}.items():
        monkeypatch.setattr(CIFAR10, name, value)
    return pixels


def test_cifar_in_torchvisions_format_keeps_channels_and_labels(tmp_path, monkeypatch):
    pixels = fake_cifar_binary(tmp_path, monkeypatch)
    found = load("cifar10", "test", tmp_path)
    # The format is 1024 red values row by row, then green, then blue.
    assert np.array_equal(found.images.numpy(), pixels["test_batch"].reshape(-1, 3, 32, 32))
    assert found.labels.tolist() == [3, 1, 4, 1]
    assert found.source == "CIFAR-10"
    assert len(load("cifar10", "train", tmp_path)) == 20


def test_a_damaged_cifar_file_is_not_taken_for_a_missing_set(tmp_path, monkeypatch):
    fake_cifar_binary(tmp_path, monkeypatch)
    with (tmp_path / "cifar-10-batches-py" / "data_batch_2").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"cifar10 in .*batches-py is damaged .*delete .*ten-photos"):
        load("cifar10", "train", tmp_path)


def test_cifar_as_jpeg_is_named_as_such_and_found_by_environment(tmp_path, monkeypatch):
    monkeypatch.setitem(sets.COUNTS, ("cifar10", "train"), 4)
    image_folder(tmp_path / "cifar10-jpeg", width=32, height=32)
    monkeypatch.setenv("ALEXNET_DATA", str(tmp_path))
    found = load("cifar10", "train")
    assert found.source == "CIFAR-10 (JPEG re-encoding)"
    assert found.images.shape == (4, 3, 32, 32)


def test_torchvisions_cifar_is_preferred_to_the_jpeg_one(tmp_path, monkeypatch):
    fake_cifar_binary(tmp_path, monkeypatch)
    image_folder(tmp_path / "cifar10-jpeg", width=32, height=32)
    assert load("cifar10", "test", tmp_path).source == "CIFAR-10"


def test_half_unpacked_sets_are_refused(tmp_path):
    image_folder(tmp_path / "cifar10-jpeg", width=32, height=32)
    with pytest.raises(ValueError, match=r"cifar10 has 4 images in .* should have 10,000: .*interrupted"):
        load("cifar10", "test", tmp_path)


@pytest.mark.parametrize(
    ("width", "height", "shape", "source"),
    [(224, 224, (224, 224), "Imagenette (224x224 copy)"), (213, 160, (160, 213), "Imagenette (160px)")],
)
def test_imagenette_says_which_copy_it_is(tmp_path, monkeypatch, width, height, shape, source):
    monkeypatch.setitem(sets.COUNTS, ("imagenette", "test"), 2)
    for wnid in ("n01440764", "n03888257"):
        for split in ("train", "val"):
            (tmp_path / "imagenette2-160" / split / wnid).mkdir(parents=True)
            picture(width, height).save(tmp_path / "imagenette2-160" / split / wnid / "a.JPEG")
    found = load("imagenette", "test", tmp_path)
    assert found.images.shape == (2, 3, *shape)
    assert found.source == source
    assert found.classes == ("tench", "parachute")
    assert found.folder == tmp_path / "imagenette2-160" / "val"
    assert load("imagenette", "test", tmp_path, size=64).source == source


def test_an_imagenette_folder_with_a_foreign_class_is_damaged(tmp_path):
    (tmp_path / "imagenette2-160" / "train" / "n00000001").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"imagenette in .* is damaged \(KeyError: 'n00000001'\)"):
        load("imagenette", "train", tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "imagenette"])
def test_a_missing_set_says_where_it_was_looked_for_and_three_ways_out(tmp_path, name):
    with pytest.raises(FileNotFoundError) as caught:
        load(name, "train", tmp_path / "nowhere")
    text = str(caught.value)
    assert f"{name} is not in {tmp_path / 'nowhere'}" in text
    assert sets.LAYOUTS[name] in text
    assert f"`alexnet data {name}`" in text
    assert "load('ten-photos', ...) is embedded" in text
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["cifar10", "imagenette"])
def test_a_download_without_a_network_names_the_set_and_the_embedded_one(tmp_path, name):
    with pytest.raises(ConnectionError, match=rf"{name} could not be downloaded .*ten-photos.*no network"):
        load(name, "train", tmp_path / "new", download=True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["ten-photos", "cifar10", "folder:anywhere"])
@pytest.mark.parametrize("split", ["val", "Train"])
def test_an_unknown_split_names_the_two(name, split):
    with pytest.raises(ValueError, match=rf"split is {split!r}.*'train' and 'test'; .*'val' is 'test' here"):
        load(name, split)


@pytest.mark.skipif(not REAL, reason="ALEXNET_DATA names no folder with the real sets")
@pytest.mark.parametrize(("name", "count", "side"), [("cifar10", 10_000, 32), ("imagenette", 3_925, 224)])
def test_the_real_sets_load_whole(name, count, side):
    found = load(name, "test", REAL)
    assert tuple(found.images.shape) == (count, 3, side, side)
    assert found.labels.unique().tolist() == list(range(10))
    assert len(found.classes) == 10
    # Photographs are on average neither dark nor light; a set decoded wrongly may well be.
    assert 90 < mean_image(found.images).mean() < 150


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ten_photos", "did you mean 'ten-photos'"),
        ("mnist", "choose from ten-photos, cifar10, imagenette, folder:PATH"),
        ("imagenet", "folder:PATH.*'folder:/data/imagenet'"),
        ("/data/x", "folder:PATH.*'folder:/data/x'"),
        (Path("sets/x"), "folder:PATH.*'folder:sets/x'"),
        ("folder:", "folder:PATH.*'folder:/data/imagenet'"),
    ],
)
def test_an_unknown_name_says_the_nearest_or_how_a_folder_is_named(name, words):
    with pytest.raises(ValueError, match=words):
        load(name, "train")


def test_an_empty_root_is_not_the_usual_one():
    with pytest.raises(ValueError, match="root is ''"):
        load("cifar10", "train", root="")


@pytest.mark.parametrize(
    ("options", "words"), [({"size": 224}, "size is 224.* 32x32"), ({"cache": "k"}, "leave cache out")]
)
def test_cifar_refuses_other_sizes_and_a_cache(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        load("cifar10", "test", tmp_path, **options)


def test_a_set_is_a_dataset_of_torch():
    found = ten_photos("test", 8, 3)
    image, label = found[29]
    assert (image.shape, label, found.classes[label]) == ((3, 8, 8), 9, "gravel")
    assert len(list(found)) == len(found) == 30
    images, labels = zip(*DataLoader(found, batch_size=7), strict=True)
    assert torch.equal(torch.cat(images), found.images)
    assert torch.equal(torch.cat(labels), found.labels)


def test_files_of_other_kinds_are_counted_and_hidden_ones_are_not(tmp_path):
    image_folder(tmp_path)
    for name in ("anim.gif", "a.avif", "b.AVIF", ".DS_Store"):
        (tmp_path / "train" / "cat" / name).touch()
    with pytest.warns(UserWarning, match=r"3 files of other kinds: \.avif, \.gif$"):
        assert len(load(f"folder:{tmp_path}", "train")) == 4
