"""book/_ext/generated.py: what pages show that is made from files at build time."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "book" / "_ext"))
import generated  # noqa: E402

SOURCE = '''"""A module.

    y = a ** b

More.
"""
class Layer(Module):
    """One *layer*."""
    def __init__(self, n: int = 5, *, towers=1):
        pass
    def run(self):
        """Run it."""
    def _hidden(self):
        """No."""
@dataclass
class Config:
    """Settings."""
    lr: float = 0.01
def f(a, /, b: int = 2, *rest, c=3, **more) -> int:
    """Add `a_b`."""
def _private():
    """No."""
'''


def test_the_api_page_has_every_public_name_with_signature_and_docstring(tmp_path):
    (tmp_path / "relu.py").write_text(SOURCE)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images.py").write_text("def decode(path):\n    'Read.'\n")
    page = generated.api(tmp_path)
    for words in (
        "## relu\n\nA module.\n\n```text\n    y = a ** b\n```",
        "### Layer\n\n```python\nLayer(n: int = 5, *, towers=1)\n```\n\nOne \\*layer\\*.",
        "- `run`: Run it.",
        "```python\nConfig(lr: float = 0.01)\n```",
        "```python\nf(a, /, b: int = 2, *rest, c=3, **more) -> int\n```\n\nAdd `a_b`.",
        "## data.images\n\n",
    ):
        assert words in page
    assert "private" not in page
    assert "hidden" not in page


def test_the_log_has_a_row_for_each_record_with_its_settings_and_results(tmp_path):
    generated.write_log(tmp_path / "runs.csv")
    rows = list(csv.DictReader((tmp_path / "runs.csv").read_text("utf-8").splitlines()))
    records = list((ROOT / "alexnet_lib" / "results").glob("*/*.json"))
    assert len(rows) == len(records) >= 240
    row = next(row for row in rows if row["label"] == "four-layer-seed0" and row["experiment"] == "lrn-cifar")
    (path,) = (ROOT / "alexnet_lib" / "results" / "lrn-cifar").glob("*_four-layer-seed0.json")
    record = json.loads(path.read_text("utf-8"))
    assert row["config.spec"] == record["config"]["spec"]
    assert float(row["seconds"]) == record["seconds"]
    for name, value in record["results"].items():
        assert float(row[f"result.{name}"]) == value


def test_the_table_of_experiments_counts_runs_and_names_the_rates_that_were_tried():
    rows = {
        line.split(" | ")[0].strip("| "): line.split(" | ") for line in generated.experiments().splitlines()
    }
    folder = ROOT / "alexnet_lib" / "results" / "weight-decay-cifar"
    assert rows["weight-decay-cifar"][2] == str(len(list(folder.glob("*.json"))))
    assert rows["weight-decay-cifar"][3] == "0.001, 0.002, 0.004, 0.008"


def test_the_speed_table_and_chart_show_the_measured_ratios(tmp_path):
    row = {"what": "lrn", "ours": "a", "baseline": "b", "ratio": 4.56, "low": 4.1, "high": 5.0}
    (tmp_path / "speed.json").write_text(json.dumps({"machine": "A CPU.", "rows": [row]}))
    shown = generated.speed(tmp_path / "speed.json")
    assert "| lrn | a | b | **4.56** (4.10 to 5.00) |" in shown
    assert 'aria-label="Times as fast as the baseline: lrn 4.56."' in shown


def test_a_page_that_asks_for_an_unknown_part_stops_the_build():
    with pytest.raises(generated.ExtensionError, match=r"asks for .* 'sped': there are api"):
        generated.fill(None, "book/x", ["<!-- generated: sped -->"])


def test_the_extensions_import_nothing_that_a_reader_has_not_installed():
    program = f"""
import sys
sys.path += [{str(ROOT / "book" / "_ext")!r}]
for name in ("torch", "numpy", "scipy", "anywidget", "ipywidgets", "matplotlib", "PIL"):
    sys.modules[name] = None  # an import of it fails
import chapter_line, generated, page_widgets
assert len(page_widgets.page_script()) > 10_000
assert "### LocalResponseNorm" in generated.api()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
