"""How well settings find hits: flags beside what another detector is sure of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.hits import label_hits
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.typing import BoolArray

# Flags so many pixels from a hit belong to it: its borders are a matter of thresholds.
_REACH = 2


@dataclass(frozen=True)
class Score:
    """Flags beside hits, in pixels or in groups.

    Attributes
    ----------
    hits : int
        There are.
    found : int
        Of these, flagged.
    elsewhere : int
        Flagged away from any hit.
    """

    hits: int
    found: int
    elsewhere: int

    @property
    def share(self) -> float:
        """Part of the hits that are found; NaN without hits."""
        return self.found / self.hits if self.hits else float("nan")

    @property
    def worth(self) -> int:
        """What is found less what is flagged elsewhere."""
        return self.found - self.elsewhere


def score_pixels(flagged: Sequence[BoolArray], hits: Sequence[BoolArray]) -> Score:
    """Count pixels of frames.

    Parameters
    ----------
    flagged : sequence of n (ny, nx) bool
        By the settings on trial.
    hits : sequence of n (ny, nx) bool
        That count as real, in the same frames.

    Returns
    -------
    Score
        Of all frames together; elsewhere is what is more than 2 pixels from a hit.
    """
    pairs = list(zip(flagged, hits, strict=True))
    return Score(
        sum(int(np.count_nonzero(real)) for _, real in pairs),
        sum(int(np.count_nonzero(flags & real)) for flags, real in pairs),
        sum(int(np.count_nonzero(flags & ~grow(real, _REACH))) for flags, real in pairs),
    )


def score_groups(flagged: BoolArray, hits: BoolArray) -> Score:
    """Count 8-connected groups of one frame.

    Parameters
    ----------
    flagged, hits : (ny, nx) bool
        As of `score_pixels`.

    Returns
    -------
    Score
        A group of hits is found where a flag is within 2 pixels of it.
    """
    real, n_near = label_hits(hits), _groups_within(flagged, grow(hits, _REACH))
    n_flagged = int(label_hits(flagged).max(initial=0))
    return Score(
        int(real.max(initial=0)), _groups_within(hits, grow(flagged, _REACH)), n_flagged - n_near
    )


def _groups_within(mask: BoolArray, area: BoolArray) -> int:
    return len(np.unique(label_hits(mask)[mask & area]))
