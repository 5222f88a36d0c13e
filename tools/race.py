"""The race of chapter 3.1: its images, its learning rates, and the page against torch.

    python tools/race.py patches    # assets/on_click/patches.json: the images that the page learns
    python tools/race.py search     # the steps that each learning rate of a grid needs, for seed 90
    python tools/race.py record     # assets/race_record.json: the best rates, and what torch finds with them
    python tools/race.py seeds      # ten seeds in a Chromium beside torch's on record, as a table

`search` and `record` take minutes on an idle core. The seed that is searched is never measured.
"""

import argparse
import base64
import json
import shutil
import sys
import tempfile
import zlib
from pathlib import Path
from statistics import median

import torch
from playwright.sync_api import sync_playwright

from alexnet_lib.widgets import bundle
from alexnet_lib.widgets.packed import load_asset
from alexnet_lib.widgets.race import MOST, PATCHES, patches, race
from alexnet_lib.widgets.race import NAMES as TITLES

ON_CLICK, RECORD = bundle.ON_CLICK / "patches.json", bundle.ASSETS / "race_record.json"
CHROMIUM = ("chromium-headless-shell", "chromium", "google-chrome")
TRAINING, TESTING = 20, 10  # patches of each class
GOAL = PATCHES // 4  # patches that are still wrong at 25 % training error
SEARCHED, SEEDS = 90, range(10)
GRIDS = {  # pixels, initial weights -> activation -> learning rates, a factor of about three apart
    "raw paper": {"relu": (3e-4, 1e-3, 3e-3), "tanh": (1e-2, 3e-2, 1e-1), "sigmoid": (3e-2, 1e-1, 3e-1)},
    "raw fitted": {"relu": (3e-6, 1e-5, 3e-5), "tanh": (1e-2, 3e-2, 1e-1), "sigmoid": (3e-2, 1e-1, 3e-1)},
    "scaled paper": {"relu": (3e-2, 1e-1, 3e-1), "tanh": (1e-2, 3e-2, 1e-1), "sigmoid": (1e-1, 3e-1, 1)},
    "scaled fitted": {"relu": (3e-3, 1e-2, 3e-2), "tanh": (1e-2, 3e-2, 1e-1), "sigmoid": (3e-2, 1e-1, 3e-1)},
}
# The best of each grid; of equal ones the smallest. Leaky ReLU has the ReLU's, as in the recorded experiment.
BEST = {
    "raw paper": {"relu": 1e-3, "tanh": 3e-2, "sigmoid": 1e-1},
    "raw fitted": {"relu": 1e-5, "tanh": 3e-2, "sigmoid": 3e-2},
    "scaled paper": {"relu": 3e-2, "tanh": 3e-2, "sigmoid": 1e-1},
    "scaled fitted": {"relu": 3e-3, "tanh": 3e-2, "sigmoid": 3e-2},
}


def packed_patches() -> dict:
    """Training patches, then test patches; along each row differences from pixel to pixel, deflated."""
    rows = torch.cat([patches("train", TRAINING), patches("test", TESTING)]).contiguous()
    rows[..., 1:] -= rows[..., :-1].clone()  # modulo 256
    data = base64.b64encode(zlib.compress(rows.numpy().tobytes(), 9)).decode("ascii")
    return {"shape": list(rows.shape), "training": 10 * TRAINING, "data": data}


def reached(wrong: list[int]) -> int | None:
    """Steps to 25 %, None where they were not enough."""
    return len(wrong) - 1 if wrong[-1] <= GOAL else None


def search() -> None:
    for setting, grids in GRIDS.items():
        for activation, rates in grids.items():
            for rate in rates:
                wrong = race(activation, *setting.split(), rate, SEARCHED)
                print(
                    f"{setting} {activation} {rate:g}: {reached(wrong)} steps, at best {min(wrong)} wrong",
                    flush=True,
                )


