"""Which pixel a person means who points at one."""

import math

import numpy as np

from crmasks_widgets.dashboard.selection import REACH
from crmasks_widgets.dashboard.state import Scene


def flagged_near(scene: Scene, pixel: tuple[int, int], reach: float) -> tuple[int, int] | None:
    """Find the nearest pixel of a hit, or of a hit that was rejected or ignored.

    Parameters
    ----------
    scene : Scene
        What is on screen.
    pixel : (y, x)
        Array index of the pixel pointed at.
    reach : float
        Pixels; at least 2, since a pointer is seldom exact.

    Returns
    -------
    (y, x) or None
        None if there is none within reach.
    """
    y, x = pixel
    far = max(REACH, math.ceil(reach))
    candidates: list[tuple[int, int]] = []
    if scene.ready("mediancr"):
        top, left = max(0, y - far), max(0, x - far)
        near = scene.analysis.mediancr[top : y + far + 1, left : x + far + 1]
        candidates += [
            (int(j) + top, int(i) + left) for j, i in zip(*np.nonzero(near), strict=True)
        ]
    p = scene.parameters
    listed = (*(p.mediancr_pixels_rejected or ()), *(p.pixels_to_be_ignored_as_cr or ()))
    candidates += [(b - 1, a - 1) for a, b in listed]
    distances = {found: math.hypot(found[0] - y, found[1] - x) for found in candidates}
    nearest = min(candidates, key=distances.__getitem__, default=None)
    return nearest if nearest is not None and distances[nearest] <= far else None
