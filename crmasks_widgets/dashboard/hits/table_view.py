"""The table of hits: sorted, filtered, a page of rows at a time."""

from dataclasses import astuple
from typing import Any, Final

import numpy as np
from ipywidgets import BoundedFloatText, Dropdown, HBox, Layout, Text, VBox

from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.dashboard.hits.hit_table import HitTable
from crmasks_widgets.dashboard.model.hit_rows import (
    ANY,
    Column,
    Filter,
    Rows,
    columns_of,
    hits_brushed,
    hits_inside,
    in_order,
    matching,
    texts,
)
from crmasks_widgets.dashboard.model.selection import selected_hit
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut

PAGE_ROWS: Final = 12
_BRUSHED: Final = "◆ "


class TableView:
    """Hits of MEDIANCR; a row selects its hit everywhere.

    Parameters
    ----------
    context : Context
        What a view works with.
    page_rows : int, optional
        How many rows are drawn at once.
    """

    def __init__(self, context: Context, page_rows: int = PAGE_ROWS) -> None:
        self._state, self._page_rows = context.state, page_rows
        self.plots: tuple[str, ...] = ()
        self.keys: dict[str, Shortcut] = {}
        self.table = HitTable(order={"column": "number", "descending": False})
        self.method = Dropdown(
            description="method", options=(ANY, *colours_by_name()), layout=_narrow("210px")
        )
        self.kind = Dropdown(description="class", options=(ANY,), layout=_narrow("210px"))
        self.peak = BoundedFloatText(
            description="peak ≥", min=0.0, max=1e30, layout=_narrow("170px"),
            tooltip="least excess over the minimum in one exposure, ADU",
        )  # fmt: skip
        self.text = Text(description="find", layout=_narrow("210px"))
        self._filters = (self.method, self.kind, self.peak, self.text)
        for part in self._filters:
            part.style.description_width = "initial"
            context.observe(part, self._filter)
        self.table.on_msg(
            context.dispatcher.handler(lambda _widget, content, _: self._heard(content))
        )
        bar = HBox(self._filters, layout=Layout(flex_flow="row wrap"))
        self.widget = VBox([bar, self.table], layout=Layout(min_width="0"))
        self._first, self._selected, self._order = 0, 0, np.zeros(0, np.int64)
        self._hits, self._pixels, self._inside, self._brushed, self._sorted, self._drawn = (
            Memo() for _ in range(6)
        )

    def render(self, model: ViewModel) -> None:
        """Show the hits once they are known; keep showing the last ones until then."""
        if not model.ready("hits", "labels", "stack"):
            return
        analysis = model.analysis
        known = analysis.result("hits")  # as it is: a copy would be a new one every time
        table, columns = self._hits((known,), lambda: self._read(known))
        n, labels = len(table), analysis.labels
        pixels, numbers = self._pixels((labels,), lambda: _pixels_of(labels))
        display, stack = model.display, analysis.stack
        place = (pixels, stack, display.target)
        inside = self._inside(
            (*place, display.diagram, display.image),
            lambda: hits_inside(model, pixels, numbers, n),
        )
        brushed = self._brushed(
            (*place, model.selection.outline), lambda: hits_brushed(model, pixels, numbers, n)
        )
        wanted, order = self._wanted(), tuple(self.table.order.values())
        self._order = self._sorted(
            (known, inside, astuple(wanted), order),
            lambda: self._sort(table, columns, inside & matching(table, columns, wanted)),
        )
        selected = selected_hit(model)
        if selected != self._selected:
            self._selected = selected
            self._turn_to(selected)
        self._first = max(0, min(self._first, len(self._order) - 1)) // self._page_rows
        self._first *= self._page_rows
        self._drawn(
            (known, brushed, self._order, order, self._first, selected),
            lambda: self._draw(table, columns, brushed),
        )

    def _read(self, known: Any) -> tuple[Any, tuple[Column, ...]]:
        has_class = "class" in known.colnames
        self.kind.layout.display = "" if has_class else "none"
        kinds = sorted(set(map(str, known["class"]))) if has_class else []
        new = [kind for kind in kinds if kind not in self.kind.options]
        if new:
            chosen = self.kind.value  # which new options take away
            self.kind.options = (*self.kind.options, *new)
            self.kind.value = chosen
        return known, columns_of(known)

    def _wanted(self) -> Filter:
        return Filter(self.method.value, self.kind.value, self.peak.value, self.text.value)

    def _sort(self, table: Any, columns: tuple[Column, ...], match: Any) -> Rows:
        order = self.table.order
        return in_order(
            table, np.flatnonzero(match), order["column"], descending=order["descending"]
        )

    def _turn_to(self, number: int) -> None:
        found = np.flatnonzero(self._order == number - 1)
        if len(found):
            self._first = int(found[0])

    def _draw(self, table: Any, columns: tuple[Column, ...], brushed: Any) -> None:
        rows = self._order[self._first : self._first + self._page_rows]
        methods = table["method"][rows].tolist()
        written = texts(table, columns, rows)
        for cells, row in zip(written, rows, strict=True):
            cells[0] = _BRUSHED + cells[0] if brushed[row] else cells[0]
        described = zip(rows.tolist(), written, methods, strict=True)
        with self.table.hold_sync():
            self.table.columns = [
                {"name": c.name, "label": c.label, "help": c.help, "numeric": c.numeric}
                for c in columns
            ]
            self.table.rows = [
                {
                    "number": row + 1,
                    "cells": cells,
                    "colour": colours_by_name().get(method, "transparent"),
                    "brushed": bool(brushed[row]),
                }
                for row, cells, method in described
            ]
            self.table.selected = self._selected
            self.table.before = self._first > 0
            self.table.after = self._first + self._page_rows < len(self._order)
            self.table.caption = self._caption(len(table), int(np.count_nonzero(brushed)))
            self.table.revision += 1

    def _caption(self, n: int, n_brushed: int) -> str:
        shown = len(self._order)
        text = f"{shown:,} of {n:,} hits"
        if shown > self._page_rows:
            last = min(self._first + self._page_rows, shown)
            text += f", rows {self._first + 1:,} to {last:,}"
        if n_brushed:
            text += f"; {_BRUSHED.strip()} {n_brushed:,} in the selected area of the diagram"
        if self._selected and self._selected - 1 not in self._order:
            text += f"; hit {self._selected} is selected but not among them"
        return text

    def _filter(self) -> None:
        self._first = 0
        self.render(self._state.model)

    def _heard(self, content: dict[str, Any]) -> None:
        if content.get("event") == "select":
            self._select(int(content["number"]))
        elif content.get("event") == "turn":
            first = self._first + int(content["by"]) * self._page_rows
            self._first = first if 0 <= first < len(self._order) else self._first
            self.render(self._state.model)
        elif content.get("event") == "sort":
            self._sort_by(str(content["column"]))

    def _sort_by(self, column: str) -> None:
        order = self.table.order
        # Numbers of hits mean little, their sizes much: the first click shows the largest.
        first_down = column not in ("number", "x", "y", "method", "class", "reason")
        down = not order["descending"] if order["column"] == column else first_down
        self.table.order = {"column": column, "descending": down}
        self._first = 0
        self.render(self._state.model)

    def _select(self, number: int) -> None:
        model = self._state.model
        if model.ready("hits", "labels"):
            pixel = central_pixel(model, number)
            if pixel is not None:
                self._state.select(pixel=pixel)


def central_pixel(model: ViewModel, number: int) -> tuple[int, int] | None:
    """Pixel of a hit that is nearest its mean position.

    Parameters
    ----------
    model : ViewModel
        Its hits and labels must be ready.
    number : int
        Of the hit.

    Returns
    -------
    (y, x) or None
        Array index; None if there is no such hit.
    """
    table = model.analysis.result("hits")
    if not 1 <= number <= len(table):
        return None
    row = table[number - 1]
    top, left = int(row["ymin"]) - 1, int(row["xmin"]) - 1
    box = model.analysis.labels[top : int(row["ymax"]), left : int(row["xmax"])]
    ys, xs = np.nonzero(box == number)
    far = (ys + top + 1 - row["y"]) ** 2 + (xs + left + 1 - row["x"]) ** 2
    nearest = int(np.argmin(far))
    return int(ys[nearest]) + top, int(xs[nearest]) + left


def _pixels_of(labels: Any) -> tuple[Any, Any]:
    pixels = np.flatnonzero(labels)
    return pixels, labels.ravel()[pixels]


def _narrow(width: str) -> Layout:
    return Layout(width=width, min_width="0")
