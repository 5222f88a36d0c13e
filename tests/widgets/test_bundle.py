"""The package without a notebook, the page's script, and the text that goes into HTML."""

import json

import pytest

from alexnet_lib import widgets
from alexnet_lib.widgets import bundle
from alexnet_lib.widgets.packed import PEAK, pack, unpack
from alexnet_lib.widgets.twin import palette_png, twin
from alexnet_lib.widgets.wording import number


def test_every_explorer_has_one_python_and_one_javascript_file():
    names = {getattr(widgets, name).page_name for name in widgets.__all__ if name[0].isupper()}
    assert names | {"frames"} == set(bundle.module_names())


def test_no_text_in_the_state_can_end_its_script_element():
    html = twin("x", {"title": "</script><script>alert(1)"}, b"", 'say "hi"', "a < b")
    assert html.count("</script>") == 1
    assert 'alt="say &quot;hi&quot;"' in html
    assert "a &lt; b" in html
    state = html.split('"application/json">')[1].split("</script>")[0]
    assert json.loads(state) == {"title": "</script><script>alert(1)"}


def test_a_heavy_picture_is_refused_with_its_weight():
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8))
    figure.figimage(np.random.default_rng(0).random((800, 800, 3)))
    with pytest.raises(ValueError, match=r"the picture has \d+ bytes, and a page allows 40000"):
        palette_png(figure)


def test_packing_keeps_95_levels():
    import numpy as np

    array = np.random.default_rng(0).standard_normal((3, 4))
    assert np.abs(unpack(pack(array)) - array).max() <= 0.5001 * np.abs(array).max() / PEAK
    assert unpack(pack(np.zeros((2, 2)))).tolist() == [[0, 0], [0, 0]]


NUMBERS = [
    0,
    -0.0,
    1,
    0.5,
    2.5,
    12.25,
    12.35,
    99.95,
    123.5,
    124.5,
    1e-7,
    0.000123456,
    -4.565,
    12345.678,
    100,
    1000,
    0.9445,
    0.94449999999999990,  # the same sum, added up in another order
]


def test_numbers_have_three_digits():
    texts = ["0", "0", "1.00", "0.500", "2.50", "12.3", "12.3", "100.0", "124"]
    assert [number(x) for x in NUMBERS[:9]] == texts


def test_the_last_digits_of_a_sum_decide_no_tie():
    assert number(0.1 + 0.8445) == number(0.94449999999999990) == number(0.9445) == "0.945"


@pytest.mark.browser
def test_python_and_javascript_round_alike(arena):
    source = bundle.JS.joinpath("canvas.js").read_text("utf-8")
    ours = arena.evaluate(
        "([source, all]) => new Function('all', source + '; return all.map(number)')(all)", [source, NUMBERS]
    )
    assert ours == [number(x) for x in NUMBERS]
