"""A picture of the reader's own in the figures of conv1's response: against torch, and what is no picture."""

import base64
import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import visiting
from PIL import Image

from alexnet_lib.widgets.packed import load_asset, unpack
from alexnet_lib.widgets.wording import number

from .pages import OUTPUT
from .test_net_explorer import drop, image

pytestmark = pytest.mark.browser


def pixels(seed, side=256):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def png(values):
    file = io.BytesIO()
    Image.fromarray(values).save(file, format="png")
    return file.getvalue()


def torchs(values):
    """What conv1 answers, (96, 55, 55) in float64; the last windows extend past the crop."""
    kernels = load_asset("kernels")
    levels = np.frombuffer(base64.b64decode(kernels["levels"]), np.int8).reshape(96, 3, 11, 11)
    scales, bias, mean = (torch.tensor(kernels[key]).double() for key in ("scales", "bias", "mean"))
    weight = torch.from_numpy(levels.copy()).double() * scales.view(-1, 1, 1, 1)
    crop = torch.tensor(values).permute(2, 0, 1)[:, 16:-16, 16:-16].double() - mean.view(3, 1, 1)
    return F.conv2d(F.pad(crop, (0, 3, 0, 3)), weight, bias, stride=4)


def test_the_page_convolves_as_torch_does(arena):
    values = pixels(0)
    rgba = np.dstack([values, np.full((256, 256), 255, np.uint8)])
    found = arena.evaluate(
        """async ([text, kernels]) => {
          const data = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
          const { conv1Of } = await PAGE_WIDGETS.load("lrn");
          const bytes = new Uint8Array(conv1Of({ width: 256, data }, kernels).buffer);
          const letters = Array.from({ length: bytes.length / 4096 },
            (_, i) => String.fromCharCode(...bytes.subarray(4096 * i, 4096 * (i + 1))));
          const rest = String.fromCharCode(...bytes.subarray(4096 * letters.length));
          return btoa(letters.join("") + rest);
        }""",
        [base64.b64encode(rgba.tobytes()).decode(), load_asset("kernels")],
    )
    ours = torch.from_numpy(np.frombuffer(base64.b64decode(found), np.float32).copy()).view(96, 55, 55)
    expected = torchs(values)
    assert (ours - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_the_kernels_of_the_page_make_the_response_that_ships():
    """All rounding together stays below one of the 95 levels."""
    with Image.open(io.BytesIO(base64.b64decode(load_asset("photo")["jpeg"]))) as photo:
        found = torchs(np.asarray(photo))
    shipped = load_asset("conv1")
    assert np.abs(found.numpy() - unpack(shipped)).max() <= shipped["scale"]


@pytest.mark.parametrize("name", ["LrnExplorer", "PoolingExplorer"])
def test_the_readers_picture_takes_the_place_of_the_books_and_bad_files_are_told(browser, site, name):
    with visiting(browser, site.file(name)) as visit:
        page, box = visit.page, visit.page.locator(".page-widget")
        told, badge = box.locator(".own [role=alert]"), box.locator(".badge")
        before, agrees = box.evaluate(OUTPUT), badge.inner_text()
        assert agrees.startswith("torch agrees")
        assert page.evaluate("window.PAGE_WIDGET_ASSETS?.kernels") is None

        for file, words in (
            (("<b>.txt", "text/plain", b"no"), "<b>.txt is not a picture that this browser can read"),
            (("cut.jpg", "image/jpeg", image((90, 90), "jpeg")[:60]), "cut.jpg is not a picture"),
        ):
            drop(page, [file], ".pictures")
            told.filter(has_text=words).wait_for()
            assert box.evaluate(OUTPUT) == before

        drop(page, [("mine.png", "image/png", png(pixels(1)))], ".pictures")
        told.filter(has_text="This is your picture. It stays in this page.").wait_for()
        badge.filter(has_not_text="torch").wait_for(state="attached")  # it has not seen this picture
        mine = box.evaluate(OUTPUT)
        assert mine != before
        found = torchs(pixels(1))
        where = "row {1}, column {2}".format(*np.unravel_index(found.argmax().item(), found.shape))
        said = box.locator(".summary").inner_text()
        assert where in said
        if name == "LrnExplorer":
            assert f"goes from {number(found.max().item())} to " in said

        drop(page, [(f"{i}.png", "image/png", png(pixels(i, 20))) for i in (2, 3)], ".pictures")
        told.filter(has_text="2 files came; the first is shown.").wait_for()
        box.get_by_role("button", name="Camera").click()
        told.filter(has_text="This is your picture").wait_for()

        box.get_by_role("button", name="The book's photograph").click()
        badge.filter(has_text=agrees).wait_for()
        assert box.evaluate(OUTPUT) == before
        assert told.inner_text() == ""
        assert visit.problems == []
