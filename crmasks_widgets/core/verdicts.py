"""What a user has decided about hits, from the pixels that their parameters list."""

from typing import Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.typing import BoolArray

CONFIRMED: Final = "confirmed"
REJECTED: Final = "rejected"
UNJUDGED: Final = "unjudged"


def verdicts(
    labels: npt.NDArray[np.int32], confirmed: BoolArray, rejected: BoolArray
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

    Returns
    -------
    (n,) str
        "rejected" where every pixel of a hit is, else "confirmed" where one is, else "unjudged".
    """
    n = int(labels.max(initial=0))
    pixels = np.flatnonzero(labels > 0)
    number = labels.ravel()[pixels]
    n_pixels, n_rejected, n_confirmed = (
        np.bincount(number[some], minlength=n + 1)[1:]
        for some in (
            np.ones(len(pixels), dtype=bool), rejected.ravel()[pixels], confirmed.ravel()[pixels],
        )
    )  # fmt: skip
    words = np.where(n_confirmed > 0, CONFIRMED, UNJUDGED)
    return np.asarray(np.where(n_rejected == n_pixels, REJECTED, words), "U9")
