"""Measuring the scatter of a target: where nothing is, and where the frame is steep.

Equivalent exposures are displaced a little, and their image quality and sky differ. What that does
grows with the contrast of a place, and differs from hits in that it is seen in many of the steep
pixels: their significances are compared with those of pixels without structure, which have as many
hits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.significance.excess import significance_of
from crmasks_widgets.core.significance.level import Level
from crmasks_widgets.core.significance.noise_scale import NoiseScale
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import (
    BoolArray,
    Float32Array,
    Float64Array,
    FloatArray,
    Pixels,
    Target,
)

# Where nothing is: highest part of the pixels, pixels that are needed, pixels that are enough.
_TAIL, _LEAST_PIXELS, _ENOUGH_PIXELS = 0.01, 2000, 500_000
# Exposures that deviate more are hit, and tell nothing about the noise.
_NO_NOISE = 6.6
# More noise is found where its own ups and downs are not taken for structure: in so many rounds.
_ROUNDS = 3
# Contrast above which a pixel has structure; the fewest pixels of a class, and what is enough; the
# fewest that count between crossing tracks.
_FLAT, _LEAST_STEEP, _ENOUGH_STEEP, _FEWEST = 4.0, 150, 20_000, 50
# Part of the contrast that is taken for granted where fewer have any.
_ASSUMED = 0.05
# Parts of the noise that the tail and the body of a class are measured at. Hits come in tracks of
# so many pixels, which makes their number uncertain; so many errors are no chance.
_STEEP_TAIL, _BODY, _TRACK, _CHANCE = 0.02, 0.15, 8.0, 2.5
# Structure that is there in the tail, where hits are as well, shows in the body by this part.
_TAIL_OF_BODY = 3.0
# What is displaced by its own width or more is no equivalent exposure. Contrast that hits of all
# exposures make is seen so many pixels away.
_MOST, _SEEN = 1.0, 3


def measure_noise_scale(
    stack: Stack,
    level: Level,
    target: Target,
    excess: FloatArray,
    crossings: BoolArray,
    flat: float | None = None,
) -> NoiseScale:
    """Compare the observed scatter of a target with the predicted one.

    Parameters
    ----------
    stack : Stack
        Exposures on one scale.
    level : Level
        Their noise.
    target : {"median", "mean"} or int
        The target.
    excess : (ny, nx) ndarray
        Of the target, without background, in units of the noise.
    crossings : (ny, nx) bool
        Pixels whose contrast may be that of hits, from `find_crossings`.
    flat : float, optional
        The ratio where there is no structure, if it is known; measured in median - minimum by
        default.

    Returns
    -------
    NoiseScale
        With as many classes of contrast as there are pixels for, each of a factor 2 or more.
    """
    # Of a large frame, some rows tell enough.
    rows = slice(None, None, max(1, excess.size // _ENOUGH_PIXELS))
    numbers = np.arange(excess.size).reshape(excess.shape)[rows].ravel()
    contrast = level.contrast[rows].ravel()
    sample = _Sample(level, target, excess[rows].ravel(), contrast, numbers)
    whole = (level.n_valid[rows] == stack.n).ravel()
    if flat is None:
        range_ = ((stack.max2d[rows] - stack.min2d[rows]) / level.sigma[rows]).ravel()
        usual = 2 * ndtri(0.5 ** (1 / stack.n))  # median range of so many normal values
        flat = max(1.0, float(np.nanmedian(range_)) / usual)
        for _ in range(_ROUNDS):
            quiet = whole & (contrast < _steepest(flat)) & (range_ < _NO_NOISE * flat)
            flat = _flat_scale(sample, np.flatnonzero(quiet))
    smooth = np.flatnonzero(whole & (contrast < _steepest(flat)))
    reference = _Reference.of(sample, smooth, flat)
    steep = np.flatnonzero(whole & (contrast >= _steepest(flat)))
    steep = steep[np.argsort(-contrast[steep])]
    own = ~crossings.ravel()[numbers[steep]]
    table = _by_class(sample, steep, own, reference)
    # A few stars tell too little of how they are displaced.
    least = _ASSUMED if np.count_nonzero(own) < _LEAST_STEEP else 0.0
    return NoiseScale(
        flat, table[:, 0], np.maximum(table[:, 1], least), table[:, 2].astype(np.int64)
    )


def find_crossings(stack: Stack, level: Level) -> BoolArray:
    """Find the pixels whose contrast may be that of hits in all exposures.

    Where tracks cross, the minimum stands out of its surroundings like a source, and the exposures
    differ by more than it does, which those of a source cannot.

    Parameters
    ----------
    stack : Stack
        Exposures on one scale, ADU.
    level : Level
        Their noise and contrast.

    Returns
    -------
    (ny, nx) bool
        Such pixels, and all that see their contrast.
    """
    crossed = np.zeros(level.contrast.shape, dtype=bool)
    pixels = np.flatnonzero(level.contrast >= _FLAT)
    median, minimum, sigma, contrast = (
        frame.ravel()[pixels]
        for frame in (stack.median2d, stack.min2d, level.sigma, level.contrast)
    )
    crossed.ravel()[pixels] = median - minimum > _MOST * contrast * sigma
    return grow(crossed, _SEEN)


def unknown_differences(level: Level, scales: Sequence[NoiseScale]) -> Float32Array | None:
    """Variance between exposures that structure adds to their noise.

    Parameters
    ----------
    level : Level
        Noise and contrast.
    scales : sequence of n NoiseScale
        Measured in each exposure.

    Returns
    -------
    (ny, nx) float32 or None
        Mean over the exposures, ADU^2; None if there is none.
    """
    if not any(scale.structure.any() for scale in scales):
        return None
    added = sum(np.square(scale.added(level.contrast)) for scale in scales) / len(scales)
    return np.asarray(added * np.square(level.sigma), np.float32)


@dataclass(frozen=True)
class _Sample:
    """Excesses of some pixels of a target."""

    level: Level
    target: Target
    excess: FloatArray
    contrast: FloatArray
    pixels: Pixels

    def significance(self, members: Pixels) -> FloatArray:
        """Significances of some of them."""
        return significance_of(self.level, self.target, self.excess[members], self.pixels[members])


def _steepest(flat: float) -> float:
    """Contrast that noise does not reach; more noise than predicted makes contrast by itself."""
    return _FLAT * flat**2


def _flat_scale(sample: _Sample, quiet: Pixels) -> float:
    """Highest 1 % of the significances over the predicted one, at least 1."""
    if len(quiet) < _LEAST_PIXELS:
        return 1.0
    # Significance rises with the excess, so that only the highest have to be looked up.
    n_top = max(1, len(quiet) // 20)
    top = quiet[np.argpartition(sample.excess[quiet], -n_top)[-n_top:]]
    n_above = max(1, round(_TAIL * len(quiet)))
    observed = np.partition(sample.significance(top), -n_above)[-n_above]
    return max(1.0, float(-observed / ndtri(_TAIL)))


@dataclass(frozen=True)
class _Reference:
    """Significances of the tail and the body, and the parts of flat pixels above them."""

    tail: float
    tail_share: float
    body: float
    body_share: float

    @classmethod
    def of(cls, sample: _Sample, smooth: Pixels, flat: float) -> "_Reference":
        tail, body = (float(flat * -ndtri(part)) for part in (_STEEP_TAIL, _BODY))
        if len(smooth) < _LEAST_PIXELS:
            return cls(tail, _STEEP_TAIL, body, _BODY)
        some = smooth[:: max(1, len(smooth) // _ENOUGH_STEEP)]
        reached = sample.significance(some)
        shares = (float(np.mean(reached > limit)) for limit in (tail, body))
        in_tail, in_body = (
            min(max(share, least), most)
            for share, least, most in zip(shares, (_STEEP_TAIL, _BODY), (0.4, 0.6), strict=True)
        )
        return cls(tail, in_tail, body, in_body)


def _by_class(
    sample: _Sample, steep: Pixels, own: BoolArray, reference: _Reference
) -> Float64Array:
    """Contrast, structure and number of pixels (k, 3) of each class, the flattest first.

    Of steep pixels, those that are not `own` have their contrast from hits.
    """
    if np.count_nonzero(own) < _FEWEST and not own.all():
        # What is left between the tracks is as likely the end of one.
        return np.array([[np.median(sample.contrast[steep]), 0.0, np.count_nonzero(own)]])
    classes = [
        (
            np.median(sample.contrast[members]),
            _structure(sample, members, reference),
            len(members),
        )
        for members in _by_contrast(steep[own], sample.contrast)
    ]
    return np.array(classes[::-1], np.float64).reshape(-1, 3)


def _by_contrast(steep: Pixels, contrast: FloatArray) -> list[Pixels]:
    """Classes of pixels, the steepest first: a factor 2, or what is needed for a measurement."""
    classes, start = [], 0
    while start < len(steep):
        half = -contrast[steep[start]] / 2
        stop = max(int(np.searchsorted(-contrast[steep], half)), start + _LEAST_STEEP)
        if len(steep) - stop < _LEAST_STEEP:
            stop = len(steep)
        classes.append(steep[start:stop])
        start = stop
    return classes


def _structure(sample: _Sample, members: Pixels, reference: _Reference) -> float:
    """Part of the contrast that adds to the noise of a class; 0 if noise and hits may do alone."""
    members = members[:: max(1, len(members) // _ENOUGH_STEEP)]
    n, steepness = len(members), np.square(sample.contrast[members])
    significance = np.maximum(sample.significance(members), 0)
    expected = n * reference.tail_share
    hits = n * (reference.tail_share - _STEEP_TAIL)
    error = np.sqrt(n * _STEEP_TAIL + _TRACK * hits)
    if np.count_nonzero(significance > reference.tail) <= expected + _CHANCE * error:
        return 0.0
    above = n * reference.body_share
    limits = (
        (reference.tail, expected + error),
        (reference.body, above - _CHANCE * np.sqrt(above)),
    )
    parts = []
    for limit, rank in limits:
        part = (np.square(significance / limit) - 1) / steepness
        place = int(np.clip(n - 1 - int(rank), 0, n - 1))
        parts.append(np.sqrt(max(float(np.partition(part, place)[place]), 0.0)))
    return float(min(parts[0], _TAIL_OF_BODY * parts[1], _MOST))
