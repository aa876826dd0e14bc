"""Is the noise what gain and readout noise say? The exposures' own differences answer.

In a scene of level m, the difference of two equivalent exposures scatters with the variance
2 (rnoise^2 + m / gain): the photon transfer relation. Differences between neighbouring pixels of
the difference frame keep that noise and lose what varies slowly, a wrong flux factor or a
displacement of the exposures. Hits, which stand out, are left out.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import Float64Array

# Part of a normal law within one sigma.
_CORE = 0.6827
_N_CLASSES, _LEAST_PIXELS = 20, 1000
_ENOUGH_PIXELS = 1_000_000
# The median of the exposures, averaged over so many pixels, is the level.
_BOX = 5
# Rounds of a least-squares fit without the pixels beyond so many sigma.
_ROUNDS, _CLIP = 4, 4.0
# Bright and steep pixels tell about flux and displacement: so many sigma of one exposure;
# and so many of them tell enough.
_TELLING, _ENOUGH_TELLING = 5.0, 250_000
# Combinations of them that are this much less certain than others remain unknown.
_SINGULAR = 1e-10


@dataclass(frozen=True)
class LevelClass:
    """Pixels of similar level.

    Attributes
    ----------
    level : float
        Mean level, ADU.
    n_pixels : int
        Pixels of all pairs of exposures together.
    predicted : float
        Noise of a single exposure as gain and readout noise say, ADU.
    observed : float
        Core of the differences of exposures, in the same terms, ADU.
    white : float
        The same without what neighbouring pixels have in common, ADU.
    """

    level: float
    n_pixels: int
    predicted: float
    observed: float
    white: float


@dataclass(frozen=True)
class NoiseCheck:
    """Predicted and observed noise, and what may explain their difference.

    Attributes
    ----------
    classes : tuple of LevelClass
        By rising level.
    gain, gain_error : float
        Gain that fits the differences best and its standard error, e-/ADU; NaN where the levels
        do not tell.
    rnoise, rnoise_error : float
        Readout noise that fits best and its standard error, ADU; NaN where no level is dark enough.
    flux : tuple of n (float, float)
        Brightness of each exposure relative to the mean of the others, minus 1, with its error;
        NaN without bright pixels.
    offsets : tuple of n (float, float, float)
        Displacement of each exposure against the mean of the others, along x and y, with the
        larger of the errors, pixels; NaN without structure.
    """

    classes: tuple[LevelClass, ...]
    gain: float
    gain_error: float
    rnoise: float
    rnoise_error: float
    flux: tuple[tuple[float, float], ...]
    offsets: tuple[tuple[float, float, float], ...]

    @property
    def excess(self) -> float:
        """Observed over predicted noise, all classes together."""
        n = np.array([c.n_pixels for c in self.classes], float)
        ratio = np.array([c.observed / c.predicted for c in self.classes])
        return float(np.average(ratio, weights=n)) if len(n) else np.nan

    @property
    def white_excess(self) -> float:
        """The same without what neighbouring pixels have in common."""
        n = np.array([c.n_pixels for c in self.classes], float)
        ratio = np.array([c.white / c.predicted for c in self.classes])
        return float(np.average(ratio, weights=n)) if len(n) else np.nan


def check_noise(stack: Stack, noise: Noise, factors: tuple[float, ...]) -> NoiseCheck:
    """Compare the scatter of the exposures with the noise model.

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
    NoiseCheck
        Of maps of gain or readout noise, the medians are compared.
    """
    step = max(1, stack.min2d.size // _ENOUGH_PIXELS)
    filled = np.nan_to_num(stack.median2d)
    level = ndimage.uniform_filter(filled, _BOX, mode="nearest")
    samples = _Samples.of(stack, level, factors, step)
    gain, rnoise = noise.typical_gain, noise.typical_rnoise
    classes = _classes(samples, gain, rnoise)
    fitted = _photon_transfer(samples, classes)
    flux, offsets = _flux_and_offsets(stack, level, noise)
    return NoiseCheck(tuple(c for c, _ in classes), *fitted, flux, offsets)


@dataclass(frozen=True)
class _Samples:
    """Differences of all pairs of exposures, and what their variance is made of.

    The variance of a difference is readout * rnoise^2 + photons * signal / gain. Pixels are classed
    by their level, an average; the signal is their own, right in the mean where lines are narrow.
    """

    level: Float64Array
    signal: Float64Array
    plain: Float64Array
    white: Float64Array
    readout: Float64Array
    photons: Float64Array

    @classmethod
    def of(
        cls, stack: Stack, level: npt.NDArray[np.floating], factors: tuple[float, ...], step: int
    ) -> "_Samples":
        rows: list[list[Float64Array]] = [[] for _ in range(6)]
        for i, j in combinations(range(stack.n), 2):
            difference = (stack.cube[i, ::step] - stack.cube[j, ::step]).astype(np.float64)
            pair = difference[:, :-1:2], difference[:, 1::2]
            width = min(pair[0].shape[1], pair[1].shape[1])
            left, right = pair[0][:, :width].ravel(), pair[1][:, :width].ravel()
            known = np.isfinite(left) & np.isfinite(right)
            places = [
                (frame[::step, : 2 * width : 2] + frame[::step, 1 : 2 * width : 2]).ravel()[known]
                / 2
                for frame in (level, stack.median2d)
            ]
            shares = [1 / factors[i] ** k + 1 / factors[j] ** k for k in (2, 1)]
            columns = (
                *places, left[known], (left - right)[known],
                np.full(len(places[0]), shares[0]), np.full(len(places[0]), shares[1]),
            )  # fmt: skip
            for row, column in zip(rows, columns, strict=True):
                row.append(column)
        return cls(*(np.concatenate(row) for row in rows))


def _classes(
    samples: _Samples, gain: float, rnoise: float
) -> list[tuple[LevelClass, npt.NDArray[np.bool_]]]:
    """Classes of similar noise, and their members."""
    signal = np.maximum(samples.level, 0)
    variance = samples.readout * rnoise**2 + samples.photons * signal / gain
    # Classes are as wide as the noise of an exposure, or wider: the scatter of the levels
    # themselves must not look like a change of level without a change of noise.
    place = 2 * gain * np.sqrt(variance / 2)
    low, high = np.quantile(place, (0.0, 0.999))
    number = ((place - low) * min(1.0, _N_CLASSES / max(high - low, 1e-9))).astype(np.int64)
    rows = []
    for k in range(_N_CLASSES + 1):
        members = number == k
        n = int(np.count_nonzero(members))
        if n < _LEAST_PIXELS or not variance[members].mean() > 0:
            continue
        photons = float((samples.photons[members] * samples.signal[members]).mean())
        readout = float(samples.readout[members].mean()) * rnoise**2
        predicted = float(np.sqrt((readout + max(photons, 0.0) / gain) / 2))
        # A class may be wide: every pixel counts in units of its own noise.
        mean = variance[members].mean()
        unit = np.sqrt(variance[members] / mean)
        observed = _scatter(samples.plain[members] / unit) / np.sqrt(2)
        white = _scatter(samples.white[members] / unit) / 2
        level = float(samples.signal[members].mean())
        rows.append((LevelClass(level, n, predicted, observed, white), members))
    return rows


def _scatter(values: Float64Array) -> float:
    """Root mean square of the core: hits, which stand out, are left out step by step."""
    scatter = float(np.quantile(np.abs(values), _CORE))
    for _ in range(_ROUNDS):
        scatter = float(np.sqrt(np.mean(np.square(values[np.abs(values) < _CLIP * scatter]))))
    return scatter


def _photon_transfer(
    samples: _Samples, classes: list[tuple[LevelClass, npt.NDArray[np.bool_]]]
) -> tuple[float, float, float, float]:
    """Gain and readout noise with their errors, from the white noise of the classes."""
    if len(classes) < 3:
        return (np.nan,) * 4
    design, variance, weight = [], [], []
    for row, members in classes:
        observed = 2 * row.white**2
        photons = (samples.photons[members] * samples.signal[members]).mean()
        design.append((samples.readout[members].mean(), max(photons, 0.0)))
        variance.append(observed)
        weight.append(np.sqrt(row.n_pixels / 2) / observed)
    columns, target, w = np.array(design), np.array(variance), np.array(weight)
    solution, _, rank, _ = np.linalg.lstsq(columns * w[:, None], target * w, rcond=None)
    if rank < 2:
        return (np.nan,) * 4
    residual = (columns @ solution - target) * w
    inflation = max(1.0, float(residual @ residual) / (len(target) - 2))
    errors = np.sqrt(np.diag(np.linalg.inv((columns * w[:, None]).T @ (columns * w[:, None]))))
    errors *= np.sqrt(inflation)
    readout, slope = solution
    gain, rnoise = (1 / slope if slope > 3 * errors[1] else np.nan), np.nan
    gain_error = gain**2 * errors[1]
    if readout > 3 * errors[0]:
        rnoise = np.sqrt(readout)
    return float(gain), float(gain_error), float(rnoise), float(errors[0] / (2 * rnoise))


def _flux_and_offsets(
    stack: Stack, level: npt.NDArray[np.floating], noise: Noise
) -> tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float, float], ...]]:
    """Fit each exposure's difference from the others by its scene and the scene's slopes."""
    sigma = np.asarray(noise.sigma(np.maximum(level, 0)), np.float32)
    smooth = ndimage.uniform_filter(np.nan_to_num(stack.median2d), 3, mode="nearest")
    slope_y, slope_x = np.gradient(smooth)
    bright = level > _TELLING * sigma
    steep = np.square(slope_x) + np.square(slope_y) > np.square(sigma)
    nothing = ((np.nan, np.nan),) * stack.n, ((np.nan,) * 3,) * stack.n
    pixels = np.flatnonzero((bright | steep) & (stack.n_valid == stack.n))
    if len(pixels) < _LEAST_PIXELS:
        return nothing
    pixels = pixels[:: max(1, len(pixels) // _ENOUGH_TELLING)]
    weight = 1 / sigma.ravel()[pixels].astype(np.float64)
    values = stack.cube.reshape(stack.n, -1)[:, pixels] * weight
    design = np.stack([f.ravel()[pixels] for f in (smooth, -slope_x, -slope_y)]) * weight
    flux, offsets = [], []
    for exposure in values:
        others = (values.sum(axis=0) - exposure) / (stack.n - 1)
        solution, error = _robust_fit(design, exposure - others)
        flux.append((solution[0], error[0]))
        offsets.append((solution[1], solution[2], max(error[1], error[2])))
    if np.count_nonzero(bright) < _LEAST_PIXELS:
        flux = list(nothing[0])
    if np.count_nonzero(steep) < _LEAST_PIXELS:
        offsets = list(nothing[1])
    return tuple(flux), tuple(offsets)


def _robust_fit(design: Float64Array, target: Float64Array) -> tuple[list[float], list[float]]:
    """Least squares of columns (m, k) without what stands out of a target (k,), hits above all."""
    # Columns of equal length keep the normal equations well conditioned.
    length = np.maximum(np.linalg.norm(design, axis=1), np.finfo(float).tiny)
    columns = design / length[:, None]
    solution, inverse = np.zeros(len(design)), np.zeros((len(design),) * 2)
    for _ in range(_ROUNDS):
        residual = target - solution @ columns
        scatter = float(np.quantile(np.abs(residual - np.median(residual)), _CORE))
        kept = columns * (np.abs(residual) < _CLIP * max(scatter, np.finfo(float).tiny))
        inverse = np.linalg.pinv(kept @ columns.T, rcond=_SINGULAR, hermitian=True)
        solution = inverse @ (kept @ target)
    error = scatter * np.sqrt(np.diag(inverse))
    return (solution / length).tolist(), (error / length).tolist()


@dataclass(frozen=True)
class Remark:
    """A parameter to look at.

    Attributes
    ----------
    parameter : str
        Its name.
    text : str
        Why.
    """

    parameter: str
    text: str


# A difference is worth a remark beyond so many standard errors and so much in itself.
_SIGNIFICANT, _GAIN_PART, _RNOISE_PART, _FLUX_PART, _OFFSET = 4.0, 0.05, 0.05, 0.005, 0.1
_EXCESS = 0.05


def remarks_on(check: NoiseCheck, noise: Noise) -> tuple[Remark, ...]:
    """Say which parameters to look at.

    Parameters
    ----------
    check : NoiseCheck
        What was found.
    noise : Noise
        What was assumed.

    Returns
    -------
    tuple of Remark
        None if the noise is as predicted.
    """
    remarks = []
    for name, given, fitted, error, part, unit in (
        ("gain", noise.typical_gain, check.gain, check.gain_error, _GAIN_PART, "e-/ADU"),
        ("rnoise", noise.typical_rnoise, check.rnoise, check.rnoise_error, _RNOISE_PART, "ADU"),
    ):
        off = abs(fitted - given)
        if off > max(_SIGNIFICANT * error, part * fitted):
            text = f"{given:.4g} {unit} given, {fitted:.4g} +/- {error:.1g} fits the differences"
            remarks.append(Remark(name, text))
    for i, (deviation, error) in enumerate(check.flux, start=1):
        if abs(deviation) > max(_SIGNIFICANT * error, _FLUX_PART):
            text = f"exposure {i} is {100 * deviation:+.1f} % brighter than the others"
            remarks.append(Remark("flux_factor", text))
    for i, (dx, dy, error) in enumerate(check.offsets, start=1):
        if np.hypot(dx, dy) > max(_SIGNIFICANT * error, _OFFSET):
            text = f"exposure {i} lies {dx:+.2f}, {dy:+.2f} pixels (x, y) from the others"
            remarks.append(Remark("mm_xy_offsets", text))
    named = {remark.parameter for remark in remarks}
    if not named & {"gain", "rnoise"} and abs(check.white_excess - 1) > _EXCESS:
        # Dark pixels, which most frames have most of, tell about the readout.
        photons = np.average(
            [max(c.level, 0) for c in check.classes], weights=[c.n_pixels for c in check.classes]
        )
        by_photons = photons / noise.typical_gain > noise.typical_rnoise**2
        text = f"neighbouring pixels scatter {check.white_excess:.2f} times as much as predicted"
        remarks.append(Remark("gain" if by_photons else "rnoise", text))
    if not named and check.excess - check.white_excess > _EXCESS:
        text = (
            f"exposures differ {check.excess:.2f} times as much as predicted in what neighbouring "
            "pixels have in common"
        )
        remarks.append(Remark("flux_factor", text))
    return tuple(remarks)


__all__ = ["LevelClass", "NoiseCheck", "Remark", "check_noise", "remarks_on"]
