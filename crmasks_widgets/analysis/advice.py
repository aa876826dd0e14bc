"""Which settings would serve these exposures: cheap trials on a part of the frame.

The significance is the judge: it tests each exposure alone, so that its hits there are known one by
one, and a hit of the median is one where exposures are hit at the same place. L.A.Cosmic is tried
on the exposures, where hits are many, and counts by their pixels; methods are tried on the median,
and count by groups.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from crmasks_widgets.analysis.analysis import Analysis
from crmasks_widgets.analysis.noise_in_use import remarks_of
from crmasks_widgets.core.brightness import measure_brightness
from crmasks_widgets.core.matching.description import source_width
from crmasks_widgets.core.noise_remarks import DITHER, displaced, offsets_in
from crmasks_widgets.core.trials import Score, score_groups, score_pixels
from crmasks_widgets.core.typing import BoolArray
from crmasks_widgets.exposures import CALIBRATION_NAMES, ExposureSet
from crmasks_widgets.parameters import Parameters

MOST_SIDE: Final = 640
"""Longest side of what is tried, pixels."""

# Fewer pixels of hits tell nothing about settings.
_FEWEST: Final = 30
# Settings have to be worth so much more, in parts of the hits, to be proposed.
_BETTER: Final = 0.05
# More groups than so many, and than this part of those found, are too many away from hits.
_GROUPS, _PART = 2, 0.25
# Fewer hits of the median tell nothing about methods.
_FEWEST_GROUPS: Final = 3
# Scatter that is larger than predicted by more than this asks for another threshold.
_EXCESS: Final = 1.05
# Second threshold over the first, as in the examples of numina-crmasks 0.40.
_SECOND: Final = 0.6
# A kernel is tried where its width differs by more, pixels.
_WIDTH: Final = 0.3
_FWHM: Final = 2.3548  # over the standard deviation of a Gaussian

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """Settings, and how they did.

    Attributes
    ----------
    changes : mapping
        Parameters that differ from those given.
    score : Score
        In pixels of exposures, or in groups of the median.
    """

    changes: Changes
    score: Score

    @property
    def in_words(self) -> str:
        """The settings."""
        return ", ".join(f"{k}: {value_in_words(v)}" for k, v in self.changes.items()) or "as given"


@dataclass(frozen=True)
class Advice:
    """What trials say.

    Attributes
    ----------
    region : (xmin, xmax, ymin, ymax)
        What was tried, FITS pixels.
    exposures, median : tuple of Trial
        L.A.Cosmic on the exposures, methods on the median; the settings given come first. Empty
        where the method has no part in it or hits are too few.
    reasons : mapping
        Why, by the parameter to be changed.
    changes : mapping
        Its value.
    untried : str
        Why nothing was tried; empty where something was.
    undecided : str
        Why the trials on the median tell of no method; empty where they do, or there are none.
    left_in_brightness : bool
        Whether a method is advised because exposures differ by what flux factors leave.
    """

    region: tuple[int, int, int, int]
    exposures: tuple[Trial, ...]
    median: tuple[Trial, ...]
    reasons: Mapping[str, str]
    changes: Changes
    untried: str = ""
    undecided: str = ""
    left_in_brightness: bool = False


def advise(analysis: Analysis) -> Advice:
    """Try settings on the middle of the frame.

    Parameters
    ----------
    analysis : Analysis
        Exposures and parameters; its noise check is used.

    Returns
    -------
    Advice
        Without changes where the settings serve, or nothing tells.
    """
    rows, columns = (_middle(side) for side in analysis.exposures.shape)
    region = (columns.start + 1, columns.stop, rows.start + 1, rows.stop)
    part = _part(analysis, rows, columns)
    if part is None:
        return Advice(region, (), (), {}, {}, "an exposure has no valid pixel there")
    judge = part.replace(crmethod="significance")
    hits = [judge.flags(number).either for number in range(1, part.exposures.n + 1)]
    reasons = dict(_unlike(analysis))
    changes = {name: value for name, (value, _) in reasons.items()}
    said = {name: text for name, (_, text) in reasons.items()}
    of_exposures = tuple(_on_exposures(part, hits, _kernels(analysis, part)))
    best = _best(of_exposures)
    if best.changes:
        given = of_exposures[0].score
        text = (
            f"finds {best.score.share:.0%} of {given.hits} pixels of hits in the exposures and "
            f"{best.score.elsewhere} pixels elsewhere, against {given.share:.0%} and "
            f"{given.elsewhere}"
        )
        said |= dict.fromkeys(best.changes, text)
        changes |= best.changes
    cleaned = analysis.parameters.use_lamedian
    of_median = tuple(_on_median(part, judge.mediancr, changes, cleaned=cleaned))
    judging = "significance_lacosmic" if cleaned else "significance"
    undecided = _why_undecided(of_median)
    chosen = {} if undecided else _method(of_median, judging)
    left = "crmethod" not in chosen and _left_in_brightness(analysis)
    if left:
        chosen["crmethod"] = judging, f"{judging} matches what no flux factor takes away"
    changes |= {name: value for name, (value, _) in chosen.items()}
    said |= {name: text for name, (_, text) in chosen.items()}
    changes = _read_by(analysis.parameters, changes)
    said = {name: text for name, text in said.items() if name in changes}
    untried = "" if of_exposures or of_median else _why_untried(part, hits)
    return Advice(region, of_exposures, of_median, said, changes, untried, undecided, left)


def _why_undecided(trials: tuple[Trial, ...]) -> str:
    """Say why no method can be told by trials: there is nothing that one finds or misses."""
    if not trials or not _too_few(trials) or trials[0].score.elsewhere > _GROUPS:
        return ""
    n = trials[0].score.hits
    hits = f"{n} hit{'' if n == 1 else 's'} of the median"
    return f"the exposures show {hits} there, and {_FEWEST_GROUPS} are needed"


def _too_few(trials: tuple[Trial, ...]) -> bool:
    return trials[0].score.hits < _FEWEST_GROUPS


def _left_in_brightness(analysis: Analysis) -> bool:
    """Whether exposures differ in brightness by what flux factors leave and matching would not."""
    p = analysis.parameters
    named = {remark.parameter for remark in remarks_of(analysis)}
    return not p.judges and "flux_factor" in p.aligned and "flux_factor" in named


def _read_by(p: Parameters, changes: Changes) -> dict[str, Any]:
    """Leave out changes of what the method that is advised does not read."""
    advised = p.replace(crmethod=changes.get("crmethod", p.crmethod))
    unread = [] if "lacosmic" in advised.detectors else ["la_"]
    unread += [] if advised.has_boundary else ["mm_"]
    return {name: v for name, v in changes.items() if not name.startswith(tuple(unread))}


def _why_untried(part: Analysis, hits: list[BoolArray]) -> str:
    p = part.parameters
    if "lacosmic" in p.detectors:
        n = sum(map(np.count_nonzero, hits))
        return f"only {n} pixels of hits in the exposures there, and {_FEWEST} are needed"
    if p.judges:
        return "the significance takes its limits from the noise"
    return f"trials are of L.A.Cosmic and the diagram, which crmethod: {p.crmethod} does not use"


def _middle(side: int) -> slice:
    start = max(0, (side - MOST_SIDE) // 2)
    return slice(start, min(side, start + MOST_SIDE))


def _part(analysis: Analysis, rows: slice, columns: slice) -> Analysis | None:
    """The same analysis of a part of the frame, without dilation; None without valid pixels."""
    exposures, p = analysis.exposures, analysis.parameters
    valid = None if exposures.valid is None else exposures.valid[:, rows, columns].copy()
    allowed = analysis.edits.allowed[rows, columns]
    if not allowed.all():
        valid = np.broadcast_to(allowed, (exposures.n, *allowed.shape)) & (
            True if valid is None else valid
        )
    if valid is not None and not valid.any(axis=(1, 2)).all():
        return None
    cut = ExposureSet.from_arrays(list(exposures.data[:, rows, columns]), valid=valid)
    if exposures.variance is not None:
        cut = replace(cut, variance=exposures.variance[rows, columns])
    maps: dict[str, Any] = {
        name: value[rows, columns]
        for name in CALIBRATION_NAMES
        if isinstance(value := getattr(analysis.calibration, name), np.ndarray)
    }
    # What refers to places of the whole frame is settled there.
    alignment = analysis.alignment
    parameters = p.replace(
        images=None, bad_pixel_mask=None, noise_extension=None, dilation=0, mm_dilation=0,
        max_flagged_fraction=1.0, mm_crosscorr_region=None, flux_factor_regions=None,
        mm_xy_offsets=alignment.offsets if alignment.displaced else None,
        flux_factor=None if p.flux_factor is None else alignment.flux_factors,
        regions_to_be_skipped=None, pixels_to_be_flagged_as_cr=None,
        pixels_to_be_ignored_as_cr=None, pixels_to_be_replaced_by_local_median=None,
        mediancr_pixels_rejected=None, mediancr_pixels_confirmed=None, use_lamedian=False,
    )  # fmt: skip
    return Analysis(cut, parameters, replace(analysis.calibration, **maps))


def _unlike(analysis: Analysis) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Flux factors and displacements that were not given, for methods that simulate exposures."""
    p = analysis.parameters
    if not p.has_boundary:
        return
    found = measure_brightness(analysis.stack, analysis.noise)
    if p.flux_factor is None and found.differs:
        text = f"the exposures are {found.in_words} times as bright as their median"
        yield "flux_factor", ("auto", text)
    offsets = analysis.noise_check.offsets
    moved = [each for each in offsets if displaced(*each)]
    exact = p.mm_simulation == "exact" or p.mm_expected_false is not None
    if "mm_xy_offsets" in p.aligned or exact or not moved:
        return
    if not any(displaced(*each, least=DITHER) for each in moved):
        value = offsets_in(offsets)
        yield "mm_xy_offsets", (value, "the exposures lie so far from their median")


