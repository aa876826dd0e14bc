"""Bias and readout noise from the part of a frame that saw no light."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.typing import Float32Array
from crmasks_widgets.parameters.coordinates import Region

# Columns next to the light hold some of its charge, those at the rim are often off.
_MARGIN = 2
_FEWEST = 200  # pixels
_ROUNDS, _CLIP = 5, 4.0


@dataclass(frozen=True)
class Overscan:
    """Level and noise of an overscan.

    Attributes
    ----------
    level : float
        Mean over exposures and sections, ADU.
    spread : float
        Largest difference of the levels of two exposures or sections, ADU.
    noise : float
        Scatter of pixels about the level of their neighbours, ADU.
    sections : tuple of (xmin, xmax, ymin, ymax)
        FITS pixels.
    """

    level: float
    spread: float
    noise: float
    sections: tuple[Region, ...]


def sections_inside(
    overscan: Sequence[Region], usable: Region | None, shape: tuple[int, int]
) -> tuple[Region, ...]:
    """Tell which part of a frame saw no light.

    Parameters
    ----------
    overscan : sequence of (xmin, xmax, ymin, ymax)
        As the header says, FITS pixels.
    usable : (xmin, xmax, ymin, ymax) or None
        Part that saw light; the columns or rows outside it stand in for a missing overscan.
    shape : (ny, nx)
        Of the frame.

    Returns
    -------
    tuple of (xmin, xmax, ymin, ymax)
        Sections within the frame: none where it was trimmed.
    """
    ny, nx = shape
    inside = tuple(s for s in overscan if min(s) >= 1 and s[1] <= nx and s[3] <= ny)
    if overscan or usable is None or inside:
        return inside
    left, right, low, high = usable
    columns, rows = (1, nx), (1, ny)
    strips: list[Region] = [
        (1, left - 1, *rows), (right + 1, nx, *rows),
        (*columns, 1, low - 1), (*columns, high + 1, ny),
    ]  # fmt: skip
    wide = [s for s in strips if min(s[1] - s[0], s[3] - s[2]) >= 3 * _MARGIN]
    return (max(wide, key=_area),) if wide else ()


def _area(section: Region) -> int:
    return (section[1] - section[0] + 1) * (section[3] - section[2] + 1)


def measure_overscan(data: Float32Array, sections: Sequence[Region]) -> Overscan | None:
    """Measure level and noise of an overscan.

    Parameters
    ----------
    data : (n, ny, nx) float32
        Exposures as read, ADU.
    sections : sequence of (xmin, xmax, ymin, ymax)
        Within the frame, FITS pixels.

    Returns
    -------
    Overscan or None
        None for too few pixels.
    """
    levels, variances = [], []
    for section in sections:
        for frame in data:
            part = _inner(frame, section)
            known = part[np.isfinite(part)]
            if known.size < _FEWEST:
                continue
            # Along the longer side neighbours have what drifts in common.
            steps = np.diff(part, axis=int(part.shape[1] > part.shape[0])).ravel()
            levels.append(_clipped(known)[0])
            variances.append(_clipped(steps[np.isfinite(steps)])[1] ** 2 / 2)
    if not levels:
        return None
    noise = float(np.sqrt(np.mean(variances)))
    spread = float(np.ptp(levels))
    return Overscan(float(np.mean(levels)), spread, noise, tuple(sections))


def _inner(frame: Float32Array, section: Region) -> Float32Array:
    xmin, xmax, ymin, ymax = section
    part = frame[ymin - 1 : ymax, xmin - 1 : xmax]
    cut = [slice(_MARGIN, -_MARGIN) if side > 3 * _MARGIN else slice(None) for side in part.shape]
    return part[tuple(cut)]


def _clipped(values: Float32Array) -> tuple[float, float]:
    """Mean and standard deviation without what stands out."""
    kept = values.astype(np.float64)
    for _ in range(_ROUNDS):
        kept = kept[np.abs(kept - np.median(kept)) <= _CLIP * max(float(kept.std()), 1e-9)]
    return float(kept.mean()), float(kept.std())
