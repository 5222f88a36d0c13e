"""`TeachExplorer`: its softmax against torch's, its head in alexnet_lib, and what readers may drop."""

import io
import json

import numpy as np
import pytest
import torch
from conftest import visiting
from PIL import Image

from alexnet_lib.widgets import TeachExplorer, net_weights

from .pages import ROOT, barriers, fits_a_phone, html_of, saying
from .test_engine import made
from .test_net_explorer import drop, folder_with, image


@pytest.fixture(scope="module")
def asset():
    net, mean = made(hidden=(256, 256))
    return net_weights.compress(net, mean, tuple("abcdefghij"), rank=16, bits=6)


@pytest.fixture
def visit(browser, tmp_path_factory, asset):
    path = folder_with(tmp_path_factory.mktemp("teach"), asset, html_of(TeachExplorer()))
    with visiting(browser, path.as_uri()) as visit:
        visit.page.set_default_timeout(60_000)
        yield visit


def noise(seed, color):
    """A colored picture that no other seed makes: PNG bytes."""
    pixels = np.random.default_rng(seed).integers(0, 90, (60, 60, 3)) + np.array(color)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, format="png")
    return file.getvalue()


def photos(first, count, color):
    return [(f"{seed}.png", "image/png", noise(seed, color)) for seed in range(first, first + count)]


RED, BLUE = (160, 20, 20), (20, 20, 160)


def zone(number):
    return f".box[data-box='{number}']"


@pytest.fixture
def taught(visit):
    """The page after two classes of five photos were learned and three photos judged."""
    page = visit.page
    drop(page, photos(0, 5, RED), zone("A"))
    page.get_by_label("Name of class 2").fill("sea")
    drop(page, photos(10, 5, BLUE), zone("B"))
    saying(page, "on 10 photos: “A”, “sea”")
    saying(page, "Leave one out: 10 of 10 right", ".facts")
    drop(page, [*photos(20, 2, BLUE), *photos(30, 1, RED)], zone("judge"))
    page.wait_for_function(f"{ROOT}.querySelectorAll('.verdict').length === 3")
    return page


@pytest.mark.browser
def test_two_classes_are_learned_judged_and_told_honestly(taught):
    page = taught
    assert (
        "95 % confidence interval is 72 % to 100 %" in page.locator(".facts").inner_text()
    )  # Wilson, by hand
    assert [words.split()[0] for words in page.locator(".verdict").all_inner_texts()] == ["sea", "sea", "A"]


@pytest.mark.browser
def test_the_head_that_is_downloaded_says_the_same_in_python(taught, tmp_path, asset):
    page = taught
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    path = tmp_path / "my_classes.npz"
    download.value.save_as(path)
    mine = net_weights.load(json.loads(json.dumps(asset))).with_head(path)
    assert mine.classes == ("A", "sea")
    shown = page.locator(".verdict").all_inner_texts()
    for (_, _, content), words in zip([*photos(20, 2, BLUE), *photos(30, 1, RED)], shown, strict=True):
        (tmp_path / "photo.png").write_bytes(content)
        ((label, p),) = mine.label([tmp_path / "photo.png"])
        assert label == words.split()[0]
        assert 100 * p == pytest.approx(float(words.split()[1]), abs=3)  # two programs scale the picture


@pytest.mark.browser
def test_bad_files_are_told_and_nothing_is_lost(taught):
    page = taught
    drop(
        page,
        [("a.txt", "text/plain", b"no"), ("cut.jpg", "image/jpeg", image((90, 90), "jpeg")[:60])],
        zone("A"),
    )
    saying(page, "a.txt is not a picture", ".problem")
    saying(page, "cut.jpg is not a picture", ".problem")
    drop(page, photos(0, 1, RED), zone("A"))
    saying(page, "0.png is already in “A”", ".problem")
    drop(page, photos(0, 1, RED), zone("B"))
    saying(page, "“A” and “sea” have the same photo", ".facts")
    page.get_by_label("Remove 0.png from sea").click()
    saying(page, "Leave one out: 10 of 10", ".facts")


