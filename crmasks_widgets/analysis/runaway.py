"""Detections that ran away: when so much is flagged that a setting is wrong, not the sky."""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from crmasks_widgets.core.masks import Flags
from crmasks_widgets.errors import ParameterError

WARN_ABOVE: Final = 0.2
"""Part of the pixels of a frame that no cosmic rays reach."""

FEWEST: Final = 1000
"""Of so few pixels a hit or two may be a large part."""

_LOOK_AT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "lacosmic": ("la_sigclip", "la_objlim"),
    "mm": ("mm_boundary_fit", "mm_fixed_points_in_boundary", "mm_threshold"),
    "significance": ("sg_false_alarms", "sg_measured_noise"),
})  # fmt: skip

logger = logging.getLogger(__name__)


def check_flags(
    flags: Flags, target: object, n_valid: int, detectors: Sequence[str], most: float
) -> None:
    """Warn of detections in very much of a frame, and refuse those in too much of the median.

    The mean and single exposures rise over the minimum wherever fluxes differ a little: what they
    flag is no reason to give up a median that is right.

    Parameters
    ----------
    flags : Flags
        Before dilation and hand edits.
    target : object
        What they were found in, for the message.
    n_valid : int
        Number of pixels that could be flagged; fewer than `FEWEST` are not judged.
    detectors : sequence of str
        Who flagged.
    most : float
        Part of the valid pixels above which the median's are refused.

    Raises
    ------
    ParameterError
        Says which part was flagged and which parameters to look at.
    """
    part = np.count_nonzero(flags.either) / max(1, n_valid)
    if n_valid < FEWEST or part <= min(WARN_ABOVE, most):
        return
    frame = f"exposure {target}" if isinstance(target, int) else f"the {target}"
    settings = [name for detector in detectors for name in _LOOK_AT[detector]]
    names = ["bias", "gain", "rnoise", "flux_factor", *settings]
    found = f"{frame}: found {part:.1%} of the pixels flagged"
    advice = f"look at {', '.join(names[:-1])} and {names[-1]}"
    if part > most and target == "median":
        raise ParameterError(
            f"{found}, expected at most {most:.1%} (max_flagged_fraction): {advice}"
        )
    logger.warning("%s, expected cosmic rays in far fewer: %s", found, advice)
