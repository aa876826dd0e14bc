"""The hits on screen: all of them, those that the user wants to see, and which are chosen."""

from dataclasses import astuple, replace
from typing import Any

import numpy as np

from crmasks_widgets.core.verdicts import UNDECIDED
from crmasks_widgets.dashboard.model import edits, review
from crmasks_widgets.dashboard.model.hit_list import (
    HitList,
    can_list,
    list_hits,
    no_hits,
    verdicts_of,
)
from crmasks_widgets.dashboard.model.hit_rows import (
    BoolArray,
    Column,
    Rows,
    columns_of,
    hits_brushed,
    hits_inside,
)
from crmasks_widgets.dashboard.model.review import Verdicts, Wanted
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Memo


class Listing:
    """Follows the view model; between two analyses it stays what it was.

    Attributes
    ----------
    hits : HitList
        Empty before any are known.
    known : bool
        Whether they are.
    verdicts : (n,) str
        On every row, by the newest parameters.
    wanted : Wanted
        What the user wants to see.
    shown : (m,) int64
        Rows on screen, in order.
    brushed : (n,) bool
        Rows with a pixel in the selected area of the diagram.
    selected : int
        Row that is selected everywhere; -1 for none.
    chosen : tuple of int
        Rows that a verdict is for; the selected one is among them.
    was : int
        Number of the selected hit when it was selected, if other parameters gave it another one
        since; else 0.
    """

    def __init__(self) -> None:
        self.hits, self.known = no_hits(), False
        self.columns: tuple[Column, ...] = ()
        self.verdicts: Verdicts = np.zeros(0, "U9")
        self.wanted = Wanted()
        self.shown: Rows = np.zeros(0, np.int64)
        self.brushed: BoolArray = np.zeros(0, dtype=bool)
        self.selected = -1
        self.chosen: tuple[int, ...] = ()
        self.was = 0
        self._first: tuple[tuple[int, int] | None, int] = None, 0
        # By the method compared with: whether it finds each row, None before it told.
        self.found_too: BoolArray | None = None
        self._inside: BoolArray = np.zeros(0, dtype=bool)
        self._list, self._told, self._sorted, self._near, self._over = (Memo() for _ in range(5))
        self._at, self._counted = Memo(), Memo()

    def follow(self, model: ViewModel) -> None:
        """Take in a view model."""
        if can_list(model):
            analysis = model.analysis
            limits = [
                analysis.result(stage) if model.ready(stage) else None
                for stage in ("boundary", "threshold", "coincidences")
            ]
            key = (analysis.result("hits"), analysis.labels, analysis.stack, *limits)
            self._take(self._list(key, lambda: list_hits(model)))
            self._look(model)
        hits, p = self.hits, model.parameters
        listed = (
            p.mediancr_pixels_confirmed, p.mediancr_pixels_rejected, p.pixels_to_be_ignored_as_cr
        )  # fmt: skip
        self.verdicts = self._told((hits, *listed), lambda: verdicts_of(hits, p))
        pixel = model.selection.pixel
        self._select(self._at((hits, pixel), lambda: hits.row_at(pixel)))
        self._remember_number(pixel)
        self.sort()

    def _take(self, hits: HitList) -> None:
        if hits is self.hits:
            return
        self.known, before = True, self.hits
        same = all(
            np.array_equal(*pair) for pair in ((hits.row, before.row), (hits.pixels, before.pixels))
        )
        if not same:
            self.chosen, self.selected = (), -1
            self.found_too = None
            self.want(compared="")
        self.hits, self.columns = hits, columns_of(hits.table)

    def _look(self, model: ViewModel) -> None:
        """Find the rows inside what diagram and image show, and those that are brushed."""
        hits, display = self.hits, model.display
        place = (hits, model.analysis.stack, display.target)
        pixels, numbers = hits.by_pixel
        on_screen = self.wanted.on_screen
        self._inside = self._near(
            (*place, display.diagram, display.image, on_screen),
            lambda: (
                hits_inside(model, pixels, numbers, len(hits))
                if on_screen
                else np.ones(len(hits), dtype=bool)
            ),
        )
        self.brushed = self._over(
            (*place, model.selection.outline),
            lambda: hits_brushed(model, pixels, numbers, len(hits)),
        )

    def _select(self, row: int) -> None:
        if row != self.selected:
            self.selected = row
            if row not in self.chosen:
                self.chosen = (row,) if row >= 0 else ()

    def _remember_number(self, pixel: tuple[int, int] | None) -> None:
        """Numbers are those of a run with the parameters set: the user is told of another one."""
        number = int(self.hits.table["number"][self.selected]) if self.selected >= 0 else 0
        if pixel != self._first[0] or not self._first[1]:
            self._first = pixel, number
        self.was = self._first[1] if number and number != self._first[1] else 0

    def sort(self) -> None:
        """Filter and sort anew what the user wants to see."""
        hits, inside, found = self.hits, self._inside, self.found_too
        if self.wanted.compared and found is not None:
            inside = inside & (found if self.wanted.compared == "also" else ~found)
        # Verdicts decide only where a chip asks for them: else a list keeps its place.
        verdicts = self.verdicts
        self.shown = self._sorted(
            (hits, verdicts, self._inside, found, astuple(self.wanted)),
            lambda: review.rows_shown(hits, verdicts, self.columns, self.wanted, inside),
        )

    def want(self, **changes: Any) -> None:
        """Change what the user wants to see; keywords are those of `Wanted`."""
        self.wanted = replace(self.wanted, **changes)

    def choose(self, row: int, *, more: bool = False, up_to: bool = False) -> None:
        """Choose a row for a verdict.

        Parameters
        ----------
        row : int
            Row.
        more : bool
            Add it to those chosen, or take it away; the last one stays.
        up_to : bool
            Choose all from the selected one up to it.
        """
        if up_to and self.selected >= 0:
            self.chosen = review.between(self.shown, self.selected, row)
        elif more:
            left = tuple(one for one in self.chosen if one != row)
            self.chosen = (*self.chosen, row) if len(left) == len(self.chosen) else left or (row,)
        else:
            self.chosen = (row,)

    @property
    def judged(self) -> int:
        """How many hits have a verdict."""
        told = self.verdicts
        number: int = self._counted((told,), lambda: int(np.count_nonzero(told != UNDECIDED)))
        return number

    def position(self, row: int) -> int:
        """Place of a row in what is shown; -1 if it is not."""
        at = np.flatnonzero(self.shown == row)
        return int(at[0]) if len(at) else -1

    @property
    def end(self) -> int:
        """Where the chosen rows end that begin at the selected one; the selected one for others."""
        if not self.chosen or self.selected not in (self.chosen[0], self.chosen[-1]):
            return self.selected
        return self.chosen[-1 if self.chosen[0] == self.selected else 0]

    def row_with(self, peak: int) -> int:
        """Row that is shown and has its peak at a flat index; -1 if there is none."""
        rows = self.shown[self.hits.peak[self.shown] == peak]
        return int(rows[0]) if len(rows) else -1

    def row_of(self, position: int) -> int:
        """Row at a place of what is shown; -1 if there is none."""
        return int(self.shown[position]) if 0 <= position < len(self.shown) else -1

    def pixels(self) -> tuple[edits.Pixel, ...]:
        """FITS pixels of the rows chosen."""
        return self.hits.pixels_of(self.chosen)
