"""Is the noise what gain and readout noise say? The exposures' own differences answer.

In a scene of level m, the difference of two equivalent exposures scatters with the variance
2 (rnoise^2 + m / gain): the photon transfer relation. Differences between neighbouring pixels of
the difference frame keep that noise and lose what varies slowly, a wrong flux factor or a
displacement of the exposures. Hits, which stand out, are left out. Exposures that are displaced by
pixels or of other brightness are laid on each other first.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core.common_ground import CommonGround
from crmasks_widgets.core.differences import BOX, Differences, differences_of
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import Stack, stack_exposures
from crmasks_widgets.core.typing import Float64Array

# Part of a normal law within one sigma.
_CORE = 0.6827
_N_CLASSES, _LEAST_PIXELS = 20, 1000
# A line with an error needs so many points; what it says is known beyond so many errors.
_FEWEST_CLASSES, _KNOWN = 3, 3.0
_ENOUGH_PIXELS = 1_000_000
# Rounds of a mean square without the values beyond so many sigma.
_ROUNDS, _CLIP = 4, 4.0
# Ratios of brightness that differ from 1 by less do not change the noise.
_SAME = 0.005


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
    flux, offsets : tuple of n tuples
        Brightness and displacement of each exposure against the median of all, as in
        `core.differences.Differences`; NaN where they are not known.
    dark_variance, dark_variance_error : float
        Variance that the fit has where the signal is 0, ADU squared: that of the readout, unless a
        bias was left in the data, which makes it less, even negative. NaN without a fit.
    gain_unknown, rnoise_unknown, flux_unknown, offsets_unknown : str
        Why; empty where they are known.
    """

    classes: tuple[LevelClass, ...]
    gain: float
    gain_error: float
    rnoise: float
    rnoise_error: float
    flux: tuple[tuple[float, float], ...]
    offsets: tuple[tuple[float, float, float], ...]
    dark_variance: float = np.nan
    dark_variance_error: float = np.nan
    gain_unknown: str = ""
    rnoise_unknown: str = ""
    flux_unknown: str = ""
    offsets_unknown: str = ""

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


def with_known_gain(check: NoiseCheck, gain: float) -> NoiseCheck:
    """Take a gain as known: what is left to be fitted is the readout noise.

    Parameters
    ----------
    check : NoiseCheck
        In which both were fitted.
    gain : float
        That of electrons is 1.

    Returns
    -------
    NoiseCheck
        The readout noise that the darkest pixels have beside photons at this gain; of brighter
        ones, hits, seeing and displacement add to the scatter.
    """
    if not (check.classes and np.isfinite(check.gain) and np.isfinite(check.dark_variance)):
        return replace(check, gain=gain, gain_error=0.0, gain_unknown="")
    more = max(check.classes[0].level, 0.0) * (1 / check.gain - 1 / gain)
    variance, error = check.dark_variance + more, check.dark_variance_error
    rnoise = (np.nan, np.nan)
    unknown = "no level is dark enough"
    if variance > _KNOWN * error:
        value = float(np.sqrt(variance))
        rnoise, unknown = (value, error / (2 * value)), ""
    return replace(
        check, gain=gain, gain_error=0.0, gain_unknown="", rnoise=rnoise[0],
        rnoise_error=rnoise[1], rnoise_unknown=unknown, dark_variance=variance,
    )  # fmt: skip


