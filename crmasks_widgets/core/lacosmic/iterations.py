"""One run of L.A.Cosmic's iterations over prepared images, changed only near flagged pixels."""

from collections.abc import Iterator

import numpy as np

from crmasks_widgets.core.lacosmic import cleaning, statistics
from crmasks_widgets.core.lacosmic.fine_structure import MatchedFilter, matched_rows
from crmasks_widgets.core.lacosmic.medians import blocks, interior, median_at
from crmasks_widgets.core.lacosmic.preparation import Candidates, Prepared, excess_above
from crmasks_widgets.core.lacosmic.statistics import SEPARABLE
from crmasks_widgets.core.typing import BoolArray, Float32Array, IndexArray

# With more of the frame to be filtered anew than that, filtering all of it is faster.
DENSE = 0.06
# Rows worked on at a time hold about that many pixels: frame-sized intermediate images would double
# what a run needs.
BAND_PIXELS = 1 << 20


def near(points: IndexArray, shape: tuple[int, int], reach: int) -> BoolArray:
    """Mark the pixels within `reach` of some pixels along both axes.

    Beside the left and right borders it marks some pixels of the rows next to it too, which does
    no harm: marks only say where to look again.

    Parameters
    ----------
    points : (n,) int
        Flat indices.
    shape : (ny, nx)
        Of the frame.
    reach : int
        Pixels.

    Returns
    -------
    (ny * nx,) bool
    """
    ny, nx = shape
    rows = reach * nx
    marks = np.zeros(ny * nx + 2 * (rows + reach), bool)
    for dx in range(-reach, reach + 1):
        marks[points + (rows + reach + dx)] = True
    # By doubling: an element then stands for itself and those below it, `height` in all.
    height = 1
    while height < 2 * reach + 1:
        step = min(height, 2 * reach + 1 - height)
        marks = marks[: -step * nx] | marks[step * nx :]
        height += step
    return marks[reach : reach + ny * nx]


