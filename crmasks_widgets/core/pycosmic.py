"""PyCosmic (Husemann et al. 2012, A&A 545, A137): hits are sharper than the point spread of fibres.

As in L.A.Cosmic, S' tells where an edge is too sharp for the noise. Whether it is too sharp for the
optics is told by the frame over the frame convolved with a Gaussian, narrower than the point
spread: the Laplacian of that ratio stays below a limit for whatever the optics have made. Flagged
pixels are filled with the median around them, left out of the convolution, and the rest is looked
at again.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.lacosmic import library, medians, statistics
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.lacosmic.statistics import SQUARE
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.typing import BoolArray, Checkpoint, Float32Array, IndexArray

# Medians of 5 x 5 of a Laplacian, whose noise is a median of a box, look as far as this.
MARGIN = 8
_T = TypeVar("_T", bound=np.generic)
_FWHM = 2 * np.sqrt(2 * np.log(2))
# Rows worked on at a time: intermediate images of the whole frame would double what a run needs.
_ROWS = 128
# Windows of so many values are gathered at a time.
_GATHERED = 1 << 21


@dataclass(frozen=True)
class PycosmicSettings:
    """What the detector is told.

    Attributes
    ----------
    sigma_det : float
        Least S', in sigma.
    rlim : float
        Least Laplacian of the frame over the convolved frame.
    iterations : int
        At most.
    fwhm_x, fwhm_y : float
        Full widths at half maximum of the Gaussian, pixels.
    box_x, box_y : int
        Sides of the box whose median gives the noise and fills flagged pixels; pixels, odd.
    increase_radius : int
        By how much the mask grows in the end, pixels.
    """

    sigma_det: float = 5.0
    rlim: float = 1.2
    iterations: int = 5
    fwhm_x: float = 2.5
    fwhm_y: float = 2.5
    box_x: int = 5
    box_y: int = 5
    increase_radius: int = 0


def detect_cosmics(
    frame: Float32Array,
    settings: PycosmicSettings,
    *,
    gain: float,
    rnoise: float,
    valid: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
) -> LacosmicResult:
    """Flag the cosmic rays of one frame.

    Parameters
    ----------
    frame, gain, rnoise, valid
        As of `lacosmic.library.detect_cosmics`.
    settings : PycosmicSettings
        Thresholds and widths.
    checkpoint : callable, optional
        Called with the fraction done after each step; may raise `Cancelled`.

    Returns
    -------
    LacosmicResult
        Flags, and the cleaned frame in ADU.
    """
    if valid is not None and not valid.any():
        return library.nothing_valid(frame)
    reach = max(settings.box_x, settings.box_y) // 2
    extended = library.extend(frame, valid, MARGIN + reach)
    electrons = extended.frame  # a copy, since it has a margin
    electrons *= np.float32(gain)
    search = _Search(electrons, extended.masked, settings, np.float32((rnoise * gain) ** 2))
    for done in range(settings.iterations):
        found = search.cosmics()
        if checkpoint is not None:
            checkpoint((done + 0.5) / settings.iterations)
        if not found.size:
            break
        search.flag(found)
        if checkpoint is not None:
            checkpoint((done + 1) / settings.iterations)
    mask = search.flagged
    if settings.increase_radius:
        search.flag(np.flatnonzero(grow(mask, settings.increase_radius) & ~mask))
    inner = extended.inner
    cleaned = search.cleaned[inner] / np.float32(gain)
    return library.result_of(frame, search.flagged[inner], cleaned, valid)


class _Search:
    """A frame and what is flagged of it so far."""

    def __init__(
        self,
        electrons: Float32Array,
        masked: BoolArray | None,
        settings: PycosmicSettings,
        read_variance: np.float32,
    ) -> None:
        self._original, self._settings, self._variance = electrons, settings, read_variance
        self._masked = np.zeros(electrons.shape, bool) if masked is None else masked
        self.flagged = np.zeros(electrons.shape, bool)
        self.cleaned = electrons.copy()
        self._noise = self._noise_of(self._box_median(self.cleaned))

    def cosmics(self) -> IndexArray:
        """Pixels that both thresholds flag and that were not flagged before, flat indices."""
        significance = np.empty_like(self.cleaned)
        above = np.empty(significance.shape, bool)
        for start in range(0, len(above), _ROWS):
            rows = slice(start, min(start + _ROWS, len(above)))
            laplacian = statistics.laplacian_rows(self.cleaned, rows)
            significance[rows] = statistics.significance_of(laplacian, self._noise[rows])
            # The median of S is at least 0, so that S' is at most S.
            above[rows] = significance[rows] > np.float32(self._settings.sigma_det)
            above[rows] &= self._sharpness(rows) > np.float32(self._settings.rlim)
        above &= ~(self.flagged | self._masked)
        points = np.flatnonzero(above)
        excess = statistics.excess_at(significance, points, SQUARE)
        return np.asarray(points[excess > np.float32(self._settings.sigma_det)])

    def flag(self, points: IndexArray) -> None:
        """Flag pixels, and fill all that are flagged from what is left beside them."""
        self.flagged.ravel()[points] = True
        flagged = np.flatnonzero(self.flagged)
        self.cleaned.ravel()[flagged] = self._filled(flagged)
        rows, columns = self._box()
        near = np.flatnonzero(
            ndimage.maximum_filter(self.flagged, (len(rows), len(columns)), mode="constant")
        )
        self._noise.ravel()[near] = self._noise_of(self._median_at(self.cleaned, near))

    def _sharpness(self, rows: slice) -> Float32Array:
        """Laplacian of the frame over the frame convolved with a Gaussian, in some rows."""
        # As far as the convolution reaches (4 sigma), and a row more for the Laplacian.
        reach = int(4 * self._settings.fwhm_y / _FWHM + 0.5) + 1
        low = max(0, rows.start - reach)
        wide = slice(low, rows.stop + reach)
        cleaned, good = self.cleaned[wide], ~(self.flagged[wide] | self._masked[wide])
        light = self._smooth(np.where(good, cleaned, np.float32(0)))
        if not good.all():
            weight = self._smooth(good.astype(np.float32))
            np.divide(light, weight, out=light, where=weight > 0)
        ratio = np.zeros_like(light)
        np.divide(cleaned, light, out=ratio, where=light > 0)
        inner = slice(rows.start - low, rows.stop - low)
        return statistics.laplacian_rows(np.maximum(ratio, np.float32(0)), inner)

    def _smooth(self, image: Float32Array) -> Float32Array:
        sigma = (self._settings.fwhm_y / _FWHM, self._settings.fwhm_x / _FWHM)
        return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest"), np.float32)

    def _noise_of(self, median: Float32Array) -> Float32Array:
        return statistics.noise_of(np.maximum(median, np.float32(0)) + self._variance)

    def _box(self) -> tuple[range, range]:
        y, x = self._settings.box_y // 2, self._settings.box_x // 2
        return range(-y, y + 1), range(-x, x + 1)

    def _box_median(self, frame: Float32Array) -> Float32Array:
        box = (self._settings.box_y, self._settings.box_x)
        if box != (5, 5):
            return np.asarray(ndimage.median_filter(frame, box, mode="nearest"))
        filtered = np.empty_like(frame)
        for rows in medians.blocks(frame.shape):
            filtered[rows] = medians.median_rows(frame, rows, 5, separable=False)
        return filtered

    def _windows(self, frame: npt.NDArray[_T], points: IndexArray) -> npt.NDArray[_T]:
        """Values of the box around each pixel, (n, box); the border stands for what is beyond."""
        ny, nx = frame.shape
        rows, columns = self._box()
        y, x = np.divmod(points, nx)
        dy, dx = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
        flat = np.clip(y[:, None] + dy, 0, ny - 1) * nx + np.clip(x[:, None] + dx, 0, nx - 1)
        return np.asarray(frame.ravel().take(flat))

    def _median_at(self, frame: Float32Array, points: IndexArray) -> Float32Array:
        values = np.empty(points.size, np.float32)
        for some in self._chunks(points.size):
            values[some] = np.median(self._windows(frame, points[some]), axis=1)
        return values

    def _filled(self, points: IndexArray) -> Float32Array:
        """Median of the unflagged pixels of the box; of the frame where there are none."""
        excluded = self.flagged | self._masked
        values = np.empty(points.size, np.float32)
        for some in self._chunks(points.size):
            around = self._windows(self._original, points[some])
            around[self._windows(excluded, points[some])] = np.inf
            sorted_values = np.sort(around, axis=1)
            n = np.count_nonzero(np.isfinite(sorted_values), axis=1)
            row = np.arange(n.size)
            low = sorted_values[row, np.maximum(n - 1, 0) // 2]
            values[some] = (low + sorted_values[row, np.minimum(n // 2, n - (n > 0))]) / 2
        alone = ~np.isfinite(values)
        if alone.any():
            values[alone] = medians.lower_median(self._original, excluded)
        return values

    def _chunks(self, n: int) -> list[slice]:
        step = max(1, _GATHERED // (self._settings.box_x * self._settings.box_y))
        return [slice(start, start + step) for start in range(0, n, step)]
