"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) organised for tuning; masks as astroscrappy's.

`prepare` computes what no threshold touches. `detect` applies the thresholds: its first iteration
only reads lists of pixels, and each later one recomputes the neighbourhood of the pixels that the
one before it cleaned. All that an iteration knows follows from the pixels flagged so far, so that
`detect` can go on from an earlier result.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from crmasks_widgets.core import _fine_structure, _medians, lacosmic
from crmasks_widgets.core import _lacosmic_statistics as stats
from crmasks_widgets.core._fine_structure import Taps
from crmasks_widgets.core._lacosmic_run import Candidates, Run, excess_above
from crmasks_widgets.core._lacosmic_statistics import SEPARABLE, SQUARE, Widths
from crmasks_widgets.core._medians import Bools, Floats, Indices
from crmasks_widgets.core.lacosmic import Checkpoint, LacosmicResult, LacosmicSettings

# The contrast to the fine structure is prepared for all pixels whose S' is above that.
FLOOR = 3.0
# Far beyond it, single precision overflows.
LARGEST_VALUE = 1e15
# Settings that `detect` reads; `prepare` reads the others.
THRESHOLDS = ("sigclip", "sigfrac", "objlim", "niter", "cleantype")


@dataclass(frozen=True)
class Prepared:
    """What no threshold of L.A.Cosmic touches, for one frame. Its arrays are read-only.

    Attributes
    ----------
    settings : LacosmicSettings
        Those it was made with.
    gain : float
        e-/ADU.
    electrons : (ny, nx) float32
        The frame.
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
    electrons: Floats
    bad: Bools | None
    read_variance: np.float32
    noise: Floats
    significance: Floats
    structure: Floats
    terms: tuple[Taps, ...]
    candidates: Candidates
    floor: float

    @property
    def widths(self) -> Widths:
        """Sides of the median windows."""
        return SEPARABLE if self.settings.sepmed else SQUARE

    @cached_property
    def background(self) -> np.float32:
        """Median of the good pixels, electrons: for flagged pixels without a good neighbour."""
        good = self.electrons if self.bad is None else self.electrons[~self.bad]
        middle = (good.size - 1) // 2
        return np.float32(np.partition(good, middle, axis=None)[middle])

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


@dataclass(frozen=True)
class Detection:
    """Flags and cleaned frame, with what is needed to go on.

    Attributes
    ----------
    mask : (ny, nx) bool
        Flagged pixels.
    cleaned : (ny, nx) float32
        Electrons.
    settings : LacosmicSettings
        Those used.
    iterations : int
        Done, at most ``settings.niter``.
    finished : bool
        True if the last iteration flagged nothing new: more iterations would change nothing.
    """

    mask: Bools
    cleaned: Floats
    settings: LacosmicSettings
    iterations: int
    finished: bool


def supports(settings: LacosmicSettings) -> bool:
    """Tell whether this engine gives the masks of astroscrappy.

    Not with ``cleantype="median"``: astroscrappy 1.3.0 takes the median of two pixels and 23
    values it never set. Not with negative thresholds, where S' need not be below S.

    Parameters
    ----------
    settings : LacosmicSettings
        All settings.

    Returns
    -------
    bool
    """
    return (
        settings.cleantype in ("meanmask", "medmask", "idw")
        and settings.sigclip >= 0
        and settings.sigfrac >= 0
    )


def prepare(
    frame: Floats,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    masked: Bools | None = None,
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
    electrons = np.ascontiguousarray(frame, np.float32)
    if gain != 1:
        electrons = electrons * np.float32(gain)
    widths = SEPARABLE if settings.sepmed else SQUARE
    read_noise = np.float32(rnoise * gain)
    with np.errstate(over="ignore"):
        satlevel = np.float32(settings.satlevel * gain)
    bad = stats.bad_pixels(electrons, masked, satlevel, widths)
    terms = _terms(settings)
    noise, significance, structure = (np.empty_like(electrons) for _ in range(3))
    blocks = list(_medians.blocks(electrons.shape))
    for done, rows in enumerate(blocks, start=1):
        noise[rows] = _noise_rows(electrons, read_noise * read_noise, rows, widths)
        laplacian = stats.laplacian_rows(electrons, rows)
        significance[rows] = stats.significance_of(laplacian, noise[rows])
        if checkpoint is not None:
            checkpoint(0.5 * done / len(blocks))
    for done, rows in enumerate(blocks, start=1):
        structure[rows] = (
            _fine_structure.matched_rows(electrons, noise, rows, terms)
            if terms
            else _medians.median_rows(electrons, rows, widths.structure, settings.sepmed)
        )
        if checkpoint is not None:
            checkpoint(0.5 + 0.4 * done / len(blocks))
    floor = min(FLOOR, settings.sigclip)
    prepared = Prepared(
        settings, gain, electrons, bad, read_noise * read_noise, noise, significance, structure,
        terms, Candidates.none(), floor,
    )  # fmt: skip
    for array in (noise, significance, structure):
        array.flags.writeable = False
    return replace(prepared, candidates=_candidates(prepared, floor))


def _terms(settings: LacosmicSettings) -> tuple[Taps, ...]:
    if settings.fsmode != "convolve":
        return ()
    x, y, size = settings.psffwhm_x, settings.psffwhm_y, settings.psfsize
    if settings.psfmodel == "gaussxy":
        kernel = lacosmic.elliptical_kernel(x, y, size)
    else:
        fwhm = {"gaussx": x, "gaussy": y}.get(settings.psfmodel, (x + y) / 2)
        kernel = _fine_structure.model_kernel(settings.psfmodel, fwhm, settings.psfbeta, size)
    return _fine_structure.separable_terms(kernel)


def _noise_rows(electrons: Floats, read_variance: np.float32, rows: slice, widths: Widths) -> Floats:
    half = widths.noise // 2
    low, high = max(0, rows.start - half), min(electrons.shape[0], rows.stop + half)
    wanted = slice(rows.start - low, rows.stop - low)
    variance = electrons[low:high] + read_variance
    median = _medians.median_rows(variance, wanted, widths.noise, widths is SEPARABLE)
    return stats.noise_of(median)


def _candidates(prepared: Prepared, level: float) -> Candidates:
    significance, widths = prepared.significance, prepared.widths
    points, excess = excess_above(
        np.float32(level),
        np.flatnonzero(significance > np.float32(level)),
        significance,
        prepared.bad,
        widths,
    )
    contrast = stats.contrast_at(prepared.structure, prepared.noise, points, excess, widths)
    return Candidates(points, excess, contrast)


def detect(
    prepared: Prepared,
    settings: LacosmicSettings,
    *,
    start: Detection | None = None,
    checkpoint: Checkpoint | None = None,
) -> Detection:
    """Flag the cosmic rays of a prepared frame.

    Parameters
    ----------
    prepared : Prepared
        From `prepare`.
    settings : LacosmicSettings
        Thresholds; the other settings as in `prepare`.
    start : Detection, optional
        An earlier result of the same frame. It is gone on from where it was made with the same
        thresholds and no more iterations than wanted, and passed over otherwise.
    checkpoint : callable, optional
        Called with the fraction done after each iteration; may raise `Cancelled`.

    Returns
    -------
    Detection
        The same, bit for bit, with `start` and without.

    Raises
    ------
    ValueError
        If `prepared` was made with other settings than thresholds.
    """
    if not prepared.serves(settings):
        raise ValueError("this frame was prepared with other settings of L.A.Cosmic")
    iterations, finished = 0, False
    sigclip = np.float32(settings.sigclip)
    run = Run(prepared, _above(prepared, settings.sigclip), sigclip, settings.cleantype)
    if start is not None and _goes_on(start, settings):
        iterations, finished = start.iterations, start.finished
        run.flag(np.flatnonzero(start.mask))
    while iterations < settings.niter and not finished:
        points = run.cosmics(np.float32(settings.sigfrac) * sigclip, np.float32(settings.objlim))
        points = points[~run.flagged.ravel()[points]]
        finished = points.size == 0
        if not finished:
            run.flag(points)
        iterations += 1
        if checkpoint is not None:
            checkpoint(iterations / settings.niter)
    return Detection(run.flagged, run.cleaned, settings, iterations, finished)


def _goes_on(start: Detection, settings: LacosmicSettings) -> bool:
    same = replace(start.settings, niter=settings.niter) == settings
    return same and start.iterations <= settings.niter


def _above(prepared: Prepared, sigclip: float) -> Candidates:
    if sigclip < prepared.floor:
        return _candidates(prepared, sigclip)
    return prepared.candidates.those(prepared.candidates.excess > np.float32(sigclip))


def detect_cosmics(
    frame: Floats,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    valid: Bools | None = None,
    checkpoint: Checkpoint | None = None,
) -> LacosmicResult:
    """Flag the cosmic rays of one frame; see `lacosmic.detect_cosmics`.

    What this engine does not do exactly as astroscrappy (see `supports`), and frames with infinite
    values, run through astroscrappy. Frames with a side below 16 pixels are mirrored beyond their
    borders first.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, without bias.
    settings : LacosmicSettings
        Thresholds and kernel.
    gain : float
        e-/ADU, positive.
    rnoise : float
        ADU.
    valid : (ny, nx) bool, optional
        False for pixels to be left out. Their value is replaced by that of the nearest valid pixel
        for the sake of their neighbours; they are never flagged.
    checkpoint : callable, optional
        Called with the fraction done; may raise `Cancelled`.

    Returns
    -------
    LacosmicResult
        Flags, and the cleaned frame in ADU.
    """
    if valid is not None and not valid.any():
        return LacosmicResult(np.zeros(frame.shape, bool), np.full_like(frame, np.nan))
    filled = frame if valid is None else lacosmic._fill_from_nearest(frame, valid)
    masked = None if valid is None else ~valid
    if not (supports(settings) and -LARGEST_VALUE < filled.min() <= filled.max() < LARGEST_VALUE):
        return lacosmic.detect_cosmics(
            frame, settings, gain=gain, rnoise=rnoise, valid=valid, checkpoint=checkpoint
        )
    margins = [(max(0, lacosmic.MIN_SIDE - side + 1) // 2,) * 2 for side in frame.shape]
    if any(low for low, _ in margins):
        filled = np.pad(filled, margins, mode="symmetric")
        masked = None if masked is None else np.pad(masked, margins, mode="symmetric")
    prepared = prepare(
        filled, settings, gain=gain, rnoise=rnoise, masked=masked,
        checkpoint=_part(checkpoint, 0, 0.6),
    )  # fmt: skip
    found = detect(prepared, settings, checkpoint=_part(checkpoint, 0.6, 1))
    inner = tuple(slice(m, m + side) for (m, _), side in zip(margins, frame.shape, strict=True))
    return adu_result(frame, found.mask[inner], found.cleaned[inner], gain, valid)


def adu_result(
    frame: Floats, mask: Bools, cleaned: Floats, gain: float, valid: Bools | None
) -> LacosmicResult:
    """Flags and cleaned frame as `lacosmic.detect_cosmics` returns them.

    Parameters
    ----------
    frame : (ny, nx) float32
        As observed, ADU: the values where nothing is flagged.
    mask : (ny, nx) bool
        Flags.
    cleaned : (ny, nx) float32
        Electrons.
    gain : float
        e-/ADU.
    valid : (ny, nx) bool or None
        Where False: not flagged, NaN.

    Returns
    -------
    LacosmicResult
    """
    # Without a flag there is nothing to clean: the way through electrons must not change a value.
    adu = np.where(mask, cleaned / np.float32(gain), frame)
    if valid is not None:
        mask = mask & valid
        adu[~valid] = np.nan
    return LacosmicResult(mask, adu)


def _part(checkpoint: Checkpoint | None, low: float, high: float) -> Checkpoint | None:
    if checkpoint is None:
        return None
    return lambda fraction: checkpoint(low + (high - low) * fraction)
