"""What every chapter begins with: seeds, listings, cards and pictures."""

import base64
import html
import io
from dataclasses import asdict, replace

import pytest
import torch
from PIL import Image
from test_records import RECORD

from alexnet_lib import architecture, paper, records
from alexnet_lib.chapters.evidence import finding
from alexnet_lib.chapters.kit import Picture, Table, begin, claim_card, show_experiment, show_source, subplots
from alexnet_lib.chapters.picture import as_picture
from alexnet_lib.experiments import EXPERIMENTS
from alexnet_lib.normalization import LocalResponseNorm, window_sum


def test_two_chapters_that_begin_alike_draw_the_same_numbers():
    begin(3)
    first = torch.rand(4)
    begin(3)
    assert torch.equal(torch.rand(4), first)


def checked(a, n=5):
    """Doubles, if asked politely."""
    if n < 0:
        raise ValueError("n is negative")
    return (
        2 * a
    )  # and this comment is so long that a page of eighty-four columns would have to cut it off here


def test_a_listing_is_the_algorithm_and_whole_is_everything():
    short, whole = show_source(checked).data, show_source(checked, whole=True).data
    assert "politely" in whole
    assert "raise" in whole
    assert "politely" not in short
    assert "raise" not in short
    assert max(map(len, short.splitlines())) <= 84
    run = {}
    exec(short, run)
    assert run["checked"](4) == checked(4)


def test_a_listing_shows_several_parts_and_values():
    shown = show_source(window_sum, LocalResponseNorm).data
    assert shown.startswith("def window_sum(")
    assert "class LocalResponseNorm(nn.Module):" in shown
    assert show_source(architecture, "PAPER").data.startswith("PAPER")


@pytest.mark.parametrize("odd", [(len,), (3,), (architecture, "NOTHING")])
def test_what_has_no_source_is_refused(odd):
    with pytest.raises(TypeError, match="show_source takes"):
        show_source(*odd)


def test_a_chart_takes_the_ink_of_the_page_and_says_what_it_shows():
    figure, axis = subplots(figsize=(3, 2))
    axis.plot([0, 1], color="black")
    picture = Picture(figure, "a line that rises from 0 to 1")
    data, _ = picture._repr_mimebundle_()
    assert data["text/plain"] == picture.alt
    assert 'aria-label="a line that rises from 0 to 1"' in data["text/html"]
    assert "currentColor" in data["text/html"]
    assert "#ffffff" not in data["text/html"]


def test_a_photograph_is_a_light_png_with_alt_text():
    figure, axis = subplots(figsize=(2, 2))
    axis.imshow(as_picture(torch.rand(3, 8, 8) * 255))
    data, notes = Picture(figure, "eight by eight colors", photograph=True)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).format == "PNG"
    assert notes["image/png"]["alt"] == "eight by eight colors"


def test_a_tensor_becomes_the_picture_that_it_is():
    assert as_picture(torch.tensor([[[300.0]], [[128.4]], [[-5.0]]])).tolist() == [[[255, 128, 0]]]


def test_a_table_shows_itself_as_text_and_as_html_that_scrolls():
    table = Table("Sizes <px>", ("a", "b"), (("x & y", "1,024"),))
    assert repr(table) == "Sizes <px>\na      b\nx & y  1,024"
    assert "Sizes &lt;px&gt;" in table._repr_html_()
    assert 'role="region"' in table._repr_html_()
    with pytest.raises(ValueError, match="1 cells, and the table 2 columns"):
        Table("t", ("a", "b"), (("x",),))


@pytest.mark.parametrize("section", dict.fromkeys(claim.section for claim in paper.CLAIMS))
def test_a_claim_card_has_the_three_values_of_every_claim(section):
    card = claim_card(section)
    shown = html.unescape(card._repr_html_())
    for claim, line in zip(paper.claims(section), card.lines, strict=True):
        found = finding(claim)
        assert claim.statement in shown
        assert f"paper: {claim.paper} | original code: {claim.source or '–'} | ours: " in line
        assert line.endswith(found.verdict)
        ours = line.partition("ours: ")[2]
        numbers = [answer.effect.split()[0] for answer in found.answers] or [found.value]
        assert [number for number in numbers if number not in ours] == []


def test_without_records_an_experiment_says_what_it_waits_for_and_how_to_make_it(tmp_path):
    shown = repr(show_experiment("lrn-cifar", tmp_path))
    assert "not measured yet: waits for 27 of 27 runs" in shown
    assert "alexnet experiment run lrn-cifar" in shown


def figure_1_records(folder, tanh_epochs):
    """Runs of Figure 1's nets whose errors fall from 50 % in a straight line, 25 % after so many epochs."""
    asked = EXPERIMENTS["relu-against-tanh"]

    def store(label, config, epochs):
        errors = [0.5]
        while errors[-1] > 0.25:
            errors.append(0.5 - 0.25 * len(errors) / (epochs - 0.5))
        record = replace(RECORD, experiment=asked.name, label=label, seed=config.seed)
        curves = {"running training error": errors}
        records.store(replace(record, config={**asdict(config), "changes": []}, curves=curves), folder)

    for arm, best, wanted in (("relu", 0.002, 5 * [4.0]), ("tanh", 0.02, tanh_epochs)):
        for rate in asked.arms[arm].rates:
            label = f"{arm}-rate-search-{rate:g}"
            store(label, asked.search_config(arm, rate), 5.0 if rate == best else 9.0)
        for seed, epochs in enumerate(wanted):
            store(f"{arm}-seed{seed}", asked.config(arm, seed, best), epochs)


def test_with_records_an_experiment_has_its_effect_curves_and_the_way_to_them(tmp_path):
    figure_1_records(tmp_path, [6.0, 5.0, 7.0, 6.0, 6.0])
    card = show_experiment("relu-against-tanh", tmp_path)
    shown = repr(card)
    assert "ours: 1.49 times (" in shown
    assert "relu 21.4 after 5 epochs, 5 seeds" in shown  # 50 - 25 * 4 / 3.5
    assert "in the paper 6.00 times, smaller, same direction" in shown
    assert card._repr_html_().count("<svg") == 3  # one interval on the card; curves and forest in the details
