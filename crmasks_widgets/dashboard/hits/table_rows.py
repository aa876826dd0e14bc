"""The hits as a table: the same list as the gallery, a page of rows at a time."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.dashboard.hits import words
from crmasks_widgets.dashboard.hits.hit_table import HitTable
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.model.hit_list import HitList
from crmasks_widgets.dashboard.model.hit_rows import texts
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.units import in_unit

PAGE_ROWS: Final = 100
_BRUSHED: Final = "◆ "
# Numbers of hits mean little, their sizes much: the first click shows the largest.
_RISING: Final = ("number", "x", "y", "method", "class", "verdict", "reason")


class TableRows:
    """Draws the rows shown, sorts by a click on a header, and selects by a click on a row.

    Parameters
    ----------
    context : Context
        What a view works with.
    listing : Listing
        The hits.
    select : callable
        Takes the row that is clicked; "more" and "up_to", as of `Listing.choose`, by name.
    again : callable
        Draws everything anew, in another order.
    page_rows : int, optional
        How many rows are drawn at once.
    """

    def __init__(
        self,
        context: Context,
        listing: Listing,
        select: Callable[..., object],
        again: Callable[[], object],
        page_rows: int = PAGE_ROWS,
    ) -> None:
        self._listing, self._select, self._again = listing, select, again
        self._page_rows, self._first, self._selected = page_rows, 0, -1
        self._drawn, self._unit = Memo(), context.state.model.analysis.exposures.unit
        self.widget = HitTable()
        self.widget.add_class("crmasks-hit-table")
        self.widget.on_msg(context.dispatcher.handler(lambda _w, said, _b: self._heard(said)))

    def render(self) -> None:
        """Draw the page of rows that is turned to, or on which the selected hit is."""
        listing, hits = self._listing, self._listing.hits
        if not listing.known:
            return
        if listing.selected != self._selected:
            self._selected = listing.selected
            at = listing.position(listing.selected)
            self._first = at if at >= 0 else self._first
        self._first = max(0, min(self._first, len(listing.shown) - 1)) // self._page_rows
        self._first *= self._page_rows
        wanted = listing.wanted
        key = (
            hits, listing.shown, listing.verdicts, listing.brushed, listing.chosen, self._first,
            self._selected, wanted.column, wanted.descending,
        )  # fmt: skip
        self._drawn(key, lambda: self._draw(hits))

    def _draw(self, hits: HitList) -> None:
        listing = self._listing
        rows = listing.shown[self._first : self._first + self._page_rows]
        with self.widget.hold_sync():
            self.widget.columns = [
                {
                    "name": c.name, "label": c.label, "help": in_unit(c.help, self._unit),
                    "numeric": c.numeric,
                }
                for c in listing.columns
            ]  # fmt: skip
            self.widget.rows = self._rows(hits, rows)
            self.widget.selected = self._selected
            self.widget.order = {
                "column": listing.wanted.column, "descending": listing.wanted.descending
            }  # fmt: skip
            self.widget.before = self._first > 0
            self.widget.after = self._first + self._page_rows < len(listing.shown)
            self.widget.caption = self._caption(len(hits))
            self.widget.revision += 1

    def _rows(self, hits: HitList, rows: Any) -> list[dict[str, Any]]:
        listing = self._listing
        names = [column.name for column in listing.columns]
        made = []
        for row, cells in zip(rows.tolist(), texts(hits.table, listing.columns, rows), strict=True):
            at = hits.table[row]
            marked = _BRUSHED if listing.brushed[row] else ""
            cells[names.index("number")] = marked + words.number(at)
            cells[names.index("verdict")] = str(listing.verdicts[row])
            made.append(
                {
                    "number": row,
                    "at": int(hits.peak[row]),
                    "cells": cells,
                    "colour": colours_by_name().get(str(at["method"]), "transparent"),
                    "brushed": bool(listing.brushed[row]),
                    "verdict": str(listing.verdicts[row]),
                    "chosen": row in listing.chosen,
                }
            )
        return made

    def _caption(self, n: int) -> str:
        listing = self._listing
        shown, n_brushed = len(listing.shown), int(np.count_nonzero(listing.brushed))
        text = f"{shown:,} of {n:,} hits"
        if shown > self._page_rows:
            last = min(self._first + self._page_rows, shown)
            text += f", rows {self._first + 1:,} to {last:,}"
        if n_brushed:
            text += f"; {_BRUSHED.strip()} {n_brushed:,} in the selected area of the diagram"
        if self._selected >= 0 and listing.position(self._selected) < 0:
            text += "; the selected hit is not among them"
        return text

    def _heard(self, said: dict[str, Any]) -> None:
        if said.get("event") == "select":
            more, up_to = bool(said.get("more")), bool(said.get("up_to"))
            row = self._listing.row_with(int(said["at"]))
            if row >= 0:  # else it went before the page knew
                self._select(row, more=more, up_to=up_to)
        elif said.get("event") == "turn":
            first = self._first + int(said["by"]) * self._page_rows
            self._first = first if 0 <= first < len(self._listing.shown) else self._first
            self.render()
        elif said.get("event") == "sort":
            self._sort_by(str(said["column"]))

    def _sort_by(self, column: str) -> None:
        wanted = self._listing.wanted
        down = not wanted.descending if wanted.column == column else column not in _RISING
        self._listing.want(column=column, descending=down)
        self._first = 0
        self._again()
