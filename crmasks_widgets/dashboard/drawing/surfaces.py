"""Cutouts as surfaces side by side, for a 3-D view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.dashboard.drawing import stretches
from crmasks_widgets.dashboard.drawing.colour_tables import rgb

FLOAT = npt.NDArray[np.float32]
_GAP: Final = 4.0  # between surfaces, pixels
_MARK: Final = "#E8590C"


@dataclass(frozen=True)
class Surfaces:
    """The corners of all surfaces, and their faces.

    Attributes
    ----------
    x, y, z : (k,) float32
        Pixels to the right, height in ADU, pixels to the back.
    colours : (k, 3) float32
        Red, green and blue, 0 to 1.
    triangles : (m, 3) uint32
        Corners of each face.
    sides : (width, depth)
        Of all surfaces together, pixels.
    heights : (low, high)
        ADU.
    """

    x: FLOAT
    y: FLOAT
    z: FLOAT
    colours: FLOAT
    triangles: npt.NDArray[np.uint32]
    sides: tuple[float, float]
    heights: tuple[float, float]


def side_by_side(
    frames: Sequence[npt.NDArray[Any]], colours: str, marked: npt.NDArray[np.bool_]
) -> Surfaces:
    """Put surfaces next to each other, on one scale of heights.

    Parameters
    ----------
    frames : sequence of (ny, nx) float
        ADU, of one shape, at least 2 pixels wide and high. What is not finite lies on the floor.
    colours : str
        One of `stretches.COLOUR_MAPS`.
    marked : (ny, nx) bool
        Pixels that have a colour of their own.

    Returns
    -------
    Surfaces
        The first frame is on the left.
    """
    cube = np.asarray(frames, np.float32)
    n, ny, nx = cube.shape
    finite = cube[np.isfinite(cube)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    high = high if high > low else low + 1.0
    indices = stretches.colour_indices(cube, (low, high), "linear")
    table = stretches.colour_palette(colours)[:, :3] / np.float32(255)
    shades = table[indices].astype(np.float32)
    shades[:, marked] = np.array(rgb(_MARK), np.float32) / np.float32(255)
    left = np.arange(n)[:, None, None] * (nx - 1 + _GAP)
    x = np.broadcast_to(left + np.arange(nx), cube.shape)
    z = np.broadcast_to(np.arange(ny)[None, :, None], cube.shape)
    return Surfaces(
        x.ravel().astype(np.float32),
        np.where(np.isfinite(cube), cube, np.float32(low)).ravel(),
        # Rows rise to the back; the axis points to the viewer.
        (ny - 1 - z).ravel().astype(np.float32),
        shades.reshape(-1, 3),
        _triangles(n, ny, nx),
        (n * (nx - 1 + _GAP) - _GAP, ny - 1.0),
        (low, high),
    )


def _triangles(n: int, ny: int, nx: int) -> npt.NDArray[np.uint32]:
    corner = np.arange(n * ny * nx, dtype=np.uint32).reshape(n, ny, nx)
    a, b = corner[:, :-1, :-1], corner[:, :-1, 1:]
    c, d = corner[:, 1:, :-1], corner[:, 1:, 1:]
    halves = np.stack([np.stack([a, b, d], axis=-1), np.stack([a, d, c], axis=-1)])
    return halves.reshape(-1, 3)
