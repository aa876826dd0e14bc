"""Taking predicted differences away, where the exposures bear them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.matching.fit import Fit
from crmasks_widgets.core.matching.kernels import RADIUS, TAPS, convolve, slopes
from crmasks_widgets.core.matching.reference import clean_mean, local_range, lone_pixels
from crmasks_widgets.core.matching.sky import N_SKY, Sky, Smooth, coordinates
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array, FloatArray

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
# A prediction is judged in the light of so many pixels around.
_HALO = 2


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

    def still(self, rows: slice = slice(None)) -> Float32Array:
        """What hot pixels and columns have more than their neighbours, in some rows, ADU."""
        return np.asarray(np.maximum(self.mean[rows] - self.movable[rows], 0), np.float32)

    def response(self, sigma: Float32Array, rows: slice) -> Float32Array:
        """Part of the light that pixels see, of what their neighbours do; not above 1."""
        mean, movable = self.mean[rows], self.movable[rows]
        part = np.clip(mean / np.maximum(movable, sigma[rows]), 0, 1)
        return np.asarray(np.where(mean < movable, part, 1), np.float32)


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


def predict_differences(
    cube: Float32Array, minimum: Float32Array, sigma: Float32Array, sky: Sky, fit: Fit
) -> Float32Array:
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
    (n, ny, nx) float32
        To be taken from the exposures, ADU.
    """
    bad, slack = sky.bad_lines(), np.float32(UNMATCHED) * local_range(minimum)
    first = make_reference(list(cube), sigma, slack, bad)
    kernels, weights = fit.kernels_at_borders(), fit.centred[:, TAPS:]
    smooth = [(sky.combined(weight[:N_SKY]), float(weight[N_SKY])) for weight in weights]
    varying = weights[:, N_SKY + 1 :]
    matched = _moved(first.movable, kernels, varying)
    for rows in _blocks(len(sigma)):
        response = first.response(sigma, rows)
        for plane, difference, terms in zip(cube, matched, smooth, strict=True):
            some = (difference[rows] + _smooth_in(*terms, first, rows)) * response
            np.subtract(plane[rows], some, out=difference[rows])
    inner = (slice(RADIUS, -RADIUS),) * 2
    slack[inner] *= np.float32(slack_after(fit) / UNMATCHED)
    second = make_reference(matched, sigma, slack, bad)
    del matched, slack, bad
    fine = _moved(second.movable, kernels, varying)
    power = np.square(fit.centred[:, :TAPS]).sum(axis=1) / len(cube)
    out = np.empty_like(cube)
    for rows in _blocks(len(sigma)):
        outer = slice(max(rows.start - _HALO, 0), rows.stop + _HALO)
        scale = np.float32(1) / sigma[outer]
        response = second.response(sigma, outer) * scale
        found = _borne_out(
            [(plane[outer] - first.mean[outer]) * scale for plane in cube],
            [(plane[outer] - second.mean[outer]) * scale for plane in cube],
            [_smooth_in(*terms, second, outer) * response for terms in smooth],
            [_above_noise(f[outer] * response, p) for f, p in zip(fine, power, strict=True)],
        )
        inside = slice(rows.start - outer.start, rows.stop - outer.start)
        for k, difference in enumerate(found):
            out[k, rows] = difference[inside] * sigma[rows]
    return out


def _blocks(ny: int) -> Iterator[slice]:
    return (slice(start, min(start + _ROWS, ny)) for start in range(0, ny, _ROWS))


def _smooth_in(smooth: Smooth, still: float, reference: Reference, rows: slice) -> Float32Array:
    """Smooth terms, and a part of what cannot move, in some rows."""
    return np.asarray(smooth.rows(rows) + np.float32(still) * reference.still(rows), np.float32)


def _moved(frame: Float32Array, kernels: Float64Array, varying: FloatArray) -> list[Float32Array]:
    """Differences by the kernels, and by displacements that grow over the frame."""
    out = [convolve(frame, k) if k.any() else np.zeros_like(frame) for k in kernels]
    if not varying.any():
        return out
    along_x, along_y = slopes(frame)
    for rows in _blocks(len(frame)):
        x, y = coordinates(frame.shape, rows)
        for difference, weights in zip(out, np.asarray(varying, np.float32), strict=True):
            difference[rows] += (weights[0] * x + (weights[1] * y)[:, None]) * along_x[rows]
            difference[rows] += (weights[2] * x + (weights[3] * y)[:, None]) * along_y[rows]
    return out


def _borne_out(
    before: list[Float32Array],
    after: list[Float32Array],
    smooth: list[Float32Array],
    fine: list[Float32Array],
) -> list[Float32Array]:
    """Differences, but where taking them away makes the exposures less alike; in units of sigma.

    What does not move with the sky, as hot pixels, is not there to be predicted. `before` are the
    exposures less the reference that was made of them as they are, `after` less the other one.
    """
    without = [a - s for a, s in zip(after, smooth, strict=True)]
    kept = _helpful(without, [w - f for w, f in zip(without, fine, strict=True)], fine)
    total = [s + f * kept for s, f in zip(smooth, fine, strict=True)]
    kept = _helpful(before, [a - t for a, t in zip(after, total, strict=True)], total)
    return [difference * kept for difference in total]


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
