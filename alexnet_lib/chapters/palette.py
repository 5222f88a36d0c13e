"""One color for each idea, for the whole book; the figures, the widgets and the pages read it here.

Distinct for the color-blind and in gray (Wong's palette); each is readable on white and on a dark page.
"""

PALETTE = {
    "tower 1": "#0072b2",
    "tower 2": "#d55e00",
    "relu": "#0072b2",
    "tanh": "#d55e00",
    "sigmoid": "#009e73",
    "paper": "#d55e00",
    "original code": "#777777",
    "ours": "#0072b2",
    "now": "#d55e00",
    "reproduced": "#1b7f4d",
    "same sign": "#0072b2",
    "not at this scale": "#8a6d1b",
    "contradicted": "#b3400e",
    "not measured": "#777777",
}
BLUE, ORANGE, GREEN, GRAY = "#0072b2", "#d55e00", "#009e73", "#777777"
COLORS = (BLUE, ORANGE, GREEN, GRAY, "#cc79a7", "#56b4e9")
LIGHT = {BLUE: "#b9cfdd", ORANGE: "#f3c7a9"}  # an area that carries words