@pytest.mark.browser
def test_alive_it_has_no_barrier_and_fits_a_phone(taught):
    page = taught
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert barriers(page) == []
    assert fits_a_phone(page)


@pytest.mark.browser
def test_the_camera_gives_a_photo_and_a_camera_that_is_refused_or_missing_is_told(visit):
    page, camera = visit.page, visit.page.locator(zone("A")).get_by_role("button", name="Camera", exact=True)
    camera.click()
    page.locator(zone("A")).get_by_label("Remove camera from A").wait_for()
    for why in ("NotAllowedError", "NotFoundError"):
        page.evaluate(
            """why => {
              navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", why); };
            }""",
            why,
        )
        camera.click()
        saying(page, "The camera gave no picture: allow it in the browser, or choose a file.", ".problem")
        page.get_by_label("Name of class 2").fill(why)  # nothing is frozen
    assert page.locator(zone("A")).get_by_label("Remove camera from A").count() == 1
    assert visit.problems == []


@pytest.mark.browser
def test_a_lone_photo_and_two_hundred_are_told(visit):
    page = visit.page
    drop(page, photos(0, 1, RED), zone("A"))
    drop(page, [(f"{i}.png", "image/png", image((40, 40), color=(0, i, 200))) for i in range(200)], zone("B"))
    saying(page, "200 photos came for “B”; the first 20 are used", ".problem")
    saying(page, "on 21 photos")
    saying(page, "“A” has one photo", ".facts")
    assert visit.problems == []


@pytest.mark.browser
def test_its_softmax_is_the_minimum_that_torch_finds(arena):
    """Same loss, other way: L-BFGS on the weights instead of gradient descent on coefficients."""
    torch.manual_seed(0)
    rows, labels = (
        torch.randn(12, 40) + torch.arange(3).repeat_interleave(4)[:, None],
        torch.arange(3).repeat_interleave(4),
    )
    ours = arena.evaluate(
        """async ([rows, labels]) => {
          const { products, fit, headOf, scoresOf, chances } = await PAGE_WIDGETS.load("teach");
          const floats = rows.map(row => Float32Array.from(row)), all = rows.map((_, i) => i);
          const head = headOf(floats, all, fit(products(floats), all, labels, 3), 3);
          return floats.map(row => chances(scoresOf(head, row)));
        }""",
        [rows.tolist(), labels.tolist()],
    )
    x = (rows - rows.mean(dim=0)).double()
    x = x / x.square().sum(dim=1).mean().sqrt()
    weight = torch.zeros(3, 40, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        found = torch.nn.functional.cross_entropy(x @ weight.T, labels) + 0.005 * weight.square().sum()
        found.backward()
        return found

    optimizer.step(loss)
    assert torch.tensor(ours) == pytest.approx((x @ weight.T).softmax(dim=1).detach().numpy(), abs=0.03)


@pytest.mark.browser
def test_left_out_means_trained_without_it(arena):
    """A photo that contradicts its own class is right only for a head that has seen it."""
    rows = [[1, 0], [1.1, 0.1], [0, 1], [0.1, 1.1], [1.05, 0.05]]
    right = arena.evaluate(
        """async rows => {
          const { products, leaveOneOut } = await PAGE_WIDGETS.load("teach");
          const floats = rows.map(row => Float32Array.from(row));
          return leaveOneOut(floats, products(floats), [0, 0, 1, 1, 1], 2);
        }""",
        rows,
    )
    assert right == 4


def test_a_file_that_is_no_head_is_refused_in_words(asset, tmp_path):
    shipped = net_weights.load(json.loads(json.dumps(asset)))
    np.savez(tmp_path / "x.npz", weight=np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"holds .*, and a head has weight \(n, 256\)"):
        shipped.with_head(tmp_path / "x.npz")
