"""Draw the README's picture: the eight stops of the page "The network", for one photograph.

python tools/readme_stills.py book/static/eight_layers.webp
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from alexnet_lib.training.fileio import atomic_write
from alexnet_lib.widgets.net import answer
from alexnet_lib.widgets.net_stills import draw_stop, shipped_network, shipped_photo, webp
from alexnet_lib.widgets.walk import STOPS


def eight_stills() -> bytes:
    """Two columns of four stills as a WebP, each with its layer and title."""
    shipped, photo = shipped_network(), shipped_photo()
    answers = answer(shipped, photo)
    figure = Figure(figsize=(10, 10.8), dpi=100)
    for part, (layer, title, *_) in zip(figure.subfigures(4, 2).flat, STOPS, strict=True):
        draw_stop(part, layer, shipped, photo, answers)
        part.suptitle(f"{layer}: {title}", fontsize=11, y=0.99)
        part.axes[0].set_position((0.02, 0.02, 0.96, 0.86))
    return webp(figure)


if __name__ == "__main__":
    picture = eight_stills()
    atomic_write(Path(sys.argv[1]), lambda file: file.write(picture))
