"""Going through the hits: which are shown, in which order, and which comes next."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.verdicts import CONFIRMED, IGNORED, REJECTED, UNDECIDED
from crmasks_widgets.dashboard.model.hit_list import HitList
from crmasks_widgets.dashboard.model.hit_rows import (
    ANY,
    BoolArray,
    Column,
    Filter,
    Rows,
    in_order,
    matching,
)
from crmasks_widgets.hit_classes import SHORT_NAMES

ALL: Final = "all"
DOUBT, STRENGTH, POSITION = "doubt", "strength", "position"
ORDERS: Final = MappingProxyType({
    DOUBT: "most doubtful first", STRENGTH: "strongest first", POSITION: "by position",
})  # fmt: skip
_VERDICTS: Final = (UNDECIDED, CONFIRMED, REJECTED, IGNORED)

Verdicts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Chip:
    """A choice of hits that one click shows.

    Attributes
    ----------
    key : str
        "all", a verdict, or "class:" or "method:" and a word of the table.
    label : str
        In a word.
    count : int
        Hits.
    beside : int
        Rows that are no hits now: those with a verdict that the parameters do not find, and pixels
        that were erased.
    """

    key: str
    label: str
    count: int
    beside: int = 0


@dataclass(frozen=True)
class Wanted:
    """Which hits the user wants to see, and how.

    Attributes
    ----------
    chip : str
        Key of a `Chip`.
    method : str
        Content of the column method; "any" for all.
    peak : float
        Least excess over the minimum in one exposure, ADU.
    text : str
        To be found in a row of the table, in any case.
    on_screen : bool
        Only those inside what diagram and image show.
    compared : {"", "also", "not"}
        Only those that the method compared with finds, or does not find.
    column : str
        Key of `ORDERS`, or a column of the table.
    descending : bool
        Largest first; for columns only.
    """

    chip: str = ALL
    method: str = ANY
    peak: float = 0.0
    text: str = ""
    on_screen: bool = False
    compared: str = ""
    column: str = DOUBT
    descending: bool = False


def short(name: str) -> str:
    """A class in a word or two, those of parameters as they have it."""
    return SHORT_NAMES.get(name, name)


def not_hits(hits: HitList) -> int:
    """How many rows are no hits of the parameters on screen, and have no number."""
    return int(np.count_nonzero(np.asarray(hits.table["number"]) == 0))


def chips(hits: HitList, verdicts: Verdicts, chosen: str = ALL) -> tuple[Chip, ...]:
    """Count the hits that each chip would show.

    Parameters
    ----------
    hits : HitList
        Hits.
    verdicts : (n,) str
        Of `verdicts_of`.
    chosen : str
        Key of the chip that is chosen.

    Returns
    -------
    tuple of Chip
        First "all" and the verdicts, of which "ignored" only where it is chosen or there are any,
        so that the first ones leave the others where they are; then the kinds, the largest first.
    """
    column, beside = hits.kind_column, not_hits(hits)
    kinds = [Chip(f"{column}:{name}", short(name), n) for name, n in hits.kinds]
    given = (Chip(word, word, int(np.count_nonzero(verdicts == word))) for word in _VERDICTS)
    return (
        Chip(ALL, "all", len(hits) - beside, beside),
        *(chip for chip in given if chip.count or chip.key != IGNORED or chosen == IGNORED),
        *(kind for kind in kinds if kind.label not in ("", IGNORED)),
    )


def rows_shown(
    hits: HitList,
    verdicts: Verdicts,
    columns: tuple[Column, ...],
    wanted: Wanted,
    inside: BoolArray,
) -> Rows:
    """Rows to show, in order.

    Parameters
    ----------
    hits : HitList
        Hits.
    verdicts : (n,) str
        Of `verdicts_of`.
    columns : tuple of Column
        Those of the table on screen, in which a text is looked for.
    wanted : Wanted
        What is asked for.
    inside : (n,) bool
        What else decides: where diagram and image look, what another method finds.

    Returns
    -------
    (m,) int64
        Indices of rows.
    """
    filters = Filter(wanted.method, wanted.peak, wanted.text)
    kept = inside & _in_chip(hits, verdicts, wanted.chip)
    kept &= matching(hits.table, columns, filters)
    return _order(hits, wanted)(np.flatnonzero(kept))


def _in_chip(hits: HitList, verdicts: Verdicts, chip: str) -> BoolArray:
    if chip == ALL:
        return np.ones(len(hits), dtype=bool)
    column, _, word = chip.partition(":")
    if not word:
        return np.asarray(verdicts == chip)
    if column not in hits.table.colnames:
        return np.zeros(len(hits), dtype=bool)
    return np.asarray(np.asarray(hits.table[column]) == word)


def _order(hits: HitList, wanted: Wanted) -> Callable[[Rows], Rows]:
    if wanted.column == DOUBT:
        return lambda rows: hits.by_doubt[np.isin(hits.by_doubt, rows)]
    if wanted.column == STRENGTH:
        return lambda rows: in_order(hits.table, rows, "significance", descending=True)
    if wanted.column == POSITION:
        first = hits.pixels[hits.first[:-1]]
        return lambda rows: rows[np.argsort(first[rows], kind="stable")]
    return lambda rows: in_order(hits.table, rows, wanted.column, descending=wanted.descending)


def step(shown: Rows, row: int, by: int) -> int:
    """Row after (1) or before (-1) another in the order shown.

    Parameters
    ----------
    shown : (m,) int64
        Of `rows_shown`.
    row : int
        Where to go from; -1, or one that is not shown, for the beginning.
    by : int
        How many rows; past the end it goes on at the other end.

    Returns
    -------
    int
        A row; -1 if none is shown.
    """
    if not len(shown):
        return -1
    at = np.flatnonzero(shown == row)
    if not len(at):
        return int(shown[0 if by > 0 else -1])
    return int(shown[(int(at[0]) + by) % len(shown)])


def next_undecided(shown: Rows, verdicts: Verdicts, rows: tuple[int, ...]) -> int:
    """Row to look at once a verdict on some rows is given.

    Parameters
    ----------
    shown : (m,) int64
        Of `rows_shown`, before the verdict.
    verdicts : (n,) str
        Before the verdict.
    rows : tuple of int
        Those judged.

    Returns
    -------
    int
        The next undecided one in the order shown, behind the last of them and then from the
        beginning; if all are judged, the next one; -1 if there is none.
    """
    at = np.flatnonzero(np.isin(shown, rows))
    turned = np.roll(shown, -(int(at[-1]) + 1)) if len(at) else shown
    others = turned[~np.isin(turned, rows)]
    open_ones = others[verdicts[others] == UNDECIDED]
    left = open_ones if len(open_ones) else others
    return int(left[0]) if len(left) else -1


def between(shown: Rows, one: int, other: int) -> tuple[int, ...]:
    """Rows from one to another, both included, in the order shown; the second if one is not."""
    places = [np.flatnonzero(shown == row) for row in (one, other)]
    if not all(map(len, places)):
        return (other,)
    low, high = sorted(int(place[0]) for place in places)
    return tuple(int(row) for row in shown[low : high + 1])
