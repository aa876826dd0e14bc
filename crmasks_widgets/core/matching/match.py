"""Predict what exposures look like if nothing but displacement, seeing, flux and sky changed.

Exposure k is predicted as S * kernel_k + smooth terms, S a clean mean of all, the kernel 7 x 7 free
values as in difference imaging (Alard & Lupton 1998, ApJ 503, 325; Bramich 2008, MNRAS 386, L77).
What the prediction differs from S by is taken from the exposure, which is not resampled: its noise
stays white and its hits stay sharp.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from crmasks_widgets.core.matching.description import ExposureMatch, describe, source_width
from crmasks_widgets.core.matching.fit import Fit, Targets, fit_differences
from crmasks_widgets.core.matching.kernels import SIDE, TAPS, convolve_tiles, slopes
from crmasks_widgets.core.matching.reference import box_mean, local_range
from crmasks_widgets.core.matching.removal import (
    UNMATCHED,
    Reference,
    make_reference,
    predict_differences,
    slack_after,
)
from crmasks_widgets.core.matching.samples import (
    Tiles,
    choose_pixels,
    choose_tiles,
    design_matrix,
)
from crmasks_widgets.core.matching.sky import N_SKY, Sky, measure_sky
from crmasks_widgets.core.noise import MIN_RNOISE, Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array, Pixels

# Fit and reference are made in turns until predictions change by less than this, rms in sigma.
_ROUNDS, _SETTLED = 4, 0.03
# Structure that is worth a fit, pixels.
_LEAST_STRUCTURE = 300
# Hot pixels, and pixels that see too little light, in sigma.
_HOT, _DEAD = 5.0, 3.0
# Beside the kernel: the sky, what cannot move, and displacements that grow over the frame.
_N_TERMS = N_SKY + 1 + 4


@dataclass(frozen=True)
class Matching:
    """Exposures that are alike, but for noise and hits, and how they differed.

    Attributes
    ----------
    cube : (n, ny, nx) float32
        For tests only, ADU: exposures less what was predicted of them less the reference; the very
        exposures where nothing is taken away. NaN where they are.
    exposures : tuple of n ExposureMatch
        How each differs from the mean of all.
    n_structure : int
        Pixels of structure that were found.
    """

    cube: Float32Array
    exposures: tuple[ExposureMatch, ...]
    n_structure: int

    @property
    def matched(self) -> bool:
        """Whether anything was taken away."""
        return any(exposure.improvement > 0 for exposure in self.exposures)

    @property
    def reason(self) -> str:
        """What was done, and why."""
        if self.matched:
            return "displacement, seeing, flux and sky are taken away"
        if self.n_structure < _LEAST_STRUCTURE:
            return f"nothing to match: {self.n_structure} pixels of structure"
        return "the exposures are alike: nothing is taken away"


def match_exposures(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> Matching:
    """Take away what displacement, seeing, flux and sky make of each exposure.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors, ADU.
    noise : Noise
        Of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.

    Returns
    -------
    Matching
        Nothing is taken away from exposures that differ by no more than noise, nor where there is
        too little structure to tell.
    """
    ny, nx = stack.min2d.shape
    if stack.n < 2 or min(ny, nx) < SIDE:
        return unmatched(stack)
    frames = _Frames.of(stack, _average_noise(noise, factors))
    samples = _Samples.of(frames)
    if samples.n_structure < _LEAST_STRUCTURE:
        return Matching(stack.cube, (ExposureMatch(),) * stack.n, samples.n_structure)
    fit, reference = _fit(samples)
    width = source_width(reference.movable, samples.tiles.inside)
    found = describe(fit.normal, fit.chi_square, fit.improvement, width)
    if not fit.values.any():
        return Matching(stack.cube, found, samples.n_structure)
    taken = predict_differences(frames.cube, frames.minimum, frames.sigma, frames.sky, fit)
    cube = np.subtract(stack.cube, taken, out=taken)
    return Matching(cube, found, samples.n_structure)


def unmatched(stack: Stack) -> Matching:
    """Exposures as they are, nothing looked at.

    Parameters
    ----------
    stack : Stack
        Exposures.

    Returns
    -------
    Matching
        What is known of them is NaN.
    """
    return Matching(stack.cube, (ExposureMatch(),) * stack.n, 0)


def _average_noise(noise: Noise, factors: tuple[float, ...]) -> Noise:
    """Noise whose variance is the mean of those of the exposures."""
    inverse = 1 / np.array(factors)
    photons, readout = float(inverse.mean()), float(np.sqrt(np.square(inverse).mean()))
    least = np.maximum(noise.rnoise, MIN_RNOISE / noise.gain)
    return Noise(noise.gain / photons, np.asarray(least * readout, np.float32))


@dataclass(frozen=True)
class _Frames:
    """Whole frames, without NaN."""

    cube: Float32Array
    valid: BoolArray | None
    minimum: Float32Array
    median: Float32Array
    sigma: Float32Array
    noise: Noise
    sky: Sky

    @classmethod
    def of(cls, stack: Stack, noise: Noise) -> "_Frames":
        cube, minimum, median = stack.cube, stack.min2d, stack.median2d
        if stack.valid is not None:
            level = np.float32(np.nanmedian(median))
            median = np.where(stack.n_valid > 0, median, level)
            minimum = np.where(stack.n_valid > 0, minimum, level)
            cube = np.where(stack.valid, cube, median)
        sigma = np.asarray(noise.sigma(box_mean(median)), np.float32)
        return cls(cube, stack.valid, minimum, median, sigma, noise, measure_sky(median))


@dataclass(frozen=True)
class _Samples:
    """Tiles of the exposures, and the pixels of the fit."""

    tiles: Tiles
    cube: Float32Array
    sigma: Float32Array
    contrast: Float32Array
    bad: Float32Array
    terms: Float32Array
    usable: BoolArray
    pixels: Pixels
    n_structure: int

    @classmethod
    def of(cls, frames: _Frames) -> "_Samples":
        tiles = choose_tiles(frames.median, frames.sigma)
        cube = tiles.cut(frames.cube)
        sigma, bad = tiles.cut(frames.sigma), tiles.cut(frames.sky.bad_lines())
        contrast = local_range(tiles.cut(frames.minimum))
        terms = np.stack(
            [frames.sky.terms_in(y, x) for y, x in zip(tiles.rows, tiles.columns, strict=True)],
            axis=1,
        )
        usable = tiles.inside
        if frames.valid is not None:
            usable = usable & (tiles.cut(frames.valid.astype(np.float32)) > 0).all(axis=0)
        first = make_reference(list(cube), sigma, np.float32(UNMATCHED) * contrast, bad)
        still = first.still() > np.float32(_HOT) * sigma
        pixels, n = choose_pixels(first.movable, sigma, usable, still)
        pixels = pixels[np.argsort(tiles.fold.ravel()[pixels], kind="stable")]
        return cls(tiles, cube, sigma, contrast, bad, terms, usable, pixels, n)

    def targets(self, reference: Reference) -> tuple[Targets, Float32Array]:
        """What is fitted, and all terms but the kernel's (17, n_tiles, side, side)."""
        x, y = self.terms[1:3]
        along_x, along_y = slopes(reference.movable)
        varying = np.stack([x * along_x, y * along_x, x * along_y, y * along_y])
        terms = np.concatenate([self.terms, reference.still()[None], varying])
        near = ndimage.maximum_filter(reference.doubtful, (1, 3, 3), mode="nearest")
        dead = reference.mean - reference.movable < np.float32(-_DEAD) * self.sigma
        left_out = (near | dead).ravel()[self.pixels]
        values = self.cube.reshape(len(self.cube), -1)[:, self.pixels].astype(np.float64)
        variance = np.square(self.sigma.ravel()[self.pixels].astype(np.float64))
        targets = Targets(
            design_matrix(reference.movable, terms, self.pixels),
            values - values.mean(axis=0),
            np.where(left_out, np.nan, variance),
            local_range(reference.mean).ravel()[self.pixels].astype(np.float64),
            self.tiles.fold.ravel()[self.pixels],
        )
        return targets, terms


