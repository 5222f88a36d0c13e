"""`UnitExplorer`: the backward pass against torch's autograd, patches against torch, and a visit."""

import base64
import json

import numpy as np
import pytest
import torch
from conftest import visiting

from alexnet_lib.augmentation import center_crop
from alexnet_lib.counts import trace
from alexnet_lib.widgets import UnitExplorer, bundle, net_weights
from alexnet_lib.widgets.units import window

from .pages import barriers, fits_a_phone, html_of, saying
from .test_engine import decoded, made, squares
from .test_net_explorer import drop, folder_with, image

LAYERS = {"conv1": 7, "conv2": 200, "conv3": 100, "conv4": 300, "conv5": 30, "fc7": 100, "fc8": 3}


@pytest.fixture(scope="module")
def asset():
    net, mean = made(hidden=(256, 256))
    return net_weights.compress(net, mean, tuple("abcdefghij"), rank=16, bits=6, input_scale=0.5)


def middle(output, unit):
    """The unit in the middle of a channel, or the unit of a fully-connected layer."""
    return (
        output[0, unit] if output.dim() == 2 else output[0, unit, output.shape[2] // 2, output.shape[3] // 2]
    )


def gradients(shipped, photo):
    """torch's: layer -> d(one unit) / d(network input), (3, crop, crop)."""
    size, found, grads = shipped.net.spec.image_size, {}, {}
    for layer in LAYERS:
        part = shipped.net.classifier if layer.startswith("fc") else shipped.net.features
        getattr(part, layer).register_forward_hook(
            lambda _m, _i, out, layer=layer: found.update({layer: out})
        )
    crop = (center_crop(photo[None].float() - shipped.mean, size) * shipped.input_scale).requires_grad_()
    shipped.net(crop)
    for layer, unit in LAYERS.items():
        grads[layer] = torch.autograd.grad(middle(found[layer], unit), crop, retain_graph=True)[0][0]
    return grads


@pytest.mark.browser
def test_every_layers_gradient_is_torchs(browser, site, asset):
    photo = squares(1)[0]
    pixels = torch.cat([photo, torch.full_like(photo[:1], 255)]).permute(1, 2, 0).contiguous()
    with visiting(browser, f"{site.root}/arena.html") as visit:
        for script in ("engine", "engine_grad"):
            visit.page.add_script_tag(content=(bundle.JS / f"{script}.js").read_text("utf-8"))
        found = visit.page.evaluate(
            """async ([asset, text, layers]) => {
              const pixels = Uint8ClampedArray.from(atob(text), c => c.charCodeAt(0)), told = {};
              for (const wasm of [true, false]) {
                const engine = await makeEngine(await openFile(asset), { wasm });
                const back = await makeGradient(engine), input = engine.cropped(pixels, { top: 8, left: 8 });
                const stages = engine.forward(input, {});
                for (const [layer, unit] of Object.entries(layers)) {
                  const seed = oneHot(stages.find(({ name }) => name === layer), unit);
                  const bytes = new Uint8Array(back(stages, input, { layer, seed }).buffer);
                  const letters = Array.from(bytes, byte => String.fromCharCode(byte));
                  told[`${layer} ${wasm}`] = btoa(letters.join(""));
                }
              }
              return told;
            }""",
            [asset, base64.b64encode(pixels.numpy().tobytes()).decode(), LAYERS],
        )
    expected = gradients(net_weights.load(json.loads(json.dumps(asset))), photo)
    for name, text in found.items():
        theirs = expected[name.split()[0]]
        assert theirs.abs().max() > 0, name
        apart = (decoded(text) - theirs.flatten()).abs().max() / theirs.abs().max()
        assert apart <= 1e-4, f"{name} differs by {apart:.1e} of its peak"


@pytest.mark.browser
def test_a_frame_holds_all_that_a_unit_sees_and_nothing_else(arena, asset):
    """The gradient of a position is not zero up to the frame's border somewhere, and zero outside."""
    shipped = net_weights.load(asset)
    sizes = {layer.name: layer.receptive_field for layer in trace(shipped.net.spec)}
    for layer, place in (("conv1", 15), ("conv2", 7), ("conv3", 3)):
        ours = arena.evaluate(
            """async ([header, layer, place]) => {
              const { windowOf } = await PAGE_WIDGETS.load("units");
              return windowOf(header, layer, { row: place, column: place });
            }""",
            [asset["header"], layer, place],
        )
        assert (ours["left"], ours["top"], ours["side"]) == window(shipped, layer, place, place)
        assert ours["side"] == sizes[layer]
        image = torch.randn(8, 3, 128, 128, requires_grad=True)
        kept = {}
        hook = getattr(shipped.net.features, layer).register_forward_hook(
            lambda _m, _i, out, kept=kept: kept.update(out=out)
        )
        shipped.net.features(image)
        hook.remove()
        kept["out"][:, :, place, place].square().sum().backward()
        seen = image.grad.abs().sum(dim=(0, 1)).nonzero()
        first, last = seen.min(dim=0).values.tolist(), seen.max(dim=0).values.tolist()
        start, end = max(0, ours["left"]), min(127, ours["left"] + ours["side"] - 1)
        assert (first, last) == ([start, start], [end, end]), layer


@pytest.mark.browser
def test_the_strongest_positions_are_the_largest_values_and_lie_apart(arena):
    values = torch.randn(3, 2, 9, 9)
    found = arena.evaluate(
        """async all => {
          const map = values => ({ values: Float32Array.from(values), size: 9 });
          const maps = Object.fromEntries(all.map((values, i) => [`p${i}`, map(values)]));
          return (await PAGE_WIDGETS.load("units")).strongest(maps, 1, 3);
        }""",
        [one.flatten().tolist() for one in values],
    )
    tops = sorted((one[1].max().item() for one in values), reverse=True)
    assert found[0]["value"] == pytest.approx(tops[0])
    assert [one["value"] for one in found] == sorted((one["value"] for one in found), reverse=True)
    for photo in ("p0", "p1", "p2"):
        first, second = [one for one in found if one["photo"] == photo]
        assert first["value"] == pytest.approx(values[int(photo[1]), 1].max().item())
        assert max(abs(first["row"] - second["row"]), abs(first["column"] - second["column"])) >= 3


@pytest.fixture(scope="module")
def visit(browser, tmp_path_factory, asset):
    folder = folder_with(tmp_path_factory.mktemp("units"), asset, html_of(UnitExplorer()))
    with visiting(browser, folder.as_uri()) as visit:
        visit.page.get_by_role("button", name="Load the network").click()
        saying(visit.page, "sees")
        yield visit


@pytest.mark.browser
def test_any_unit_answers_with_the_readers_picture_among_them(visit):
    page = visit.page
    drop(page, [("mine.png", "image/png", image((200, 120))), ("no.txt", "text/plain", b"?")], ".pictures")
    saying(page, "11 photographs")
    saying(page, "no.txt is not a picture", ".problem")
    for layer, seen in (("conv1", "11 × 11"), ("conv4", "131 × 131"), ("fc7", "the whole picture")):
        page.locator("select[name=layer]").select_option(layer)
        saying(page, f"sees {seen}")
    assert UnitExplorer(layer="fc7").summary() == page.locator(".summary").inner_text()


@pytest.mark.browser
def test_it_draws_and_hides_until_it_is_stopped(visit):
    page = visit.page
    page.locator("select[name=layer]").select_option("fc8")
    for start, stop in (("Draw a picture", "Stop drawing"), ("Hide one part", "Stop hiding")):
        page.get_by_role("button", name=start).click()
        page.get_by_role("button", name=stop).click()
        page.get_by_role("button", name=start).wait_for()
    page.get_by_text("A caricature, step").wait_for()
    captions = " ".join(page.locator("figcaption").all_inner_texts())
    assert "It does not show parts that can stand in for each other" in captions
    assert "It does not show what the score is made of" in captions
    assert visit.problems == []


@pytest.mark.browser
def test_alive_it_has_no_barrier_and_fits_a_phone(visit):
    page = visit.page
    assert barriers(page) == []
    assert fits_a_phone(page)


@pytest.mark.browser
def test_the_ascent_makes_the_unit_respond_more(browser, site, asset):
    with visiting(browser, f"{site.root}/arena.html") as visit:
        for script in ("engine", "engine_grad"):
            visit.page.add_script_tag(content=(bundle.JS / f"{script}.js").read_text("utf-8"))
        values = visit.page.evaluate(
            """async asset => {
              const engine = await makeEngine(await openFile(asset)), values = [];
              const asked = { layer: "conv3", unit: 5, steps: 12 };
              for await (const found of caricature(engine, asked)) values.push(found.value);
              return values;
            }""",
            asset,
        )
    assert values[-1] > 2 * abs(values[0])
    assert np.isfinite(values).all()
