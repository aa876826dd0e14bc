"""Stages before any detection: flux factors and offsets, the cube, noise and its check."""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis.graph import Reader
from crmasks_widgets.core import regions
from crmasks_widgets.core.alignment import (
    MIN_PIXELS,
    MIN_SIGNAL_TO_NOISE,
    Alignment,
    bright_pixels,
    measure_levels,
    measure_offsets,
    relative_factors,
)
from crmasks_widgets.core.brightness import Brightness, measure_brightness
from crmasks_widgets.core.disagreement import in_words, most_different
from crmasks_widgets.core.noise_check import NoiseCheck, check_noise
from crmasks_widgets.core.over_dispersion import (
    OverDispersion,
    OverDispersions,
    measure_over_dispersion,
)
from crmasks_widgets.core.stack import Stack, stack_exposures
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.exposures.fill_values import refuse_fill_values
from crmasks_widgets.parameters.types import LARGEST_FLUX_RATIO

logger = logging.getLogger(__name__)


def alignment(read: Reader) -> Alignment:
    """Flux factors and offsets, given or measured."""
    n, n_bright = read.exposures.n, None
    offsets = read.p.mm_xy_offsets or ((0.0, 0.0),) * n
    factors = _given_flux_factors(read.p.flux_factor, n)
    region = read.p.mm_crosscorr_region
    if factors is None or region is not None:
        plain = _stacked(read, None)
        if factors is None:
            bright = _bright_pixels(read, plain)
            n_bright = int(np.count_nonzero(bright))
            factors, _ = measure_levels(plain.cube, bright)
            _refuse_unlike(factors, read.exposures.names)
        if region is not None:
            key = "mm_crosscorr_region"
            rows, columns = regions.region_slices(region, read.exposures.shape, key)
            offsets = measure_offsets(plain.cube[:, rows, columns])
    return Alignment(factors, tuple(offsets), n_bright)


def _refuse_unlike(factors: tuple[float, ...], names: tuple[str, ...]) -> None:
    """Refuse measured factors as given ones are: such exposures are no equivalent ones."""
    low, high = int(np.argmin(factors)), int(np.argmax(factors))
    ratio = factors[high] / factors[low]
    if ratio > LARGEST_FLUX_RATIO:
        msg = (
            f"flux_factor: auto: found {names[high]} {ratio:.4g} times as bright as {names[low]}, "
            f"expected the brightest exposure at most {LARGEST_FLUX_RATIO:g} times as bright as "
            "the faintest"
        )
        raise ParameterError(msg)


def _given_flux_factors(value: Any, n: int) -> tuple[float, ...] | None:
    """Flux factors that need no measurement, or None."""
    if value == "auto":
        return None
    if value is None:
        return (1.0,) * n
    given = (float(value),) * n if isinstance(value, int | float) else tuple(value)
    factors = relative_factors(given)
    if factors != given:
        logger.warning(
            "flux_factor: found a median of %.6g, expected factors relative to the typical "
            "exposure: divided by it, they are %s",
            np.median(given), ", ".join(f"{factor:.4g}" for factor in factors),
        )  # fmt: skip
    return factors


def _bright_pixels(read: Reader, plain: Stack) -> npt.NDArray[np.bool_]:
    inside = None
    if read.p.flux_factor_regions:
        key = "flux_factor_regions"
        inside = regions.region_mask(read.p.flux_factor_regions, read.exposures.shape, key)
    bright = bright_pixels(plain.median2d, read.noise, inside)
    if np.count_nonzero(bright) < MIN_PIXELS:
        logger.warning(
            "flux_factor: auto: found %d pixels above %g sigma, expected at least %d; "
            "all factors are set to 1",
            np.count_nonzero(bright),
            MIN_SIGNAL_TO_NOISE,
            MIN_PIXELS,
        )
    return bright


def stack(read: Reader) -> Stack:
    """Cube and its frames over the exposures, divided by flux factors if the parameters say so."""
    divided = read.p.apply_flux_factor_to == "original"
    return _stacked(read, read("alignment").flux_factors if divided else None)


def scaled(read: Reader) -> Stack:
    """The same, divided by flux factors in any case."""
    factors = read("alignment").flux_factors
    if read.p.apply_flux_factor_to == "original" or set(factors) == {1.0}:
        plain: Stack = read("stack")
        return plain
    return _stacked(read, factors)


def _stacked(read: Reader, factors: tuple[float, ...] | None) -> Stack:
    if factors is not None and set(factors) == {1.0}:
        factors = None
    refuse_fill_values(read.exposures.data, read.exposures.valid)
    return stack_exposures(read.exposures.data, read.bias, factors, read.exposures.valid)


def brightness(read: Reader) -> Brightness:
    """How bright the exposures are beside each other, where no flux factors were asked for."""
    found = measure_brightness(read("stack"), read.noise)
    if read.p.flux_factor is None and found.differs:
        logger.warning(
            "flux_factor: null, but the exposures are %s times as bright as their median: the "
            "boundary of equally bright ones lets noise through; expected %s",
            found.in_words,
            "flux_factor: auto" if found.ratio <= LARGEST_FLUX_RATIO
            else f"the brightest at most {LARGEST_FLUX_RATIO:g} times as bright as the faintest",
        )  # fmt: skip
    return found


def apart(read: Reader) -> bool:
    """Whether an exposure is so far from the others, by the predicted noise, that it matters."""
    return most_different(read("scaled"), read.noise, read("alignment").flux_factors).matters


def disagreement(read: Reader) -> str:
    """Why the exposures are not equivalent, said once; empty if they are."""
    factors, check = read("alignment").flux_factors, read("noise_check")
    found = most_different(read("scaled"), read.noise, factors, check)
    if not found.matters:
        return ""
    text = in_words(found, check)
    logger.warning("%s", text)
    return text


def noise_check(read: Reader) -> NoiseCheck:
    """Noise predicted and observed."""
    return check_noise(read("scaled"), read.noise, read("alignment").flux_factors, read("matched"))


def over_dispersion(read: Reader) -> OverDispersion:
    """Scatter of the exposures beyond that of photons and readout."""
    return measure_over_dispersion(read("scaled"), read.noise, read("alignment").flux_factors)


def dispersions(read: Reader) -> OverDispersions:
    """The same beside what matching leaves of it."""
    factors = read("alignment").flux_factors
    matched = measure_over_dispersion(read("matched"), read.noise, factors)
    return OverDispersions(read("over_dispersion"), matched)
