"""What a page costs its reader: kilobytes, blocking time on a phone, and how far the layout jumps.

    make book && python benchmarks/page_cost.py
    python benchmarks/page_cost.py --html ANOTHER_BUILD 3_1_relu_nonlinearity

Each page is opened with an empty cache. Its weight is that of all files that the browser asks for, each
compressed by gzip. The phone is 390 pixels wide, four times slower than this machine, on a line of 1.6
megabits a second that takes 150 ms to answer; its server compresses by gzip. Blocking time is what every
task between the first paint and the last takes beyond 50 ms; CLS is the browser's own layout shift score.
Each value is the median of the visits; other work on the machine adds to the blocking time.
"""

import argparse
import gzip
import os
import statistics
import sys
import threading
from functools import cache, partial
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True}
LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
WATCH = """
window.costs = { tasks: [], shift: 0 };
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) costs.tasks.push([entry.startTime, entry.duration]);
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) costs.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
READ = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const beyond = costs.tasks.filter(([at, long]) => at + long > paint)
    .map(([at, long]) => Math.max(0, Math.min(long, at + long - paint) - 50));
  return { paint, blocked: beyond.reduce((sum, ms) => sum + ms, 0), shift: costs.shift };
}"""


@cache
def compressed(path: str) -> bytes:
    return gzip.compress(Path(path).read_bytes(), 6)


class Compressing(conftest.QuietHandler):
    """Sends what gzip makes smaller as servers do: text, scripts and style sheets."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in (".html", ".js", ".css", ".svg", ".json") or not path.is_file():
            return super().do_GET()
        body = compressed(str(path))
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def on_a_phone(browser, address: str) -> dict[str, float]:
    """First paint and blocking time in ms, and the layout shift score."""
    context = browser.new_context(**PHONE)
    context.add_init_script(WATCH)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address, wait_until="networkidle", timeout=120_000)
    page.wait_for_timeout(1000)
    found = page.evaluate(READ)
    context.close()
    return found


def on_a_laptop(browser, address: str) -> float:
    """The layout shift score at 1280 pixels."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    shift = page.evaluate(READ)["shift"]
    context.close()
    return shift


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="names such as 3_1_relu_nonlinearity; all, if none is given")
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html", help="folder of built pages")
    parser.add_argument("--visits", type=int, default=1, help="visits by phone of each page")
    arguments = parser.parse_args()
    pages = [
        path for path in conftest.toc_pages() if not arguments.pages or Path(path).stem in arguments.pages
    ]
    handler = partial(Compressing, directory=arguments.html)
    with (
        sync_playwright() as playwright,
        conftest.Server(("127.0.0.1", 0), handler) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=conftest.chromium(), args=conftest.CHROMIUM_OPTIONS
        )
        print("| page | files | kB | phone: paint s | blocked s | CLS | laptop: CLS |\n" + 7 * "|---" + "|")
        weights = []
        for path in pages:
            address = f"http://127.0.0.1:{server.server_port}/{path}"
            files = conftest.weights(browser, address)
            visits = [on_a_phone(browser, address) for _ in range(arguments.visits)]
            phone = {key: statistics.median(visit[key] for visit in visits) for key in visits[0]}
            weights.append(sum(size for _, size in files) / 1000)
            print(
                f"| {Path(path).stem} | {len(files)} | {weights[-1]:.0f} | {phone['paint'] / 1000:.1f} "
                f"| {phone['blocked'] / 1000:.2f} | {phone['shift']:.3f} "
                f"| {on_a_laptop(browser, address):.3f} |",
                flush=True,
            )
        print(f"\nmedian weight {statistics.median(weights):.0f} kB; load {os.getloadavg()[0]:.1f}")
        server.shutdown()


if __name__ == "__main__":
    main()
