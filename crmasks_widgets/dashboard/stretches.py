"""How values become colours: stretches, limits and colour maps."""

from functools import cache
from types import MappingProxyType
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from astropy.visualization import AsinhStretch, LinearStretch, LogStretch, SqrtStretch

from crmasks_widgets.limits import Scale, colour_limits
from crmasks_widgets.palette import INVALID_COLOUR

UINT8 = npt.NDArray[np.uint8]

STRETCHES: Final = MappingProxyType(
    {"linear": LinearStretch, "log": LogStretch, "sqrt": SqrtStretch, "asinh": AsinhStretch}
)
LIMITS: Final = ("zscale", "minmax", "percentile", "manual")
# 17 colours at equal steps, between which straight lines run: within 11/255 of viridis and magma
# (S. van der Walt, N. Smith, E. Firing; CC0) and of cividis (Nunez, Anderton & Renslow 2018).
_ANCHORS: Final = MappingProxyType(
    {
        "gray": "000000 ffffff",
        "inverted gray": "ffffff 000000",
        "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1f9f88 27ad81 "
        "3dbc74 5cc863 81d34d aadc32 d5e21a fde725",
        "cividis": "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8b8778 9a9376 "
        "aaa073 bbad6d ccba64 ddc858 efd748 fee838",
        "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 cf4070 e55064 "
        "f4695c fb8761 fea571 fec287 fde0a1 fcfdbf",
    }
)
COLOUR_MAPS: Final = tuple(_ANCHORS)
INVALID: Final = 255  # index of pixels without a value
_LEVELS: Final = 1 << 16
# As many values tell the limits of a frame as well as all of them.
_SAMPLE: Final = 100_000


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a colour written as #rrggbb."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


@cache
def _stretch_table(stretch: str) -> UINT8:
    place = STRETCHES[stretch]()(np.linspace(0.0, 1.0, _LEVELS))
    return np.asarray(np.round(place * (INVALID - 1)), np.uint8)


def colour_indices(values: npt.NDArray[Any], limits: tuple[float, float], stretch: str) -> UINT8:
    """Place values between limits.

    Parameters
    ----------
    values : ndarray
        ADU.
    limits : (low, high)
        Rising, ADU.
    stretch : str
        Key of `STRETCHES`.

    Returns
    -------
    uint8 ndarray
        0 to 254, and `INVALID` for what is not finite.
    """
    low, high = (np.float32(limit) for limit in limits)
    scaled = (values - low) * (np.float32(_LEVELS - 1) / max(high - low, np.float32(1e-30)))
    invalid = ~np.isfinite(scaled)
    some = bool(invalid.any())
    if some:
        scaled[invalid] = 0
    np.clip(scaled, 0, _LEVELS - 1, out=scaled)
    indices = _stretch_table(stretch)[scaled.astype(np.uint16)]
    if some:
        indices[invalid] = INVALID
    return indices


@cache
def colour_palette(name: str) -> UINT8:
    """Colours of the indices.

    Parameters
    ----------
    name : str
        One of `COLOUR_MAPS`.

    Returns
    -------
    (256, 4) uint8
        Red, green, blue and opacity; the last one is for pixels without a value.
    """
    anchors = np.array([rgb(colour) for colour in _ANCHORS[name].split()])
    place = np.linspace(0, len(anchors) - 1, INVALID)
    steps = np.arange(len(anchors))
    colours = [np.interp(place, steps, anchors[:, channel]) for channel in range(3)]
    table = np.full((INVALID + 1, 4), 255, np.uint8)
    table[:INVALID, :3] = np.round(np.column_stack(colours))
    table[INVALID, :3] = rgb(INVALID_COLOUR)
    table.flags.writeable = False
    return table


def shown_limits(values: npt.NDArray[Any], scale: str) -> tuple[float, float]:
    """Limits of what is on screen, as they can be written in a field.

    Parameters
    ----------
    values : (ny, nx) ndarray
        ADU; extremes are those of all values, the others are told by a part of them.
    scale : {"minmax", "zscale", "percentile"}
        Which limits.

    Returns
    -------
    (low, high)
        Rising, ADU, rounded outwards to a thousandth of their distance.
    """
    if scale == "minmax":
        extremes = np.array([values.min(), values.max()])  # quick; NaN if there is one
        values = extremes[None] if np.isfinite(extremes).all() else values
    else:
        step = max(1, int(np.sqrt(values.size / _SAMPLE)))
        values = values[::step, ::step]
    low, high = colour_limits(values, cast("Scale", scale))
    unit = 10.0 ** np.floor(np.log10((high - low) / 1000))
    digits = max(0, -int(np.log10(unit)))
    low, high = np.floor(low / unit) * unit, np.ceil(high / unit) * unit
    return round(float(low), digits), round(float(high), digits)
