"""`TeachExplorer`: a new last layer for the trained network, learned from a reader's own photographs (§7)."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .base import PageWidget
from .params import Steps
from .posters import BLUE, GRAY, MARK, ORANGE


class TeachExplorer(PageWidget):
    """Teach it your classes: five photos each of two or three things, and a softmax on fc7 (§6.1, §7).

    `things` is the number of classes. Photographs are the reader's: no setting and no link holds them.
    """

    page_name = "teach"
    poster_size = (6.4, 2.2)

    things = Steps([2, 3], "Classes", unit="classes")

    def summary(self) -> str:
        return f"A head for {self.things} classes of your own, on the 4,096 activations of fc7."

    def draw_poster(self, figure: Figure) -> str:
        axes = figure.subplots()
        axes.set(xlim=(0, 100), ylim=(0, 36))
        axes.axis("off")
        for row, color in enumerate((BLUE, ORANGE, MARK)[: self.things]):
            for column in range(5):
                axes.add_patch(Rectangle((1 + 5 * column, 26 - 9 * row), 4, 6, color=color, alpha=0.6))
            axes.add_patch(Rectangle((88, 26 - 9 * row), 8, 6, color=color))
            axes.text(92, 29 - 9 * row, "ABC"[row], ha="center", va="center", color="white")
        axes.add_patch(Rectangle((34, 8), 26, 24, color=GRAY))
        axes.text(47, 20, "trained network,\nkept as it is", ha="center", va="center", fontsize=9)
        axes.text(70, 20, "fc7:\n4096\nvalues", ha="center", va="center", fontsize=9)
        for left, right in ((27, 33), (61, 65), (75, 86)):
            axes.annotate("", (right, 20), (left, 20), arrowprops={"arrowstyle": "->"})
        axes.text(80.5, 22, "learned", ha="center", fontsize=9)
        return (
            f"Five photos each of {self.things} things go through the trained network, which stays as it is; "
            f"only the last layer, from 4096 values to {self.things} scores, is learned."
        )
