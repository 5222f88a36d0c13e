"""Learning in the page: gradients and updates against torch, and a race from start to result."""

import base64
import json
import threading
from functools import partial

import numpy as np
import pytest
import torch
from conftest import QuietHandler, Server, visiting
from torch.nn import functional as F

from alexnet_lib.learning import PaperSGD
from alexnet_lib.relu import ACTIVATIONS, FourLayerNet
from alexnet_lib.widgets import bundle
from alexnet_lib.widgets.packed import load_asset
from alexnet_lib.widgets.race import draw_weights_, patches, race

from .pages import ROOT, ask, barriers, wait_for_workers

STATUS, CAPTION = (f"{ROOT}.querySelector('{part}').textContent" for part in ("[role=status]", "figcaption"))


@pytest.fixture(scope="module")
def learner(arena):
    """The page with engine.js and learn.js in it."""
    arena.add_script_tag(
        content="".join((bundle.JS / f"{name}.js").read_text("utf-8") for name in ("engine", "learn"))
    )
    arena.evaluate(
        """asset => {
          window.base64 = values => btoa(Array.from(new Uint8Array(values.buffer),
            byte => String.fromCharCode(byte)).join(""));
          window.opened = openPatches(asset);
        }""",
        load_asset("patches"),
    )
    return arena


def decoded(text, kind=np.float64):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), kind).copy())


STEP = """async ([activation, wasm, pixels, init, count, keep]) => {
  const net = await makeLearner({ activation, init, seed: 3, wasm });
  const images = readPatches(await opened, 0, count, count, pixels === "scaled" ? 64 : 1);
  const flat = (parts, Kind) => base64(Kind.from(parts.flatMap(({ w, b }) => [...w, ...b])));
  const before = flat(net.layers, Float32Array), places = [];
  let loss = 0;
  images.forEach((image, i) => {
    loss += net.pass(image, i % 10, { keep: keep && Float32Array.from(keep) }).loss / count;
    places.push(net.places().map(found => base64(found)));
  });
  const gradients = [flat(net.gradients(), Float64Array)];
  net.update(count, { lr: 0.001, momentum: 0.9, decay: 0.5 });
  net.pass(images[0], 0);
  gradients.push(flat(net.gradients(), Float64Array));
  net.update(count, { lr: 0.0001, momentum: 0.9, decay: 0.5 });
  return { kind: net.kind, before, loss, places, gradients, after: flat(net.layers, Float32Array) };
}"""