def _fit(samples: _Samples) -> tuple[Fit, Reference]:
    """Fit and make the reference in turns, each by what the other was."""
    n = len(samples.cube)
    current = list(samples.cube)
    part = UNMATCHED
    values: Float64Array = np.zeros((n, TAPS + _N_TERMS))
    for left in reversed(range(_ROUNDS)):
        slack = np.float32(part) * samples.contrast
        reference = make_reference(current, samples.sigma, slack, samples.bad)
        targets, terms = samples.targets(reference)
        fit = fit_differences(targets, values)
        change, values = fit.centred - values, fit.centred
        if not (left and values.any()) or fit.normal.scatter_of(change) < _SETTLED:
            break
        part = slack_after(fit)
        current = list(samples.cube - _predicted(reference, terms, values))
    return fit, reference


def _predicted(reference: Reference, terms: Float32Array, values: Float64Array) -> Float32Array:
    """Differences of all exposures, (n, n_tiles, side, side); that of the last is the rest."""
    some = values[:-1]
    predicted = np.tensordot(some[:, TAPS:].astype(np.float32), terms, 1)
    predicted += convolve_tiles(reference.movable, some[:, :TAPS].reshape(-1, SIDE, SIDE))
    return np.concatenate([predicted, -predicted.sum(axis=0, keepdims=True)])
