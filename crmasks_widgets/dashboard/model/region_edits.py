"""Regions of the frame as they are drawn, moved and removed: pure functions.

Regions are (xmin, xmax, ymin, ymax) in FITS pixels, both ends included, as the parameters hold
them. Functions that change one return what `State.update` takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from crmasks_widgets.parameters import Parameters

Box = tuple[int, int, int, int]
Changes = dict[str, Any]

SKIPPED: Final = "regions_to_be_skipped"
FLUX: Final = "flux_factor_regions"
CORRELATION: Final = "mm_crosscorr_region"
KINDS: Final[Mapping[str, str]] = MappingProxyType({
    SKIPPED: "skipped", FLUX: "flux factor", CORRELATION: "cross-correlation",
})  # fmt: skip


@dataclass(frozen=True)
class DrawnRegion:
    """A region of the parameters.

    Attributes
    ----------
    kind : str
        Key of `KINDS`: the parameter that holds it.
    index : int
        Its place in that parameter, from 0.
    box : (xmin, xmax, ymin, ymax)
        FITS pixels.
    label : str
        What is written at it.
    """

    kind: str
    index: int
    box: Box
    label: str


def drawn_regions(parameters: Parameters) -> tuple[DrawnRegion, ...]:
    """All regions of the parameters, in the order of `KINDS`."""
    return tuple(
        DrawnRegion(kind, index, box, _label(parameters, kind, index))
        for kind in KINDS
        for index, box in enumerate(_boxes(parameters, kind))
    )


def put_region(parameters: Parameters, kind: str, index: int | None, box: Box) -> Changes:
    """Change a region, or add one.

    Parameters
    ----------
    parameters : Parameters
        Before.
    kind : str
        Key of `KINDS`.
    index : int or None
        Which one; None, or beyond the last, adds one. There is one region for the
        cross-correlation: a new one takes its place.
    box : (xmin, xmax, ymin, ymax)
        FITS pixels.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    boxes = [] if kind == CORRELATION else list(_boxes(parameters, kind))
    if index is None or index >= len(boxes):
        boxes.append(box)
    else:
        boxes[index] = box
    return _changes(kind, boxes)


def remove_region(parameters: Parameters, kind: str, index: int) -> Changes:
    """Remove a region; none is left where there is none of that index."""
    boxes = _boxes(parameters, kind)
    return _changes(kind, [box for place, box in enumerate(boxes) if place != index])


def index_of(parameters: Parameters, kind: str, box: Box) -> int | None:
    """Place of a region in the parameter that holds it; None if there is no such one."""
    boxes = _boxes(parameters, kind)
    return boxes.index(box) if box in boxes else None


def _boxes(parameters: Parameters, kind: str) -> tuple[Box, ...]:
    value = getattr(parameters, kind)
    if value is None:
        return ()
    return (value,) if kind == CORRELATION else tuple(value)


def _changes(kind: str, boxes: list[Box]) -> Changes:
    if not boxes:
        return {kind: None}
    return {kind: boxes[0] if kind == CORRELATION else tuple(boxes)}


def _label(parameters: Parameters, kind: str, index: int) -> str:
    number = "" if kind == CORRELATION else f" {index + 1}"
    unused = kind == FLUX and parameters.flux_factor != "auto"
    return KINDS[kind] + number + (" (unused)" if unused else "")
