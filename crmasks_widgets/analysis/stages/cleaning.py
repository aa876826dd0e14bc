"""Stages that hold for whichever detector of the method makes a cleaned frame."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from crmasks_widgets.analysis.graph import Reader, Target
from crmasks_widgets.analysis.stages import lacosmic, learned, pycosmic
from crmasks_widgets.core.lacosmic.library import LacosmicResult
from crmasks_widgets.core.typing import BoolArray, Float32Array
from crmasks_widgets.detectors import Detector, rows
from crmasks_widgets.parameters import types

Run = Callable[[Reader, Float32Array, BoolArray | None], LacosmicResult]

_OF_ANY_FRAME: Final[Mapping[str, Run]] = MappingProxyType(
    {"lacosmic": lacosmic.run, "pycosmic": pycosmic.run, "deepcr": learned.run}
)
"""What cleans a frame that is none of the targets, by the key of the detector."""


def _cleaner(read: Reader) -> Detector:
    return next(row for row in rows(types.METHODS[read.p.crmethod]) if row.cleans)


def cleaned(read: Reader, target: Target) -> LacosmicResult:
    """A frame as the detector of the method cleaned it."""
    result: LacosmicResult = read(_cleaner(read).stage, target)
    return result


def left_over(read: Reader) -> LacosmicResult:
    """The detector on meancr: hits that the masks of the exposures leave there."""
    frame, valid = read("combination", "meancr").data, read("stack").target_valid("mean")
    return _OF_ANY_FRAME[_cleaner(read).key](read, frame, valid)
