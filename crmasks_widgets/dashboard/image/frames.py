"""The frames that can be looked at, and what is known about one pixel."""

import html
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets import detectors
from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.dashboard.model.state import Display, ViewModel
from crmasks_widgets.dashboard.page.context import Memo

if TYPE_CHECKING:
    from astropy.wcs import WCS

Frame = npt.NDArray[np.floating]
_TITLES: Final = MappingProxyType({
    "min": "minimum", "mediancr": "corrected median", "meancrt": "corrected mean (meancrt)",
    "meancr": "corrected mean (meancr)",
})  # fmt: skip


def frame_keys(n: int) -> tuple[str, ...]:
    """Keys of all frames of n exposures, in the order of blinking."""
    return ("median", "mean", "min", *map(str, range(1, n + 1)), *KINDS, "difference")


def frame_title(key: str) -> str:
    """What a frame is called on screen."""
    return f"exposure {key}" if key.isdigit() else _TITLES.get(key, key)


def shown_title(display: Display) -> str:
    """What the frame on screen is, in words; a difference says of what."""
    if display.frame == "difference":
        return f"{frame_title(display.minuend)} − {frame_title(display.subtrahend)}"
    return frame_title(display.frame)


def difference_from(display: Display) -> dict[str, str]:
    """Choose the difference that a user means who looks at some frame.

    Parameters
    ----------
    display : Display
        Its frame.

    Returns
    -------
    dict
        Changes of the display: what was taken out of that frame, if it is not the corrected one.
    """
    frame = display.frame
    mean = frame not in ("difference", display.subtrahend)
    return {"frame": "difference"} | ({"minuend": frame} if mean else {})


class Frames:
    """Reads the frames of a view model; the one that is a difference is kept."""

    def __init__(self) -> None:
        self._difference = Memo()

    def get(self, model: ViewModel, key: str) -> tuple[Frame, object] | None:
        """Give a frame.

        Parameters
        ----------
        model : ViewModel
            Whose frame.
        key : str
            One of `frame_keys`.

        Returns
        -------
        (frame, origin) or None
            (ny, nx) float32, ADU, and the object whose identity tells one such frame from a newer
            one; None while the frame is not known.
        """
        if key != "difference":
            return _frame(model, key, "stack")
        # Combinations are divided by flux factors: what is compared with them has to be, too.
        keys = model.display.minuend, model.display.subtrahend
        one, other = (_frame(model, of, "scaled") for of in keys)
        if one is None or other is None:
            return None
        made = partial(np.subtract, one[0], other[0])
        frame = self._difference((*keys, one[1], other[1]), made)
        return frame, frame


def _frame(model: ViewModel, key: str, stage: str) -> tuple[Frame, object] | None:
    """A frame, and what it is of; those over the exposures are read from a stack."""
    if key in KINDS:
        if not model.ready(("combination", key)):
            return None
        made = model.analysis.result("combination", key)
        return made.data, made
    if not model.ready(stage):
        return None
    stack = model.analysis.result(stage)
    frame = stack.min2d if key == "min" else stack.target(int(key) if key.isdigit() else key)
    return frame, stack


def corrected(model: ViewModel, part: tuple[slice, slice]) -> Frame:
    """Part of the median as corrected by MEDIANCR.

    Parameters
    ----------
    model : ViewModel
        Its stack must be ready.
    part : (rows, columns)
        Slices of the frame.

    Returns
    -------
    (ny, nx) float32
        ADU; made of the minimum where the combination is not known yet.
    """
    if model.ready(("combination", "mediancr")):
        return model.analysis.combination("mediancr").data[part]
    stack = model.analysis.stack
    median: npt.NDArray[Any] = stack.median2d[part]
    if not model.ready("mediancr"):
        return median
    return np.where(model.analysis.mediancr[part], stack.min2d[part], median)


def celestial(header: fits.Header) -> "WCS | None":
    """Read the sky coordinates of a header; None where it has none, or none that make sense."""
    if not any(keyword.startswith("CTYPE") for keyword in header):
        return None
    # What knows the sky takes a third of a second to load.
    from crmasks_widgets.files.world import coordinates_of

    found = coordinates_of(header)
    return found if found is not None and found.has_celestial else None


def sky_text(wcs: "WCS | None", y: int, x: int) -> str:
    """Right ascension and declination of a pixel, as a user writes them; empty without a WCS.

    Parameters
    ----------
    wcs : WCS or None
        Of `celestial`.
    y, x : int
        Array indices.

    Returns
    -------
    str
        For example "10h00m24.8s +02d13m05s".
    """
    if wcs is None:
        return ""
    from astropy.coordinates import SkyCoord

    place = wcs.pixel_to_world(x, y)
    if not isinstance(place, SkyCoord) or not np.isfinite(place.ra.deg):
        return ""
    return str(place.icrs.to_string("hmsdms", precision=1))


def pixel_line(model: ViewModel, y: int, x: int) -> str:
    """Say what is known about a pixel.

    Parameters
    ----------
    model : ViewModel
        Its stack must be ready.
    y, x : int
        Array indices of a pixel of the frame.

    Returns
    -------
    str
        HTML, one line: where it is, its values (ADU), the methods that flagged it, and its masks.
    """
    stack = model.analysis.stack
    values = " ".join(
        f"<b>{i}</b> {_number(frame[y, x])}" for i, frame in enumerate(stack.cube, start=1)
    )
    low, middle = _number(stack.min2d[y, x]), _number(stack.median2d[y, x])
    methods, masks = _methods(model, y, x), _masks(model, y, x)
    parts = [
        f"x <b>{x + 1}</b> y <b>{y + 1}</b>", values, f"min {low} median <b>{middle}</b>",
        html.escape(methods or "not flagged"), _over_boundary(model, y, x), html.escape(masks),
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 1e5 or np.isnan(value) else f"{value:.3g}"


def _methods(model: ViewModel, y: int, x: int) -> str:
    target = model.display.target
    if not model.ready(("flags", target), "edits"):
        return ""
    raw = model.analysis.result("flags", target)
    found = [row.name for row in detectors.rows(raw.found) if raw.found[row.key][y, x]]
    if not found:
        return ""
    kept = model.analysis.edits.allowed[y, x]
    return " and ".join(found) + f" in {target}" + ("" if kept else " (left out by hand)")


def _over_boundary(model: ViewModel, y: int, x: int) -> str:
    """By how much a pixel that the diagram flags exceeds what is asked of it."""
    target = model.display.target
    if not model.ready(("flags", target), "boundary", "threshold"):
        return ""
    analysis = model.analysis
    flagged = analysis.result("flags", target).found.get("mm")
    if flagged is None or not flagged[y, x]:
        return ""
    stack, here = analysis.stack, np.array([y * analysis.exposures.shape[1] + x])
    lowest = stack.min2d.ravel()[here]
    least = np.broadcast_to(analysis.threshold, stack.min2d.shape)[y, x]
    asked = np.maximum(analysis.boundary.boundary(lowest), least)
    noise = analysis.noise.at(here).sigma(lowest)
    over = (stack.target(target)[y, x] - lowest - asked) / noise
    return f"{over[0]:.1f} σ over the boundary"


def _masks(model: ViewModel, y: int, x: int) -> str:
    if not model.ready("mediancr"):
        return ""
    if not model.ready("masks"):
        return "MEDIANCR" if model.analysis.mediancr[y, x] else ""
    return ", ".join(name for name, mask in model.analysis.masks.items() if mask[y, x])
