"""A table that shows itself: HTML in Jupyter and in the book, plain text elsewhere."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..guard import require_choice, require_kind, validate_fields


@dataclass(frozen=True)
class Table:
    """Rows under a caption. Shows itself as HTML in Jupyter and in the book, as plain text elsewhere."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self):
        validate_fields(self)
        require_kind("columns", self.columns, tuple[str, ...])  # at least one
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {row!r} has {len(row)} cells, and the table has {len(self.columns)} columns"
                )

    def column(self, name: str) -> tuple[str, ...]:
        """The cells under one heading. Raises ValueError for an unknown heading."""
        place = self.columns.index(require_choice("name", name, self.columns))
        return tuple(row[place] for row in self.rows)

    def __repr__(self) -> str:
        lines = (self.columns, *self.rows)
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        text = (
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        )
        return "\n".join([self.caption, *(line.rstrip() for line in text)])

    def _repr_html_(self) -> str:
        def cells(row: Sequence[str], kind: str) -> str:
            return "".join(f"<{kind}{_alignment(cell)}>{html.escape(cell)}</{kind}>" for cell in row)

        caption = html.escape(self.caption, quote=True)
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        body = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in self.rows)
        # A wide table scrolls by itself on a phone, and by keyboard: hence role, name and tab stop.
        return (
            f'<div role="region" aria-label="{caption}" tabindex="0" '
            f'style="overflow-x: auto">\n<table class="table">\n<caption>{caption}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )


def _alignment(cell: str) -> str:
    numeric = (
        cell.replace(",", "").replace(".", "").replace("%", "").replace("x", "").replace(" ", "").isdigit()
    )
    return ' style="text-align: right; white-space: nowrap"' if numeric else ""
