"""The tables of §3.5 against numbers worked by hand."""

from alexnet_lib.tables import common_accounts, counted_claims, operation_countings


def number(cell):
    return int(cell.replace(",", ""))


def test_the_counted_claims_contradict_the_paper_in_two_places_alone():
    table = counted_claims()
    wrong = [row[0] for row in table.rows if row[-1].startswith("contradicted")]
    assert wrong == ["Figure 2, neurons of conv1", "Parameters of one convolutional layer, as a share"]


def test_the_counted_claims_hold_the_numbers_of_the_paper_beside_ours():
    rows = {row[0]: row for row in counted_claims().rows}
    assert rows["Parameters of the net"][1::2] == ("60 million", "60,965,224")
    assert rows["Neurons of the net"][1::2] == ("650,000", "659,272")
    assert rows["Figure 2, pixel values of input"][1::2] == ("150,528", "150,528")
    assert rows["Figure 2, neurons of conv1"][1::2] == (f"{55 * 48 * 96:,}", f"{55 * 55 * 96:,}")
    smallest, largest = 34_944 / 60_965_224, 885_120 / 60_965_224  # conv1 and conv3
    share = rows["Parameters of one convolutional layer, as a share"]
    assert share[1::2] == ("at most 1 %", f"{smallest:.2%} to {largest:.2%}".replace("%", " %"))


def test_no_counting_of_operations_comes_near_630_million():
    counted = {name: number(count) for name, count, _ in operation_countings().rows}
    convolutions = 105_415_200 + 223_948_800 + 149_520_384 + 112_140_288 + 74_760_192
    connections = 9216 * 4096 + 4096 * 4096 + 4096 * 1000
    assert counted["multiply-accumulates of the paper's net"] == convolutions + connections == 724_406_816
    assert counted["its convolutional layers alone"] == convolutions == 665_784_864
    assert counted["its fully-connected layers alone"] == connections == 58_621_952
    # 55 x 48 instead of 55 x 55 places in conv1.
    assert counted["with the caption's number of neurons in conv1"] == 724_406_816 - 55 * 7 * 96 * 363
    assert counted["without towers (full-width)"] == 1_135_256_096
    # 54, 26 and 12 places a side, and 5 after the last pooling.
    sizes = 54**2 * 96 * 363 + 26**2 * 256 * 1200 + 12**2 * (384 * 2304 + 384 * 1728 + 256 * 1728)
    assert counted["with 54 windows a side in conv1"] == sizes + 6400 * 4096 + 4096 * 4096 + 4096 * 1000
    assert all(abs(count - 630e6) > 10e6 for count in counted.values())


def test_common_accounts_stand_beside_the_counts_of_the_right_net():
    rows = {row[0]: row[1:] for row in common_accounts().rows}
    assert rows["about 62 million parameters"][0] == "60,965,224"
    assert "62,378,344" in rows["about 62 million parameters"][1]
    assert rows["conv3 has 284 kernels"] == (
        "384",
        "a misprint: Figure 2 prints 64,896 = 384 x 13 x 13 neurons",
    )
    assert rows["conv3 to conv5 have stride 0"][0] == "1"
    assert rows["the image is 227 x 227"][0] == "224"
    assert rows["58,322,314 parameters"][0] == "58,322,314"
