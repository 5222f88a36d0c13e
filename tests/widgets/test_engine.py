"""The network in the page: its kernel, its file, and every feature map against torch's, same weights."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import visiting
from torch import nn

from alexnet_lib.architecture import PAPER, AlexNet
from alexnet_lib.data.images import rescale_and_crop
from alexnet_lib.dataset import data_root, load, photographs
from alexnet_lib.qualitative import recorded_first_layer, recorded_mean
from alexnet_lib.widgets import bundle, net_weights
from alexnet_lib.widgets.net import answer

CROP, SIDE = 128, 144
ENGINE = bundle.JS / "engine.js"
ROOT = Path(__file__).parent.parent.parent


def made(spec=PAPER, crop=CROP, hidden=(512, 256), seed=0):
    """A network with the recorded conv1, random elsewhere, of weights that keep responses alive."""
    torch.manual_seed(seed)
    net = AlexNet(replace(spec, image_size=crop, hidden=hidden, classes=10)).eval()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            nn.init.kaiming_normal_(parameter) if name.endswith("weight") else parameter.normal_(std=0.1)
        net.features.conv1.load_state_dict(recorded_first_layer().state_dict())
    ramp = torch.linspace(-20, 20, SIDE)
    return net, recorded_mean() + ramp[:, None] * 0.5 + ramp


@pytest.fixture(scope="module")
def asset():
    net, mean = made()
    return net_weights.compress(net, mean, tuple("abcdefghij"), rank=32, bits=6)


@pytest.fixture(scope="module")
def shipped(asset):
    return net_weights.load(json.loads(json.dumps(asset)))


@pytest.fixture(scope="module")
def engine(browser, site, asset):
    """ask(pixels, **switches) -> {"stages": {name: array}, "logits", "average"}, by both kernels."""
    with visiting(browser, f"{site.root}/arena.html") as visit:
        page = visit.page
        page.add_script_tag(content=ENGINE.read_text("utf-8"))
        page.evaluate(
            """async asset => {
              window.engines = {};
              for (const wasm of [true, false]) {
                engines[wasm] = await makeEngine(await openFile(asset), { wasm });
              }
              window.floats = values => btoa(Array.from(new Uint8Array(Float32Array.from(values).buffer),
                byte => String.fromCharCode(byte)).join(""));
            }""",
            asset,
        )
        assert page.evaluate("[engines[true].kind, engines[false].kind]") == ["WebAssembly", "JavaScript"]

        def ask(photo, wasm=True, **switches):
            pixels = torch.cat([photo, torch.full_like(photo[:1], 255)]).permute(1, 2, 0).contiguous()
            found = page.evaluate(
                """([wasm, pixels, switches]) => {
                  const bytes = Uint8ClampedArray.from(atob(pixels), c => c.charCodeAt(0));
                  const { stages, logits, average } = engines[wasm].run({ pixels: bytes, ...switches });
                  const told = ({ name, values, maps, size }) => [name, floats(values), maps, size];
                  return { stages: stages.map(told),
                           logits: logits.map(floats), average: [...average] };
                }""",
                [wasm, base64.b64encode(pixels.numpy().tobytes()).decode(), switches],
            )
            stages = {name: decoded(text, maps, size) for name, text, maps, size in found["stages"]}
            logits = torch.stack([decoded(text) for text in found["logits"]])
            return stages, logits, torch.tensor(found["average"])

        yield ask


def decoded(text, maps=None, size=None):
    values = torch.from_numpy(np.frombuffer(base64.b64decode(text), np.float32).copy())
    return values if maps is None else values.view(maps, size, size)


def squares(count=None):
    """The ten embedded photographs as the page shows them, and crops from their corners."""
    photos = [rescale_and_crop(photo, SIDE) for photo in photographs().values()]
    corners = [photo[:, :SIDE, -SIDE:] for photo in photographs().values()]
    return [*photos, *corners][:count]


def torchs(shipped, photo, *, norm="paper", pool=None, silent=0, cut=False, crops="center"):
    """The same by torch: stages of the center crop, logits of every crop."""
    pooling = "2/2" if pool == {"z": 2, "s": 2} else "3/2"
    towers, conv3 = ["both", "without-1", "without-2"][silent], "cut" if cut else "on"
    return answer(shipped, photo, norm=norm, pooling=pooling, towers=towers, conv3=conv3, crops=crops)


def check(ours, expected):
    """Every feature map within 1e-5 of its largest value, logits within 1e-4."""
    stages, logits, average = ours
    torch_stages, torch_logits = expected
    assert set(stages) == set(torch_stages)
    for name, maps in torch_stages.items():
        apart = (stages[name].flatten() - maps.flatten()).abs().max() / maps.abs().max().clamp(min=1e-30)
        assert apart <= 1e-5, f"{name} differs by {apart:.1e} of its peak"
    assert (logits - torch_logits).abs().max() <= 1e-4 * torch_logits.abs().max()
    assert average.tolist() == pytest.approx(torch_logits.softmax(1).mean(0).tolist(), abs=1e-4)


def test_the_kernel_is_what_its_program_assembles():
    subprocess.run([sys.executable, ROOT / "tools" / "gemm_wasm.py", "--check"], check=True)


def test_a_network_that_was_packed_is_nearly_the_same_network():
    net, mean = made(hidden=(64, 64))
    shipped = net_weights.load(net_weights.compress(net, mean, tuple("abcdefghij"), rank=64, bits=8))
    assert (shipped.mean - mean).abs().max() <= (mean.max() - mean.min()) / 255
    for name, weight in net.state_dict().items():
        apart = (shipped.net.state_dict()[name] - weight).abs().max() / weight.abs().max()
        assert apart < 0.02, name
    photo = squares(1)[0][None, :, 8:136, 8:136].float() - mean[:, 8:136, 8:136]
    torch.testing.assert_close(
        shipped.net(photo), net(photo), rtol=0, atol=0.05 * net(photo).abs().max().item()
    )


def test_fewer_bits_and_ranks_make_a_smaller_file():
    net, mean = made(hidden=(128, 64))
    sizes = [
        len(net_weights.compress(net, mean, tuple("abcdefghij"), rank=rank, bits=bits)["data"])
        for rank, bits in [(64, 8), (16, 8), (16, 4)]
    ]
    assert sizes[0] > sizes[1] > 1.5 * sizes[2]


def test_a_network_that_the_page_cannot_run_is_refused_in_words():
    net = AlexNet("source-2012", classes=10)
    with pytest.raises(ValueError, match="conv2 is followed by SpatialNorm, and the page runs ReLU, LRN"):
        net_weights.compress(net, torch.zeros(3, 256, 256), tuple("abcdefghij"))


@pytest.mark.browser
def test_every_feature_map_of_ten_pictures_is_torchs(engine, shipped):
    for photo in squares()[::2]:
        check(engine(photo), torchs(shipped, photo))


SWITCHES = [
    {"norm": "over-n"},
    {"norm": "off"},
    {"norm": "before"},
    {"pool": {"z": 2, "s": 2}},
    {"pool": {"z": 3, "s": 2}},
    {"silent": 1},
    {"silent": 2},
    {"cut": True},
    {"crops": "ten"},
    {"cut": True, "silent": 2, "norm": "off", "crops": "ten"},
]


@pytest.mark.browser
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_switch_does_what_it_does_in_torch(engine, shipped, switches):
    photo = squares(1)[0]
    before, after = torchs(shipped, photo), torchs(shipped, photo, **switches)
    check(engine(photo, **switches), after)
    if switches not in ({"crops": "ten"}, {"pool": {"z": 3, "s": 2}}):
        assert not torch.equal(before[1][0], after[1][0])


@pytest.mark.browser
def test_without_webassembly_the_numbers_are_the_same(engine, shipped):
    for switches in ({}, {"cut": True, "pool": {"z": 2, "s": 2}}):
        photo = squares(3)[2]
        check(engine(photo, wasm=False, **switches), torchs(shipped, photo, **switches))


@pytest.mark.browser
def test_sixty_photographs_of_imagenette(engine, shipped):
    if not (data_root() / "imagenette2-160").is_dir():
        pytest.skip("needs Imagenette, see ALEXNET_DATA")
    images = load("imagenette", "test", size=SIDE).images
    for photo in images[:: len(images) // 60][:60]:
        check(engine(photo), torchs(shipped, photo))
