"""The tables against the counts of the paper's readers, worked out elsewhere."""

import pytest

from alexnet_lib.architecture import SPECS
from alexnet_lib.spec import trace
from alexnet_lib.tables import (
    Table,
    claim_card,
    differences,
    layer_table,
    receptive_fields,
    spec_table,
    torchinfo_layers,
)
from alexnet_lib.variants import NETS

PARAMETERS = {
    "paper": 60_965_224,
    "source-2012": 60_965_224,
    "one-gpu": 59_798_312,
    "full-width": 62_378_344,
    "caffe": 60_965_224,
    "torchvision": 61_100_840,
    "review-004": 58_322_314,
}


@pytest.mark.parametrize("name", [*SPECS, "four-layer-batch-norm", "four-layer-hidden"])
def test_torchinfo_and_the_arithmetic_trace_agree_on_every_layer(name):
    by_torchinfo = {
        layer: (torch_shape, p, macs) for layer, torch_shape, p, macs in torchinfo_layers(NETS[name])
    }
    for layer in trace(NETS[name]):
        shape = (layer.maps, layer.side, layer.side) if layer.side else (layer.maps,)
        assert by_torchinfo[layer.name] == (shape, layer.parameters, layer.multiply_accumulates), layer.name


def test_the_specs_stand_side_by_side_with_their_known_counts():
    table = spec_table()
    assert dict(zip(table.column("spec"), table.column("parameters"), strict=True)) == {
        name: f"{count:,}" for name, count in PARAMETERS.items()
    }
    macs = dict(zip(table.column("spec"), table.column("multiply-accumulates"), strict=True))
    assert macs["paper"] == "724,406,816"
    assert macs["full-width"] == "1,135,256,096"
    assert dict(zip(table.column("spec"), table.column("neurons"), strict=True))["paper"] == "659,272"


def test_the_layer_table_adds_up_to_the_net():
    table = layer_table("paper")
    assert sum(int(cell.replace(",", "")) for cell in table.column("parameters")) == 60_965_224
    assert table.rows[0] == ("conv1", "96 x 55 x 55", "290,400", "34,944", "105,415,200")


def test_receptive_fields_are_those_worked_out_by_hand():
    # 11, then + (z - 1) * step: pooling +8, conv2 +32, pooling +16, three 3x3 at step 16 +32, pooling +32
    assert receptive_fields().column("sees") == ("11", "19", "51", "67", "99", "131", "163", "195")


def test_a_claim_card_says_not_measured_where_nothing_was_measured():
    card = claim_card("3.3")
    assert card.columns == ("claim", "paper", "source 2012", "ours", "verdict")
    ours = dict(zip(card.column("paper"), card.column("ours"), strict=True))
    assert ours["1.4 / 1.2 points"] == "not measured yet"
    assert ours["13 % and 11 %"].startswith("1.76 points (95 % interval 1.45 to 2.07, 5 seeds); CIFAR-10")


def test_what_can_be_counted_is_counted():
    card = claim_card("4.1")
    row = next(row for row in card.rows if row[1] == "2048")
    assert row[3:] == ("2,178, counted", "contradicted")
    assert sum(cell == "not measured yet" for cell in card.column("ours")) == len(card.rows) - 1


def test_a_section_without_claims_is_named():
    with pytest.raises(ValueError, match=r"section is '9\.9'.*3\.3"):
        claim_card("9.9")


def test_differences_can_be_asked_for_by_section():
    assert len(differences().rows) == 12
    assert [row[0] for row in differences("4.2").rows] == ["Dropout at test time"]


def test_a_table_shows_itself_as_text_and_as_html_that_scrolls():
    table = Table("Sizes <px>", ("a", "b"), (("x & y", "1,024"),))
    assert repr(table) == "Sizes <px>\na      b\nx & y  1,024"
    shown = table._repr_html_()
    assert "Sizes &lt;px&gt;" in shown
    assert "x &amp; y" in shown
    assert 'role="region"' in shown
    assert '<td style="text-align: right; white-space: nowrap">1,024</td>' in shown


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="has 1 cells, and the table has 2 columns"):
        Table("t", ("a", "b"), (("x",),))