def _kernels(analysis: Analysis, part: Analysis) -> list[dict[str, Any]]:
    """Settings of L.A.Cosmic that may serve better."""
    p, median = analysis.parameters, part.stack.median2d
    tried: list[dict[str, Any]] = []
    if p.la_fsmode == "convolve":
        tried.append({"la_fsmode": "median"})
        fwhm = round(_FWHM * source_width(median[None], np.isfinite(median)[None]), 1)
        if fwhm >= 1 and abs(fwhm - p.la_psffwhm_x) > _WIDTH:
            tried.append({"la_psffwhm_x": fwhm, "la_psffwhm_y": fwhm})
    if p.la_sigclip_second is None:
        second = {"la_sigclip_second": round(_SECOND * p.la_sigclip, 2)}
        tried += [second, *({**each, **second} for each in tried)]
    excess = analysis.noise_check.excess
    if excess > _EXCESS:
        higher = {"la_sigclip": round(p.la_sigclip * excess, 2)}
        tried += [higher, *({**each, **higher} for each in tried)]
    return tried


def _on_exposures(
    part: Analysis, hits: list[BoolArray], tried: Iterable[Changes]
) -> Iterator[Trial]:
    numbers = range(1, part.exposures.n + 1)
    if "lacosmic" not in part.parameters.detectors or sum(map(np.count_nonzero, hits)) < _FEWEST:
        return
    for changes in ({}, *tried):
        changed = part.replace(**changes)
        flagged = [changed.lacosmic(number).mask for number in numbers]
        yield Trial(changes, score_pixels(flagged, hits))


