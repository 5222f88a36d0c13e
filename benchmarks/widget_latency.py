"""From key to picture: how long each widget of the built gallery takes, and what it weighs.

    make book && python benchmarks/widget_latency.py

Every slider of every widget is moved by the arrow keys. A time runs from the key's event to the first task
after the widget has painted. The table holds each widget's slowest slider; other work on the machine adds
to it.
"""

import argparse
import gzip
import os
import re
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402

GALLERY = ROOT / "_build" / "html" / "book" / "widget_gallery.html"
WATCH = """live => {
  window.times = [];
  let pressed = 0;
  live.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    const since = pressed, channel = new MessageChannel();
    channel.port1.onmessage = () => window.times.push(performance.now() - since);
    requestAnimationFrame(() => channel.port2.postMessage(0));
  }).observe(live, { attributes: true, attributeFilter: ["data-paints"] });
}"""


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def slowest_slider(page, live, presses: int) -> tuple[float, float, str]:
    """p50 and p95 in milliseconds of the slider with the largest p95, and its label."""
    live.evaluate(WATCH)
    found = []
    for slider in live.locator("input[type=range]").all():
        slider.focus()
        page.evaluate("() => { window.times = []; }")
        for press in range(presses):
            page.keyboard.press("ArrowLeft" if press // 5 % 2 else "ArrowRight")
            page.wait_for_timeout(50)
        times = page.evaluate("() => window.times")
        label = slider.evaluate("input => input.labels[0].textContent")
        found.append((percentile(times, 0.95), percentile(times, 0.5), label))
    p95, p50, label = max(found)
    return p50, p95, label


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=int, default=30, help="key presses for each slider")
    presses = parser.parse_args().presses
    if not GALLERY.exists():
        raise SystemExit(f"{GALLERY.relative_to(ROOT)} is missing: run make book first")
    twins = re.findall(r'<div class="page-widget".*?</script></div>', GALLERY.read_text("utf-8"), flags=re.S)
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=conftest.chromium(), args=conftest.CHROMIUM_OPTIONS
        )
        with conftest.visiting(browser, GALLERY.as_uri()) as visit:
            widgets = visit.page.locator(".page-widget-live").all()
            for live, twin in tqdm(list(zip(widgets, twins, strict=True)), unit="widget"):
                name = re.search(r'data-widget="(\w+)"', twin).group(1)
                if live.locator("input[type=range]").count() == 0:
                    continue  # moved by lists and buttons alone
                p50, p95, label = slowest_slider(visit.page, live, presses)
                rows.append((name, label, p50, p95, len(gzip.compress(twin.encode(), 9)) / 1000))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {presses} presses a slider\n")
    print("| widget | slowest slider | p50 ms | p95 ms | HTML, kB gzip |\n|---|---|---|---|---|")
    for name, label, p50, p95, kilobytes in rows:
        print(f"| {name} | {label} | {p50:.0f} | {p95:.0f} | {kilobytes:.1f} |")


if __name__ == "__main__":
    main()
