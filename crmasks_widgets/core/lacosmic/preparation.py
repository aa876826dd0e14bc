"""What L.A.Cosmic computes before any threshold matters, once for each frame."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from crmasks_widgets.core.lacosmic import fine_structure, library, medians, statistics
from crmasks_widgets.core.lacosmic.fine_structure import Taps
from crmasks_widgets.core.lacosmic.library import LacosmicSettings
from crmasks_widgets.core.lacosmic.medians import interior
from crmasks_widgets.core.lacosmic.statistics import SEPARABLE, SQUARE, Widths
from crmasks_widgets.core.typing import BoolArray, Checkpoint, Float32Array, IndexArray

# The contrast to the fine structure is prepared for all pixels whose S' is above that.
FLOOR = 3.0
# Widths, pixels, and exponents of kernels that single precision holds.
SANE_KERNEL = (0.1, 1000.0)
# Settings that `detect` reads; `prepare` reads the others.
THRESHOLDS = ("sigclip", "sigfrac", "objlim", "niter", "cleantype")


class Candidates(NamedTuple):
    """Pixels that may be flagged: flat indices (n,), their S' and their S' over fine structure."""

    points: IndexArray
    excess: Float32Array
    contrast: Float32Array

    @classmethod
    def none(cls) -> "Candidates":
        """No pixel."""
        return cls(np.zeros(0, np.intp), np.zeros(0, np.float32), np.zeros(0, np.float32))

    def those(self, chosen: BoolArray) -> "Candidates":
        """Keep some."""
        return Candidates(self.points[chosen], self.excess[chosen], self.contrast[chosen])


@dataclass(frozen=True)
class Prepared:
    """What no threshold of L.A.Cosmic touches, for one frame; read-only.

    Attributes
    ----------
    settings : LacosmicSettings
        Those it was made with.
    gain : float
        e-/ADU.
    frame : (ny, nx) float32
        ADU: that given to `prepare` itself, which must not change any more.
    bad : (ny, nx) bool or None
        Invalid and saturated pixels, grown: never flagged, never used to fill others.
    read_variance : float
        Readout noise squared, electrons squared.
    noise : (ny, nx) float32
        From the median-filtered frame, electrons.
    significance : (ny, nx) float32
        S: Laplacian over twice the noise.
    structure : (ny, nx) float32
        Median-filtered or matched-filtered frame, electrons.
    terms : tuple of Taps
        Kernel of the matched filter; empty for the median.
    candidates : Candidates
        Pixels whose S' is above `floor`.
    floor : float
        See `candidates`.
    """

    settings: LacosmicSettings
    gain: float
    frame: Float32Array
    bad: BoolArray | None
    read_variance: np.float32
    noise: Float32Array
    significance: Float32Array
    structure: Float32Array
    terms: tuple[Taps, ...]
    candidates: Candidates
    floor: float

    @property
    def widths(self) -> Widths:
        """Sides of the median windows."""
        return SEPARABLE if self.settings.sepmed else SQUARE

    @property
    def electrons(self) -> Float32Array:
        """The frame in electrons, (ny, nx) float32; with gain 1 the frame itself.

        Not kept: it is as quickly multiplied as copied, and every target would hold another frame.
        """
        return self.frame if self.gain == 1 else self.frame * np.float32(self.gain)

    @cached_property
    def background(self) -> np.float32:
        """Median of the good pixels, electrons: for flagged pixels without a good neighbour."""
        return medians.lower_median(self.electrons, self.bad)

    def serves(self, settings: LacosmicSettings) -> bool:
        """Tell whether `detect` may be called with these settings.

        Parameters
        ----------
        settings : LacosmicSettings
            Only thresholds, ``niter`` and ``cleantype`` may differ from those it was made with.

        Returns
        -------
        bool
        """
        thresholds = {name: getattr(settings, name) for name in THRESHOLDS}
        return supports(settings) and replace(self.settings, **thresholds) == settings


def supports(settings: LacosmicSettings) -> bool:
    """Tell whether this engine gives the masks of astroscrappy.

    Not with ``cleantype="median"``: astroscrappy 1.3.0 takes the median of two pixels and 23
    values it never set. Not with a threshold of 0 or less: S' is 0 in many pixels, up to the
    rounding of the library's build. Not with kernels so extreme that they overflow.

    Parameters
    ----------
    settings : LacosmicSettings
        All settings.

    Returns
    -------
    bool
    """
    widths = (settings.psffwhm_x, settings.psffwhm_y)
    return (
        settings.cleantype in ("meanmask", "medmask", "idw")
        and settings.sigclip > 0
        and settings.sigfrac > 0
        and all(SANE_KERNEL[0] <= value <= SANE_KERNEL[1] for value in (*widths, settings.psfbeta))
    )


def excess_above(
    level: np.float32,
    where: IndexArray,
    significance: Float32Array,
    bad: BoolArray | None,
    widths: Widths,
) -> tuple[IndexArray, Float32Array]:
    """Pixels whose S' is above a level, among some.

    S' is computed only where S is above it: S is at least 0, and so is its median.

    Parameters
    ----------
    level : float
        At least 0.
    where : (n,) int
        Flat indices.
    significance : (ny, nx) float32
        S.
    bad : (ny, nx) bool or None
        Left out.
    widths : Widths
        Of the medians.

    Returns
    -------
    (m,) int, (m,) float32
        Flat indices and S'.
    """
    points = where[significance.ravel().take(where) > level]
    shape = (significance.shape[0], significance.shape[1])
    points = points[interior(points, shape, widths.significance // 2)]
    if bad is not None:
        points = points[~bad.ravel().take(points)]
    excess = statistics.excess_at(significance, points, widths)
    above = excess > level
    return points[above], excess[above]


def prepare(
    frame: Float32Array,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    masked: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
) -> Prepared:
    """Compute what no threshold touches.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, without bias; finite, sides at least 16.
    settings : LacosmicSettings
        ``sigclip`` below `FLOOR` lowers the floor of the candidates; no other threshold matters.
    gain : float
        e-/ADU, positive.
    rnoise : float
        ADU.
    masked : (ny, nx) bool, optional
        True for pixels to be left out; their neighbours are left out too.
    checkpoint : callable, optional
        Called with the fraction done after each block of rows; may raise `Cancelled`.

    Returns
    -------
    Prepared
    """
    frame = np.ascontiguousarray(frame, np.float32)
    electrons = frame if gain == 1 else frame * np.float32(gain)
    widths = SEPARABLE if settings.sepmed else SQUARE
    read_noise = np.float32(rnoise * gain)
    with np.errstate(over="ignore"):
        satlevel = np.float32(settings.satlevel * gain)
    bad = statistics.bad_pixels(electrons, masked, satlevel, widths)
    terms = _terms(settings)
    noise, significance, structure = (np.empty_like(electrons) for _ in range(3))
    blocks = list(medians.blocks(electrons.shape))
    for done, rows in enumerate(blocks, start=1):
        noise[rows] = _noise_rows(electrons, read_noise * read_noise, rows, widths)
        laplacian = statistics.laplacian_rows(electrons, rows)
        significance[rows] = statistics.significance_of(laplacian, noise[rows])
        if checkpoint is not None:
            checkpoint(0.5 * done / len(blocks))
    for done, rows in enumerate(blocks, start=1):
        structure[rows] = (
            fine_structure.matched_rows(electrons, noise, rows, terms)
            if terms
            else medians.median_rows(electrons, rows, widths.structure, settings.sepmed)
        )
        if checkpoint is not None:
            checkpoint(0.5 + 0.4 * done / len(blocks))
    floor = min(FLOOR, settings.sigclip)
    prepared = Prepared(
        settings, gain, frame, bad, read_noise * read_noise, noise, significance, structure,
        terms, Candidates.none(), floor,
    )  # fmt: skip
    candidates = candidates_above(floor, prepared)
    for array in (noise, significance, structure, *candidates):
        array.flags.writeable = False
    return replace(prepared, candidates=candidates)


def _terms(settings: LacosmicSettings) -> tuple[Taps, ...]:
    if settings.fsmode != "convolve":
        return ()
    x, y, size = settings.psffwhm_x, settings.psffwhm_y, settings.psfsize
    if settings.psfmodel == "gaussxy":
        kernel = library.elliptical_kernel(x, y, size)
    else:
        fwhm = {"gaussx": x, "gaussy": y}.get(settings.psfmodel, (x + y) / 2)
        kernel = fine_structure.model_kernel(settings.psfmodel, fwhm, settings.psfbeta, size)
    return fine_structure.separable_terms(kernel)


def _noise_rows(
    electrons: Float32Array, read_variance: np.float32, rows: slice, widths: Widths
) -> Float32Array:
    half = widths.noise // 2
    low, high = max(0, rows.start - half), min(electrons.shape[0], rows.stop + half)
    wanted = slice(rows.start - low, rows.stop - low)
    variance = electrons[low:high] + read_variance
    median = medians.median_rows(variance, wanted, widths.noise, widths is SEPARABLE)
    return statistics.noise_of(median)


def candidates_above(level: float, prepared: Prepared) -> Candidates:
    """All pixels of a prepared frame whose S' is above a level.

    Parameters
    ----------
    level : float
        At least 0.
    prepared : Prepared
        Its `candidates` are not read.

    Returns
    -------
    Candidates
    """
    significance, widths = prepared.significance, prepared.widths
    where = np.flatnonzero(significance > np.float32(level))
    points, excess = excess_above(np.float32(level), where, significance, prepared.bad, widths)
    contrast = statistics.contrast_at(prepared.structure, prepared.noise, points, excess, widths)
    return Candidates(points, excess, contrast)
