"""`NetExplorer` in a page: its answers against torch's, bad input, and where it must run."""

import base64
import io
import json
import threading
from functools import partial

import numpy as np
import pytest
import torch
from conftest import QuietHandler, Server, visiting
from PIL import Image

from alexnet_lib.widgets import NetExplorer, bundle, net_weights
from alexnet_lib.widgets.net import answer

from .pages import LIVE, PAGE, barriers, fits_a_phone, html_of, saying
from .test_engine import made

READY = "() => Number(document.querySelector('.page-widget-live').dataset.computed) >= {}"


@pytest.fixture(scope="module")
def asset():
    network, mean = made(hidden=(256, 256))
    return net_weights.compress(network, mean, tuple("abcdefghij"), rank=16, bits=6)


def folder_with(folder, asset, body):
    """The path of a page with a widget, whose network is a small one."""
    (folder / "page-assets").mkdir()
    photos = bundle.asset_text("photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "ON_CLICK", folder)
        (folder / "network.json").write_text(json.dumps(asset))
        (folder / "photos.json").write_text(photos)
        for name in [*bundle.asset_names(), *bundle.on_click_names()]:
            (folder / "page-assets" / f"{name}.js").write_text(bundle.asset_script(name), "ascii")
        (folder / "page-widgets.js").write_text(bundle.page_script(), "utf-8")
    (folder / "net.html").write_text(PAGE.format(title="Net", body=body), "utf-8")
    return folder / "net.html"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, asset):
    return folder_with(tmp_path_factory.mktemp("net"), asset, html_of(NetExplorer())).parent


@pytest.fixture(scope="module")
def visit(browser, folder):
    with visiting(browser, (folder / "net.html").as_uri()) as visit:
        start(visit.page)
        yield visit


def start(page):
    page.get_by_role("button", name="Start").click()
    page.wait_for_function(READY.format(1))


def computed(page):
    return page.evaluate(f"Number({LIVE}.dataset.computed)")


def press(page, name, value):
    """Turn a switch, and wait for the network's answer."""
    before = computed(page)
    page.locator(f"[data-name={name}][value='{value}']").check(force=True)
    page.wait_for_function(READY.format(before + 1))


def logits(page):
    return torch.tensor(page.evaluate(f"{LIVE}.result.logits.map(one => [...one])"))


def pixels(page, name="astronaut"):
    """What the page's own decoder and scaling made of a photograph: uint8 (3, 144, 144)."""
    text = page.evaluate(f"btoa(String.fromCharCode(...{LIVE}.result.pixels.data))")
    flat = np.frombuffer(base64.b64decode(text), np.uint8).reshape(144, 144, 4)
    return torch.from_numpy(flat[..., :3].copy()).permute(2, 0, 1)


