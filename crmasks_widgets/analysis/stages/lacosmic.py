"""Stages of L.A.Cosmic."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.core.lacosmic import engine, library
from crmasks_widgets.core.lacosmic.tails import with_tails
from crmasks_widgets.core.saturation import saturation_level
from crmasks_widgets.core.typing import BoolArray, Float32Array
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters.later import PAIRS

logger = logging.getLogger(__name__)

_THRESHOLDS = ("sigclip", "sigfrac", "objlim", "niter", "cleantype")
_SETTINGS = tuple(library.LacosmicSettings.__dataclass_fields__)


def _settings(read: Reader, names: tuple[str, ...], target: Target) -> library.LacosmicSettings:
    values = {n: getattr(read.p, f"la_{n}") for n in names}
    values["satlevel"] = saturation(read, target)
    return library.LacosmicSettings(**values)


def saturation(read: Reader, target: Target, *, divided: bool | None = None) -> float:
    """Value from which on a target is saturated, ADU of its frame.

    Parameters
    ----------
    read : Reader
        Of a stage that declares `la_satlevel`, `bias` and the alignment.
    target : {"median", "mean"} or int
        The frame.
    divided : bool, optional
        Whether it was divided by its flux factor; by default as `apply_flux_factor_to` says.
    """
    factor = 1.0
    if read.p.apply_flux_factor_to == "original" if divided is None else divided:
        factors = read("alignment").flux_factors
        factor = factors[target - 1] if isinstance(target, int) else float(np.median(factors))
    level = saturation_level(read.p.la_satlevel, read.bias, factor)
    if not level > 0:
        raise ParameterError(
            f"la_satlevel: found {read.p.la_satlevel:g}, expected a level of the exposures as "
            f"read, above their bias of {np.median(read.bias):g}"
        )
    return level


def _noise(read: Reader, valid: BoolArray | None) -> dict[str, Any]:
    return {
        "gain": read.noise.typical_gain,
        "rnoise": read.noise.typical_rnoise,
        "valid": valid,
        "checkpoint": read.checkpoint,
    }


def prepared(read: Reader, target: Target) -> engine.PreparedTarget | None:
    """Whatever L.A.Cosmic computes before a threshold matters."""
    names = tuple(name for name in _SETTINGS if name not in _THRESHOLDS)
    stack = read("stack")
    keywords = _noise(read, stack.target_valid(target))
    return engine.prepare_target(stack.target(target), _settings(read, names, target), **keywords)


def peaks(read: Reader, target: Target) -> library.LacosmicResult:
    """L.A.Cosmic of one frame, the first run."""
    maps = [name for name in ("gain", "rnoise") if np.ndim(getattr(read.noise, name))]
    if maps and target == "median":
        logger.warning("%s: L.A.Cosmic takes the median of the map", " and ".join(maps))
    return _run(read, target, _settings(read, _SETTINGS, target))


def lacosmic(read: Reader, target: Target) -> library.LacosmicResult:
    """L.A.Cosmic of one frame, with what a second run adds to the first."""
    settings = _settings(read, _SETTINGS, target)
    return _with_second_run(read, read("peaks", target), settings, partial(_run, read, target))


def run(read: Reader, frame: Float32Array, valid: BoolArray | None) -> library.LacosmicResult:
    """L.A.Cosmic of a frame that saturates as the mean does.

    Parameters
    ----------
    read : Reader
        Of a stage that declares the parameters of L.A.Cosmic and the alignment.
    frame : (ny, nx) float32
        ADU, without bias.
    valid : (ny, nx) bool or None
        False for pixels to be left out.
    """
    settings = _settings(read, _SETTINGS, "mean")

    def found(chosen: library.LacosmicSettings) -> library.LacosmicResult:
        return _engine(read)(frame, chosen, **_noise(read, valid))

    return _with_second_run(read, found(settings), settings, found)


def _engine(read: Reader) -> Callable[..., library.LacosmicResult]:
    """What runs L.A.Cosmic; the fast engine leaves to the library what it does not know."""
    return engine.detect_cosmics if read.p.la_engine == "fast" else library.detect_cosmics


def _with_second_run(
    read: Reader,
    first: library.LacosmicResult,
    settings: library.LacosmicSettings,
    run: Callable[[library.LacosmicSettings], library.LacosmicResult],
) -> library.LacosmicResult:
    """Add what a run with the second thresholds finds beside the first, where there are any."""
    values = {key.removeprefix("la_"): getattr(read.p, f"{key}_second") for key in PAIRS}
    changes = {name: value for name, value in values.items() if value is not None}
    return with_tails(first, run(replace(settings, **changes))) if changes else first


def _run(
    read: Reader, target: Target, settings: library.LacosmicSettings
) -> library.LacosmicResult:
    frame, valid = read("stack").target(target), read("stack").target_valid(target)
    fast = read.p.la_engine == "fast" and engine.supports(settings)
    ready = read("prepared", target) if fast and not read.once else None
    if ready is None:
        result = _engine(read)(frame, settings, **_noise(read, valid))
    else:
        result = engine.detect_target(
            frame, ready, settings, valid=valid, checkpoint=read.checkpoint
        )
    level = logging.INFO if read.p.la_verbose else logging.DEBUG
    logger.log(level, "L.A.Cosmic on %s: %d pixels", target, np.count_nonzero(result.mask))
    return result
