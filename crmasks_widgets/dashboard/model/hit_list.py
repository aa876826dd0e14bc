"""The hits of the median with all that is asked about them while a user goes through them.

Pixels that were put out of every mask by hand without being a whole hit stand in this list as well,
and those of confirmed and rejected hits that other parameters no longer find, so that nothing that
was decided is out of sight.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from astropy.table import Table, vstack

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.doubt import largest_ratio, look_alike, most_doubtful_first
from crmasks_widgets.core.hits import (
    connected_groups,
    highest_of_each,
    hit_table,
    significance,
)
from crmasks_widgets.core.noise import at_pixels
from crmasks_widgets.core.significance.classes import excess_in_sigma, largest_of_each
from crmasks_widgets.core.typing import BoolArray, Float64Array
from crmasks_widgets.core.verdicts import CONFIRMED, IGNORED, REJECTED, UNDECIDED
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.model.selection import REACH, Pixels
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.detectors import DETECTORS, rows
from crmasks_widgets.hit_classes import CLASS_NAMES, COINCIDENT, PLAIN_NAME
from crmasks_widgets.parameters import Parameters

NOT_FOUND: Final = "not found"
"""Class and method of pixels of a confirmed or rejected hit that other parameters do not find."""
_NEEDED = ("hits", "labels", "stack", "lost")
# An exposure is bright where it has so much of what the median has above the minimum.
_BRIGHT = 0.5


@dataclass(frozen=True, eq=False)
class HitList:
    """Hits, one a row, in raster order; rows are counted from 0.

    Attributes
    ----------
    table : Table
        As `Analysis.hits`; pixels of no hit that have a verdict have number 0 and follow at the
        end.
    pixels : (k,) int64
        Flat indices of the pixels of all rows, those of a row together.
    row : (k,) int64
        Which row each belongs to, rising.
    times : (n,) float64
        By how many times each exceeds what is asked of it, as in `core.doubt`.
    alike : (n,) bool
        Where the exposures differ by no more than noise does.
    peak : (n,) int64
        Flat index of the pixel of each where the median exceeds the minimum most.
    nx : int
        Columns of the frame.
    """

    table: Table
    pixels: Pixels
    row: Pixels
    times: Float64Array
    alike: BoolArray
    peak: Pixels
    nx: int

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def first(self) -> Pixels:
        """Where the pixels of each row begin; one more than rows."""
        return np.searchsorted(self.row, np.arange(len(self) + 1))

    @cached_property
    def by_pixel(self) -> tuple[Pixels, npt.NDArray[np.int32]]:
        """Flat indices of all pixels, rising, and of which row each is, counted from 1."""
        order = np.argsort(self.pixels)
        return self.pixels[order], (self.row[order] + 1).astype(np.int32)

    @cached_property
    def other_class(self) -> npt.NDArray[np.bool_]:
        """Rows that were judged to be no coincident hit."""
        if "class" not in self.table.colnames:
            return np.zeros(len(self), dtype=bool)
        plain = (PLAIN_NAME, CLASS_NAMES[COINCIDENT], NOT_FOUND, "")
        return ~np.isin(np.asarray(self.table["class"]), plain)

    @cached_property
    def kinds(self) -> tuple[tuple[str, int], ...]:
        """What kinds of hits there are and how many of each, the most frequent first.

        Classes, or methods where none is judged.
        """
        counts = Counter(np.asarray(self.table[self.kind_column]).tolist())
        return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    @property
    def kind_column(self) -> str:
        """Column that says what kind of thing a hit is: "class", or "method" if none is judged."""
        return "class" if "class" in self.table.colnames else "method"

    @cached_property
    def by_doubt(self) -> Pixels:
        """Rows, the most doubtful first; those of hits that are not found at the end."""
        order = most_doubtful_first(self.other_class, self.times)
        lost = (np.asarray(self.table["method"]) == NOT_FOUND)[order]
        return np.concatenate([order[~lost], order[lost]])

    def pixels_of(self, rows: Sequence[int]) -> tuple[edits.Pixel, ...]:
        """FITS pixels (x, y) of some rows."""
        parts = [self.pixels[self.first[row] : self.first[row + 1]] for row in rows]
        return self._fits(np.concatenate(parts) if parts else np.zeros(0, np.int64))

    def peaks_of(self, rows: Sequence[int]) -> tuple[edits.Pixel, ...]:
        """FITS pixel (x, y) of each row where the median exceeds the minimum most."""
        return self._fits(self.peak[list(rows)])

    def _fits(self, pixels: Pixels) -> tuple[edits.Pixel, ...]:
        ys, xs = np.divmod(pixels, self.nx)
        return tuple((int(x) + 1, int(y) + 1) for y, x in zip(ys, xs, strict=True))

    def place(self, row: int) -> tuple[int, int]:
        """Array index (y, x) of the pixel of a row next to its middle."""
        ys, xs = np.divmod(self.pixels[self.first[row] : self.first[row + 1]], self.nx)
        at = self.table[row]
        nearest = int(np.argmin((ys + 1 - at["y"]) ** 2 + (xs + 1 - at["x"]) ** 2))
        return int(ys[nearest]), int(xs[nearest])

    def row_at(self, pixel: tuple[int, int] | None) -> int:
        """Row of the hit at a pixel (y, x), or of the nearest within 2 pixels; -1 for none."""
        if pixel is None or not len(self.pixels):
            return -1
        ys, xs = np.divmod(self.pixels, self.nx)
        far = np.maximum(abs(ys - pixel[0]), abs(xs - pixel[1]))
        near = np.flatnonzero(far <= REACH)
        if not len(near):
            return -1
        square = (ys[near] - pixel[0]) ** 2 + (xs[near] - pixel[1]) ** 2
        return int(self.row[near[np.argmin(square)]])

    def centre(self, row: int) -> tuple[int, int]:
        """Array index (y, x) of the middle of the box around a hit."""
        at = self.table[row]
        y, x = int(at["ymin"]) + int(at["ymax"]), int(at["xmin"]) + int(at["xmax"])
        return y // 2 - 1, x // 2 - 1

    def half(self, row: int) -> int:
        """Half the longer side of the box around a hit, pixels."""
        at = self.table[row]
        longest = max(int(at["xmax"]) - int(at["xmin"]), int(at["ymax"]) - int(at["ymin"]))
        return (longest + 1) // 2


def no_hits() -> HitList:
    """The list before any hit is known."""
    nothing = np.zeros(0, np.int64)
    table = Table({name: nothing for name in ("number", "significance", "npix")})
    table["method"] = table["verdict"] = np.zeros(0, "U1")
    return HitList(table, nothing, nothing, np.zeros(0), np.zeros(0, bool), nothing, 1)


def can_list(model: ViewModel) -> bool:
    """Whether `list_hits` can tell without computing."""
    return model.ready(*_NEEDED)


def list_hits(model: ViewModel) -> HitList:
    """List the hits of an analysis.

    Parameters
    ----------
    model : ViewModel
        One of which `can_list` is true.

    Returns
    -------
    HitList
        Hits of the median, then pixels with a verdict of its user that are in none of them.
    """
    analysis = model.analysis
    labels, table = analysis.labels, analysis.result("hits")
    others, told = _other_groups(analysis)
    if told:
        table = _with_others(table, others, told, analysis)
        labels = np.where(others > 0, others + labels.max(initial=0), labels)
    pixels = np.flatnonzero(labels > 0)
    row = labels.ravel()[pixels].astype(np.int64) - 1
    order = np.argsort(row, kind="stable")
    pixels, row = pixels[order], row[order]
    stack = analysis.stack
    excess = (stack.median2d.ravel()[pixels] - stack.min2d.ravel()[pixels]).astype(np.float64)
    times = _times(model, table, pixels, row, excess)
    peak = highest_of_each(row, excess, pixels)
    judged = analysis.parameters.judges
    noise = analysis.result("noise_in_use") if judged else analysis.noise
    same = look_alike(labels, stack, noise)
    return HitList(table, pixels, row, times, same, peak, labels.shape[1])


def _other_groups(analysis: Analysis) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """Numbers of the groups of pixels with a verdict that are no hit, and the verdict on each."""
    labels, lost = analysis.labels, analysis.result("lost")
    groups = [(IGNORED, group) for group in _ignored(analysis.parameters, labels)]
    groups += [(REJECTED, group) for group in lost.rejected]
    groups += [(CONFIRMED, group) for group in lost.confirmed]
    numbered = np.zeros(labels.shape, np.int32)
    for number, (_, group) in enumerate(groups, start=1):
        numbered.ravel()[group] = number
    return numbered, tuple(verdict for verdict, _ in groups)


def _ignored(parameters: Parameters, labels: npt.NDArray[np.int32]) -> Iterator[Pixels]:
    """Flat indices of each group of ignored pixels that is no hit, in raster order."""
    x, y = np.array(parameters.pixels_to_be_ignored_as_cr or (), np.int64).reshape(-1, 2).T - 1
    pixels = np.unique(y * labels.shape[1] + x)
    for group in connected_groups(pixels, labels.shape[1]):
        if not labels.ravel()[group].any():
            yield group


def _with_others(
    table: Table, numbered: npt.NDArray[np.int32], told: tuple[str, ...], analysis: Analysis
) -> Table:
    stack = analysis.stack
    more = hit_table(numbered, np.zeros(numbered.shape, np.uint8), stack)
    more["number"] = np.int32(0)
    more["method"] = [IGNORED if verdict == IGNORED else NOT_FOUND for verdict in told]
    more["significance"] = _in_sigma(numbered, analysis)
    more["verdict"] = told
    if "class" in table.colnames:
        more["class"] = ["" if verdict == IGNORED else NOT_FOUND for verdict in told]
    for name in table.colnames:
        if name not in more.colnames:
            more[name] = "" if table[name].dtype.kind == "U" else np.zeros(1, table[name].dtype)[0]
    return vstack([table, more[table.colnames]], metadata_conflicts="silent")


def _in_sigma(numbered: npt.NDArray[np.int32], analysis: Analysis) -> Float64Array:
    """Largest excess of groups of pixels, in the sigma that the table of hits has."""
    if not analysis.parameters.judges:
        return significance(numbered, analysis.stack, analysis.noise)
    pixels = np.flatnonzero(numbered)
    excess = excess_in_sigma(pixels, analysis.result("tested"), analysis.result("level"))
    return largest_of_each(excess, numbered.ravel()[pixels], int(numbered.max(initial=0)))[1:]


def _times(
    model: ViewModel, table: Table, pixels: Pixels, row: Pixels, excess: Float64Array
) -> Float64Array:
    """By how many times each hit exceeds what the method asks of it.

    Where a diagram takes part, its boundary; then the significance that makes a hit, where hits
    are judged by it; else the limit of the first detector, as its row has it.
    """
    analysis = model.analysis
    if analysis.parameters.has_boundary and model.ready("boundary", "threshold"):
        boundary = analysis.boundary.boundary
        least = np.maximum(at_pixels(analysis.threshold, pixels), boundary.floor)
        minimum = analysis.stack.min2d.ravel()[pixels].astype(np.float64)
        return largest_ratio(excess, np.maximum(boundary(minimum), least), row, len(table))
    p = analysis.parameters
    if p.judges and model.ready("coincidences"):
        limit = analysis.significance_limits("median").start[0]
        return np.asarray(table["significance"], np.float64) / limit
    # Masks that are read have no boundary: they are measured as those of L.A.Cosmic.
    finder = next((each for each in rows(p.detectors) if each.limit), DETECTORS["lacosmic"])
    limit = float(getattr(p, finder.limit))
    return np.asarray(table[finder.measured], np.float64) / limit


def verdicts_of(hits: HitList, parameters: Parameters) -> npt.NDArray[np.str_]:
    """Tell the verdict on every row by the newest parameters, ahead of the masks.

    Parameters
    ----------
    hits : HitList
        Hits.
    parameters : Parameters
        What the user has set.

    Returns
    -------
    (n,) str
        "confirmed", "rejected", "ignored" (no cosmic ray anywhere) or "undecided".
    """
    n = len(hits)
    told = np.full(n, UNDECIDED, "U9")
    size = np.bincount(hits.row, minlength=n)
    lists = (
        (CONFIRMED, parameters.mediancr_pixels_confirmed, np.ones(n, int)),
        (REJECTED, parameters.mediancr_pixels_rejected, size),
        (IGNORED, parameters.pixels_to_be_ignored_as_cr, size),
    )
    for word, listed, enough in lists:
        if listed:
            xs, ys = np.array(listed).T
            inside = np.isin(hits.pixels, (ys - 1) * hits.nx + xs - 1)
            told[np.bincount(hits.row[inside], minlength=n) >= enough] = word
    return told


def bright_in(analysis: Analysis, pixel: int) -> tuple[int, ...]:
    """Exposures that show a hit.

    Parameters
    ----------
    analysis : Analysis
        Its stack must be ready.
    pixel : int
        Flat index of the pixel where the median exceeds the minimum most.

    Returns
    -------
    tuple of int
        Numbers of the exposures that have at least half of the median's excess there.
    """
    stack = analysis.stack
    values = stack.cube.reshape(stack.n, -1)[:, pixel]
    minimum, median = stack.min2d.ravel()[pixel], stack.median2d.ravel()[pixel]
    bright = values - minimum >= _BRIGHT * (median - minimum)
    return tuple(int(i) + 1 for i in np.flatnonzero(bright)) if median > minimum else ()
