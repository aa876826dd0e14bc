"""Taking predicted differences away, where the exposures bear them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.matching.fit import Fit
from crmasks_widgets.core.matching.kernels import RADIUS, TAPS, convolve, slopes_in
from crmasks_widgets.core.matching.reference import (
    box_mean,
    clean_mean,
    hits_that_stand_out_alone,
    local_range,
    lone_pixels,
)
from crmasks_widgets.core.matching.sky import N_SKY, Sky, Smooth, coordinates
from crmasks_widgets.core.typing import BoolArray, Float32Array, Float64Array, Pixels

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
_ROWS = 32
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
        Where the median of the exposures is hit, or one of them within what they may differ by.
    """

    mean: Float32Array
    movable: Float32Array
    doubtful: BoolArray

    def still(self, rows: slice = slice(None)) -> Float32Array:
        """What hot pixels and columns have more than their neighbours, in some rows, ADU."""
        return np.asarray(np.maximum(self.mean[rows] - self.movable[rows], 0), np.float32)

    def own(self, sigma: Float32Array, rows: slice) -> "Own":
        """Pixels of some rows that are the detector's own."""
        mean, movable = self.mean[rows], self.movable[rows]
        at = np.flatnonzero(mean != movable)
        of_mean, of_movable = mean.ravel()[at], movable.ravel()[at]
        part = np.clip(of_mean / np.maximum(of_movable, sigma[rows].ravel()[at]), 0, 1)
        response = np.where(of_mean < of_movable, part, np.float32(1))
        return Own(at, np.maximum(of_mean - of_movable, np.float32(0)), response)


@dataclass(frozen=True)
class Own:
    """Pixels and lines of some rows that are the detector's own.

    Attributes
    ----------
    pixels : (k,) int64
        Flat indices in these rows.
    still : (k,) float32
        What hot ones have more than their neighbours, ADU.
    response : (k,) float32
        Part of the light that they see, of what their neighbours do; not above 1.
    """

    pixels: Pixels
    still: Float32Array
    response: Float32Array

    def apply(self, difference: Float32Array, still: float = 0.0) -> None:
        """Change what is predicted there: a part of what cannot move, and less light."""
        flat = difference.reshape(-1)
        predicted = flat[self.pixels] + np.float32(still) * self.still
        flat[self.pixels] = predicted * self.response


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
    lone = lone_pixels(movable, sigma)
    hit = hits_that_stand_out_alone(planes, mean, lone)
    movable -= lone
    mean.ravel()[hit] -= lone.ravel()[hit]
    doubtful.ravel()[hit] = True
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
    bad, slack = sky.bad_lines(), local_range(minimum)
    slack *= np.float32(UNMATCHED)
    model = _Model.of(sky, fit)
    first = make_reference(list(cube), sigma, slack, bad)
    moved = model.moved(first.movable)
    out = np.empty_like(cube)
    for rows in _blocks(len(sigma)):
        own = first.own(sigma, rows)
        smooth = model.smooth_in(rows)
        for k, (change, some) in enumerate(zip(model.all_of(moved, rows), smooth, strict=True)):
            some += change
            own.apply(some, model.still[k])
            np.subtract(cube[k, rows], some, out=out[k, rows])
    del moved
    inner = (slice(RADIUS, -RADIUS),) * 2
    slack[inner] *= np.float32(slack_after(fit) / UNMATCHED)
    second = make_reference(list(out), sigma, slack, bad)
    del slack, bad
    moved = model.moved(second.movable)
    for rows in _blocks(len(sigma)):
        outer = slice(max(rows.start - _HALO, 0), rows.stop + _HALO)
        inside = slice(rows.start - outer.start, rows.stop - outer.start)
        found = model.borne_out(cube[:, outer], sigma, (first, second), moved, outer)
        for k, difference in enumerate(found):
            np.multiply(difference[inside], sigma[rows], out=out[k, rows])
    return out


def _blocks(ny: int) -> Iterator[slice]:
    return (slice(start, min(start + _ROWS, ny)) for start in range(0, ny, _ROWS))