def drop(page, files, zone=".body"):
    """Drop files on a part of the widget: (name, type, bytes, or how many zeros)."""
    page.evaluate(
        """([zone, files]) => {
          const data = new DataTransfer();
          for (const [name, type, text] of files) {
            const told = typeof text === "string";
            const bytes = told ? Uint8Array.from(atob(text), c => c.charCodeAt(0)) : new Uint8Array(text);
            data.items.add(new File([bytes], name, { type }));
          }
          document.querySelector('.page-widget-live').shadowRoot.querySelector(zone)
            .dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        [
            zone,
            [
                (name, kind, content if isinstance(content, int) else base64.b64encode(content).decode())
                for name, kind, content in files
            ],
        ],
    )


def image(size, kind="png", color=(200, 40, 40), **options):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, format=kind, **options)
    return file.getvalue()


@pytest.mark.browser
def test_its_scores_are_torchs_at_every_switch(visit, asset):
    page, shipped = visit.page, net_weights.load(asset)
    photo = pixels(page)
    setting = {}
    for name, value in [
        ("norm", "off"),
        ("pooling", "2/2"),
        ("towers", "without-1"),
        ("conv3", "cut"),
        ("crops", "ten"),
        ("towers", "without-2"),
        ("norm", "before"),
    ]:
        press(page, name, value)
        setting[name] = value
        expected = answer(shipped, photo, **setting)[1]
        assert (logits(page) - expected).abs().max() <= 1e-4 * expected.abs().max(), setting
        assert page.locator(".summary").inner_text() == NetExplorer(**setting).summary()
        assert page.locator(".answer").inner_text().startswith("For “astronaut” it says ")
    page.get_by_role("button", name="Paper values").click()
    page.wait_for_function(f"{LIVE}.result.logits.length === 1")
    assert page.locator(".hint").is_hidden()


@pytest.mark.browser
def test_the_sum_that_is_shown_is_the_activation(visit):
    page = visit.page
    for layer, across in (("conv1", 0), ("conv2", 37), ("conv3", 50), ("conv5", 100)):
        page.locator(f"[data-name=layer][value={layer}]").check(force=True)
        page.locator("input[name=channel]").fill("77")
        page.locator("input[name=across]").fill(str(across))
        page.wait_for_timeout(100)
        shown = float(page.locator(".sum th.number").inner_text())
        stage = page.evaluate(
            f"""layer => {{ const s = {LIVE}.result.stages.find(({{ name }}) => name === layer);
                 return [s.maps, s.size, [...s.values]]; }}""",
            layer,
        )
        maps, size, values = stage[0], stage[1], torch.tensor(stage[2])
        column = min(size - 1, across * size // 100)
        expected = values.view(maps, size, size)[77 % maps, size // 2, column].item()
        assert shown == pytest.approx(expected, rel=0.006, abs=2e-4 * values.abs().max().item())


@pytest.mark.browser
def test_a_click_on_a_picture_opens_what_is_there(visit):
    page = visit.page
    canvas = page.locator(".overview canvas").bounding_box()
    page.mouse.click(canvas["x"] + canvas["width"] * 0.55, canvas["y"] + canvas["height"] * 0.3)
    page.wait_for_timeout(100)
    layer = page.locator("[data-name=layer]:checked").get_attribute("value")
    assert layer in ("conv2", "conv3", "conv4")


BAD = [
    ("notes.txt", "text/plain", b"no picture", "notes.txt is not a picture that this browser can read"),
    ("broken.jpg", "image/jpeg", image((300, 200), "jpeg")[:120], "broken.jpg is not a picture"),
    ("<img src=x onerror=alert(1)>.png", "image/png", b"\x89PNG", "<img src=x onerror=alert(1)>.png is not"),
    ("huge.png", "image/png", 41 * 2**20, "huge.png has 41 MB, and this page reads up to 40"),
]


@pytest.mark.browser
def test_what_is_no_picture_is_said_and_the_last_answer_stays(visit):
    page = visit.page
    before = page.locator(".answer").inner_text()
    for name, kind, content, words in BAD:
        drop(page, [(name, kind, content)])
        saying(page, words, ".problem")
        assert page.locator(".problem img").count() == 0
    assert page.locator(".answer").inner_text() == before


@pytest.mark.browser
def test_pictures_of_every_size_and_kind_are_read(visit):
    page = visit.page
    gif = io.BytesIO()
    frames = [Image.new("P", (60, 40), color) for color in (1, 2, 3)]
    frames[0].save(gif, format="gif", save_all=True, append_images=frames[1:])
    for name, content, words in [
        ("dot.png", image((1, 1)), "dot.png has 1 × 1 pixels; the network sees it enlarged."),
        ("large.jpg", image((7300, 5500), "jpeg"), ""),
        ("moving.gif", gif.getvalue(), ""),
        ("photo.webp", image((300, 500), "webp"), ""),
    ]:
        before = computed(page)
        drop(page, [(name, f"image/{name[-3:]}", content)])
        page.wait_for_function(READY.format(before + 1))
        assert page.locator(".answer").inner_text().startswith("For your picture it says ")
        assert page.locator(".problem").inner_text() == words
    flat = pixels(page).float().flatten(1).mean(dim=1).tolist()
    assert flat == pytest.approx([200, 40, 40], abs=4)


@pytest.mark.browser
def test_of_many_files_and_of_hasty_drops_one_is_shown(visit):
    page = visit.page
    drop(page, [(f"{i}.png", "image/png", image((64, 64), color=(i, i, i))) for i in range(50)])
    saying(page, "50 files came", ".problem")
    for shade in (10, 90, 250):
        drop(page, [("a.png", "image/png", image((64, 64), color=(shade,) * 3))])
    page.wait_for_function(f"{LIVE}.result.pixels.data[0] === 250")
    assert visit.problems == []


@pytest.mark.browser
def test_it_hides_one_part_after_the_other_and_stops(visit):
    page = visit.page
    page.get_by_role("button", name="What matters").click()
    stop = page.get_by_role("button", name="Stop")
    stop.wait_for()
    stop.click()
    page.get_by_role("button", name="What matters").wait_for()


@pytest.mark.browser
def test_axe_finds_no_barrier_and_a_phone_never_scrolls_sideways(visit):
    page = visit.page
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_timeout(100)
        assert barriers(page) == []
    assert fits_a_phone(page)


class Strict(QuietHandler):
    """Serves pages that may not compile WebAssembly."""

    def end_headers(self):
        self.send_header(
            "Content-Security-Policy",
            "default-src 'self'; script-src 'self' blob:; worker-src blob:; style-src 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src data:",
        )
        super().end_headers()


@pytest.mark.browser
def test_without_webassembly_and_without_a_worker_it_answers_the_same(browser, folder, asset):
    with Server(("127.0.0.1", 0), partial(Strict, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with visiting(browser, f"http://127.0.0.1:{server.server_port}/net.html") as visit:
            visit.page.evaluate("() => { window.Worker = class { constructor() { throw new Error(); } }; }")
            start(visit.page)
            assert visit.page.locator(".badge").inner_text().startswith("JavaScript")
            expected = answer(net_weights.load(asset), pixels(visit.page))[1]
            assert (logits(visit.page) - expected).abs().max() <= 1e-4 * expected.abs().max()
        server.shutdown()


def test_the_notebook_gets_assets_and_torchs_opinion(monkeypatch, asset):
    monkeypatch.setattr("alexnet_lib.widgets.net.asset_text", lambda name: json.dumps(asset))
    sent = []
    widget = NetExplorer(norm="off")
    monkeypatch.setattr(widget, "send", sent.append)
    photo = torch.randint(0, 256, (3, 144, 144), dtype=torch.uint8)
    rgba = torch.cat([photo, photo[:1]]).permute(1, 2, 0).contiguous().numpy()
    ours = answer(net_weights.load(asset), photo, norm="off")[1].numpy()
    question = {"ask": "check", "id": 5, "setting": {**widget.values(), "photo": "own"}}
    widget._answer(widget, question, [rgba.tobytes(), ours.tobytes()])
    assert sent[0]["answer"] == 5
    assert sent[0]["apart"] < 1e-6
    widget._answer(widget, {"ask": "asset", "id": 6, "name": "engine"}, [])
    assert sent[1]["answer"] == 6
    widget._answer(widget, {"ask": "asset", "id": 7, "name": "../../../etc/passwd"}, [])
    assert len(sent) == 2
