"""Every hit as a card: what surrounds it in each frame, and what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.core.typing import FloatArray
from crmasks_widgets.core.verdicts import OUT, UNDECIDED
from crmasks_widgets.figures.hit_pages import hit_window
from crmasks_widgets.hit_classes import PLAIN_NAME
from crmasks_widgets.limits import colour_limits
from crmasks_widgets.report.pictures import HALF_STAMP, Picture, hit_strip

# Stamps of a report, over all its hits: a message of more than some MB does not arrive.
MOST_STAMPS: Final = 3000
MOST_CARDS: Final = 3000


@dataclass(frozen=True)
class Card:
    """A hit.

    Attributes
    ----------
    number : int
        Of the hit.
    picture : Picture or None
        Stamps of exposures, median, corrected median and flags; None in a report of very many.
    place : str
        FITS pixels.
    npix : int
        Pixels.
    significance : float
        Excess of the median over the minimum, sigma.
    method, colour : str
        What found it.
    words : tuple of str
        Class, reason and verdict, where there are any.
    out : bool
        Whether it is not in MEDIANCR.
    """

    number: int
    picture: Picture | None
    place: str
    npix: int
    significance: float
    method: str
    colour: str
    words: tuple[str, ...]
    out: bool


def stamp_names(analysis: Analysis) -> tuple[str, ...]:
    """What the stamps of a card show, from left to right."""
    n = analysis.exposures.n
    return (*(f"exp. {i}" for i in range(1, n + 1)), "median", "corrected", "flagged by")


def cards(analysis: Analysis, corrected: FloatArray, most: int = MOST_STAMPS) -> tuple[Card, ...]:
    """Make the cards.

    Parameters
    ----------
    analysis : Analysis
        With masks.
    corrected : (ny, nx) ndarray
        The mediancr combination, ADU.
    most : int
        Stamps to draw: the strongest hits have pictures.

    Returns
    -------
    tuple of Card
        In the order of their numbers; of more than `MOST_CARDS` the strongest.
    """
    hits = analysis.hits
    frames = [*analysis.stack.cube, analysis.stack.median2d, corrected]
    codes = analysis.codes("median")
    wanted = most // (len(frames) + 1)
    strongest = np.argsort(-np.asarray(hits["significance"]), kind="stable")
    drawn = set(strongest[:wanted].tolist())
    return tuple(
        _card(hits[i], _strip(frames, codes, hits[i]) if i in drawn else None)
        for i in np.sort(strongest[:MOST_CARDS]).tolist()
    )


def _strip(frames: Sequence[FloatArray], codes: npt.NDArray[np.uint8], row: Any) -> Picture:
    median = frames[-2]
    ny, nx = median.shape
    near = median[hit_window(row["x"], row["y"], HALF_STAMP, (ny, nx)).index]
    # The scale of the median: only so do the exposures show what it let through.
    return hit_strip(frames, codes, (row["x"], row["y"]), colour_limits(near, "minmax"))


def _card(row: Any, picture: Picture | None) -> Card:
    names = row.colnames
    kind = str(row["class"]) if "class" in names else PLAIN_NAME
    reason = str(row["reason"]) if "reason" in names else ""
    verdict = str(row["verdict"])
    corrected = bool(row["corrected"]) if "corrected" in names else True
    words = [kind] if kind not in (PLAIN_NAME, "") else []
    words += [reason] if reason else []
    words += ["listed, not corrected"] if not corrected else []
    words += [f"{verdict} by the user"] if verdict != UNDECIDED else []
    return Card(
        number=int(row["number"]),
        picture=picture,
        place=f"x {row['x']:.1f}, y {row['y']:.1f}",
        npix=int(row["npix"]),
        significance=float(row["significance"]),
        method=str(row["method"]),
        colour=colours_by_name()[str(row["method"])],
        words=tuple(words),
        out=verdict in OUT,
    )