@dataclass(frozen=True)
class _Model:
    """What a fit predicts; all differences add up to 0, so that of the last is the rest."""

    sky: Sky
    kernels: Float64Array
    smooth: list[Smooth]
    still: list[float]
    varying: Float32Array
    power: Float64Array

    @classmethod
    def of(cls, sky: Sky, fit: Fit) -> "_Model":
        values = fit.centred
        weights = values[:, TAPS:]
        return cls(
            sky,
            fit.kernels_at_borders()[:-1],
            [sky.combined(weight[:N_SKY]) for weight in weights[:-1]],
            weights[:, N_SKY].tolist(),
            weights[:-1, N_SKY + 1 :].astype(np.float32),
            np.square(values[:, :TAPS]).sum(axis=1) / len(values),
        )

    def moved(self, frame: Float32Array) -> Float32Array:
        """Differences by the kernels, and by displacements that grow over the frame."""
        out = convolve(frame, self.kernels)
        if not self.varying.any():
            return out
        for rows in _blocks(len(frame)):
            x, y = coordinates(frame.shape, rows)
            along_x, along_y = slopes_in(frame, rows)
            for difference, (xx, yx, xy, yy) in zip(out, self.varying, strict=True):
                difference[rows] += (xx * x + (yx * y)[:, None]) * along_x
                difference[rows] += (xy * x + (yy * y)[:, None]) * along_y
        return out

    def all_of(self, moved: Float32Array, rows: slice) -> list[Float32Array]:
        """Some rows of what `moved` returns, and of the last exposure."""
        return _with_last([difference[rows] for difference in moved])

    def smooth_in(self, rows: slice) -> list[Float32Array]:
        """Smooth terms of all exposures in some rows, ADU; new arrays."""
        return _with_last([smooth.rows(rows) for smooth in self.smooth])

    def borne_out(
        self,
        cube: Float32Array,
        sigma: Float32Array,
        references: tuple[Reference, Reference],
        moved: Float32Array,
        rows: slice,
    ) -> list[Float32Array]:
        """Differences in some rows, as far as the exposures bear them out, in sigma.

        `cube` holds these rows of the exposures as they are; the references were made of these and
        of what was left of them.
        """
        first, second = references
        scale = np.float32(1) / sigma[rows]
        own = second.own(sigma, rows)
        smooth, fine = self.smooth_in(rows), self.all_of(moved, rows)
        for k, power in enumerate(self.power):
            own.apply(smooth[k], self.still[k])
            smooth[k] *= scale
            fine[k] = fine[k] * scale
            own.apply(fine[k])
            _draw_to_zero(fine[k], power)
        after = [(plane - second.mean[rows]) * scale for plane in cube]
        change = (second.mean[rows] - first.mean[rows]) * scale
        return _borne_out([a + change for a in after], after, smooth, fine)


def _with_last(differences: list[Float32Array]) -> list[Float32Array]:
    """Differences of all exposures, from those of all but the last."""
    last = np.negative(differences[0])
    for difference in differences[1:]:
        last -= difference
    return [*differences, last]


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
    for difference in total:
        difference *= kept
    return total


def _draw_to_zero(difference: Float32Array, power: float) -> None:
    """Lessen in place what the noise of the reference may have made, all in units of sigma."""
    kept = box_mean(np.square(difference))
    np.maximum(kept, np.finfo(np.float32).tiny, out=kept)
    np.divide(np.float32(-_NOISE * power), kept, out=kept)
    kept += np.float32(1)
    difference *= np.maximum(kept, 0, out=kept)


def _helpful(
    before: list[Float32Array], after: list[Float32Array], predicted: list[Float32Array]
) -> BoolArray:
    """Where taking something away does not make exposures less alike, all in units of sigma."""
    harm, worst, size, largest = (np.zeros_like(before[0]) for _ in range(4))
    for old, new, difference in zip(before, after, predicted, strict=True):
        change, square = _limited_square(new), _limited_square(old)
        change -= square
        harm += change
        # One exposure may be hit: the one that speaks loudest against a prediction is not heard.
        np.maximum(worst, change, out=worst)
        square = _limited_square(difference, square)
        size += square
        np.maximum(largest, square, out=largest)
    harm -= worst
    size -= largest
    around = box_mean(size)
    around *= np.float32(_HARM_PART_AROUND)
    np.maximum(around, np.float32(_HARM_AROUND), out=around)
    size *= np.float32(_HARM_PART)
    alone = harm < np.maximum(size, np.float32(_HARM), out=size)
    return np.asarray(alone & (box_mean(harm) < around))


def _limited_square(frame: Float32Array, out: Float32Array | None = None) -> Float32Array:
    square = np.square(frame, out=out)
    return np.minimum(square, np.float32(_MOST), out=square)
