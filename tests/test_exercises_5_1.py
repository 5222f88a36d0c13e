"""The checkers of chapter 5.1 accept the solution and refuse what readers typically write instead."""

import shutil

import pytest

from alexnet_lib.exercises import check_images_per_second, check_run_steps, check_safe_save


def test_ninety_passes_of_9375_steps():
    assert check_run_steps(843_750).right


@pytest.mark.parametrize("answer", [9_375, 108_000_000, 90, None], ids=str)
def test_another_number_of_steps_is_refused(answer):
    assert not check_run_steps(answer).right


def test_two_gpus_of_2012_took_208_images_a_second():
    assert check_images_per_second(208.3).right


@pytest.mark.parametrize(
    "answer", [250, 2.31, 104.2, None], ids=["five days", "a pass", "each GPU", "nothing"]
)
def test_another_speed_is_refused(answer):
    assert not check_images_per_second(answer).right


def beside_and_replaced(path, pieces):
    part = path.with_suffix(".part")
    part.write_bytes(b"".join(pieces))
    part.replace(path)


def test_writing_beside_and_replacing_is_safe():
    assert check_safe_save(beside_and_replaced).right


def straight(path, pieces):
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)


def gathered(path, pieces):
    path.write_bytes(b"".join(pieces))


def copied(path, pieces):
    part = path.with_suffix(".part")
    part.write_bytes(b"".join(pieces))
    shutil.copyfile(part, path)


def deleted_first(path, pieces):
    path.unlink(missing_ok=True)
    beside_and_replaced(path, pieces)


def only_once(path, pieces):
    if not path.exists():
        gathered(path, pieces)


def half(path, pieces):
    path.write_bytes(next(pieces))


def failing(path, pieces):
    raise OSError("no room")


WRONG = {
    "straight into the file": (straight, "between two pieces"),
    "gathered, then straight": (gathered, "was written into"),
    "copied over": (copied, "was written into"),
    "the old one deleted first": (deleted_first, "between two pieces"),
    "never over an old file": (only_once, "do not take its place"),
    "one piece": (half, "does not hold all pieces"),
    "an error of its own": (failing, "OSError: no room"),
    "no function": ("path", "a function is asked for"),
}


@pytest.mark.parametrize(("answer", "words"), WRONG.values(), ids=WRONG.keys())
def test_an_unsafe_way_to_save_is_refused_with_what_is_wrong(answer, words):
    verdict = check_safe_save(answer)
    assert not verdict.right
    assert words in verdict.message
