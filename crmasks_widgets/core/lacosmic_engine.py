"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) organised for tuning; masks as astroscrappy's.

`prepare` computes what no threshold touches. `detect` applies the thresholds: its first iteration
only reads lists of pixels, and each later one recomputes the neighbourhood of the pixels that the
one before it cleaned. All that an iteration knows follows from the pixels flagged so far, so that
`detect` can go on from an earlier result.
"""

from dataclasses import dataclass, replace

import numpy as np

from crmasks_widgets.core import lacosmic
from crmasks_widgets.core._lacosmic_preparation import (
    Candidates,
    Prepared,
    candidates_above,
    prepare,
    supports,
)
from crmasks_widgets.core._lacosmic_run import Run
from crmasks_widgets.core._medians import Bools, Floats
from crmasks_widgets.core.lacosmic import Checkpoint, LacosmicResult, LacosmicSettings

__all__ = [
    "Detection",
    "Prepared",
    "adu_result",
    "detect",
    "detect_cosmics",
    "prepare",
    "supports",
]

# Far beyond it, single precision overflows.
LARGEST_VALUE = 1e15


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
        return candidates_above(sigclip, prepared)
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
