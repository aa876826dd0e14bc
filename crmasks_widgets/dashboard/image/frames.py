"""The frames that can be looked at, and what is known about one pixel."""

import html
import warnings
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from crmasks_widgets.core import detectors
from crmasks_widgets.core.combine import KINDS
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Memo

Frame = npt.NDArray[np.floating]


def frame_keys(n: int) -> tuple[str, ...]:
    """Keys of all frames of n exposures, in the order of blinking."""
    return ("median", "mean", "min", *map(str, range(1, n + 1)), *KINDS, "difference")


def frame_title(key: str) -> str:
    """What a frame is called on screen."""
    if key.isdigit():
        return f"exposure {key}"
    return {"difference": "median − mediancr", "min": "minimum"}.get(key, key)


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
        analysis = model.analysis
        if key == "difference":
            if not model.ready(("combination", "mediancr"), "scaled"):
                return None
            median, fixed = analysis.result("scaled").median2d, analysis.combination("mediancr")
            frame = self._difference((median, fixed.data), partial(np.subtract, median, fixed.data))
            return frame, frame
        if key in KINDS:
            if not model.ready(("combination", key)):
                return None
            made = analysis.result("combination", key)
            return made.data, made
        if not model.ready("stack"):
            return None
        stack = analysis.stack
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


def celestial(header: fits.Header) -> WCS | None:
    """Read the sky coordinates of a header; None where it has none, or none that make sense."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = WCS(header, naxis=2)
    except (ValueError, KeyError, MemoryError):
        return None
    return found if found.has_celestial else None


def sky_text(wcs: WCS | None, y: int, x: int) -> str:
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
        html.escape(methods or "not flagged"), html.escape(masks),
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


def _masks(model: ViewModel, y: int, x: int) -> str:
    if not model.ready("mediancr"):
        return ""
    if not model.ready("masks"):
        return "MEDIANCR" if model.analysis.mediancr[y, x] else ""
    return ", ".join(name for name, mask in model.analysis.masks.items() if mask[y, x])