def torchs(net, images, labels, places, keep):
    """Loss and gradients of float64 torch, where pooling takes the positions that the page took.

    Two positions of a window are often equal but for rounding, and which of them is the largest is then open.
    """
    maps = images
    convs, f = [net.features[i] for i in (0, 3, 6)], net.features[2]
    for layer, conv in enumerate(convs):
        made = conv(maps)
        taken = torch.stack([decoded(of[layer], np.int32) for of in places]).long().view(*made.shape[:2], -1)
        best = made.flatten(2).gather(2, taken)  # (N, channels, windows)
        largest = F.max_pool2d(made, 3, 2, ceil_mode=True).flatten(2)
        assert (largest - best).max() <= 1e-5 * made.abs().max()
        maps = f(best.unflatten(2, (made.shape[2] // 2, -1)))
    scores = net.classifier(maps.flatten(1) * keep)
    loss = F.cross_entropy(scores, labels)
    loss.backward()
    return loss.item(), [p.grad for p in net.parameters()]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("activation", "wasm", "pixels", "init", "dropped"),
    [
        ("relu", True, "raw", "paper", False),
        ("tanh", True, "raw", "paper", False),
        ("tanh", True, "scaled", "fitted", True),
        ("sigmoid", True, "scaled", "fitted", False),
        ("leaky-relu", False, "scaled", "fitted", False),
    ],
)
def test_a_step_is_torchs(learner, activation, wasm, pixels, init, dropped):
    count, features = 20, 1024
    keep = (
        torch.randint(0, 2, (features,), generator=torch.Generator().manual_seed(0)).tolist()
        if dropped
        else None
    )
    ours = learner.evaluate(STEP, [activation, wasm, pixels, init, count, keep])
    assert ours["kind"] == ("WebAssembly" if wasm else "JavaScript")
    net = draw_weights_(FourLayerNet(activation), init, 3)
    sizes = [p.numel() for p in net.parameters()]
    before = torch.cat([p.detach().flatten() for p in net.parameters()])
    assert torch.equal(decoded(ours["before"], np.float32), before)

    images = patches("train", count // 10).double()
    images = (images - images.mean(dim=0)) / (64 if pixels == "scaled" else 1)
    keep = torch.tensor(keep or [1.0]).double()
    loss, gradients = torchs(net.double(), images, torch.arange(count) % 10, ours["places"], keep)
    assert ours["loss"] == pytest.approx(loss, rel=1e-5)
    for found, expected in zip(decoded(ours["gradients"][0]).split(sizes), gradients, strict=True):
        assert (found / count - expected.flatten()).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.browser
def test_two_updates_are_those_of_the_papers_rule(learner):
    """The learning rate falls between them, which other rules of momentum answer differently."""
    ours = learner.evaluate(STEP, ["tanh", True, "scaled", "fitted", 10, None])
    weights = torch.nn.Parameter(decoded(ours["before"], np.float32))
    optimizer = PaperSGD([weights], 0.001, 0.9, 0.5)
    for gradients, rate in zip(ours["gradients"], (0.001, 0.0001), strict=True):
        weights.grad = (decoded(gradients) / 10).float()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    torch.testing.assert_close(decoded(ours["after"], np.float32), weights.detach(), rtol=1e-6, atol=1e-8)


def test_initial_weights_follow_their_rules():
    relu, tanh = (draw_weights_(FourLayerNet(name), "fitted", 5) for name in ("relu", "tanh"))
    for conv in (3, 6):
        w = relu.features[conv].weight
        assert w.std().item() == pytest.approx((2 / w[0].numel()) ** 0.5, rel=0.02)
        assert tanh.features[conv].weight.std() < w.std()
    assert draw_weights_(FourLayerNet("relu"), "paper", 5).features[3].weight.std().item() == pytest.approx(
        0.01, rel=0.02
    )


@pytest.mark.browser
def test_a_slow_machine_gets_fewer_patches(arena):
    assert [ask(arena, "race.patchesFor", speed) for speed in (4, 29, 31)] == [50, 50, 20]


OVERHEAR = """() => {
  window.asked = [];
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message) {
    if (message.ask !== "stop") asked.push(message.ask);
    post.call(this, message);
  };
}"""
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.mark.browser
def test_a_race_from_the_start_to_the_readers_table(browser, site):
    """Two tanh networks of one setting, the fastest there is: both are at 25 % after ten steps."""
    setting = {"left": "tanh", "pixels": "scaled", "init": "fitted"}
    address = f"{site.file('RaceExplorer')}#" + "&".join(
        f"race.{name}={value}" for name, value in setting.items()
    )
    with visiting(browser, address) as visit:
        page = visit.page
        status = page.locator("[role=status]").first
        lines = page.evaluate(
            "performance.getEntriesByType('resource').map(entry => entry.name.split('/').pop())"
        )
        assert not {"learn.js", "engine.js", "patches.js"} & set(lines)  # they come with the first click

        page.evaluate(OVERHEAR)
        page.evaluate(HIDE, True)
        page.get_by_role("button", name="One step").click()
        page.wait_for_function(f"() => {STATUS}.includes('Two networks learn')")
        page.evaluate("new Promise(requestAnimationFrame)")
        assert page.evaluate("asked") == ["open", "open"]  # a hidden page does not learn
        page.evaluate(HIDE, False)
        page.wait_for_function(f"() => {CAPTION}.includes('after 0 steps')")

        page.get_by_role("button", name="Go on").click()
        page.wait_for_function(f"() => {STATUS}.startsWith('To 25')")
        cells = page.locator("table tr").last.locator("td").all_inner_texts()
        if cells[6] == "50":
            record = load_asset("race_record")["runs"]
            torchs = next(
                run["steps"][0] for run in record if run["of"] == ["scaled", "fitted", "tanh", 0.03]
            )
        else:  # this machine is slow
            torchs = len(race("tanh", "scaled", "fitted", 0.03, 0, count=int(cells[6]))) - 1
        assert [int(cell.split()[1]) for cell in cells[:2]] == pytest.approx([torchs] * 2, abs=1)
        assert cells[2:7] == ["divided by 64", "fitted", "0.03 and 0.03", "0", cells[6]]
        captions = page.locator("figcaption").all_inner_texts()
        assert [text.startswith("Saturated: conv1 ") for text in captions].count(True) == 2
        assert barriers(page) == []

        page.get_by_role("button", name="Draw again").click()  # a changed setting ends the race
        page.wait_for_function(f"() => !{CAPTION}.includes('Thick')")
        assert status.inner_text() == ""
        page.get_by_role("button", name="Set again").click()
        page.get_by_role("button", name="Draw again (seed 0)").wait_for()
        assert visit.problems == []


def learning(page):
    """Start a race and wait until both lanes have taken a step."""
    page.get_by_role("button", name="Start").click()
    page.wait_for_function(f"() => {CAPTION}.includes('Thick') && !{CAPTION}.includes('after 0 steps')")


@pytest.mark.browser
def test_leaving_the_page_stops_its_workers(browser, site):
    with visiting(browser, site.file("RaceExplorer")) as visit:
        learning(visit.page)
        wait_for_workers(visit.page, 2)
        # A page that the browser keeps for the Back button hears this and nothing else.
        visit.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
        wait_for_workers(visit.page, 0)
        assert visit.problems == []


class NoWorkers(QuietHandler):
    """Widgets need blobs, and a policy that forbids a worker made of one."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", "script-src 'self' blob:; worker-src 'none'")
        super().end_headers()


@pytest.mark.browser
def test_where_workers_are_refused_it_learns_in_the_page_and_still_hears_the_reader(browser, site):
    with Server(("127.0.0.1", 0), partial(NoWorkers, directory=site.folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        name = site.url("RaceExplorer").split("/")[-1]
        with visiting(browser, f"http://127.0.0.1:{server.server_port}/{name}#race.left=tanh") as visit:
            learning(visit.page)
            visit.page.get_by_role("button", name="Pause").click()
            visit.page.wait_for_function(f"() => {STATUS} === 'Paused.'")
            wait_for_workers(visit.page, 0)
            assert any("worker" in problem for problem in visit.problems)  # it was refused
        server.shutdown()


def test_the_record_has_a_rate_for_every_lane_and_was_made_with_it():
    record = load_asset("race_record")
    settings = [
        f"{pixels} {init} {name}"
        for pixels in ("raw", "scaled")
        for init in ("paper", "fitted")
        for name in ACTIVATIONS
    ]
    assert sorted(record["rates"]) == sorted(settings)
    own = {
        f"{p} {i} {a}"
        for p, i, a, rate in (run["of"] for run in record["runs"])
        if record["rates"][f"{p} {i} {a}"] == rate
    }
    assert own == set(settings)
    assert json.dumps(record).count("NaN") == 0
