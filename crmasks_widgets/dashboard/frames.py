"""The frames that can be looked at, and what is known about one pixel."""

import html
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.combine import KINDS
from crmasks_widgets.dashboard.context import Memo
from crmasks_widgets.dashboard.state import Scene

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
    """Reads the frames of a scene; the one that is a difference is kept."""

    def __init__(self) -> None:
        self._difference = Memo()

    def get(self, scene: Scene, key: str) -> tuple[Frame, object] | None:
        """Give a frame.

        Parameters
        ----------
        scene : Scene
            Whose frame.
        key : str
            One of `frame_keys`.

        Returns
        -------
        (frame, origin) or None
            (ny, nx) float32, ADU, and the object whose identity tells one such frame from a newer
            one; None while the frame is not known.
        """
        analysis = scene.analysis
        if key == "difference":
            if not scene.ready(("combination", "mediancr"), "scaled"):
                return None
            median, fixed = analysis.result("scaled").median2d, analysis.combination("mediancr")
            frame = self._difference((median, fixed.data), partial(np.subtract, median, fixed.data))
            return frame, frame
        if key in KINDS:
            if not scene.ready(("combination", key)):
                return None
            made = analysis.result("combination", key)
            return made.data, made
        if not scene.ready("stack"):
            return None
        stack = analysis.stack
        frame = stack.min2d if key == "min" else stack.target(int(key) if key.isdigit() else key)
        return frame, stack


def corrected(scene: Scene, part: tuple[slice, slice]) -> Frame | None:
    """Part of the median as corrected by MEDIANCR.

    Parameters
    ----------
    scene : Scene
        Whose median.
    part : (rows, columns)
        Slices of the frame.

    Returns
    -------
    (ny, nx) float32 or None
        ADU; made of the minimum where the combination is not known yet, None before the stack is.
    """
    if scene.ready(("combination", "mediancr")):
        return scene.analysis.combination("mediancr").data[part]
    if not scene.ready("stack"):
        return None
    stack = scene.analysis.stack
    median: npt.NDArray[Any] = stack.median2d[part]
    if not scene.ready("mediancr"):
        return median
    return np.where(scene.analysis.mediancr[part], stack.min2d[part], median)


def pixel_lines(scene: Scene, y: int, x: int) -> tuple[str, str]:
    """Say what is known about a pixel.

    Parameters
    ----------
    scene : Scene
        Its stack must be ready.
    y, x : int
        Array indices of a pixel of the frame.

    Returns
    -------
    values, masks : str
        HTML. The values, ADU, in columns that keep their width; the methods that flagged the
        pixel, and its masks.
    """
    stack = scene.analysis.stack
    named = [(str(i), frame) for i, frame in enumerate(stack.cube, start=1)]
    named += [("min", stack.min2d), ("median", stack.median2d)]
    values = "  ".join(f"{name} {_number(frame[y, x])}" for name, frame in named)
    place = f"x {x + 1:>5} y {y + 1:>5}"
    methods, masks = _methods(scene, y, x), _masks(scene, y, x)
    masks = f"flagged by {methods or 'nothing'} · in {masks or 'no mask'}"
    return html.escape(f"{place}  {values} ADU"), html.escape(masks)


def _number(value: float) -> str:
    return f"{value:9.2f}" if abs(value) < 1e5 or np.isnan(value) else f"{value:9.3g}"


def _methods(scene: Scene, y: int, x: int) -> str:
    target = scene.display.target
    if not scene.ready(("flags", target), "edits"):
        return ""
    raw = scene.analysis.result("flags", target)
    found = [n for n, flags in (("L.A.Cosmic", raw.lacosmic), ("MM", raw.mm)) if flags[y, x]]
    if not found:
        return ""
    kept = scene.analysis.edits.allowed[y, x]
    return " and ".join(found) + f" in {target}" + ("" if kept else " (left out by hand)")


def _masks(scene: Scene, y: int, x: int) -> str:
    if not scene.ready("mediancr"):
        return ""
    if not scene.ready("masks"):
        return "MEDIANCR" if scene.analysis.mediancr[y, x] else ""
    return ", ".join(name for name, mask in scene.analysis.masks.items() if mask[y, x])
