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
    "original code": "#6f6f6f",
    "ours": "#0072b2",
    "now": "#d55e00",
    "reproduced": "#1b7f4d",
    "about as large": "#1b7f4d",
    "larger": "#1b7f4d",
    "smaller, same direction": "#0072b2",
    "same sign": "#0072b2",
    "effect": "#0072b2",
    "suggestive": "#8a6d1b",
    "no effect": "#8a6d1b",
    "not at this scale": "#8a6d1b",
    "opposite": "#b3400e",
    "contradicted": "#b3400e",
    "cannot be asked here": "#6f6f6f",
    "not measured": "#6f6f6f",
}
VERDICTS = tuple(PALETTE)[9:]
BLUE, ORANGE, GREEN, GRAY = "#0072b2", "#d55e00", "#009e73", "#777777"
COLORS = (BLUE, ORANGE, GREEN, GRAY, "#cc79a7", "#56b4e9")
LIGHT = {BLUE: "#b9cfdd", ORANGE: "#f3c7a9"}  # an area that carries words
