"""Two runs of L.A.Cosmic: a strict one finds peaks, a lenient one what belongs to them."""

from crmasks_widgets.core.hits import groups_touching
from crmasks_widgets.core.lacosmic.library import LacosmicResult


def with_tails(peaks: LacosmicResult, lenient: LacosmicResult) -> LacosmicResult:
    """Keep those groups of the second run that hold a pixel of the first.

    Parameters
    ----------
    peaks : LacosmicResult
        Of the first run; where it flags counts, what it fills does not.
    lenient : LacosmicResult
        Of the second run, of the same frame.

    Returns
    -------
    LacosmicResult
        Groups of pixels that touch, at corners too, as the second run found and filled them.

    Notes
    -----
    As numina-crmasks 0.37 to 0.40 do, a peak that the second run does not flag is left out.
    """
    mask = groups_touching(lenient.mask, peaks.mask)
    kept = mask[lenient.mask]
    return LacosmicResult(mask, lenient.frame, lenient.filled[kept])
