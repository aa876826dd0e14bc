"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) organised for tuning; masks as astroscrappy's.

`prepare` computes what no threshold touches. `detect` applies the thresholds: its first iteration
only reads lists of pixels, and each later one recomputes the neighbourhood of the pixels that the
one before it cleaned. All that an iteration knows follows from the pixels flagged so far, so that
`detect` can go on from an earlier result.
"""

from dataclasses import dataclass, replace

import numpy as np

from crmasks_widgets.core.lacosmic import library
from crmasks_widgets.core.lacosmic.iterations import Iterations
from crmasks_widgets.core.lacosmic.library import ExtendedFrame, LacosmicResult, LacosmicSettings
from crmasks_widgets.core.lacosmic.preparation import (
    Candidates,
    Prepared,
    candidates_above,
    prepare,
    supports,
)
from crmasks_widgets.core.stack import LARGEST_VALUE
from crmasks_widgets.core.typing import BoolArray, Checkpoint, Float32Array

__all__ = [
    "Detection",
    "Prepared",
    "PreparedTarget",
    "detect",
    "detect_cosmics",
    "detect_target",
    "prepare",
    "prepare_target",
    "supports",
]


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

    mask: BoolArray
    cleaned: Float32Array
    settings: LacosmicSettings
    iterations: int
    finished: bool


def detect(
    prepared: Prepared,
    settings: LacosmicSettings,
    *,
    start: Detection | None = None,
    checkpoint: Checkpoint | None = None,
    overwrite: bool = False,
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
    overwrite : bool
        `prepared` is not needed any more: its images are changed instead of copied.

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
    candidates = _above(prepared, settings.sigclip)
    run = Iterations(prepared, candidates, sigclip, settings.cleantype, overwrite=overwrite)
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


@dataclass(frozen=True)
class PreparedTarget:
    """A frame extended for the detector, and what no threshold touches in it.

    Attributes
    ----------
    extended : ExtendedFrame
        Filled and mirrored.
    prepared : Prepared
        Of the extended frame.
    """

    extended: ExtendedFrame
    prepared: Prepared


def prepare_target(
    frame: Float32Array,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    valid: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
) -> PreparedTarget | None:
    """Prepare any frame: with invalid pixels, small, or with a margin.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, without bias.
    settings : LacosmicSettings
        Those that `Prepared.serves` compares.
    gain : float
        e-/ADU, positive.
    rnoise : float
        ADU.
    valid : (ny, nx) bool, optional
        False for pixels to be left out.
    checkpoint : callable, optional
        Called with the fraction done; may raise `Cancelled`.

    Returns
    -------
    PreparedTarget or None
        None for a frame without a valid pixel or with values that single precision cannot square.
    """
    if valid is not None and not valid.any():
        return None
    extended = library.extend(frame, valid, settings.padwidth)
    if not -LARGEST_VALUE < extended.frame.min() <= extended.frame.max() < LARGEST_VALUE:
        return None
    made = prepare(
        extended.frame, settings, gain=gain, rnoise=rnoise, masked=extended.masked,
        checkpoint=checkpoint,
    )  # fmt: skip
    return PreparedTarget(extended, made)


def detect_target(
    frame: Float32Array,
    target: PreparedTarget,
    settings: LacosmicSettings,
    *,
    valid: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
    overwrite: bool = False,
) -> LacosmicResult:
    """Apply thresholds to a prepared frame.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, as it was prepared.
    target : PreparedTarget
        From `prepare_target`.
    settings : LacosmicSettings
        Thresholds; the other settings as they were.
    valid : (ny, nx) bool, optional
        As it was.
    checkpoint : callable, optional
        Called with the fraction done after each iteration; may raise `Cancelled`.
    overwrite : bool
        `target` is not needed any more: its images are changed instead of copied.

    Returns
    -------
    LacosmicResult
        Flags, and the cleaned frame in ADU.
    """
    found = detect(target.prepared, settings, checkpoint=checkpoint, overwrite=overwrite)
    inner = target.extended.inner
    result = library.result_of(frame, found.mask[inner], found.cleaned[inner], valid)
    return replace(result, filled=result.filled / np.float32(target.prepared.gain))


def detect_cosmics(
    frame: Float32Array,
    settings: LacosmicSettings,
    *,
    gain: float,
    rnoise: float,
    valid: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
) -> LacosmicResult:
    """Flag the cosmic rays of one frame; arguments and result as `lacosmic.detect_cosmics`.

    What this engine does not do exactly as astroscrappy (see `supports`), and frames with values
    that single precision cannot square, run through astroscrappy.

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
        False for pixels to be left out; they are never flagged.
    checkpoint : callable, optional
        Called with the fraction done; may raise `Cancelled`.

    Returns
    -------
    LacosmicResult
        Flags, and the cleaned frame in ADU.
    """
    target = None
    if supports(settings):
        target = prepare_target(
            frame, settings, gain=gain, rnoise=rnoise, valid=valid,
            checkpoint=_part(checkpoint, 0, 0.6),
        )  # fmt: skip
    if target is None:
        return library.detect_cosmics(
            frame, settings, gain=gain, rnoise=rnoise, valid=valid, checkpoint=checkpoint
        )
    rest = _part(checkpoint, 0.6, 1)
    return detect_target(frame, target, settings, valid=valid, checkpoint=rest, overwrite=True)


def _part(checkpoint: Checkpoint | None, low: float, high: float) -> Checkpoint | None:
    if checkpoint is None:
        return None
    return lambda fraction: checkpoint(low + (high - low) * fraction)