def check_noise(
    stack: Stack, noise: Noise, factors: tuple[float, ...], matched: Stack | None = None
) -> NoiseCheck:
    """Compare the scatter of the exposures with the noise model.

    Parameters
    ----------
    stack : Stack
        Exposures divided by their flux factors, ADU.
    noise : Noise
        Of an exposure before it was divided.
    factors : tuple of n floats
        The divisors.
    matched : Stack, optional
        The same without what displacement, seeing, flux and sky make of the exposures, if that is
        what the scatter is to be measured in.

    Returns
    -------
    NoiseCheck
        Of maps of gain or readout noise, the medians are compared. Flux and displacement are those
        of the exposures as they are.
    """
    noise = noise.usable()
    ground, differences = differences_of(stack, noise)
    aligned, factors = _on_common_ground(stack, ground, factors)
    # What lies pixels apart, or differs by more than a part, is beyond a finer matching.
    stack = matched if aligned is stack and matched is not None else aligned
    step = max(1, stack.min2d.size // _ENOUGH_PIXELS)
    level = ndimage.uniform_filter(np.nan_to_num(stack.median2d), BOX, mode="nearest")
    samples = _Samples.of(stack, level, factors, step)
    classes = _classes(samples, noise.typical_gain, noise.typical_rnoise)
    fitted = _photon_transfer(samples, classes)
    return _as_check([c for c, _ in classes], fitted, differences)


def _on_common_ground(
    stack: Stack, ground: CommonGround, factors: tuple[float, ...]
) -> tuple[Stack, tuple[float, ...]]:
    """The exposures as they are, or laid on each other where that makes a difference."""
    same = all(abs(ratio - 1) < _SAME for ratio in ground.ratios)
    if same and all(shift == (0, 0) for shift in ground.shifts):
        return stack, factors
    cube = np.asarray(ground.cube, np.float32)
    valid = None if stack.valid is None else np.isfinite(cube)
    divisors = [f * ratio for f, ratio in zip(factors, ground.ratios, strict=True)]
    return stack_exposures(cube, valid=valid), tuple(divisors)


def _as_check(classes: list[LevelClass], fitted: "_Fit", differences: Differences) -> NoiseCheck:
    return NoiseCheck(
        tuple(classes), *fitted.gain, *fitted.rnoise, differences.flux, differences.offsets,
        *fitted.dark_variance, fitted.gain_unknown, fitted.rnoise_unknown,
        differences.flux_unknown, differences.offsets_unknown,
    )  # fmt: skip


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
    """Classes of similar noise, and their members; none where no pixel has a neighbour."""
    if not len(samples.level):
        return []
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
    if not scatter:
        return 0.0  # exposures that are equal but for their hits
    for _ in range(_ROUNDS):
        scatter = float(np.sqrt(np.mean(np.square(values[np.abs(values) < _CLIP * scatter]))))
    return scatter


@dataclass(frozen=True)
class _Fit:
    """Straight line through variance against level: values with their errors."""

    gain: tuple[float, float] = (np.nan, np.nan)
    rnoise: tuple[float, float] = (np.nan, np.nan)
    dark_variance: tuple[float, float] = (np.nan, np.nan)
    gain_unknown: str = ""
    rnoise_unknown: str = ""


def _photon_transfer(
    samples: _Samples, classes: list[tuple[LevelClass, npt.NDArray[np.bool_]]]
) -> _Fit:
    """Gain and readout noise with their errors, from the white noise of the classes."""
    if len(classes) < _FEWEST_CLASSES:
        why = f"pixels have {len(classes)} levels, {_FEWEST_CLASSES} are needed"
        return _Fit(gain_unknown=why, rnoise_unknown=why)
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
        why = "pixels of all levels have the same noise"
        return _Fit(gain_unknown=why, rnoise_unknown=why)
    residual = (columns @ solution - target) * w
    inflation = max(1.0, float(residual @ residual) / (len(target) - 2))
    errors = np.sqrt(np.diag(np.linalg.inv((columns * w[:, None]).T @ (columns * w[:, None]))))
    return _fit_of(*(float(v) for v in (*solution, *(errors * np.sqrt(inflation)))))


def _fit_of(readout: float, slope: float, readout_error: float, slope_error: float) -> _Fit:
    """What a line of this height at level 0 and this slope says."""
    gain = rnoise = (np.nan, np.nan)
    gain_unknown = "the noise does not grow with the level"
    rnoise_unknown = "no level is dark enough"
    if slope > _KNOWN * slope_error:
        gain, gain_unknown = (1 / slope, slope_error / slope**2), ""
    if readout > _KNOWN * readout_error:
        value = float(np.sqrt(readout))
        rnoise, rnoise_unknown = (value, readout_error / (2 * value)), ""
    return _Fit(gain, rnoise, (readout, readout_error), gain_unknown, rnoise_unknown)
