"""`NetWalk`: one photograph walks through the eight layers, one stop each (§3.5)."""

import base64
import html
import json

import traitlets
from matplotlib.figure import Figure

from .base import PageWidget
from .net import answer
from .net_stills import draw_stop, shipped_network, shipped_photo, webp
from .params import Slider

# layer, title, at most 60 words, the paper's number, chapter, its title
STOPS = (
    (
        "conv1",
        "Ninety-six questions about every patch",
        "Each kernel looks at 11 × 11 pixels in color and answers one question: an edge here? a green blob? "
        "Then it moves on by 4 pixels. Half of the kernels live on each graphics card, and both cards see "
        "the whole picture. The ReLU keeps the positive answers.",
        "96 kernels of 11 × 11 × 3, stride 4 (§3.5)",
        "3_1_relu_nonlinearity",
        "3.1 Why ReLU?",
    ),
    (
        "conv2",
        "The towers part",
        "From here on a card reads only what it made itself: 48 channels, not 96. Nothing has to be copied "
        "between the cards. Before conv2 reads them, the responses are normalized among neighboring "
        "channels, and pooling halves their height and width.",
        "256 kernels of 5 × 5 × 48 (§3.5)",
        "3_3_local_response_normalization",
        "3.3 What does a neighbor cost?",
    ),
    (
        "conv3",
        "The towers exchange",
        "Here, for the only time among the convolutions, every kernel reads the channels of both cards. So "
        "each card must send all of its channels to the other. Remove this exchange in the explorer, and "
        "each tower keeps what it knows to itself until fc6.",
        "384 kernels of 3 × 3 × 256 (§3.5)",
        "3_2_training_on_multiple_gpus",
        "3.2 One network on two cards",
    ),
    (
        "conv4",
        "Apart again",
        "Kernels read their own tower's 192 channels. There is no pooling and no normalization between "
        "conv3, conv4 and conv5: the maps keep their size, and only what they mean changes. One value now "
        "depends on a large part of the photograph.",
        "384 kernels of 3 × 3 × 192 (§3.5)",
        "3_5_overall_architecture",
        "3.5 The whole architecture",
    ),
    (
        "conv5",
        "The last look at the picture",
        "A channel responds where it finds its pattern and is zero elsewhere. Max pooling over overlapping "
        "windows keeps the strongest response of each neighborhood. After that, only a few positions of "
        "each channel are left.",
        "256 kernels of 3 × 3 × 192, pooling 3 × 3 with stride 2 (§3.4, §3.5)",
        "3_4_overlapping_pooling",
        "3.4 Windows that overlap",
    ),
    (
        "fc6",
        "From a picture to a list",
        "Every unit reads every value that is left, from both towers. Where things were no longer matters, "
        "what they were does. Most of the network's parameters are in this layer, so it could memorize the "
        "training set. In training, dropout silences half of the units at random.",
        "4096 units, each set to zero with probability 0.5 in training (§4.2)",
        "4_2_dropout",
        "4.2 Learning with half the units",
    ),
    (
        "fc7",
        "The description",
        "Again 4,096 units that read all 4,096 before them. The paper compares pictures by these values: if "
        "two pictures have nearly the same list, the network takes them for the same kind of thing, however "
        "different their pixels are.",
        "4096 values, compared by Euclidean distance (§6.1)",
        "6_1_qualitative_evaluations",
        "6.1 What did it learn to see?",
    ),
    (
        "fc8",
        "The answer",
        "One score for each class, and the softmax turns scores into probabilities. The paper's network "
        "chose among 1000 classes, the one in this book among ten. It has no way to say “none of these”, so "
        "an astronaut must become one of the ten.",
        "1000 classes (§3.5)",
        "6_results",
        "6 How good was it?",
    ),
)


class NetWalk(PageWidget):
    """Eight stops, one for each layer: a picture, a few words, one number of the paper, a door to a chapter.

    The pictures are made when the widget is, by torch with the network that ships with the book. Without
    JavaScript, and on paper, all eight stand one after the other.
    """

    page_name = "walk"

    stop = Slider(1, 1, 8, "Stop", "there are eight layers (§3.5)")
    stops = traitlets.List(help="what each stop shows").tag(sync=True)

    def __init__(self, **values):
        super().__init__(**values)
        shipped, photo = shipped_network(), shipped_photo()
        answers = answer(shipped, photo)
        made = []
        for layer, title, words, number, page, chapter in STOPS:
            figure = Figure(figsize=(6.4, 3.0), dpi=100)
            alt = draw_stop(figure, layer, shipped, photo, answers)
            picture = base64.b64encode(webp(figure)).decode("ascii")
            made.append(
                {
                    "layer": layer,
                    "title": title,
                    "words": words,
                    "number": number,
                    "page": page,
                    "chapter": chapter,
                    "alt": alt,
                    "webp": picture,
                }
            )
        self.stops = made

    def summary(self) -> str:
        layer, title, *_ = STOPS[self.stop - 1]
        return f"Stop {self.stop} of 8, {layer}: {title}."

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super(PageWidget, self)._repr_mimebundle_(**kwargs)
        data["text/html"] = self.page_html()
        return data, metadata

    def page_html(self) -> str:
        """All eight stops as a list, and the state from which the page makes one stop at a time of it."""
        items = "".join(map(_item, self.stops))
        state = self.page_state()
        state["stops"] = [
            {key: stop[key] for key in stop if key not in ("webp", "alt")} for stop in self.stops
        ]
        text = json.dumps(state, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")
        stills = f'<figure><ol style="list-style:none;padding:0">{items}</ol></figure>'
        state_text = f'<script type="application/json">{text}</script>'
        return f'<div class="page-widget" data-widget="walk">{stills}{state_text}</div>'


def _item(stop: dict) -> str:
    text = {key: html.escape(value) for key, value in stop.items()}
    return (
        f'<li style="break-inside:avoid;margin-bottom:1.5rem">'
        f"<strong>{text['layer']}: {text['title']}</strong><br>"
        f'<img alt="{text["alt"]}" style="max-width:100%;height:auto;background:#fff" '
        f'src="data:image/webp;base64,{text["webp"]}"><br>{text["words"]} '
        f"<em>The paper: {text['number']}.</em> "
        f'<a href="{text["page"]}.html">{text["chapter"]}</a></li>'
    )
