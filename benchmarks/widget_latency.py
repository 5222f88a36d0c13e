"""From key to picture: how long each widget of the built gallery takes; and the weight of the first page.

    make book && python benchmarks/widget_latency.py

Every slider of every widget is moved by the arrow keys. A time runs from the key's event to the first task
after the widget has painted. The table holds each widget's slowest slider; other work on the machine adds
to it. The first page's weight is that of all files that a browser asks for, each compressed by gzip, and
without fonts, which are drawn with later.
"""

import argparse
import gzip
import os
import re
import sys
import threading
from functools import partial
from pathlib import Path

from playwright.sync_api import sync_playwright
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402

HTML = ROOT / "_build" / "html"
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


def widget_rows(browser, gallery: Path, presses: int) -> list[dict]:
    """One row for each widget of the gallery that has a slider."""
    twins = re.findall(r'<div class="page-widget".*?</script></div>', gallery.read_text("utf-8"), flags=re.S)
    rows = []
    with conftest.visiting(browser, gallery.as_uri()) as visit:
        widgets = visit.page.locator(".page-widget-live").all()
        for live, twin in tqdm(list(zip(widgets, twins, strict=True)), unit="widget"):
            if live.locator("input[type=range]").count() == 0:
                continue  # moved by lists and buttons alone
            name = re.search(r'data-widget="(\w+)"', twin).group(1)
            p50, p95, label = slowest_slider(visit.page, live, presses)
            rows.append(
                {"widget": name, "slider": label, "p50_ms": round(p50, 1), "p95_ms": round(p95, 1)}
                | {"html_kb": len(gzip.compress(twin.encode(), 6)) / 1000}
            )
    return rows


def first_page(browser, html: Path) -> dict[str, float]:
    """Kilobytes of the first page with all that it loads, gzip, and its fonts apart."""
    with conftest.Server(("127.0.0.1", 0), partial(conftest.QuietHandler, directory=html)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{conftest.toc_pages()[0]}"
        found = [(kind, size / 1000) for kind, size in conftest.weights(browser, address)]
        server.shutdown()
    fonts = sum(weight for kind, weight in found if kind == "font")
    return {"kb": sum(weight for _, weight in found) - fonts, "fonts_kb": fonts, "files": len(found)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=int, default=30, help="key presses for each slider")
    arguments = parser.parse_args()
    gallery = HTML / "book" / "widget_gallery.html"
    if not gallery.exists():
        raise SystemExit(f"{gallery.relative_to(ROOT)} is missing: run make book first")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=conftest.chromium(), args=conftest.CHROMIUM_OPTIONS
        )
        found = {
            "browser": f"Chromium {browser.version}",
            "cores": os.cpu_count(),
            "first_page": first_page(browser, HTML),
            "rows": widget_rows(browser, gallery, arguments.presses),
            "load": os.getloadavg()[0],
        }
    weight = found["first_page"]
    print(f"load {found['load']:.1f} on {found['cores']} cores, {arguments.presses} presses a slider")
    print(
        f"first page: {weight['kb']:.0f} kB gzip, {weight['files']} files; fonts {weight['fonts_kb']:.0f} kB"
    )
    print()
    print("| widget | slowest slider | p50 ms | p95 ms | HTML, kB gzip |\n|---|---|---|---|---|")
    for row in found["rows"]:
        times = f"{row['p50_ms']:.0f} | {row['p95_ms']:.0f}"
        print(f"| {row['widget']} | {row['slider']} | {times} | {row['html_kb']:.1f} |")


if __name__ == "__main__":
    main()
