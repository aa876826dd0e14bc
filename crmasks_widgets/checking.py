"""The details of `crmasks check`: the noise of the exposures, and how settings did in trials."""

import logging
from collections.abc import Iterator

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.advice import Advice, Trial, advise, value_in_words
from crmasks_widgets.analysis.noise_in_use import check_of, noise_lines, remarks_of
from crmasks_widgets.core.matching.description import STRUCTURE_ALONE
from crmasks_widgets.core.noise_check import LevelClass, NoiseCheck
from crmasks_widgets.units import in_ascii, in_unit

# Trials that are shown beside the settings given.
_MOST_TRIALS = 4


def print_noise_check(analysis: Analysis, console: Console) -> None:
    """Print how the exposures scatter beside what is predicted, and which parameters to look at.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters.
    console : rich.console.Console
        Where.
    """
    check, unit = check_of(analysis), in_ascii(analysis.exposures.unit)
    console.print(_classes(check.classes, unit))
    remarks = remarks_of(analysis)
    for line in (
        *_fit(analysis, check, unit),
        *noise_lines(analysis),
        *_exposures(check),
        *_matching(analysis, unit),
        *_scatter(analysis, unit),
        *(f"look at {remark.parameter}: {remark.text}" for remark in remarks),
        *(() if remarks else ("the noise is as predicted",)),
    ):
        console.print(line, highlight=False, markup=False)


def try_settings(analysis: Analysis) -> Advice:
    """Try settings, without a word.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters.

    Returns
    -------
    Advice
        How they did, and which would serve.
    """
    # What is wrong with settings on trial is no news.
    logger = logging.getLogger("crmasks_widgets")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return advise(analysis)
    finally:
        logger.setLevel(level)


def print_advice(advice: Advice, console: Console) -> None:
    """Print how settings did, and which would serve.

    Parameters
    ----------
    advice : Advice
        What trials say.
    console : rich.console.Console
        Where.
    """
    xmin, xmax, ymin, ymax = advice.region
    where = f"[{xmin}:{xmax}, {ymin}:{ymax}]"
    if advice.exposures:
        title = f"L.A.Cosmic on the exposures, {where}: pixels that significance says are hit"
        console.print(_trials(title, advice.exposures))
    if advice.median:
        title = f"hits of the median, {where}: groups where significance says exposures are hit"
        console.print(_trials(title, advice.median))
    for name, text in advice.reasons.items():
        line = f"would serve: {name}: {value_in_words(advice.changes[name])}  ({text})"
        console.print(line, highlight=False, markup=False)
    if not advice.changes:
        text = f"none tried: {advice.untried}" if advice.untried else "nothing tried is better"
        console.print(f"settings: {text}", highlight=False)


def _trials(title: str, trials: tuple[Trial, ...]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("settings", overflow="fold")
    for heading in ("hit", "found", "%", "elsewhere"):
        table.add_column(heading, justify="right", no_wrap=True)
    others = sorted(trials[1:], key=lambda trial: -trial.score.worth)
    for trial in (trials[0], *others[:_MOST_TRIALS]):
        score = trial.score
        share = f"{100 * score.share:.0f}" if score.hits else ""
        numbers = (str(score.hits), str(score.found), share, str(score.elsewhere))
        table.add_row(escape(trial.in_words), *numbers)
    return table


def _classes(classes: tuple[LevelClass, ...], unit: str) -> Table:
    table = Table(
        title=in_unit("noise of one exposure (ADU)", unit), box=box.SIMPLE_HEAD, pad_edge=False
    )
    headings = ("level", "pixels", "predicted", "observed", "ratio", "neighbours", "ratio")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in classes:
        table.add_row(
            f"{row.level:.1f}", str(row.n_pixels), f"{row.predicted:.2f}",
            f"{row.observed:.2f}", f"{row.observed / row.predicted:.3f}",
            f"{row.white:.2f}", f"{row.white / row.predicted:.3f}",
        )  # fmt: skip
    return table


def _fit(analysis: Analysis, check: NoiseCheck, unit: str) -> Iterator[str]:
    noise = analysis.noise
    yield (
        f"observed over predicted: {check.excess:.3f}; without what neighbouring pixels have in "
        f"common: {check.white_excess:.3f}"
    )
    electrons = analysis.exposures.in_electrons
    gain = "known to be 1: the exposures are in electrons"
    if not electrons:
        gain = _fitted(check.gain, check.gain_error, check.gain_unknown)
    rnoise = _fitted(check.rnoise, check.rnoise_error, check.rnoise_unknown)
    yield in_unit(f"gain:   given {noise.typical_gain:.4g} e-/ADU, {gain}", unit)
    yield in_unit(f"rnoise: given {noise.typical_rnoise:.4g} ADU, {rnoise}", unit)


def _exposures(check: NoiseCheck) -> Iterator[str]:
    yield "all light, sky and objects together, against the median of the exposures:"
    for number, (flux, offset) in enumerate(zip(check.flux, check.offsets, strict=True), start=1):
        brightness = _percent(*flux, check.flux_unknown)
        place = _pixels(*offset, check.offsets_unknown)
        yield f"  exposure {number}: flux {brightness}; displacement {place}"


def _matching(analysis: Analysis, unit: str) -> Iterator[str]:
    matching = analysis.matching
    yield f"before tests of significance: {matching.reason}"
    yield f"{STRUCTURE_ALONE}:"
    for number, exposure in enumerate(matching.exposures, start=1):
        yield f"  exposure {number}: {in_unit(exposure.in_words, unit)}"


def _scatter(analysis: Analysis, unit: str) -> Iterator[str]:
    yield in_unit(analysis.dispersions.in_words, unit)
    scale = analysis.noise_scale
    contrast = np.array([0.0, *scale.contrast])
    known = ", ".join(
        f"{s:.2f} (contrast {c:.1f})" for c, s in zip(contrast, scale.at(contrast), strict=True)
    )
    yield f"scatter of median - minimum over prediction, sigma of its highest 1 %: {known}"


def _fitted(value: float, error: float, unknown: str) -> str:
    return f"unknown, because {unknown}" if unknown else f"fitted {value:.4g} +/- {error:.1g}"


def _percent(deviation: float, error: float, unknown: str) -> str:
    if unknown:
        return f"unknown, because {unknown}"
    return f"{100 * deviation:+.2f} +/- {100 * error:.2f} %"


def _pixels(dx: float, dy: float, error: float, unknown: str) -> str:
    if unknown:
        return f"unknown, because {unknown}"
    return f"{dx:+.3f}, {dy:+.3f} +/- {error:.3f} pixels"
