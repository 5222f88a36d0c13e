"""A folder of class folders is listed as torchvision's ImageFolder lists it, and a change in it is seen."""

import os

import pytest
from torchvision.datasets import ImageFolder

from alexnet_lib.data.folders import list_folder

# Names whose order is not the one that first comes to mind, and files that are no pictures.
NAMES = [
    *("b/2.png", "b/10.PNG", "b/deep/er/1.jpg", "b/deep-er/1.jpg", "b/deep/0.webp", "b/.hidden.png"),
    *("a-b/x.tiff", "a/ünïcode name.jpeg", "a/notes.txt", "a/thumbs.db", "a/jpg", "B/1.ppm", "loose.png"),
]


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        path = tmp_path / "train set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.bmp").write_bytes(b"12345")
    (tmp_path / "train set" / "a" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "train set" / "a" / "broken.jpg").symlink_to(tmp_path / "nowhere")
    return tmp_path / "train set"


def test_the_pictures_and_their_order_are_those_of_torchvision(folder):
    listing, expected = list_folder(folder), ImageFolder(folder)
    assert [str(folder / file) for file in listing.files] == [path for path, _ in expected.samples]
    assert listing.labels.tolist() == expected.targets
    assert list(listing.classes) == expected.classes
    assert sum(listing.counts) == len(listing) == 11


def test_sizes_are_those_of_the_files_and_a_link_to_nothing_has_none(folder):
    listing = list_folder(folder)
    sizes = dict(zip(listing.files, listing.sizes, strict=True))
    assert sizes["b/2.png"] == len("b/2.png")
    assert sizes["a/link/linked.bmp"] == 5
    assert sizes["a/broken.jpg"] == 0


def change(folder, what):
    if what == "come":
        (folder / "b" / "deep" / "er" / "new.png").touch()
    elif what == "go":
        (folder / "a-b" / "x.tiff").unlink()
    elif what == "rename":
        (folder / "B" / "1.ppm").rename(folder / "B" / "2.ppm")
    elif what == "a new class":
        (folder / "c").mkdir()
    elif what == "a class gone":
        (folder / "B" / "1.ppm").unlink()
        (folder / "B").rmdir()
    elif what == "all gone":
        folder.rename(folder.with_name("elsewhere entirely"))


@pytest.mark.parametrize("what", ["come", "go", "rename", "a new class", "a class gone", "all gone"])
def test_a_listing_is_no_longer_of_a_folder_whose_files(folder, what):
    listing = list_folder(folder)
    for base, _, _ in os.walk(folder):
        os.utime(base, ns=(0, 0))  # long before the change, whatever the clock's steps are
    old = list_folder(folder)
    assert old.is_of(folder)
    assert not listing.is_of(folder)
    assert listing.names_same_pictures(old)
    change(folder, what)
    assert not old.is_of(folder)


def test_a_picture_overwritten_in_place_is_not_seen_without_a_look_at_the_files(folder):
    old = list_folder(folder)
    (folder / "b" / "2.png").write_bytes(b"longer than it was")
    assert old.is_of(folder)
    assert not old.names_same_pictures(list_folder(folder))


def test_classes_without_pictures_and_folders_without_classes_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no class folder at all; pictures end in \.jpg"):
        list_folder(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.png").touch()
    (tmp_path / "cat" / "1.txt").touch()
    with pytest.raises(FileNotFoundError, match="no picture in cat;"):
        list_folder(tmp_path)
