"""What a user has decided about hits, from the pixels that their parameters list."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.hits import connected_groups
from crmasks_widgets.core.typing import BoolArray

CONFIRMED: Final = "confirmed"
REJECTED: Final = "rejected"
IGNORED: Final = "ignored"
UNDECIDED: Final = "undecided"
OUT: Final = (REJECTED, IGNORED)
"""Of hits that are not in MEDIANCR."""


@dataclass(frozen=True, eq=False)
class Lost:
    """What was decided about hits that are not found now.

    Attributes
    ----------
    rejected, confirmed : tuple of (k,) int64
        Flat indices of the listed pixels of each such hit: those that touch each other, and touch
        no hit.
    """

    rejected: tuple[npt.NDArray[np.int64], ...]
    confirmed: tuple[npt.NDArray[np.int64], ...]


def lost_hits(
    labels: npt.NDArray[np.int32], confirmed: BoolArray, rejected: BoolArray, ignored: BoolArray
) -> Lost:
    """Find the verdicts that no hit is there for any more.

    A hit beside a listed pixel is one that has shrunk since it was judged: it is found, and to be
    judged again.

    Parameters
    ----------
    labels, confirmed, rejected, ignored
        As in `verdicts`; of several lists that hold a pixel, the last one counts.

    Returns
    -------
    Lost
        Ignored pixels need be no hit, so none of them is lost.
    """
    return Lost(
        rejected=_apart(labels, rejected & ~ignored),
        confirmed=_apart(labels, confirmed & ~rejected & ~ignored),
    )


def _apart(labels: npt.NDArray[np.int32], listed: BoolArray) -> tuple[npt.NDArray[np.int64], ...]:
    """Groups of listed pixels that are neither in nor beside a hit, in raster order."""
    (ny, nx), pixels = labels.shape, np.flatnonzero(listed)
    y, x = np.divmod(pixels, nx)
    near = np.zeros(len(pixels), bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near |= labels[(y + dy).clip(0, ny - 1), (x + dx).clip(0, nx - 1)] > 0
    return connected_groups(pixels[~near], nx)


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
        "undecided".
    """
    n = int(labels.max(initial=0))
    pixels = np.flatnonzero(labels > 0)
    number = labels.ravel()[pixels]
    told = np.full(n, UNDECIDED, "U9")
    size = np.bincount(number, minlength=n + 1)[1:]
    for word, mask, enough in (
        (CONFIRMED, confirmed, 1), (REJECTED, rejected, size), (IGNORED, ignored, size),
    ):  # fmt: skip
        inside = np.bincount(number[mask.ravel()[pixels]], minlength=n + 1)[1:]
        told[inside >= enough] = word
    return told
