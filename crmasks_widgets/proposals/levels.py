"""Gain, readout noise and bias: what to propose, why, and whether it is certain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from crmasks_widgets.core.photon_transfer import PRECISE, PhotonTransfer, trusted_to
from crmasks_widgets.files.headers import RATES, Card, HeaderFacts
from crmasks_widgets.proposals.overscan import Overscan

GIVEN: Final = "given"
"""Origin of what a user says."""

SIGNIFICANT: Final = 4.0
"""Standard errors beyond which a measurement contradicts a header."""

_SAME: Final = 0.01  # relative: amplifiers and exposures that differ by less are as one
_DIGITS: Final = 4


@dataclass(frozen=True)
class Proposal:
    """A value for one parameter.

    Attributes
    ----------
    name : str
        Parameter.
    value : float or str or tuple or None
        None where nothing tells it; text is the path of a map that a user gave, or a word.
    origin : str
        Where it comes from, or what is missing, in one line.
    certain : bool
        Whether it may be taken unasked: a header or an overscan says it and nothing contradicts.
    from_rnoise : bool
        Whether the readout noise of the header was used for it, and so cannot be measured by it.
    from_light : bool
        Whether it is a level that may hold light.
    error : float
        Standard error of a value that was measured; 0 for others.
    """

    name: str
    value: float | str | tuple[tuple[float, float], ...] | None
    origin: str
    certain: bool
    from_rnoise: bool = False
    from_light: bool = False
    error: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """What exposures of one group say.

    Attributes
    ----------
    headers : tuple of HeaderFacts
        One for each exposure.
    scatter : PhotonTransfer
        Of the exposures.
    overscan : Overscan or None
        None where there is none.
    """

    headers: tuple[HeaderFacts, ...]
    scatter: PhotonTransfer
    overscan: Overscan | None

    @property
    def in_electrons(self) -> bool:
        """Whether the headers say that the values are electrons."""
        return all(header.unit == "electron" for header in self.headers)

    @property
    def unit(self) -> str:
        """Unit of the values in words of ours: that of the header, ADU where it has none."""
        return self.headers[0].unit.replace("electron", "e-") or "ADU"

    @property
    def in_rates(self) -> bool:
        """Whether the headers say that the values are per second."""
        return all(header.unit in RATES for header in self.headers)


def propose_levels(
    evidence: Evidence, known: Mapping[str, Proposal] | None = None
) -> tuple[Proposal, Proposal, Proposal]:
    """Propose gain, readout noise and bias.

    Parameters
    ----------
    evidence : Evidence
        Headers, scatter and overscan.
    known : mapping, optional
        What is settled, by parameter; the others follow from it.

    Returns
    -------
    gain, rnoise, bias : Proposal
        e-/ADU, ADU, ADU.
    """
    known = known or {}
    gain = known.get("gain") or _gain(evidence)
    # A map that is given says no number; what the exposures tell stands in for it.
    typical = _gain(evidence) if isinstance(gain.value, str) else gain
    if not isinstance(typical.value, float):
        bias = known.get("bias") or _bias(evidence, None, None)
        return gain, known.get("rnoise") or _rnoise_without_gain(evidence), bias
    said = _rnoise_of_header(evidence, typical.value)
    bias = known.get("bias") or _bias(evidence, typical.value, said)
    return gain, known.get("rnoise") or _rnoise(evidence, typical, said, bias), bias


# ---- gain ----------------------------------------------------------------------------------------


def _gain(evidence: Evidence) -> Proposal:
    scatter = evidence.scatter
    said, origin, stated = _gain_of_header(evidence)
    known = np.isfinite(scatter.gain)
    found = f"the exposures scatter as with {_number(scatter.gain, scatter.gain_error)}"
    tells = known and scatter.tells_gain
    if evidence.in_electrons and said is not None:
        return _gain_of_electrons(origin, scatter)
    if said is None:
        if not known:
            return Proposal("gain", None, f"missing: {origin}, and {_silence(scatter)}", False)
        text = f"{origin}; {found}{_limits(scatter)}"
        return Proposal("gain", _rounded(scatter.gain), text, False, error=scatter.gain_error)
    if not known:
        return Proposal("gain", said, f"{origin}; {_silence(scatter)}", stated)
    if _agrees(said, scatter.gain, scatter.gain_error, scatter.tails):
        return Proposal("gain", said, f"{origin}; {found}{_limits(scatter)}", stated or tells)
    if not tells:
        return Proposal("gain", said, f"{origin}; {found}{_limits(scatter)}", stated)
    if _agrees(1 / said, scatter.gain, scatter.gain_error, scatter.tails):
        text = f"{origin} taken as ADU/e-, that is {1 / said:.4g} e-/ADU, as {found}"
        return Proposal("gain", _rounded(1 / said), text, False)
    text = f"{origin}, but {found}"
    return Proposal("gain", _rounded(scatter.gain), text, False, error=scatter.gain_error)


def _gain_of_electrons(origin: str, scatter: PhotonTransfer) -> Proposal:
    """The gain is 1, whatever the scatter: nothing else is, and no other figure is told."""
    if not np.isfinite(scatter.gain):
        return Proposal("gain", 1.0, f"{origin}; {_silence(scatter)}", True)
    if _agrees(1.0, scatter.gain, scatter.gain_error, scatter.tails):
        return Proposal("gain", 1.0, f"{origin}; the exposures scatter by so many", True)
    if not scatter.tells_gain:
        return Proposal("gain", 1.0, origin, True)
    why = "more than so many: displacement or seeing would do that"
    if scatter.gain > 1:
        why = "less than so many: averaged or filtered values would do that"
    return Proposal("gain", 1.0, f"{origin}, but the exposures scatter {why}", False)


def _gain_of_header(evidence: Evidence) -> tuple[float | None, str, bool]:
    """Gain, the words for it, and whether its unit is beyond doubt."""
    cards = [card for header in evidence.headers for card in header.gain]
    if evidence.in_rates:
        return _gain_of_rates(evidence, cards)
    if evidence.in_electrons:
        also = f" (header: {_shown(cards)}, applied already)" if _differ(cards, 1.0) else ""
        return 1.0, f"BUNIT says electrons: 1 e-/e-{also}", True
    if not cards:
        return None, "no card of the header tells it", False
    values = [1 / card.value if card.unit == "ADU/e-" else card.value for card in cards]
    origin = f"header: {_shown(cards)}"
    if cards[0].unit == "ADU/e-":
        origin += f", that is {np.mean(values):.4g} e-/ADU"
    stated = cards[0].unit == "e-/ADU" or cards[0].unit == "ADU/e-"
    if max(values) > (1 + _SAME) * min(values):
        return (
            _rounded(float(np.mean(values))),
            f"{origin}: their mean; a map would tell them apart",
            False,
        )
    return _rounded(float(np.mean(values))), origin, stated


def _gain_of_rates(evidence: Evidence, cards: Sequence[Card]) -> tuple[float | None, str, bool]:
    """Gain of values per second: it turns them into the electrons of the whole exposure."""
    seconds = [header.exposure_time or np.nan for header in evidence.headers]
    unit = evidence.headers[0].unit
    gain = 1.0 if unit.startswith("electron") else cards[0].value if cards else np.nan
    value = gain * float(np.mean(seconds))
    if not np.isfinite(value) or np.ptp(seconds) > _SAME * max(seconds):
        return None, f"BUNIT says {unit}, and exposure time and gain do not tell electrons", False
    words = f"BUNIT says {unit}: EXPTIME {seconds[0]:g} s"
    return _rounded(value), words + (f" times {cards[0]}" if gain != 1 else ""), True


# ---- readout noise -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Said:
    """Readout noise of a header, ADU; `other` if its unit were the other one."""

    value: float
    other: float
    origin: str
    other_origin: str
    stated: bool


def _rnoise_of_header(evidence: Evidence, gain: float) -> "_Said | None":
    cards = [card for header in evidence.headers for card in header.readout_noise]
    if not cards:
        return None
    value, same = float(np.mean([card.value for card in cards])), True
    text = f"header: {_shown(cards)}"
    if max(c.value for c in cards) > (1 + _SAME) * min(c.value for c in cards):
        text, same = f"{text}: their mean; a map would tell them apart", False
    if gain == 1:
        return _Said(_rounded(value), value, text, text, same)
    unit = cards[0].unit
    divided = f"{text}{'' if unit == 'e-' else ', in e-'}: divided by the gain {gain:.4g}"
    plain = text if unit == "ADU" else f"{text}, in ADU"
    if unit == "ADU":
        return _Said(_rounded(value), value / gain, plain, divided, same)
    words = divided if unit == "e-" else f"{text}, taken as e-: divided by the gain {gain:.4g}"
    return _Said(_rounded(value / gain), value, words, plain, same and unit == "e-")


def _rnoise_without_gain(evidence: Evidence) -> Proposal:
    """What the header says, where that needs no gain to be in the unit of the exposures."""
    said = _rnoise_of_header(evidence, 1.0)
    if said is None:
        return Proposal("rnoise", None, "missing: nothing tells it without a gain", False)
    cards = [card for header in evidence.headers for card in header.readout_noise]
    if evidence.in_electrons or all(card.unit == "ADU" for card in cards):
        return Proposal("rnoise", said.value, said.origin, said.stated)
    text = f"missing: {said.origin}, which is in ADU only with a gain"
    return Proposal("rnoise", None, text, False)


def _rnoise(evidence: Evidence, gain: Proposal, said: "_Said | None", bias: Proposal) -> Proposal:
    measured, error, how = _rnoise_of_exposures(evidence, gain, bias)
    if said is None:
        origin = "no card of the header tells it"
        if measured is None:
            return Proposal("rnoise", None, f"missing: {origin}, and {how}", False)
        by_overscan = evidence.overscan is not None
        return Proposal("rnoise", _rounded(measured), f"{origin}; {how}", by_overscan)
    if measured is None:
        return Proposal("rnoise", said.value, f"{said.origin}; {how}", said.stated)
    if _agrees(said.value, measured, error, evidence.scatter.tails):
        certain = said.stated or _agrees(said.value, measured, error, 0.0)
        # What is proposed is the one figure for it: another one beside it would be a second.
        by = how if evidence.overscan is not None else "dark pixels scatter by it"
        return Proposal("rnoise", said.value, f"{said.origin}; {by}", certain)
    if _agrees(said.other, measured, error, 0.0):
        return Proposal("rnoise", _rounded(said.other), f"{said.other_origin}; {how}", False)
    return Proposal("rnoise", _rounded(measured), f"{said.origin}, but {how}", False)


def _rnoise_of_exposures(
    evidence: Evidence, gain: Proposal, bias: Proposal
) -> tuple[float | None, float, str]:
    """Readout noise of the overscan or of dark pixels, its error, and the words for it."""
    if evidence.overscan is not None:
        return (
            evidence.overscan.noise,
            0.0,
            f"the overscan scatters by {evidence.overscan.noise:.4g} {evidence.unit}",
        )
    level, electrons = bias.value, gain.value
    if not (isinstance(level, float) and isinstance(electrons, float)) or bias.from_rnoise:
        return None, np.nan, "the exposures tell it only together with the bias"
    value, error = evidence.scatter.rnoise(level, electrons, gain.error)
    if bias.from_light and np.isfinite(value):
        text = (
            f"unknown, at most {value:.4g} {evidence.unit}: by so much the darkest pixels scatter, "
            "with the noise of whatever light is there; a bias would tell"
        )
        return value, np.nan, text
    if not np.isfinite(value) or error > value * PRECISE:
        return None, np.nan, "no pixel of the exposures is dark enough to tell"
    return value, error, f"dark pixels scatter as with {_number(value, error)} {evidence.unit}"


# ---- bias ----------------------------------------------------------------------------------------


def _bias(evidence: Evidence, gain: float | None, said: "_Said | None") -> Proposal:
    if evidence.overscan is not None:
        return _bias_of_overscan(evidence.overscan, evidence.unit)
    headers, scatter = evidence.headers, evidence.scatter
    by_card = [header.bias_subtracted for header in headers]
    if all(by_card):
        return Proposal("bias", 0.0, f"header: {by_card[0]} says that it was subtracted", True)
    cards = [card for header in headers for card in header.bias]
    if cards:
        value = float(np.mean([card.value for card in cards]))
        close = np.ptp([card.value for card in cards]) <= 1
        more = "" if close else ": their mean; a map would tell them apart"
        fits = _fits(evidence, value, gain, said)
        certain = bool(close) and fits is not False
        return Proposal("bias", _rounded(value), f"header: {_shown(cards)}{more}", certain)
    fits = _fits(evidence, 0.0, gain, said)
    if (evidence.in_electrons or evidence.in_rates) and fits is not False:
        unit = evidence.headers[0].unit
        return Proposal("bias", 0.0, f"BUNIT says {unit}: it was subtracted", True)
    if fits:
        text = "no card of the header tells it; dark pixels scatter by rnoise as with 0"
        return Proposal("bias", 0.0, text, True)
    if gain is not None and said is not None:
        value, error = scatter.bias(said.value, gain)
        if np.isfinite(value):
            text = (
                "no card of the header tells it; level at which the exposures would scatter by "
                f"rnoise alone: {_number(value, error)}"
            )
            return Proposal("bias", _rounded(value), text, False, from_rnoise=True)
    text = (
        "no card of the header tells it; level of the darkest pixels: with light there, rnoise "
        "holds its noise, too, and what is written lies lower by it"
    )
    return Proposal("bias", _rounded(scatter.dark_level), text, False, from_light=True)


def _bias_of_overscan(overscan: Overscan, unit: str) -> Proposal:
    sections = ", ".join("[{}:{}, {}:{}]".format(*section) for section in overscan.sections)
    text = f"overscan {sections}"
    if overscan.spread > max(1.0, overscan.noise / 2):
        text += f": mean of levels that differ by {overscan.spread:.3g} {unit}"
        return Proposal("bias", _rounded(overscan.level), text, False)
    return Proposal("bias", _rounded(overscan.level), text, True)


def _fits(evidence: Evidence, bias: float, gain: float | None, said: "_Said | None") -> bool | None:
    """Whether dark pixels scatter by the readout noise of the header; None if nobody knows."""
    if gain is None or said is None or not np.isfinite(evidence.scatter.dark_variance):
        return None
    value, error = evidence.scatter.rnoise(bias, gain)
    if not np.isfinite(value):
        return False
    tails = evidence.scatter.tails
    return any(_agrees(v, value, error, tails) for v in (said.value, said.other))


# ---- words ---------------------------------------------------------------------------------------


def _agrees(said: float, measured: float, error: float, tails: float) -> bool:
    allowed = max(SIGNIFICANT * error, PRECISE * measured) + tails * measured
    return bool(abs(said - measured) <= allowed)


def _differ(cards: Sequence[Card], value: float) -> bool:
    return any(abs(card.value - value) > _SAME * value for card in cards)


def _shown(cards: Sequence[Card]) -> str:
    """Cards without those that repeat what others say; few of many."""
    texts = list(dict.fromkeys(str(card) for card in cards))
    return ", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")


def _number(value: float, error: float) -> str:
    return f"{value:.4g} +/- {error:.1g}"


def _limits(scatter: PhotonTransfer) -> str:
    """Why the exposures are not to be trusted to 5 per cent."""
    if scatter.tells_gain:
        return ""
    if limit := trusted_to(scatter.tails):
        return f" ({limit}; less where exposures differ)"
    return f" (known to {100 * scatter.gain_error / scatter.gain:.0f} % only)"


def _silence(scatter: PhotonTransfer) -> str:
    return "the exposures do not tell: their noise does not grow with the level"


def _rounded(value: float) -> float:
    """Four digits that count, and no fewer than the units of a large level."""
    if value == 0 or not np.isfinite(value):
        return float(value)
    digits = max(_DIGITS - 1 - int(np.floor(np.log10(abs(value)))), 1)
    return round(float(value), digits)
