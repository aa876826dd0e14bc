"""Displacement by whole pixels and brightness of the exposures: where a comparison has to start.

A fit of small differences finds small differences: exposures displaced by a few pixels, or three
times as bright as others, are told by the peak of their correlation and by robust ratios. What all
of them have seen is then cut out, pixel on pixel and equally bright.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from crmasks_widgets.core.alignment import bright_pixels, measure_levels
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.typing import Float32Array, FloatArray

Shift = tuple[int, int]

# The peak of a correlation is believed where its coefficient is as high as this, or where it stands
# out of all other lags by so many of their standard deviations: hits reach 0.13 and 7.
_COEFFICIENT, _PEAK = 0.2, 10.0
# It moves an exposure only where it is so much higher than no move at all: along a fibre every lag
# is nearly as good as the next.
_BETTER = 1.03
# Slow changes over so many pixels, vignetting and sky, say nothing about position.
_SLOW = 33
# Float32Array beyond so many times the noise counts little more: one star must not decide alone.
_BRIGHT = 10.0
# A common ground of at least this part of the frame can be compared.
_LEAST_COMMON = 0.3


@dataclass(frozen=True)
class CommonGround:
    """What all exposures have seen.

    Attributes
    ----------
    cube : (n, h, w) ndarray
        The exposures cut to it, pixel on pixel, divided by `ratios`; ADU, NaN where invalid.
    shifts : tuple of n (dx, dy)
        Whole pixels by which the scene of each exposure lies at larger x and y than that of the
        typical one.
    ratios : tuple of n float
        Brightness of each over their median; 1 where too few bright pixels tell.
    unknown : str
        Why the shifts are not known; empty where they are.
    """

    cube: FloatArray
    shifts: tuple[Shift, ...]
    ratios: tuple[float, ...]
    unknown: str


def find_common_ground(cube: FloatArray, noise: Noise) -> CommonGround:
    """Find out by how many pixels exposures are displaced, and how bright they are.

    Parameters
    ----------
    cube : (n, ny, nx) ndarray
        Exposures, ADU; NaN where invalid.
    noise : Noise
        Of one exposure; of maps, the medians are used.

    Returns
    -------
    CommonGround
        Of the whole frame where nothing is displaced or the displacement is not known.
    """
    shifts, unknown = _shifts(cube)
    windows = _windows(cube.shape[1:], shifts)
    if windows is None:
        unknown = f"exposures are displaced by {_largest(shifts)} pixels and have little in common"
        shifts = ((0, 0),) * len(cube)
    elif any(shift != (0, 0) for shift in shifts):
        cube = np.stack([frame[window] for frame, window in zip(cube, windows, strict=True)])
    typical = Noise(noise.typical_gain, noise.typical_rnoise)
    median = np.median(cube, axis=0)
    ratios, _ = measure_levels(cube, bright_pixels(np.nan_to_num(median), typical))
    if any(ratio != 1 for ratio in ratios):
        cube = cube / np.asarray(ratios, cube.dtype)[:, None, None]
    return CommonGround(cube, shifts, ratios, unknown)


def _largest(shifts: tuple[Shift, ...]) -> int:
    return max(abs(value) for shift in shifts for value in shift)


def _windows(shape: tuple[int, ...], shifts: tuple[Shift, ...]) -> list[tuple[slice, slice]] | None:
    """Where each exposure shows what all have seen, or None where that is too little."""
    columns, rows = (np.array(values) for values in zip(*shifts, strict=True))
    height, width = (n - np.ptp(moves) for n, moves in zip(shape, (rows, columns), strict=True))
    if min(height, width) < 1 or height * width < _LEAST_COMMON * shape[0] * shape[1]:
        return None
    return [
        (slice(y, y + height), slice(x, x + width))
        for x, y in zip((columns - columns.min()), (rows - rows.min()), strict=True)
    ]


def _shifts(cube: FloatArray) -> tuple[tuple[Shift, ...], str]:
    """Displacement of each exposure against the typical one, or why it is not known."""
    frames = [_structure(frame, side=3) for frame in cube]
    found: list[Shift] = [(0, 0)]
    for number in range(1, len(cube)):
        peak = _peak(frames[0], frames[number])
        if peak is None:
            # What frees a frame of hits takes the finest structure away as well.
            peak = _peak(_structure(cube[0], side=1), _structure(cube[number], side=1))
        if peak is None:
            why = f"the correlation of exposures 1 and {number + 1} has no peak above its noise"
            return ((0, 0),) * len(cube), why
        found.append(peak)
    middle = [round(float(np.median(values))) for values in zip(*found, strict=True)]
    return tuple((x - middle[0], y - middle[1]) for x, y in found), ""


def _peak(first: Float32Array, second: Float32Array) -> Shift | None:
    """Displacement (dx, dy) of the second frame against the first, or None if none is told."""
    size = tuple(fft.next_fast_len(n, real=True) for n in first.shape)
    lags = fft.irfft2(fft.rfft2(second, size) * np.conj(fft.rfft2(first, size)), size)
    y, x = (int(i) for i in np.unravel_index(int(np.argmax(lags)), size))
    highest = float(lags[y, x])
    norm = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    if not (highest > _COEFFICIENT * norm > 0 or highest > _PEAK * float(np.std(lags)) > 0):
        return None
    if highest <= _BETTER * float(lags[0, 0]):
        return 0, 0
    ny, nx = size
    return x - nx * (x > nx // 2), y - ny * (y > ny // 2)


def _structure(frame: FloatArray, side: int) -> Float32Array:
    """A frame without hits (median of `side`), slow changes and borders; bright parts are low."""
    known = np.isfinite(frame)
    filled = np.where(known, frame, np.median(frame[known]) if known.any() else 0)
    smooth = ndimage.median_filter(filled.astype(np.float32), size=side, mode="nearest")
    smooth -= ndimage.uniform_filter(smooth, _SLOW, mode="nearest")
    scatter = float(np.median(np.abs(smooth))) or 1.0
    taper = [np.sqrt(np.sin(np.pi * (np.arange(n) + 0.5) / n)) for n in smooth.shape]
    held = np.arcsinh(smooth / (_BRIGHT * scatter)) * np.outer(*taper)
    return np.asarray(held - held.mean(), np.float32)
