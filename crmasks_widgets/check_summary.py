"""The first screen of `crmasks check`: what is good, what is doubtful, and what to do."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from rich.console import Console

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.advice import Advice, Trial, value_in_words
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.noise_remarks import Remark, fitted_parameters, offsets_in, remarks_on
from crmasks_widgets.parameters import parameter_table
from crmasks_widgets.parameters.file import OWN, REQUIREMENTS
from crmasks_widgets.parameters.info import EXPOSURE_KEYS

_NOISE: Final = frozenset({"gain", "rnoise", "bias"})
_MOST_WIDTH: Final = 100


@dataclass(frozen=True)
class Summary:
    """What a check comes to.

    Attributes
    ----------
    good, doubtful, unknown : list of str
        A line each, the parameter or quantity first.
    lines : mapping
        Value and comment of the YAML line of each parameter that is to be changed.
    by_hand : list of str
        What to do that no line of YAML does.
    """

    good: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    lines: dict[str, tuple[Any, str]] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)


def summarise(analysis: Analysis, advice: Advice) -> Summary:
    """Bring noise check and trials down to what a user has to know.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters.
    advice : Advice
        What trials say.

    Returns
    -------
    Summary
        Every remark of the check and every change advised is in it.
    """
    check, noise = analysis.noise_check, analysis.noise
    remarks = remarks_on(check, noise, analysis.parameters.aligned)
    summary = Summary()
    _on_noise(summary, analysis, remarks)
    _on_light(summary, check, remarks)
    _on_settings(summary, advice, judges=analysis.parameters.judges)
    for remark in remarks:
        summary.doubtful.append(f"{remark.parameter}: {remark.text}")
        if remark.parameter not in {*advice.changes, *summary.lines}:
            _answer(summary, remark, analysis)
    summary.lines.update({name: (value, "") for name, value in advice.changes.items()})
    return summary


def _answer(summary: Summary, remark: Remark, analysis: Analysis) -> None:
    """Say what to do about a remark: a line of YAML where there is one."""
    name, check, p = remark.parameter, analysis.noise_check, analysis.parameters
    fitted = fitted_parameters(check, analysis.noise)
    said = ""
    if name in fitted:
        summary.lines[name] = fitted[name], "fits the differences; keep yours if it was measured"
    elif name == "flux_factor" and name not in p.aligned:
        summary.lines[name] = "auto", "measured from the exposures"
    elif name == "flux_factor":
        said = "crmethod: significance matches what no factor takes away"
    elif name == "mm_xy_offsets" and p.has_boundary and np.isfinite(check.offsets).all():
        summary.lines[name] = offsets_in(check), "measured from the exposures"
    elif name == "mm_xy_offsets":
        taken = "takes them away" if p.judges else "takes no heed of them"
        said = f"displacements: nothing, crmethod: {p.crmethod} {taken}"
    elif name == "images":
        said = "images: register the exposures on each other first"
    else:
        said = f"{name}: compare it with headers and calibration frames; no better value is known"
    if said and said not in summary.by_hand:
        summary.by_hand.append(said)


def _on_noise(summary: Summary, analysis: Analysis, remarks: Sequence[Remark]) -> None:
    check, noise = analysis.noise_check, analysis.noise
    if not check.classes:
        summary.unknown.append("noise: too few pixels to tell")
        return
    given = f"gain {noise.typical_gain:.4g} e-/ADU, readout noise {noise.typical_rnoise:.4g} ADU"
    text = f"noise: the exposures scatter {check.excess:.2f} times as predicted ({given})"
    listed = summary.doubtful if _NOISE & {r.parameter for r in remarks} else summary.good
    listed.append(text)
    for name, why in (("gain", check.gain_unknown), ("rnoise", check.rnoise_unknown)):
        if why:
            summary.unknown.append(f"{name}: no value can be fitted, because {why}")


def _on_light(summary: Summary, check: NoiseCheck, remarks: Sequence[Remark]) -> None:
    named = {remark.parameter for remark in remarks}
    if check.flux_unknown:
        summary.unknown.append(f"brightness: {check.flux_unknown}")
    elif "flux_factor" not in named:
        most = 100 * max(abs(flux) for flux, _ in check.flux)
        summary.good.append(f"brightness: the exposures agree within {most:.1f} %")
    if check.offsets_unknown:
        summary.unknown.append(f"displacement: {check.offsets_unknown}")
    elif not named & {"mm_xy_offsets", "images"}:
        most = max(float(np.hypot(dx, dy)) for dx, dy, _ in check.offsets)
        summary.good.append(f"displacement: at most {most:.2f} pixels")


def _on_settings(summary: Summary, advice: Advice, *, judges: bool) -> None:
    if advice.untried:
        listed = summary.good if judges else summary.unknown
        listed.append(f"settings: none tried: {advice.untried}")
    changed = set(advice.changes)
    of_methods = changed & {"crmethod", "mm_photon_distribution"}
    for title, trials, names in (
        ("L.A.Cosmic", advice.exposures, [n for n in advice.changes if n.startswith("la_")]),
        ("method", advice.median, [n for n in advice.changes if n in of_methods]),
    ):
        if trials:
            listed = summary.doubtful if names else summary.good
            listed.append(f"{', '.join(names) or title}: {_as_given(trials, title)}")
    for name in changed - of_methods:
        if not name.startswith("la_"):
            summary.doubtful.append(f"{name}: {advice.reasons[name]}")


def _as_given(trials: Sequence[Trial], title: str) -> str:
    score, better = trials[0].score, max(trials, key=lambda trial: trial.score.worth).score
    if title == "L.A.Cosmic":
        text = (
            f"as given, {score.share:.0%} of {score.hits} pixels of hits in the exposures are "
            f"found, and {score.elsewhere} pixels elsewhere"
        )
        best = f"{better.share:.0%} and {better.elsewhere}"
    else:
        text = (
            f"as given, {score.found} of {score.hits} hits of the median are found, and "
            f"{score.elsewhere} where the exposures show none"
        )
        best = f"{better.found} and {better.elsewhere}"
    return f"{text}; the best of {len(trials)} trials: {best}"


def print_summary(summary: Summary, console: Console) -> None:
    """Print it, wrapped to the terminal but for lines of YAML.

    Parameters
    ----------
    summary : Summary
        Of one detector.
    console : rich.console.Console
        Where.
    """
    width = min(console.width, _MOST_WIDTH)
    for title, texts in (
        ("good", summary.good), ("doubtful", summary.doubtful), ("not known", summary.unknown),
    ):  # fmt: skip
        if texts:
            console.print(title, style="bold")
        for text in texts:
            console.print(_filled(text, width))
    console.print("what to do", style="bold")
    for text in summary.by_hand:
        console.print(_filled(text, width))
    if summary.lines:
        console.print("  in the parameter file:")
        for line in _yaml(summary.lines):
            console.print(f"    {line}", soft_wrap=True)
    elif not summary.by_hand:
        console.print("  nothing: the parameters serve")


def _filled(text: str, width: int) -> str:
    return textwrap.fill(
        text, width, initial_indent="  ", subsequent_indent="      ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _yaml(lines: Mapping[str, tuple[Any, str]]) -> Iterator[str]:
    own = {info.name for info in parameter_table() if not info.in_reference}
    top = {name: line for name, line in lines.items() if name in EXPOSURE_KEYS}
    for title, below in (
        (REQUIREMENTS, {n: line for n, line in lines.items() if n not in {*top, *own}}),
        (OWN, {n: line for n, line in lines.items() if n in own}),
    ):
        yield from _entries(top, "")
        top = {}
        if below:
            yield f"{title}:"
            yield from _entries(below, "  ")


def _entries(lines: Mapping[str, tuple[Any, str]], indent: str) -> Iterator[str]:
    for name, (value, comment) in lines.items():
        said = f"   # {comment}" if comment else ""
        yield f"{indent}{name}: {value_in_words(value)}{said}"
