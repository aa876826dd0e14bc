"""Taking predicted differences away, where the exposures bear them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.matching.fit import Fit
from crmasks_widgets.core.matching.kernels import RADIUS, TAPS, convolve
from crmasks_widgets.core.matching.reference import clean_mean, local_range, lone_pixels
from crmasks_widgets.core.matching.sky import N_SKY, Sky
from crmasks_widgets.core.typing import BoolArray, Float32Array, FloatArray

# What exposures may differ by besides noise, in parts of the range around: before they are matched
# and near the borders, beyond which nothing is known, and after.
UNMATCHED, _MATCHED, _SPREADS = 0.7, 0.1, 8.0
# A prediction is believed as far as it exceeds what the noise of the reference makes of it.
_NOISE = 2.0
# Chi-square that counts of an exposure: one that is hit does not count for more.
_MOST = 25.0
# A prediction is dropped where it raises chi-square by so much, or by so large a part of what it
# would lower it by if it were right: in a pixel, and on the average of the 3 x 3 around.
_HARM, _HARM_PART = 9.0, 0.4
_HARM_AROUND, _HARM_PART_AROUND = 2.5, 0.3
_ROWS = 64


@dataclass(frozen=True)
class Reference:
    """The clean frame, and what in it can move.

    Attributes
    ----------
    mean : (..., ny, nx) float32
        Of the exposures, without hits, ADU.
    movable : (..., ny, nx) float32
        The same without pixels and lines that are the detector's own.
    doubtful : (..., ny, nx) bool
        Where the median of the exposures is hit.
    """

    mean: Float32Array
    movable: Float32Array
    doubtful: BoolArray

    @property
    def still(self) -> Float32Array:
        """What hot pixels and columns have more than their neighbours, ADU."""
        return np.asarray(np.maximum(self.mean - self.movable, 0), np.float32)

    def response(self, sigma: Float32Array) -> Float32Array:
        """Part of the light that a pixel sees, of what its neighbours do; not above 1."""
        part = np.clip(self.mean / np.maximum(self.movable, sigma), 0, 1)
        return np.asarray(np.where(self.mean < self.movable, part, 1), np.float32)


def make_reference(
    planes: Sequence[Float32Array], sigma: Float32Array, slack: Float32Array, bad: Float32Array
) -> Reference:
    """Average the exposures and find what cannot move.

    Parameters
    ----------
    planes : sequence of n (..., ny, nx) float32
        Exposures, as far as they are matched; frames or tiles without NaN.
    sigma : (..., ny, nx) float32
        Noise of one exposure, ADU.
    slack : (..., ny, nx) float32
        What they may differ by besides, ADU.
    bad : (..., ny, nx) float32
        `Sky.bad_lines`.

    Returns
    -------
    Reference
        Of the same shape.
    """
    mean, doubtful = clean_mean(planes, sigma, slack)
    movable = mean - bad
    movable -= lone_pixels(movable, sigma)
    return Reference(mean, movable, doubtful)


def slack_after(fit: Fit) -> float:
    """What exposures may differ by, besides noise, when they are matched.

    Parameters
    ----------
    fit : Fit
        Of the round before.

    Returns
    -------
    float
        A part of the range around a pixel.
    """
    return min(max(_MATCHED, _SPREADS * fit.spread), UNMATCHED)


def remove_differences(
    cube: Float32Array, minimum: Float32Array, sigma: Float32Array, sky: Sky, fit: Fit
) -> list[Float32Array]:
    """Predict what exposures differ by, and keep of it what they bear out.

    Parameters
    ----------
    cube : (n, ny, nx) float32
        Exposures, ADU; invalid pixels hold the median of the others.
    minimum : (ny, nx) float32
        Minimum over the exposures, ADU.
    sigma : (ny, nx) float32
        Noise of one exposure, ADU.
    sky : Sky
        Its smooth parts.
    fit : Fit
        Kernels and weights.

    Returns
    -------
    list of n (ny, nx) float32
        To be taken from the exposures, ADU.
    """
    bad, contrast = sky.bad_lines(), local_range(minimum)
    kernels = fit.kernels_at_borders()
    weights = fit.centred[:, TAPS:]
    first = make_reference(list(cube), sigma, np.float32(UNMATCHED) * contrast, bad)
    matched = [
        plane - fine - wide
        for plane, (fine, wide) in zip(
            cube, _predicted(first, sigma, sky, kernels, weights), strict=True
        )
    ]
    slack = np.float32(UNMATCHED) * contrast
    inner = (slice(RADIUS, -RADIUS),) * 2
    slack[inner] = np.float32(slack_after(fit)) * contrast[inner]
    second = make_reference(matched, sigma, slack, bad)
    del matched
    predicted = list(_predicted(second, sigma, sky, kernels, weights))
    power = np.square(fit.centred[:, :TAPS]).sum(axis=1) / len(cube)
    return _borne_out(cube, first.mean, second.mean, sigma, predicted, power)


def _predicted(
    reference: Reference,
    sigma: Float32Array,
    sky: Sky,
    kernels: FloatArray,
    weights: FloatArray,
) -> Iterator[tuple[Float32Array, Float32Array]]:
    """Differences by the kernel and by the smooth terms, of every exposure."""
    response, still = reference.response(sigma), reference.still
    for kernel, weight in zip(kernels, weights, strict=True):
        wide = sky.combined(weight[:N_SKY])
        wide += np.float32(weight[N_SKY]) * still
        wide *= response
        fine = convolve(reference.movable, kernel) if kernel.any() else np.zeros_like(wide)
        fine *= response
        yield fine, wide


def _borne_out(
    cube: Float32Array,
    before: Float32Array,
    after: Float32Array,
    sigma: Float32Array,
    predicted: list[tuple[Float32Array, Float32Array]],
    power: FloatArray,
) -> list[Float32Array]:
    """Differences, but where taking them away makes the exposures less alike.

    What does not move with the sky, as hot pixels, is not there to be predicted.
    """
    ny = len(sigma)
    out = [np.empty_like(sigma) for _ in predicted]
    for start in range(0, ny, _ROWS):
        low, high = max(start - 2, 0), min(start + _ROWS + 2, ny)
        rows, inner = slice(low, high), slice(start - low, min(start + _ROWS, ny) - low)
        scale = np.float32(1) / sigma[rows]
        exposures = [(plane[rows] - after[rows]) * scale for plane in cube]
        unmatched = [(plane[rows] - before[rows]) * scale for plane in cube]
        wide = [smooth[rows] * scale for _, smooth in predicted]
        fine = [
            _above_noise(d[rows] * scale, p) for (d, _), p in zip(predicted, power, strict=True)
        ]
        partly = [e - w for e, w in zip(exposures, wide, strict=True)]
        kept = _helpful(partly, [e - d for e, d in zip(partly, fine, strict=True)], fine)
        total = [w + d * kept for w, d in zip(wide, fine, strict=True)]
        kept = _helpful(unmatched, [e - d for e, d in zip(exposures, total, strict=True)], total)
        for k, difference in enumerate(total):
            found = difference * kept * sigma[rows]
            out[k][start : start + _ROWS] = found[inner]
    return out


def _above_noise(difference: Float32Array, power: float) -> Float32Array:
    """Draw to 0 what the noise of the reference may have made, all in units of sigma."""
    energy = _box_mean(np.square(difference))
    noise = np.float32(_NOISE * power)
    kept = np.clip(1 - noise / np.maximum(energy, np.finfo(np.float32).tiny), 0, 1)
    return np.asarray(difference * kept, np.float32)


def _helpful(
    before: list[Float32Array], after: list[Float32Array], predicted: list[Float32Array]
) -> BoolArray:
    """Where taking something away does not make exposures less alike, all in units of sigma."""
    harm, worst, size, largest = (np.zeros_like(before[0]) for _ in range(4))
    for old, new, difference in zip(before, after, predicted, strict=True):
        change = np.minimum(np.square(new), _MOST) - np.minimum(np.square(old), _MOST)
        harm += change
        # One exposure may be hit: the one that speaks loudest against a prediction is not heard.
        np.maximum(worst, change, out=worst)
        square = np.minimum(np.square(difference), _MOST)
        size += square
        np.maximum(largest, square, out=largest)
    harm -= worst
    size -= largest
    alone = harm < np.maximum(_HARM, _HARM_PART * size)
    around = np.maximum(_HARM_AROUND, _HARM_PART_AROUND * _box_mean(size))
    return np.asarray(alone & (_box_mean(harm) < around))


def _box_mean(frame: Float32Array) -> Float32Array:
    """Mean of the 3 x 3 pixels around each."""
    padded = np.pad(frame, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return np.asarray(total / np.float32(9))
