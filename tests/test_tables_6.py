"""The tables of §6 and §6.1 hold the paper's numbers and the source's, and keep them apart."""

import re

import pytest
import torch

from alexnet_lib import paper, tables
from alexnet_lib.tables import results


def numbers(text):
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


def test_the_logged_errors_round_to_the_papers_where_the_paper_has_the_net():
    rows = [(row[1:3], row[3]) for row in tables.results_2010().rows]
    rows += [(row[1:3], row[4]) for row in tables.results_2012().rows]
    checked = 0
    for printed, logged in rows:
        if logged != results.NONE:
            expected = [float(cell.removesuffix(" %")) for cell in printed]
            assert [round(value, 1) for value in numbers(logged)] == pytest.approx(expected, abs=0.051)
            checked += 1
    assert checked == 4


def test_the_tables_agree_with_the_claims_of_the_paper():
    claims = {claim.name: claim for claim in paper.claims("6")}
    cnn, center = tables.results_2010().rows[2:]
    assert claims["error-2010"].paper == f"{cnn[1]} / {cnn[2]}"
    assert claims["error-2010-center"].paper == f"{center[1]} / {center[2]}"
    assert claims["error-2012"].source.startswith(str(results.VALIDATION_2012))


def test_ten_crops_save_what_the_paper_says_for_the_papers_net():
    row = tables.logged_views().rows[0]
    assert row[-1] == "1.55 / 1.30 points"
    assert numbers(row[-1]) == pytest.approx([39.0 - 37.5, 18.3 - 17.0], abs=0.06)


def test_the_winning_margin_is_10_9_points_with_more_digits_too():
    errors = results.ENTRY_ERRORS
    assert round(100 * (errors["SIFT + FVs"] - errors["7 CNNs*"]), 1) == 10.9
    for name, printed in (("7 CNNs*", "15.3 %"), ("5 CNNs", "16.4 %"), ("SIFT + FVs", "26.2 %")):
        (row,) = (row for row in tables.results_2012().rows if row[0].startswith(name))
        assert row[3] == printed
        assert round(100 * errors[name], 1) == pytest.approx(float(printed[:-2]))


def test_five_and_seven_nets_are_named_and_every_named_net_has_a_row():
    table = tables.contest_nets()
    members = {name: files.split("-") for name, files in results.ENTRIES.items()}
    assert [len(nets) for nets in members.values()] == [5, 7]
    rows = [name.removeprefix("net ") for name in table.column("net")]
    assert set().union(*members.values()) == set(rows)
    for name, nets in members.items():
        column = table.column(f"in the {name}")
        chosen = [net for net, inside in zip(rows, column, strict=True) if inside == "yes"]
        assert sorted(chosen) == sorted(nets)


def test_no_net_alone_is_as_good_as_the_seven_averaged():
    alone = [logged.top5 for _, logged in results.NETS.values() if logged]
    assert min(alone) > results.ENTRY_ERRORS["7 CNNs*"]


def kernels(*colors):
    return torch.tensor(colors * 12, dtype=torch.float32).view(-1, 3, 1, 1)


def test_a_net_without_towers_is_not_asked_about_towers():
    row = tables.qualitative_claims(kernels((1, 1, 1), (1, -1, 0)), towers=1).rows[0]
    assert row[3:] == ("no towers in the recorded net", "not measured")


def test_one_net_with_a_clear_gap_has_the_same_sign_and_no_more():
    sorted_by_color = torch.cat([kernels((1, 1, 1)), kernels((1, -1, 0))])
    row = tables.qualitative_claims(sorted_by_color, towers=2).rows[0]
    assert "0.00, 1.00" in row[3]
    assert row[4] == "same sign, one net"


def test_a_net_whose_towers_are_alike_does_not_show_the_claim():
    row = tables.qualitative_claims(kernels((1, 1, 1), (1, -1, 0)), towers=2).rows[0]
    assert row[4] == "not at this scale, one net"