def _on_median(
    part: Analysis, hits: BoolArray, settled: Changes, *, cleaned: bool
) -> Iterator[Trial]:
    """Methods on the median: as given, with what is settled, and what may be better still."""
    p = part.parameters
    if not p.has_boundary:
        return
    tried: list[dict[str, Any]] = [{}]
    if p.mm_photon_distribution == "poisson":
        tried.append({"mm_photon_distribution": "measured"})
    if p.crmethod != "mmcosmic" and not cleaned:
        tried += [{**each, "crmethod": "mmcosmic"} for each in tried]
    yield Trial({}, score_groups(part.mediancr, hits))
    base = part.replace(**settled)
    for changes in tried:
        if settled or changes:
            flagged = base.replace(**changes).mediancr
            yield Trial({**settled, **changes}, score_groups(flagged, hits))


def _best(trials: tuple[Trial, ...], *, groups: bool = False) -> Trial:
    """The trial worth most, if it is worth enough more than that of the settings given."""
    if not trials:
        return Trial({}, Score(0, 0, 0))
    best = max(trials, key=lambda trial: trial.score.worth)  # of equals the first
    least = 1 if groups else max(1.0, _BETTER * trials[0].score.hits)
    return best if best.score.worth >= trials[0].score.worth + least else trials[0]


def _method(trials: tuple[Trial, ...], judge: str) -> dict[str, tuple[Any, str]]:
    """What the trials on the median say of method and law, each with its reason."""
    if not trials:
        return {}
    given = trials[0].score
    if _too_few(trials):
        # Which finds more cannot be told, but that what is given finds what is no hit.
        text = f"{given.elsewhere} groups are flagged where the exposures show no hit, and {judge}"
        return {"crmethod": (judge, f"{text} judges each")}
    best = _best(trials, groups=True)
    score = best.score
    against = f"against {given.found} and {given.elsewhere} as given"
    found = f"finds {score.found} of {score.hits} hits of the median, and {score.elsewhere} more"
    if score.elsewhere > max(_GROUPS, _PART * score.found):
        text = (
            f"the best of what was tried {found} where the exposures show none ({against}): "
            "significance judges each hit"
        )
        return {"crmethod": (judge, text)}
    text = f"{found} where the exposures show none, {against}"
    names = ("crmethod", "mm_photon_distribution")
    return {name: (best.changes[name], text) for name in names if name in best.changes}


def value_in_words(value: Any) -> str:
    """Write a value of a parameter as a parameter file has it."""
    if isinstance(value, tuple):
        return str([list(each) for each in value])
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
