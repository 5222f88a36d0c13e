"""The page's copy of a widget: a picture for readers without JavaScript, and the state for those with it."""

import base64
import html
import io
import json

from matplotlib.figure import Figure
from PIL import Image

COLORS = 24  # of the picture's palette
MOST_BYTES = 40_000


def palette_png(figure: Figure) -> bytes:
    """The figure as a small PNG. Raises ValueError when it is too heavy for a page."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png")
    picture = Image.open(raw).convert("RGB").quantize(COLORS, method=Image.Quantize.MAXCOVERAGE)
    small = io.BytesIO()
    picture.save(small, format="png", optimize=True)
    if small.tell() > MOST_BYTES:
        raise ValueError(
            f"the picture has {small.tell()} bytes, and a page allows {MOST_BYTES}: draw less, or smaller"
        )
    return small.getvalue()


def twin(name: str, state: dict, png: bytes, alt: str, caption: str) -> str:
    """HTML that js/host.js finds by its class and brings to life."""
    # "<" is escaped so that no text in the state can end the script element early.
    text = json.dumps(state, sort_keys=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return (
        f'<div class="page-widget" data-widget="{name}"><figure>'
        f'<img alt="{html.escape(alt)}" style="max-width:100%;height:auto" src="{source}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        f'<script type="application/json">{text}</script></div>'
    )
