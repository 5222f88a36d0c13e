"""Make the network that runs in the page, and its ten photographs, out of a training run.

    python tools/network_asset.py runs/half-size                    # the --out of an `alexnet train`
    python tools/network_asset.py runs/half-size --rank 64 --bits 6
    python tools/network_asset.py --untrained                       # a stand-in: recorded conv1, random rest

network.json   the weights, rounded and cut as alexnet_lib/widgets/net_weights.py says
photos.json    the ten photographs that scikit-image ships, scaled and cropped as §2 does, as JPEG
book/hero.html the light form of the network on the first page, with its picture
"""

import argparse
import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from alexnet_lib.architecture import PAPER, AlexNet
from alexnet_lib.augmentation import center_crop
from alexnet_lib.data.images import rescale_and_crop
from alexnet_lib.dataset import load, photographs
from alexnet_lib.qualitative import recorded_first_layer, recorded_mean
from alexnet_lib.specs import NETS
from alexnet_lib.training import checkpoints
from alexnet_lib.widgets.bundle import ON_CLICK
from alexnet_lib.widgets.net_stills import hero_html
from alexnet_lib.widgets.net_weights import ShippedNet, compress

CROP, SIDE, QUALITY = 128, 144, 88
HERO = Path(__file__).parent.parent / "book" / "hero.html"
CLASSES = (  # Imagenette's, in its order
    "tench",
    "English springer",
    "cassette player",
    "chain saw",
    "church",
    "French horn",
    "garbage truck",
    "gas pump",
    "golf ball",
    "parachute",
)
TITLES = {
    "astronaut": "astronaut",
    "chelsea": "cat",
    "coffee": "cup of coffee",
    "rocket": "rocket",
    "hubble_deep_field": "galaxies",
    "retina": "retina",
    "immunohistochemistry": "stained tissue",
    "motorcycle_left": "motorcycle",
    "grass": "grass",
    "gravel": "gravel",
}


def untrained() -> ShippedNet:
    """conv1 as recorded, random kernels of a size that keeps responses alive: its answers mean nothing."""
    torch.manual_seed(0)
    net = AlexNet(replace(PAPER, image_size=CROP, classes=10))
    for name, parameter in net.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter)
        else:
            torch.nn.init.constant_(parameter, 0.1)
    recorded = recorded_first_layer()
    net.features.conv1.load_state_dict(recorded.state_dict())
    mean = recorded_mean().expand(3, SIDE, SIDE).clone()
    return ShippedNet(net.eval(), mean, CLASSES, 1.0)


def trained(path: Path) -> ShippedNet:
    """The network of a run's newest checkpoint, or of one checkpoint file."""
    found = checkpoints.newest(path) if path.is_dir() else (path, checkpoints.read(path))
    if not found:
        raise FileNotFoundError(f"{path} holds no checkpoint: name the --out of an `alexnet train`")
    state, config = found[1], found[1]["config"]
    # Of the configuration only what shapes the network, so that older runs are read too.
    spec = replace(NETS[config["spec"]], image_size=config["crop"], dropout=config["dropout"])
    net = AlexNet(spec, len(state["classes"]))
    net.load_state_dict(state["net"])
    return ShippedNet(net.eval(), state["mean"].float(), tuple(state["classes"]), config["input_scale"])


def sample(path: Path, found: ShippedNet, count: int = 2000) -> torch.Tensor:
    """Center crops of training images, as the network reads them: what fc6 and fc7 shall be right on."""
    state = checkpoints.newest(path)[1] if path.is_dir() else checkpoints.read(path)
    train = load(state["config"]["data"], "train", size=found.mean.shape[-1])
    images = train.images[:: max(1, len(train.images) // count)].float() - found.mean
    return found.input_scale * center_crop(images, found.net.spec.image_size)


def photos(side: int) -> dict:
    """name -> {"title", "jpeg"}; every photograph is square, `side` pixels."""
    made = {}
    for name, photo in photographs().items():
        square = rescale_and_crop(photo, side)
        file = io.BytesIO()
        Image.fromarray(square.permute(1, 2, 0).numpy()).save(
            file, format="jpeg", quality=QUALITY, optimize=True
        )
        made[name] = {"title": TITLES[name], "jpeg": base64.b64encode(file.getvalue()).decode("ascii")}
    return {"side": side, "photos": made}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, help="the --out of the run, or one of its checkpoints")
    parser.add_argument("--untrained", action="store_true", help="a stand-in where there is no run yet")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--bits", type=int, default=6)
    parser.add_argument("--about", default="", help="one sentence on its training, shown beside the scores")
    arguments = parser.parse_args()
    if bool(arguments.run) == arguments.untrained:
        parser.error("name a run, or use --untrained")

    found = untrained() if arguments.untrained else trained(arguments.run)
    about = arguments.about or ("not trained: its answers mean nothing" if arguments.untrained else "")
    asset = compress(
        found.net,
        found.mean,
        found.classes,
        rank=arguments.rank,
        bits=arguments.bits,
        input_scale=found.input_scale,
        about=about,
        sample=None if arguments.untrained else sample(arguments.run, found),
    )
    ON_CLICK.mkdir(exist_ok=True)
    for name, content in {"network": asset, "photos": photos(found.mean.shape[-1])}.items():
        path = ON_CLICK / f"{name}.json"
        path.write_text(json.dumps(content) + "\n")
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    HERO.write_text(hero_html() + "\n", "utf-8")
    print(
        f"{HERO}: {HERO.stat().st_size / 1e3:.0f} kB; now: python tools/notebooks.py store book/the_net.ipynb"
    )


if __name__ == "__main__":
    main()