def _bands(
    points: IndexArray, shape: tuple[int, int], reach: int
) -> Iterator[tuple[IndexArray, slice]]:
    """Take rising flat indices apart by bands of rows; each comes with the rows within `reach`."""
    ny, nx = shape
    step = max(1, BAND_PIXELS // nx)
    for start in range(0, ny, step):
        first, last = np.searchsorted(points, [start * nx, (start + step) * nx])
        if last > first:
            yield points[first:last], slice(max(0, start - reach), min(ny, start + step + reach))


class Iterations:
    """Images as they are after some iterations.

    Parameters
    ----------
    images : Prepared
        Before any iteration.
    candidates : Candidates
        Those whose S' is above `level`.
    level : float
        ``sigclip``, at least 0.
    cleantype : str
        See `cleaning.fill_values`.
    overwrite : bool
        Change the images that an iteration follows (noise, S, structure) instead of copies.
    """

    def __init__(
        self,
        images: Prepared,
        candidates: Candidates,
        level: np.float32,
        cleantype: str,
        *,
        overwrite: bool = False,
    ) -> None:
        self._images, self._level, self._cleantype = images, level, cleantype
        self._overwrite = overwrite
        self._candidates = candidates
        self._shape = (images.frame.shape[0], images.frame.shape[1])
        self.flagged = np.zeros(self._shape, bool)
        self.cleaned = images.electrons
        self._noise, self._significance = images.noise, images.significance
        self._structure = images.structure
        # Where the structure does not follow the cleaned frame yet: computed only when asked for.
        self._outdated = np.zeros(0, bool)
        self._changed = np.zeros(0, np.intp)

    def cosmics(self, sigclip_low: np.float32, objlim: np.float32) -> IndexArray:
        """Find the pixels one iteration flags, those flagged before included.

        Parameters
        ----------
        sigclip_low : float
            Lower threshold, for neighbours; at least 0.
        objlim : float
            Contrast to the fine structure.

        Returns
        -------
        (n,) int
            Flat indices.
        """
        if self._changed.size:
            self._follow(self._changed)
            self._changed = self._changed[:0]
        points, widths = self._candidates.points, self._images.widths
        seeds = points[self._candidates.contrast > objlim]
        # Beside a hit the contrast no longer matters; beside those the lower threshold holds.
        grown = points[near(seeds, self._shape, 1)[points]]
        around = np.flatnonzero(near(grown, self._shape, 1))
        return excess_above(sigclip_low, around, self._significance, self._images.bad, widths)[0]

    def flag(self, points: IndexArray) -> None:
        """Flag pixels and fill those whose surroundings changed by that.

        Parameters
        ----------
        points : (n,) int
            Flat indices of pixels not flagged before.
        """
        if self.cleaned is self._images.frame:
            self.cleaned = self.cleaned.copy()
        self.flagged.ravel()[points] = True
        around = near(points, self._shape, 2)
        around &= self.flagged.ravel()
        # Values come from pixels that are not flagged: only those beside a new flag change.
        self._changed = np.flatnonzero(around)
        self.cleaned.ravel()[self._changed] = self._filled(np.float32(0), self._changed)

    def _filled(self, offset: np.float32, points: IndexArray) -> Float32Array:
        images = self._images
        excluded = self.flagged if images.bad is None else self.flagged | images.bad
        filled = cleaning.fill_at(self.cleaned, offset, excluded, points, self._cleantype)
        alone = np.isnan(filled)
        if alone.any():
            filled[alone] = images.background + offset
        return filled

    def _follow(self, changed: IndexArray) -> None:
        """Bring all images, near the pixels filled, up to date with the cleaned frame."""
        images, shape = self._images, self._shape
        if not self._outdated.size:
            self._noise, self._significance, self._structure = (
                self._own(image) for image in (images.noise, images.significance, images.structure)
            )
            self._outdated = np.zeros(images.structure.size, bool)
        noise_reach = images.widths.noise // 2
        points = np.flatnonzero(near(changed, shape, noise_reach))
        self._follow_noise(points)
        points = points[interior(points, shape, 1)]
        self._significance.ravel()[points] = statistics.significance_of(
            statistics.laplacian_at(self.cleaned, points), self._noise.ravel()[points]
        )
        reach = images.widths.structure // 2
        if images.terms:
            reach = noise_reach + images.terms[0].row.size // 2
        self._outdated |= near(changed, shape, reach)
        again = near(changed, shape, noise_reach + images.widths.significance // 2)
        self._follow_candidates(again)
        again |= near(changed, shape, reach + images.widths.surroundings // 2)
        self._follow_contrast(again)

    def _own(self, image: Float32Array) -> Float32Array:
        if not self._overwrite:
            return image.copy()
        image.flags.writeable = True
        return image

    def _follow_noise(self, points: IndexArray) -> None:
        images, widths = self._images, self._images.widths
        half = widths.noise // 2
        points = points[interior(points, self._shape, half)]
        for some, rows in _bands(points, self._shape, half):
            first = rows.start * self._shape[1]
            variance = self.cleaned[rows] + images.read_variance
            # A mean of sums is not, to the last bit, the sum of the mean.
            flagged = np.flatnonzero(self.flagged[rows])
            variance.ravel()[flagged] = self._filled(images.read_variance, flagged + first)
            median = median_at(variance, some - first, widths.noise, widths is SEPARABLE)
            self._noise.ravel()[some] = statistics.noise_of(median)

    def _follow_candidates(self, again: BoolArray) -> None:
        images = self._images
        kept = self._candidates.those(~again[self._candidates.points])
        points, excess = excess_above(
            self._level, np.flatnonzero(again), self._significance, images.bad, images.widths
        )
        self._candidates = Candidates(
            np.concatenate([kept.points, points]),
            np.concatenate([kept.excess, excess]),
            np.concatenate([kept.contrast, np.zeros_like(excess)]),
        )

    def _follow_contrast(self, again: BoolArray) -> None:
        chosen = again[self._candidates.points]
        points, excess, _ = self._candidates.those(chosen)
        needed = near(points, self._shape, self._images.widths.surroundings // 2)
        needed &= self._outdated
        self._follow_structure(np.flatnonzero(needed))
        self._outdated &= ~needed
        self._candidates.contrast[chosen] = statistics.contrast_at(
            self._structure, self._noise, points, excess, self._images.widths
        )

    def _follow_structure(self, points: IndexArray) -> None:
        images = self._images
        if not images.terms:
            separable = images.widths is SEPARABLE
            values = median_at(self.cleaned, points, images.widths.structure, separable)
            self._structure.ravel()[points] = values
            return
        if points.size > DENSE * self.cleaned.size:
            for rows in blocks(self._shape):
                self._structure[rows] = matched_rows(self.cleaned, self._noise, rows, images.terms)
            return
        for some, rows in _bands(points, self._shape, images.terms[0].row.size // 2):
            cleaned = self.cleaned[rows]
            matched = MatchedFilter((cleaned.shape[0], cleaned.shape[1]), images.terms)
            local = some - rows.start * self._shape[1]
            self._structure.ravel()[some] = matched.at(cleaned, self._noise[rows], local)