def record() -> None:
    """Each activation at its own rate, and tanh at the ReLU's; many seeds where the chapter compares."""
    rates = {f"{setting} {a}": r for setting, best in BEST.items() for a, r in best.items()}
    rates |= {f"{setting} leaky-relu": best["relu"] for setting, best in BEST.items()}
    asked = [(*key.split(), rate) for key, rate in rates.items()]
    asked += [(*setting.split(), "tanh", best["relu"]) for setting, best in BEST.items()]
    runs = []
    for pixels, init, activation, rate in dict.fromkeys(asked):  # where the two rates are one, once
        own = rates[f"{pixels} {init} {activation}"] == rate and activation in ("relu", "tanh")
        seeds = (SEEDS if (pixels, init) == ("raw", "paper") else SEEDS[:5]) if own else SEEDS[:1]
        found = [race(activation, pixels, init, rate, seed) for seed in seeds]
        runs.append(
            {"of": [pixels, init, activation, rate], "wrong": found[0], "steps": [*map(reached, found)]}
        )
        print(runs[-1], flush=True)
    RECORD.write_text(json.dumps({"rates": rates, "runs": runs}, separators=(",", ":")) + "\n")


IN_PAGE = """async ([activations, seeds, rates, most, goal]) => {
  const { patches, engine, learn } = window.PAGE_WIDGET_ASSETS;
  const end = `const answer = serveLearning((found) => postMessage(found));
               onmessage = ({ data }) => answer(data);`;
  const address = URL.createObjectURL(new Blob([engine, learn, end], { type: "text/javascript" }));
  async function race(activation, seed) {
    const worker = new Worker(address);
    const ask = (message) => new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(message);
    });
    const setting = { training: 50, pixels: "raw", init: "paper", activation, seed };
    await ask({ ask: "open", patches, rates: { lr: rates[activation] }, ...setting });
    for (let steps = 0; steps <= most; steps++) {
      if ((await ask({ ask: "step" })).wrong <= goal) { worker.terminate(); return steps; }
    }
    return null;
  }
  const lane = async (activation) => {
    const found = [];
    for (const seed of seeds) {
      found.push(await race(activation, seed));
      console.log(activation, seed, found.at(-1));
    }
    return found;
  };
  return Promise.all(activations.map(lane));
}"""


def seeds() -> None:
    """The first setting, both lanes at once in a Chromium, from a file, one seed after the other."""
    lanes, best = ("relu", "tanh"), BEST["raw paper"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        scripts = [bundle.asset_script(name) for name in ("patches", "engine", "learn")]
        page_file = Path(folder) / "race.html"
        page_file.write_text("".join(f"<script>{script}</script>" for script in scripts))
        program = next(filter(None, map(shutil.which, CHROMIUM)), None)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda line: print(line.text, file=sys.stderr, flush=True))
        page.goto(page_file.as_uri())
        found = page.evaluate(IN_PAGE, [lanes, [*SEEDS], best, MOST, GOAL])
        browser.close()
    columns = []
    for name, here in zip(lanes, found, strict=True):
        run = next(
            run
            for run in load_asset("race_record")["runs"]
            if run["of"] == ["raw", "paper", name, best[name]]
        )
        columns += [(f"{TITLES[name]}, page", here), (f"{TITLES[name]}, torch", run["steps"])]
    print("| seed |", " | ".join(name for name, _ in columns), "|\n|---|" + "---|" * len(columns))
    for seed in SEEDS:
        print(f"| {seed} |", " | ".join(str(steps[seed]) for _, steps in columns), "|")
    print("| median |", " | ".join(f"{median(steps):g}" for _, steps in columns), "|")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["patches", "search", "record", "seeds"])
    what = parser.parse_args().what
    torch.set_num_threads(1)
    if what == "patches":
        ON_CLICK.write_text(json.dumps(packed_patches()) + "\n")
    else:
        {"search": search, "record": record, "seeds": seeds}[what]()


if __name__ == "__main__":
    main()
