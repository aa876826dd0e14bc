"""What a noise check means: which parameter to look at, and why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.brightness import LEAST, SIGNIFICANT
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck, with_known_gain

# A difference is worth a remark beyond so many standard errors and so much in itself.
_GAIN_PART, _RNOISE_PART, _OFFSET = 0.05, 0.05, 0.1
_EXCESS = 0.05
# Another value explains the scatter if it leaves less than this of it.
_EXPLAINS = 0.025
DITHER = 1.0
"""Exposures that lie further from each other, pixels, were dithered."""
# Gain and readout noise are offered with so many digits.
_DIGITS = 4
# Beyond so much more light, percentages are hard to read.
_MANY_TIMES = 0.5


@dataclass(frozen=True)
class Remark:
    """A parameter to look at.

    Attributes
    ----------
    parameter : str
        Its name; "noise" where no parameter of it is wrong.
    text : str
        Why.
    """

    parameter: str
    text: str


def remarks_on(
    check: NoiseCheck,
    noise: Noise,
    said: Collection[str],
    *,
    in_electrons: bool = False,
    offsets: Sequence[tuple[float, float]] | None = None,
) -> tuple[Remark, ...]:
    """Say which parameters to look at.

    Parameters
    ----------
    check : NoiseCheck
        What was found.
    noise : Noise
        What was assumed.
    said : collection of str
        Those of `flux_factor` and `mm_xy_offsets` that the user has given values.
    in_electrons : bool
        Whether the exposures are known to be in electrons, so that their gain is 1 and no unit can
        be mistaken.
    offsets : sequence of n (dx, dy), optional
        Displacements that the user has given, pixels.

    Returns
    -------
    tuple of Remark
        None if the noise is as predicted.
    """
    if in_electrons:
        check = with_known_gain(check, 1.0)
    moved = list(_on_displacement(check))
    # What is displaced differs most where it is bright, as if the gain were lower.
    seems_lower = bool(moved) and check.gain < noise.typical_gain
    fit = [
        r
        for r in _on_the_fit(check, noise, in_electrons)
        if not (seems_lower and r.parameter == "gain")
    ]
    placed = "mm_xy_offsets" in said
    moved = [remark for remark in moved if not (placed and remark.parameter == "mm_xy_offsets")]
    if offsets is not None and not moved:
        moved = list(_on_what_is_left(check, offsets))
    remarks = [*fit, *_on_flux(check, "flux_factor" in said), *moved]
    named = {remark.parameter for remark in remarks}
    if not named & {"gain", "rnoise", "bias"} and abs(check.white_excess - 1) > _EXCESS:
        remarks += _on_the_scatter(check, noise, in_electrons)
    if not named and check.excess - check.white_excess > _EXCESS:
        text = (
            f"exposures differ {check.excess:.2f} times as much as predicted in what neighbouring "
            "pixels have in common"
        )
        remarks.append(Remark("flux_factor", text))
    return tuple(remarks)


def fitted_parameters(
    check: NoiseCheck, noise: Noise, *, in_electrons: bool = False
) -> dict[str, float]:
    """Parameters that the differences of the exposures fit, as far as they tell.

    Parameters
    ----------
    check : NoiseCheck
        What was found.
    noise : Noise
        What was assumed; of a map the fit, one number, is no better version.
    in_electrons : bool
        As of `remarks_on`; the gain is 1 then, and none is offered.

    Returns
    -------
    dict
        Of "gain", e-/ADU, and "rnoise", ADU.
    """
    if in_electrons:
        check = with_known_gain(check, 1.0)
    given = {"gain": noise.gain, "rnoise": noise.rnoise}
    fits = {"gain": np.nan if in_electrons else check.gain, "rnoise": check.rnoise}
    return {
        name: float(f"{value:.{_DIGITS}g}")
        for name, value in fits.items()
        if np.isfinite(value) and value > 0 and np.ndim(given[name]) == 0
    }


def _on_the_fit(check: NoiseCheck, noise: Noise, in_electrons: bool) -> Iterator[Remark]:
    """Gain, readout noise and bias, where the noise was seen to grow with the level."""
    given, rnoise = noise.typical_gain, noise.typical_rnoise
    if _off(given, check.gain, check.gain_error, _GAIN_PART):
        text = _given_and_fitted(given, check.gain, check.gain_error, "e-/ADU")
        if in_electrons:
            text = f"{given:.4g} given; the exposures are in electrons, whose gain is 1"
        elif not _off(1.0, check.gain, check.gain_error, _GAIN_PART):
            text += "; data in electrons have gain 1, and rnoise in electrons"
        yield Remark("gain", text)
    if _off(rnoise, check.rnoise, check.rnoise_error, _RNOISE_PART):
        text = _given_and_fitted(rnoise, check.rnoise, check.rnoise_error, "ADU")
        gain = check.gain if np.isfinite(check.gain) else given
        electrons, error = check.rnoise * gain, check.rnoise_error * gain
        mistaken = not in_electrons and abs(gain - 1) > _GAIN_PART
        if mistaken and not _off(rnoise, electrons, error, _RNOISE_PART):
            text += f"; {rnoise:.4g} e- would be {rnoise / gain:.3g} ADU"
        yield Remark("rnoise", text)
    darkest = check.classes[0] if check.classes else None
    below_none = check.dark_variance < -SIGNIFICANT * check.dark_variance_error
    if darkest and below_none and darkest.white < (1 - _EXCESS) * darkest.predicted:
        left = check.gain * (rnoise**2 - check.dark_variance)
        yield Remark("bias", _bias_text(left, "at level 0 the noise would be less than none"))
    elif darkest and darkest.level < -SIGNIFICANT * darkest.white:
        text = f"the darkest pixels lie at {darkest.level:.4g} ADU: too much was subtracted"
        yield Remark("bias", text)


def _given_and_fitted(given: float, fitted: float, error: float, unit: str) -> str:
    return f"{given:.4g} {unit} given, {fitted:.4g} +/- {error:.1g} fits the differences"


def _off(given: float, fitted: float, error: float, part: float) -> bool:
    return bool(abs(fitted - given) > max(SIGNIFICANT * error, part * abs(fitted)))


def _bias_text(left: float, why: str) -> str:
    return f"about {left:.3g} ADU of bias seem to be left in the exposures: {why}"


def _on_flux(check: NoiseCheck, divided: bool) -> Iterator[Remark]:
    for i, (deviation, error) in enumerate(check.flux, start=1):
        if not abs(deviation) > max(SIGNIFICANT * error, LEAST):
            continue
        text = f"exposure {i} is {_brighter(deviation)} the others"
        if divided:
            text += (
                " although flux factors are given: sky, seeing or displacement add what no factor "
                "takes away"
            )
        yield Remark("flux_factor", text)


def _brighter(deviation: float) -> str:
    if abs(deviation) > _MANY_TIMES:
        return f"{1 + deviation:.3g} times as bright as"
    return f"{abs(100 * deviation):.1f} % {'brighter' if deviation > 0 else 'fainter'} than"


def _on_displacement(check: NoiseCheck) -> Iterator[Remark]:
    for i, (dx, dy, error) in enumerate(check.offsets, start=1):
        if not displaced(dx, dy, error):
            continue
        text = f"exposure {i} lies {dx:+.2f}, {dy:+.2f} pixels (x, y) from the others"
        dithered = displaced(dx, dy, error, least=DITHER)
        if dithered:
            text += ": dithered exposures are not equivalent, register them first"
        yield Remark("images" if dithered else "mm_xy_offsets", text)


def _on_what_is_left(check: NoiseCheck, offsets: Sequence[tuple[float, float]]) -> Iterator[Remark]:
    """Displacements that were given, and are other ones than those that are seen."""
    for i, (seen, given, (dx, dy, error)) in enumerate(
        zip(check.offsets, offsets, left_by(check, offsets), strict=True), start=1
    ):
        if displaced(dx, dy, error):
            text = (
                f"exposure {i} lies {seen[0]:+.2f}, {seen[1]:+.2f} pixels (x, y) from the median, "
                f"and mm_xy_offsets say {given[0]:+.2f}, {given[1]:+.2f}"
            )
            yield Remark("mm_xy_offsets", text)


def left_by(
    check: NoiseCheck, offsets: Sequence[tuple[float, float]]
) -> tuple[tuple[float, float, float], ...]:
    """Displacements that are left once given ones are taken into account.

    Parameters
    ----------
    check : NoiseCheck
        Whose `offsets` are those of the exposures as they are.
    offsets : sequence of n (dx, dy)
        Pixels. One that all have in common displaces no exposure from another.

    Returns
    -------
    tuple of n (float, float, float)
        In x and y, and the error, pixels; NaN where not known.
    """
    measured = np.array(check.offsets)
    left = measured[:, :2] - np.array(offsets)
    left -= np.median(left, axis=0)
    rows = zip(left, measured[:, 2], strict=True)
    return tuple((float(dx), float(dy), float(error)) for (dx, dy), error in rows)


def displaced(dx: float, dy: float, error: float, *, least: float = _OFFSET) -> bool:
    """Tell whether an exposure lies apart from the others.

    Parameters
    ----------
    dx, dy, error : float
        Displacement and its standard error, pixels; NaN where it is not known.
    least : float
        Smallest displacement that matters, pixels.

    Returns
    -------
    bool
        Whether it is larger than this and than its noise.
    """
    return bool(np.hypot(dx, dy) > max(SIGNIFICANT * error, least))


def offsets_in(
    offsets: tuple[tuple[float, float, float], ...],
) -> tuple[tuple[float, float], ...]:
    """Displacements that were measured, as ``mm_xy_offsets`` takes them.

    Parameters
    ----------
    offsets : tuple of n (float, float, float)
        As in `core.differences.Differences`, pixels.

    Returns
    -------
    tuple of n (dx, dy)
        To a thousandth of a pixel.
    """
    return tuple((round(dx, 3) + 0.0, round(dy, 3) + 0.0) for dx, dy, _ in offsets)


def _on_the_scatter(check: NoiseCheck, noise: Noise, in_electrons: bool) -> Iterator[Remark]:
    """The noise as a whole, where no single level is at odds with the parameters."""
    levels = np.array([c.level for c in check.classes])
    pixels = np.array([c.n_pixels for c in check.classes])
    white = np.array([c.white for c in check.classes])
    # Dark pixels, which most frames have most of, tell about the readout.
    typical = float(np.average(np.maximum(levels, 0), weights=pixels))
    by_photons = typical / noise.typical_gain > noise.typical_rnoise**2
    text = f"neighbouring pixels scatter {check.white_excess:.2f} times as much as predicted"
    photons = float(np.average(white**2, weights=pixels)) - noise.typical_rnoise**2
    left = typical - noise.typical_gain * photons
    is_bias = by_photons and check.white_excess < 1 and photons > 0
    if in_electrons and by_photons and not is_bias:
        why = "hits, seeing or displacement add to it, for the gain of electrons is 1"
        yield Remark("noise", f"{text}: {why}")
        return
    parameter, why = ("", "") if in_electrons else _wrong_unit(check, noise)
    if parameter:
        other = f" (and so would {left:.3g} ADU of bias)" if is_bias else ""
        yield Remark(parameter, f"{text}; {why}{other}")
        return
    if not (in_electrons and by_photons):
        yield Remark("gain" if by_photons else "rnoise", text)
    if is_bias:
        yield Remark("bias", _bias_text(left, "their noise is that of less light"))


def _wrong_unit(check: NoiseCheck, noise: Noise) -> tuple[str, str]:
    """Parameter whose other unit explains the scatter, and how; empty if none does."""
    gain, rnoise = noise.typical_gain, noise.typical_rnoise
    in_electrons = "data in electrons have gain 1, and rnoise in electrons: that would fit"
    for other_gain, other_rnoise, parameter, why in (
        (gain, rnoise / gain, "rnoise",
         f"{rnoise:.4g} e- would be {rnoise / gain:.3g} ADU: that would fit"),
        (1.0, rnoise, "gain", in_electrons),
        (1.0, rnoise * gain, "gain", in_electrons),
    ):  # fmt: skip
        if abs(_scatter_with(check, noise, other_gain, other_rnoise) - 1) < _EXPLAINS:
            return parameter, why
    return "", ""


def _scatter_with(check: NoiseCheck, noise: Noise, gain: float, rnoise: float) -> float:
    """Observed over predicted scatter, had gain and readout noise other values."""
    predicted = np.array([c.predicted for c in check.classes])
    photons = np.maximum(predicted**2 - noise.typical_rnoise**2, 0)
    other = np.sqrt(rnoise**2 + photons * noise.typical_gain / gain)
    white = np.array([c.white for c in check.classes])
    return float(np.average(white / other, weights=[c.n_pixels for c in check.classes]))


__all__ = [
    "DITHER",
    "Remark",
    "displaced",
    "fitted_parameters",
    "left_by",
    "offsets_in",
    "remarks_on",
]
