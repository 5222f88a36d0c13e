"""The figure of §1: light enough for the page, and its words hold what it draws."""

import pytest

from alexnet_lib import figures


@pytest.mark.parametrize(
    ("operations", "days", "words"),
    [(86_400e12, 1, "1 days at 1.00 million million"), (4.4668e17, 5.5, "5.5 days at 0.94 million million")],
)
def test_the_speed_that_the_days_imply_is_told(operations, days, words):
    picture = figures.time_by_speed(operations, days)
    assert words in picture.alt
    assert len(picture.png) < 80_000
