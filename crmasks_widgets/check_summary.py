"""The first screen of `crmasks check`: what is good, what is doubtful, and what to do."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from rich.console import Console

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.advice import Advice, Trial, value_in_words
from crmasks_widgets.analysis.noise_in_use import check_of, fitted_noise, noise_lines, remarks_of
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.noise_remarks import Remark, left_by, offsets_in
from crmasks_widgets.core.photon_transfer import measure_tails, trusted_to
from crmasks_widgets.parameters import Parameters, parameter_table
from crmasks_widgets.parameters.file import OWN, REQUIREMENTS
from crmasks_widgets.parameters.info import EXPOSURE_KEYS
from crmasks_widgets.parameters.types import METHODS
from crmasks_widgets.units import in_ascii, in_unit

_NOISE: Final = frozenset({"gain", "rnoise", "bias", "noise"})
_NOISE_AS_A_WHOLE: Final = "noise"
_ALIGNED: Final = {
    "flux_factor": "differences in brightness", "mm_xy_offsets": "displacements",
}  # fmt: skip
_OF_METHODS: Final = ("crmethod", "mm_photon_distribution")
_MOST_WIDTH: Final = 100


@dataclass(frozen=True)
class Summary:
    """What a check comes to.

    Attributes
    ----------
    good, doubtful, unknown : list of str
        A line each, the parameter or quantity first.
    lines : mapping
        Value and comment of the YAML line of each parameter that the user may change.
    tuned : mapping
        The same of those that ``--write`` changes.
    by_hand : list of str
        What to do that no line of YAML does.
    nothing : list of str
        What is doubtful and needs nothing to be done, and why.
    """

    good: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    lines: dict[str, tuple[Any, str]] = field(default_factory=dict)
    tuned: dict[str, tuple[Any, str]] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """What there is to say where nothing is to be done."""
        if any(text.startswith(f"{_NOISE_AS_A_WHOLE}:") for text in self.unknown):
            return "nothing: no fault was found, but the noise could not be compared"
        return "nothing: the parameters serve"


def summarise(analysis: Analysis, advice: Advice, *, written: bool = True) -> Summary:
    """Bring noise check and trials down to what a user has to know.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters.
    advice : Advice
        What trials say.
    written : bool
        Whether ``--write`` can write what they say; of several detectors it cannot.

    Returns
    -------
    Summary
        Every remark of the check and every change advised is in it.
    """
    remarks = remarks_of(analysis)
    summary = Summary()
    _on_noise(summary, analysis, remarks)
    _on_light(summary, analysis, remarks)
    _on_settings(summary, advice, judges=analysis.parameters.judges)
    for remark in remarks:
        summary.doubtful.append(f"{remark.parameter}: {remark.text}")
        # A method that is advised for what flux factors leave is the answer to it.
        matched = remark.parameter == "flux_factor" and "crmethod" in advice.changes
        if not matched and remark.parameter not in {*advice.changes, *summary.lines}:
            _answer(summary, remark, analysis)
    listed = summary.tuned if written else summary.lines
    listed.update({name: (value, "") for name, value in advice.changes.items()})
    return summary


def _answer(summary: Summary, remark: Remark, analysis: Analysis) -> None:
    """Say what to do about a remark: a line of YAML where there is one."""
    name, check, p = remark.parameter, analysis.noise_check, analysis.parameters
    fitted = fitted_noise(analysis)
    if name == "gain" and analysis.exposures.in_electrons:
        summary.lines[name] = 1.0, "the exposures are in electrons"
    elif name == _NOISE_AS_A_WHOLE:
        summary.nothing.append("the noise: no parameter of it is wrong")
    elif name in fitted:
        trusted = _trusted(analysis, fitted[name]) if name == "gain" else ""
        comment = f"fits the differences{trusted}; keep yours if it was measured"
        summary.lines[name] = fitted[name], comment
    elif name == "flux_factor" and name not in p.aligned:
        summary.lines[name] = "auto", "measured from the exposures"
    elif name == "mm_xy_offsets" and p.has_boundary and np.isfinite(check.offsets).all():
        summary.lines[name] = offsets_in(check.offsets), "measured from the exposures"
    else:
        _answer_in_words(summary, name, p)


def _unit(analysis: Analysis) -> str:
    return in_ascii(analysis.exposures.unit)


def _trusted(analysis: Analysis, gain: float) -> str:
    """Say how far a fitted gain may be off where many hits make the differences scatter more."""
    check, noise = analysis.noise_check, analysis.noise
    rnoise = check.rnoise if np.isfinite(check.rnoise) else noise.typical_rnoise
    limit = trusted_to(measure_tails(analysis.stack, Noise(gain, rnoise)))
    return f" ({limit})" if limit else ""


def _answer_in_words(summary: Summary, name: str, p: Parameters) -> None:
    listed = summary.by_hand
    if name in _ALIGNED and (p.judges or name != "flux_factor"):
        taken = "takes them away" if p.judges else "takes no heed of them"
        listed, said = summary.nothing, f"{_ALIGNED[name]}: crmethod: {p.crmethod} {taken}"
    elif name == "images":
        said = "images: register the exposures on each other first"
    else:
        said = f"{name}: compare it with headers and calibration frames; no better value is known"
    if said not in listed:
        listed.append(said)


def _on_noise(summary: Summary, analysis: Analysis, remarks: Sequence[Remark]) -> None:
    check, noise = check_of(analysis), analysis.noise
    if not check.classes:
        summary.unknown.append(f"{_NOISE_AS_A_WHOLE}: too few pixels to tell")
        return
    rnoise = in_unit(f"readout noise {noise.typical_rnoise:.4g} ADU", _unit(analysis))
    gain = f"gain {noise.typical_gain:.4g} e-/ADU, "
    known = analysis.exposures.in_electrons and noise.typical_gain == 1
    given = rnoise if known else in_unit(gain, _unit(analysis)) + rnoise
    text = f"noise: the exposures scatter {check.excess:.2f} times as predicted ({given})"
    listed = summary.doubtful if _NOISE & {r.parameter for r in remarks} else summary.good
    listed.append(text)
    summary.good.extend(noise_lines(analysis))
    for name, why in (("gain", check.gain_unknown), ("rnoise", check.rnoise_unknown)):
        if why:
            summary.unknown.append(f"{name}: no value can be fitted, because {why}")


def _on_light(summary: Summary, analysis: Analysis, remarks: Sequence[Remark]) -> None:
    check = analysis.noise_check
    named = {remark.parameter for remark in remarks}
    if check.flux_unknown:
        summary.unknown.append(f"brightness: {check.flux_unknown}")
    elif "flux_factor" not in named:
        most = 100 * max(abs(flux) for flux, _ in check.flux)
        summary.good.append(f"brightness: the exposures agree within {most:.1f} %")
    if check.offsets_unknown:
        summary.unknown.append(f"displacement: {check.offsets_unknown}")
    elif not named & {"mm_xy_offsets", "images"}:
        summary.good.append(_displacement(check, analysis.parameters))


def _displacement(check: NoiseCheck, p: Parameters) -> str:
    """Say how far apart the exposures are, and what of it is left once it was said in the file."""
    text = f"displacement: at most {_farthest(check.offsets):.2f} pixels"
    if p.mm_xy_offsets is not None:
        left = _farthest(left_by(check, p.mm_xy_offsets))
        return f"{text}, of which mm_xy_offsets leave at most {left:.2f}"
    if p.mm_crosscorr_region is not None:
        return f"{text}, which mm_crosscorr_region measures and takes into account"
    return text


def _farthest(offsets: Sequence[tuple[float, float, float]]) -> float:
    return max(float(np.hypot(dx, dy)) for dx, dy, _ in offsets)


def _on_settings(summary: Summary, advice: Advice, *, judges: bool) -> None:
    if advice.untried:
        listed = summary.good if judges else summary.unknown
        listed.append(f"settings: none tried: {advice.untried}")
    if advice.undecided:
        summary.unknown.append(f"method: the trials tell of none: {advice.undecided}")
    # What trials say of settings that the advised method does not read is no news.
    unread = "crmethod" in advice.changes and "lacosmic" not in METHODS[advice.changes["crmethod"]]
    told: set[str] = set()
    for title, trials, names in (
        ("L.A.Cosmic", () if unread else advice.exposures, _beginning(advice, "la_")),
        ("method", () if advice.undecided else advice.median, _beginning(advice, *_OF_METHODS)),
    ):
        if trials and not (title == "method" and advice.left_in_brightness):
            listed = summary.doubtful if names else summary.good
            listed.append(f"{', '.join(names) or title}: {_as_given(trials, title)}")
            told |= set(names)
    for name in advice.changes:
        if name not in told:
            summary.doubtful.append(f"{name}: {advice.reasons[name]}")


def _beginning(advice: Advice, *starts: str) -> list[str]:
    return [name for name in advice.changes if name.startswith(starts)]


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
    for text in (*summary.by_hand, *(f"nothing about {text}" for text in summary.nothing)):
        console.print(_filled(text, width))
    for title, lines in (
        ("in the parameter file, if you agree (--write leaves them out):", summary.lines),
        ("in the parameter file; --write FILE does it:", summary.tuned),
    ):
        if lines:
            console.print(f"  {title}")
        for line in _yaml(lines):
            console.print(f"    {line}", soft_wrap=True)
    if not any((summary.by_hand, summary.nothing, summary.lines, summary.tuned)):
        console.print(_filled(summary.verdict, width))


def in_order(summaries: Sequence[Summary], name: str, command: str, *, there: bool) -> str:
    """Say what comes next: what a user has to do by hand has its place before or after a command.

    Parameters
    ----------
    summaries : sequence of Summary
        One of each detector.
    name : str
        Parameter file that lines are to be put in.
    command : str
        What comes next where nothing is left to do by hand.
    there : bool
        Whether the file is there before the command.

    Returns
    -------
    str
        All steps in one line.
    """
    steps = [command]
    if any(summary.lines for summary in summaries):
        which = "the first lines" if any(summary.tuned for summary in summaries) else "the lines"
        steps.insert(0 if there else 1, f"put {which} above in {name}, if you agree")
    if any(summary.by_hand for summary in summaries):
        steps.insert(0, "do what is said above in words")
    return "; then ".join(steps)


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
