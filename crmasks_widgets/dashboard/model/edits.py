"""Edits of single pixels by hand, as changes of parameters: pure functions.

Pixels are (x, y) in FITS coordinates, the first being (1, 1), as the parameters hold them. Each
function returns what `State.update` takes.
"""

from collections.abc import Collection, Iterable
from typing import Any

from crmasks_widgets.parameters import Parameters

Pixel = tuple[int, int]
Changes = dict[str, Any]

FORCED = "pixels_to_be_flagged_as_cr"
IGNORED = "pixels_to_be_ignored_as_cr"
REJECTED = "mediancr_pixels_rejected"
CONFIRMED = "mediancr_pixels_confirmed"
LOCAL_MEDIAN = "pixels_to_be_replaced_by_local_median"
# Of these a hit is in one at most.
_VERDICTS = (IGNORED, REJECTED, CONFIRMED)


def flag_pixels(parameters: Parameters, pixels: Iterable[Pixel]) -> Changes:
    """Paint pixels.

    Those that were erased, or marked for a local median, are what they were before; the others
    are in MEDIANCR whatever is detected. Takes back `erase_pixels`.

    Parameters
    ----------
    parameters : Parameters
        Before.
    pixels : iterable of (x, y)
        FITS pixels.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    painted = set(pixels)
    ignored, windows = _pixels(parameters, IGNORED), _windows(parameters)
    new = painted - ignored - windows.keys()
    kept = [window for pixel, window in windows.items() if pixel not in painted]
    return {
        FORCED: _listed(_pixels(parameters, FORCED) | new),
        IGNORED: _listed(ignored - painted),
        LOCAL_MEDIAN: tuple(kept) or None,
    }


def erase_pixels(parameters: Parameters, pixels: Iterable[Pixel]) -> Changes:
    """Erase pixels.

    Those that were painted are what they were before; the others are in no mask whatever is
    detected. Takes back `flag_pixels`.

    Parameters
    ----------
    parameters : Parameters
        Before.
    pixels : iterable of (x, y)
        FITS pixels.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    erased, forced = set(pixels), _pixels(parameters, FORCED)
    return {
        FORCED: _listed(forced - erased),
        IGNORED: _listed(_pixels(parameters, IGNORED) | (erased - forced)),
    }


def confirm_hits(
    parameters: Parameters, pixels: Iterable[Pixel], marks: Iterable[Pixel]
) -> Changes:
    """Say that hits are cosmic-ray hits; takes back what was said against them.

    Parameters
    ----------
    parameters : Parameters
        Before.
    pixels : iterable of (x, y)
        All FITS pixels of the hits.
    marks : iterable of (x, y)
        One of each hit, which the list is to hold.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    return _judged(parameters, set(pixels), _VERDICTS, CONFIRMED, set(marks))


def reject_hits(parameters: Parameters, pixels: Iterable[Pixel]) -> Changes:
    """Take hits out of MEDIANCR; other masks keep what their own data show.

    Parameters
    ----------
    parameters : Parameters
        Before.
    pixels : iterable of (x, y)
        All FITS pixels of the hits. Painted ones are not painted any more: they would win.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    hits = set(pixels)
    return _judged(parameters, hits, (FORCED, *_VERDICTS), REJECTED, hits)


def ignore_hits(parameters: Parameters, pixels: Iterable[Pixel]) -> Changes:
    """Say that pixels are no cosmic rays in any exposure.

    Parameters
    ----------
    parameters : Parameters
        Before.
    pixels : iterable of (x, y)
        All FITS pixels of the hits.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    hits = set(pixels)
    return _judged(parameters, hits, (FORCED, *_VERDICTS), IGNORED, hits)


def leave_undecided(parameters: Parameters, pixels: Iterable[Pixel]) -> Changes:
    """Take back any verdict; pixels as in `reject_hits`."""
    return _judged(parameters, set(pixels), _VERDICTS)


def _judged(
    parameters: Parameters,
    hits: set[Pixel],
    lists: tuple[str, ...],
    new: str = "",
    marks: Collection[Pixel] = (),
) -> Changes:
    """Take the pixels of hits out of some lists, and put their marks into one of these."""
    left = {name: _pixels(parameters, name) - hits for name in lists}
    return {name: _listed(left[name].union(marks if name == new else ())) for name in lists}


def toggle_local_median(parameters: Parameters, pixel: Pixel, widths: tuple[int, int]) -> Changes:
    """Mark a pixel to be filled with the median of its neighbours, or take that back.

    Parameters
    ----------
    parameters : Parameters
        Before.
    pixel : (x, y)
        FITS pixel; if it is marked with the same widths, it is not any more.
    widths : (width_x, width_y)
        Of the window around it, odd.

    Returns
    -------
    dict
        Changes by parameter name.
    """
    windows, window = _windows(parameters), (*pixel, *widths)
    if windows.pop(pixel, None) != window:
        windows[pixel] = window
    return {LOCAL_MEDIAN: tuple(sorted(windows.values())) or None}


def connected(pixels: Iterable[Pixel], start: Pixel) -> tuple[Pixel, ...]:
    """Pixels of a list that touch each other (8 neighbours) and one of them.

    Parameters
    ----------
    pixels : iterable of (x, y)
        The list.
    start : (x, y)
        One of the list.

    Returns
    -------
    tuple of (x, y)
        Sorted; empty if `start` is not in the list.
    """
    left = set(pixels)
    found, border = set[Pixel](), [start]
    while border:
        x, y = border.pop()
        if (x, y) in left:
            left.remove((x, y))
            found.add((x, y))
            border += [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return tuple(sorted(found))


def _pixels(parameters: Parameters, name: str) -> set[Pixel]:
    return set(getattr(parameters, name) or ())


def _windows(parameters: Parameters) -> dict[Pixel, tuple[int, int, int, int]]:
    windows = parameters.pixels_to_be_replaced_by_local_median or ()
    return {window[:2]: window for window in windows}


def _listed(pixels: set[Pixel]) -> tuple[Pixel, ...] | None:
    return tuple(sorted(pixels)) or None
