"""What a user has decided about hits, from the pixels that their parameters list."""

from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.typing import BoolArray

CONFIRMED: Final = "confirmed"
REJECTED: Final = "rejected"
IGNORED: Final = "ignored"
UNJUDGED: Final = "unjudged"
OUT: Final = (REJECTED, IGNORED)
"""Of hits that are not in MEDIANCR."""


def confirmed_and_lost(labels: npt.NDArray[np.int32], confirmed: BoolArray) -> int:
    """Count confirmed pixels, one of each hit when it was confirmed, that are in no hit now.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    confirmed : (ny, nx) bool
        Pixels of confirmed hits.

    Returns
    -------
    int
        0 where all of them are found.
    """
    return int(np.count_nonzero(confirmed & (labels == 0)))


def verdicts(
    labels: npt.NDArray[np.int32], confirmed: BoolArray, rejected: BoolArray, ignored: BoolArray
) -> npt.NDArray[np.str_]:
    """Tell the verdict on every hit.

    Parameters
    ----------
    labels : (ny, nx) int32
        Numbers of the hits.
    confirmed : (ny, nx) bool
        Pixels of confirmed hits: one of each is enough.
    rejected : (ny, nx) bool
        Pixels that a user took out of MEDIANCR: all of a hit, or it is still in the mask.
    ignored : (ny, nx) bool
        Pixels that a user took out of every mask: all of a hit.

    Returns
    -------
    (n,) str
        "ignored" or "rejected" where every pixel of a hit is, else "confirmed" where one is, else
        "unjudged".
    """
    n = int(labels.max(initial=0))
    pixels = np.flatnonzero(labels > 0)
    number = labels.ravel()[pixels]
    told = np.full(n, UNJUDGED, "U9")
    size = np.bincount(number, minlength=n + 1)[1:]
    for word, mask, enough in (
        (CONFIRMED, confirmed, 1), (REJECTED, rejected, size), (IGNORED, ignored, size),
    ):  # fmt: skip
        inside = np.bincount(number[mask.ravel()[pixels]], minlength=n + 1)[1:]
        told[inside >= enough] = word
    return told
