"""What a chapter starts with, and what it shows of an experiment before and after its runs."""

import pytest
import torch
from IPython.display import Markdown
from test_experiments import figure_1_records

from alexnet_lib import chapter, figures, records, tables
from alexnet_lib.chapter import begin, show_experiment, show_source
from alexnet_lib.normalization import LocalResponseNorm, window_sum


def test_two_chapters_that_begin_alike_draw_the_same_numbers():
    begin(3)
    first = torch.rand(4)
    begin(3)
    assert torch.equal(torch.rand(4), first)


def test_the_source_on_the_page_is_the_source_that_runs():
    shown = show_source(window_sum, LocalResponseNorm).data
    assert shown.startswith("def window_sum(")
    assert "class LocalResponseNorm(nn.Module):" in shown


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="written in Python"):
        show_source(len)


@pytest.fixture
def shown(monkeypatch):
    """What a cell puts on the page; Markdown as its text, the rest as it prints."""
    page = []

    def display(item):
        page.append(item.data if isinstance(item, Markdown) else repr(item))

    monkeypatch.setattr(chapter, "display", display)
    return page


def test_without_records_an_experiment_says_what_it_waits_for_and_how_to_make_it(shown, tmp_path):
    show_experiment("lrn-cifar", tmp_path)
    waits, again = shown  # no empty figure, no table of nothing
    assert waits.startswith("Not measured yet: waits for 27 of 27 runs")
    assert "alexnet experiment run lrn-cifar" in again


def test_rates_alone_measure_nothing_and_one_seed_has_no_figure(shown, tmp_path):
    figure_1_records(tmp_path, [6.0, 5.0, 7.0, 6.0, 6.0])
    for run in records.load("relu-against-tanh", tmp_path):
        if run.label.partition("-seed")[2] not in ("", "0"):
            next(tmp_path.rglob(f"*{run.label}*")).unlink()
    show_experiment("relu-against-tanh", tmp_path)
    waits, answers, _rates, again = shown
    assert waits.startswith("Not measured yet: waits for 89 of 99 runs")
    assert "not measured: no answer from seed 1, 2, 3, 4" in answers
    assert "10 of 99" in again
    shown.clear()
    for path in tmp_path.rglob("*-seed0*"):
        path.unlink()
    show_experiment("relu-against-tanh", tmp_path)
    waits, again = shown
    assert waits.startswith("Not measured yet: waits for 91 of 99 runs")
    assert "8 of 99" in again


def test_with_records_an_experiment_has_figure_caption_answers_and_the_way_to_them(shown, tmp_path):
    figure_1_records(tmp_path, [6.0, 5.0, 7.0, 6.0, 6.0])
    name = "relu-against-tanh"
    show_experiment(name, tmp_path)
    assert shown == [
        repr(figures.experiment(name, tmp_path)),
        figures.experiment_caption(name, tmp_path),
        repr(tables.experiment(name, tmp_path)),
        repr(tables.rates(name, tmp_path)),
        repr(tables.reproduce(name, tmp_path)),
    ]


def test_an_unknown_experiment_names_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'lrn-cifar'"):
        show_experiment("lrn-cifra", tmp_path)
