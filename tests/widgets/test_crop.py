"""`CropExplorer`: places and counts of crops against torch, torchvision and counting by hand."""

import itertools

import pytest
import torch
from conftest import visiting
from torchvision.transforms import functional as transforms

from alexnet_lib.widgets import CropExplorer

from .pages import ask

SIDES = [(256, 224), (32, 28), (12, 9), (9, 9), (10, 7)]


def held(side, size, top, left):
    """Which pixels of the image a crop holds: bool (side, side)."""
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[top : top + size, left : left + size] = True
    return mask


def every_place(side, size):
    return itertools.product(range(side - size + 1), repeat=2)


@pytest.mark.browser
@pytest.mark.parametrize(("side", "size"), SIDES)
def test_the_page_cuts_the_ten_crops_where_torchvision_does(arena, side, size):
    image = torch.arange(side * side).reshape(1, side, side)
    for ours, torchs in zip(
        ask(arena, "crop.tenCrops", side, size), transforms.ten_crop(image, size), strict=True
    ):
        rows, columns = ours["top"] + torch.arange(size), ours["left"] + torch.arange(size)
        columns = columns.flip(0) if ours["reflect"] else columns
        assert torch.equal(torchs[0], rows[:, None] * side + columns)


@pytest.mark.browser
@pytest.mark.parametrize(("side", "size"), SIDES[2:])
def test_the_page_counts_what_crops_share_as_masks_of_all_crops_do(arena, side, size):
    masks = torch.stack([held(side, size, *place) for place in every_place(side, size)])  # (crops, H, W)
    flat = masks.flatten(1).double()
    both = flat @ flat.T  # (crops, crops)
    assert ask(arena, "crop.views", side, size) == 2 * len(masks)
    assert ask(arena, "crop.inEveryCrop", side, size) == masks.all(dim=0).sum()
    assert ask(arena, "crop.sharedOnAverage", side, size) == pytest.approx(both.mean().item(), rel=1e-12)
    for (i, a), (j, b) in itertools.product(enumerate(every_place(side, size)), repeat=2):
        places = [dict(zip(("top", "left"), place, strict=True)) for place in (a, b)]
        if (i + j) % 7 == 0:  # a call for each of the pairs would take minutes
            assert ask(arena, "crop.shared", *places, size) == both[i, j]


@pytest.mark.browser
def test_crops_that_lie_apart_share_nothing(arena):
    assert ask(arena, "crop.shared", {"top": 0, "left": 0}, {"top": 9, "left": 0}, 4) == 0


def test_the_papers_sides_give_2178_views_and_it_prints_2048():
    assert "33 x 33 x 2 = 2178 views, where the paper states 32 x 32 x 2 = 2048" in CropExplorer().summary()


def test_crops_in_opposite_corners_share_a_square_of_192():
    corner = CropExplorer(top=0, left=0)
    assert corner.shared(32, 32) == 192 * 192
    assert corner.shared(16, 16) == 208 * 208
    assert "shares 43264 of its 50176 pixels with the center crop, 86.2 %" in corner.summary()


@pytest.mark.parametrize(
    ("top", "left", "name"),
    [
        (0, 0, "top left"),
        (7, 32, "top right"),
        (32, 0, "bottom left"),
        (25, 25, "bottom right"),
        (23, 9, "center"),
        (8, 8, "top left"),  # as near to the center
    ],
)
def test_the_nearest_test_crop_is_the_one_that_shares_most(top, left, name):
    explorer = CropExplorer(top=top, left=left, show="test")
    masks = {name: held(256, 224, *place) for name, place in places().items()}
    counts = {name: int((mask & held(256, 224, top, left)).sum()) for name, mask in masks.items()}
    assert counts[name] == max(counts.values())
    assert f"is nearest to the {name} one and shares {counts[name]} of its 50176 pixels" in explorer.summary()


def places():
    corners = dict(
        zip(
            ("top left", "top right", "bottom left", "bottom right"),
            itertools.product((0, 32), repeat=2),
            strict=True,
        )
    )
    return corners | {"center": (16, 16)}


def by_mouse(page):
    return page.mouse.move, page.mouse.down, page.mouse.up


def by_finger(page):
    session = page.context.new_cdp_session(page)
    at = []

    def send(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    def move(x, y):
        if at:
            send("touchMove", {"x": x, "y": y})
        at[:] = [{"x": x, "y": y}]

    return move, lambda: send("touchStart", *at), lambda: send("touchEnd")


@pytest.mark.browser
@pytest.mark.parametrize("hand", [by_mouse, by_finger])
def test_a_drag_across_the_photograph_reaches_every_place(browser, site, hand):
    with visiting(browser, site.url("CropExplorer"), width=390) as visit:
        box = visit.page.locator(".page-widget canvas").first.bounding_box()
        move, press, lift = hand(visit.page)
        move(box["x"] + 1, box["y"] + 1)
        press()
        visit.page.locator(".summary", has_text="row 0, column 0 is").wait_for()
        move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
        visit.page.locator(".summary", has_text="row 16, column 32 is").wait_for()
        lift()
        if hand is by_mouse:
            move(box["x"] + 5, box["y"] + 5)
        visit.page.wait_for_timeout(100)
        assert "row 16, column 32 is" in visit.page.locator(".summary").inner_text()
