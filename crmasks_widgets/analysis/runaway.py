"""Detections that ran away: when so much is flagged that a setting is wrong, not the sky."""

import logging
from collections.abc import Callable
from typing import Final

import numpy as np

from crmasks_widgets import detectors
from crmasks_widgets.core.masks import Flags
from crmasks_widgets.core.significance.noise_scale import NoiseScale
from crmasks_widgets.core.typing import Float32Array
from crmasks_widgets.errors import ParameterError

WARN_ABOVE: Final = 0.2
"""Part of the pixels of a frame that no cosmic rays reach."""

FEWEST: Final = 1000
"""Of so few pixels a hit or two may be a large part."""

WORTH_SAYING: Final = 10
"""False groups beyond those asked for."""

UNLIKE: Final = 0.1
"""Part of their contrast by which sources differ, on average, where that has to be said; matched
ones, and those of real exposures, differ by up to 0.03."""

STRONG: Final = 12.0
"""A hit that everybody sees, sigma."""

logger = logging.getLogger(__name__)


def warn_of_false_groups(expected: float, *, measured: bool) -> None:
    """Say how often scatter beyond the noise will be taken for a hit.

    Parameters
    ----------
    expected : float
        In all exposures together.
    measured : bool
        Whether significance goes by the noise that the exposures show.
    """
    if expected > WORTH_SAYING:
        other = "" if measured else "sg_measured_noise: true goes by the scatter, "
        logger.warning(
            "exposures scatter more than the noise that significance goes by: up to about %.0f "
            "false groups are expected in MEANCRT, fewer in MEDIANCR; crmasks check tells which of "
            "gain, rnoise and flux_factor do not fit; %sa lower sg_false_alarms makes them fewer",
            float(f"{expected:.1g}"), other,
        )  # fmt: skip


def warn_of_unlike_sources(scale: NoiseScale, contrast: Float32Array, start: float) -> None:
    """Say how much is hidden where sources of the exposures differ in spite of matching.

    Parameters
    ----------
    scale : NoiseScale
        Measured.
    contrast : (ny, nx) float32
        Of each pixel, in units of the noise.
    start : float
        Where hits begin in pixels without structure, sigma.
    """
    if scale.typical_structure < UNLIKE:
        return
    hidden = float(np.mean(start * scale.at(contrast.ravel()) > STRONG))
    logger.warning(
        "sources of the exposures differ by %.0f %% of their contrast where they are steep: in "
        "%.0f %% of the pixels hits begin above %g sigma in place of %.1f, and light of sharp "
        "sources may be masked; crmasks check gives displacement and seeing of each exposure",
        100 * scale.typical_structure, 100 * hidden, STRONG, start,
    )  # fmt: skip


def check_flags(
    flags: Flags,
    target: object,
    n_valid: int,
    most: float,
    disagreement: Callable[[], str] = str,
) -> None:
    """Warn of detections in very much of a frame, and refuse those in too much of the median.

    Where the exposures are not equivalent, that is the reason, and it was said already.

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
    most : float
        Part of the valid pixels above which the median's are refused.
    disagreement : callable
        Called where very much is flagged; says why the exposures are not equivalent, or nothing.

    Raises
    ------
    ParameterError
        Says which part was flagged, and which parameters to look at or how the exposures differ.
    """
    part = np.count_nonzero(flags.either) / max(1, n_valid)
    if n_valid < FEWEST or part <= min(WARN_ABOVE, most):
        return
    reason = disagreement()
    frame = f"exposure {target}" if isinstance(target, int) else f"the {target}"
    settings = [name for key in flags.found for name in detectors.DETECTORS[key].look_at]
    names = ["bias", "gain", "rnoise", "flux_factor", *settings]
    found = f"{frame}: found {part:.1%} of the pixels flagged"
    advice = reason or f"look at {', '.join(names[:-1])} and {names[-1]}"
    if part > most and target == "median":
        raise ParameterError(
            f"{found}, expected at most {most:.1%} (max_flagged_fraction): {advice}"
        )
    if not reason:
        logger.warning("%s, expected cosmic rays in far fewer: %s", found, advice)
