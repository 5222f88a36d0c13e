"""Tables of paper against source: points by hand, and what nets change, from their definitions."""

from dataclasses import replace

import pytest

from alexnet_lib import paper
from alexnet_lib.architecture import SPECS
from alexnet_lib.tables import logged_runs, reimplementations, twelve_differences


def test_the_differences_of_the_runs_are_those_worked_out_by_hand_and_the_papers_claims():
    points = {row[0]: row[-1] for row in logged_runs().rows}
    assert points == {
        "145": "",
        "148": "+1.37 / +1.15 (against 145)",
        "147": "+0.39 / +0.30 (against 145)",
        "150": "+1.16 / +1.12 (against 145)",
        "170": "-0.14 / -0.16 (against 145)",
        "167": "-0.04 / +0.07 (against 170)",
        "166": "+0.57 / +0.63 (against 170)",
    }
    claims = {claim.name: claim.source for claim in paper.CLAIMS}
    for name, run in (("lrn", "148"), ("overlap", "147"), ("no-communication", "150")):
        assert points[run].split(" (")[0].replace("+", "") in claims[name]


def test_the_paper_net_of_the_logs_rounds_to_the_papers_table_2():
    run = logged_runs().rows[0]
    assert [round(float(cell.removesuffix(" %")), 1) for cell in run[2:4]] == [40.7, 18.2]


def test_every_difference_has_a_row_with_what_was_found_and_what_the_logs_say():
    subjects = [row.subject for row in paper.DIFFERENCES]
    table = twelve_differences(dict.fromkeys(subjects, "found"))
    assert list(table.column("subject")) == subjects
    assert len(subjects) == 12
    logs = dict(zip(subjects, table.rows, strict=True))
    assert logs["What alpha multiplies"][2] == "not measured"
    assert "run 167: -0.04 / +0.07 points against 170" in logs["Norms of layer 2"][2]
    assert logs["Initial biases"][2] == logs["Dropout at test time"][2] == "nothing differs"


@pytest.mark.parametrize("change", [{"Kernels": "more"}, None])
def test_a_missing_or_unknown_subject_is_named(change):
    found = {row.subject: "found" for row in paper.DIFFERENCES}
    if change is None:
        del found["Color noise"]
    with pytest.raises(ValueError, match="Kernels" if change else "Color noise"):
        twelve_differences({**found, **(change or {})})


def rows_of(*specs):
    return {row[0]: row[1:] for row in reimplementations(specs).rows}


def test_the_paper_changes_nothing_about_itself():
    assert {cells[1] for cells in rows_of(SPECS["paper"]).values()} == {"as the paper"}


def test_what_the_2012_source_changes_is_what_section_b_lists():
    changes = {name: cells[1] for name, cells in rows_of(SPECS["source-2012"]).items()}
    assert {name: words for name, words in changes.items() if words != "as the paper"} == {
        "layer 1, after the convolution": "normalization, pooling, ReLU",
        "layer 2, after the convolution": "ReLU, normalization, spatial norm, pooling",
        "factor of the plain sum of squares": "2e-5",
        "deviation of the first weights": "0.01; 0.03 in conv3, conv4, conv5",
    }


def test_what_caffe_torchvision_and_a_course_note_change():
    rows = rows_of(SPECS["caffe"], SPECS["torchvision"], SPECS["review-004"])
    assert rows["windows of conv1"] == (
        "55 a side, ceil_mode",
        "55 a side, padding 0",
        "55 a side, padding 2",
        "55 a side, padding 0",
    )
    assert rows["first biases"][1:3] == ("0.1 in conv2, conv4, conv5, fc6, fc7", "torch's own")
    assert rows["deviation of the first weights"][1:3] == ("0.01; 0.005 in fc6, fc7", "torch's own")
    # torch's layer divides by 5: 1e-3 in the first layer, 1e-4 in the second.
    assert rows["factor of the plain sum of squares"] == ("1e-4", "2e-5", "no normalization", "2e-4, 2e-5")
    assert rows["dropout"][2] == "inputs of fc6 and fc7, doubled in training"
    assert rows["parameters"] == ("60,965,224", "as the paper", "61,100,840", "58,322,314")
    assert rows["classes"] == ("1000", "as the paper", "as the paper", "10")


def test_one_padding_pixel_leaves_54_windows_and_6400_numbers_for_fc6():
    first = replace(SPECS["full-width"].convs[0], ceil_mode=False, padding=1)
    spec = replace(SPECS["full-width"], name="x", convs=(first, *SPECS["full-width"].convs[1:]))
    rows = rows_of(spec)
    assert rows["windows of conv1"][1] == "54 a side, padding 1"
    assert rows["numbers that fc6 reads"][1] == f"{256 * 5 * 5:,}"
