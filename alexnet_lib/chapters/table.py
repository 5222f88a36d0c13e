"""A table that shows itself: HTML in Jupyter and in the book, plain text elsewhere."""

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows under a caption."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {row!r} has {len(row)} cells, and the table {len(self.columns)} columns"
                )

    def column(self, name: str) -> tuple[str, ...]:
        """The cells under one heading."""
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def __repr__(self) -> str:
        lines = (self.columns, *self.rows)
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        text = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join([self.caption, *text])

    def _repr_html_(self) -> str:
        def cells(row: tuple[str, ...]) -> str:
            return "".join(f"<td{_alignment(cell)}>{html.escape(cell)}</td>" for cell in row)

        caption = html.escape(self.caption, quote=True)
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        body = "\n".join(f"<tr>{cells(row)}</tr>" for row in self.rows)
        # A wide table scrolls by itself on a phone, and by keyboard: hence role, name and tab stop.
        return (
            f'<div role="region" aria-label="{caption}" tabindex="0" '
            f'style="overflow-x: auto">\n<table class="table">\n<caption>{caption}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )


def _alignment(cell: str) -> str:
    numeric = cell.translate(str.maketrans("", "", ",.%x ")).isdigit()
    return ' style="text-align: right; white-space: nowrap"' if numeric else ""
