"""Which hits the table shows, in which order and in which words: no widgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from crmasks_widgets.dashboard.model.selection import Pixels, inside_limits, inside_outline
from crmasks_widgets.dashboard.model.state import Limits, ViewModel

BoolArray = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

ANY: Final = "any"
PEAK: Final = "peak_over_min_"
# Label, help and format; what stands for all exposures is repeated for each.
_WORDS: Final = MappingProxyType({
    "number": ("hit", "number of the hit in MEDIANCR", "d"),
    "x": ("x", "mean position, FITS pixels", ".1f"),
    "y": ("y", "mean position, FITS pixels", ".1f"),
    "verdict": ("verdict", "what was decided: y, n, u", ""),
    "npix": ("pixels", "number of pixels, those of the dilation included", "d"),
    "method": ("method", "strongest evidence of the hit", ""),
    "class": ("class", "what kind of thing it looks like", ""),
    "significance": ("σ", "largest excess of the median over the minimum, sigma", ".1f"),
    PEAK: ("peak {}", "largest excess of exposure {} over the minimum, ADU", ".1f"),
    "max_median_minus_min": ("med − min", "largest median - minimum of the hit, ADU", ".1f"),
    "noise_probability": ("P(noise)", "probability that noise lifts one pixel so high", ".2g"),
    "network_probability": ("P(network)", "highest probability that deepCR gives a pixel", ".3f"),
    "reason": ("reason", "why it is of that class", ""),
})  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of the table on screen."""

    name: str
    label: str
    help: str
    format: str

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.format != ""


@dataclass(frozen=True)
class Filter:
    """Which hits the user wants to see.

    Attributes
    ----------
    method : str
        Content of the column method; "any" for all.
    peak : float
        Least excess over the minimum in one exposure, ADU.
    text : str
        To be found in a row as it is shown, in any case.
    """

    method: str = ANY
    peak: float = 0.0
    text: str = ""


def columns_of(table: Table) -> tuple[Column, ...]:
    """Columns to show, of those that a table of hits has, from left to right."""
    found: list[Column] = []
    for name, (label, text, form) in _WORDS.items():
        if name == PEAK:
            peaks = [column for column in table.colnames if column.startswith(PEAK)]
            numbers = [peak.removeprefix(PEAK) for peak in peaks]
            found += [
                Column(peak, label.format(i), text.format(i), form)
                for peak, i in zip(peaks, numbers, strict=True)
            ]
        elif name in table.colnames:
            found.append(Column(name, label, text, form))
    return tuple(found)


def texts(table: Table, columns: Sequence[Column], rows: Rows) -> list[list[str]]:
    """Write rows of a table as they are shown.

    Parameters
    ----------
    table : Table
        `Analysis.hits`.
    columns : sequence of Column
        Those to write.
    rows : (k,) int64
        Indices of rows.

    Returns
    -------
    list of list of str
        One list a row.
    """
    written = [[_text(v, c) for v in table[c.name][rows].tolist()] for c in columns]
    return [list(cells) for cells in zip(*written, strict=True)]


def _text(value: Any, column: Column) -> str:
    if value is None or value != value:
        return "–"
    return format(value, column.format) if column.numeric else str(value)


def matching(table: Table, columns: Sequence[Column], wanted: Filter) -> BoolArray:
    """Tell which rows the user wants to see.

    Parameters
    ----------
    table : Table
        `Analysis.hits`.
    columns : sequence of Column
        Those that are shown.
    wanted : Filter
        What is asked for.

    Returns
    -------
    (n,) bool
        True for those to show.
    """
    match = np.ones(len(table), dtype=bool)
    if wanted.method != ANY and "method" in table.colnames:
        match &= np.asarray(table["method"]) == wanted.method
    if wanted.peak > 0:
        peaks = [np.asarray(table[c.name]) for c in columns if c.name.startswith(PEAK)]
        match &= np.fmax.reduce(peaks) >= wanted.peak
    if text := wanted.text.strip().lower():
        rows = np.flatnonzero(match)
        found = ["  ".join(cells).lower() for cells in texts(table, columns, rows)]
        match[rows] = [text in row for row in found]
    return match


def in_order(table: Table, rows: Rows, column: str, *, descending: bool) -> Rows:
    """Sort rows by a column; equal ones by number, values that are not known last.

    Parameters
    ----------
    table : Table
        `Analysis.hits`.
    rows : (k,) int64
        Indices of rows, rising.
    column : str
        Name; an unknown one leaves the order.
    descending : bool
        Largest first.

    Returns
    -------
    (k,) int64
        The rows in order.
    """
    if column not in table.colnames:
        return rows
    values = np.asarray(table[column])[rows]
    ranks = np.unique(values, return_inverse=True)[1].astype(np.float64)
    if descending:
        ranks = -ranks
    if values.dtype.kind == "f":
        ranks[np.isnan(values)] = np.inf
    return rows[np.argsort(ranks, kind="stable")]


def hits_inside(
    model: ViewModel, pixels: Pixels, numbers: npt.NDArray[np.int32], n: int
) -> BoolArray:
    """Tell which hits have a pixel inside what diagram and image show.

    Parameters
    ----------
    model : ViewModel
        Its stack must be ready if the diagram has limits.
    pixels, numbers : (k,) int
        Flat indices of the pixels of hits, and of which hit each is.
    n : int
        How many hits there are.

    Returns
    -------
    (n,) bool
        By number, the first being hit 1.
    """
    nx = model.analysis.exposures.shape[1]
    kept = inside_limits(model, pixels, model.display.diagram)
    kept = _inside_image(kept, nx, model.display.image)
    return _having(kept, pixels, numbers, n)


def _inside_image(pixels: Pixels, nx: int, limits: Limits | None) -> Pixels:
    if limits is None:
        return pixels
    y, x = np.divmod(pixels, nx)
    x_min, x_max, y_min, y_max = limits
    return pixels[(x >= x_min) & (x <= x_max) & (y >= y_min) & (y <= y_max)]


def hits_brushed(
    model: ViewModel, pixels: Pixels, numbers: npt.NDArray[np.int32], n: int
) -> BoolArray:
    """Tell which hits have a pixel in the area selected in the diagram; as `hits_inside`."""
    if not model.selection.outline:
        return np.zeros(n, dtype=bool)
    return _having(inside_outline(model, model.selection.outline, pixels), pixels, numbers, n)


def _having(some: Pixels, pixels: Pixels, numbers: npt.NDArray[np.int32], n: int) -> BoolArray:
    found = np.zeros(n, dtype=bool)
    found[numbers[np.searchsorted(pixels, some)] - 1] = True
    return found
