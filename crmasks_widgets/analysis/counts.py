"""Flagged pixels by target and detector: what terminal and report say of a run."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.analysis.analysis import Analysis
from crmasks_widgets.core.targets import target_name
from crmasks_widgets.detectors import Detector, rows


@dataclass(frozen=True)
class TargetCounts:
    """Pixels of one target.

    Attributes
    ----------
    name : str
        Of the target.
    either : int
        Flagged by any detector.
    each : tuple of int
        Flagged by one detector alone, for those of the method; where there are several, then what
        more than one flag.
    masked : int
        In its mask.
    """

    name: str
    either: int
    each: tuple[int, ...]
    masked: int


def count_pixels(
    analysis: Analysis, name_of: Callable[[Detector], str]
) -> tuple[tuple[str, ...], tuple[TargetCounts, ...]]:
    """Count what detectors flag in each target.

    Parameters
    ----------
    analysis : Analysis
        With masks.
    name_of : callable (Detector) -> str
        How a heading calls a detector.

    Returns
    -------
    headings : tuple of str
        Of `TargetCounts.each`.
    counts : tuple of TargetCounts
        The median first.
    """
    used = rows(analysis.parameters.detectors)
    columns = {f"{row.key} only": f"{name_of(row)} only" for row in used}
    columns |= {"both": "both"} if len(used) > 1 else {}
    found = []
    for target in analysis.targets:
        numbers = analysis.detections(target).counts()
        each = tuple(numbers[key] for key in columns)
        masked = int(np.count_nonzero(analysis.mask(target)))
        found.append(TargetCounts(target_name(target), numbers["either"], each, masked))
    return tuple(columns.values()), tuple(found)
