"""How values become colours: stretches, limits and colour maps."""

from functools import cache
from types import MappingProxyType
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from astropy.visualization import AsinhStretch, LinearStretch, LogStretch, SqrtStretch

from crmasks_widgets.core.codes import INVALID_COLOUR
from crmasks_widgets.dashboard.drawing.colour_tables import TABLES, rgb, table
from crmasks_widgets.limits import Scale, colour_limits

UINT8 = npt.NDArray[np.uint8]

STRETCHES: Final = MappingProxyType(
    {"linear": LinearStretch, "log": LogStretch, "sqrt": SqrtStretch, "asinh": AsinhStretch}
)
LIMITS: Final = ("zscale", "minmax", "percentile", "manual")
COLOUR_MAPS: Final = tuple(TABLES)
INVALID: Final = 255  # index of pixels without a value
_LEVELS: Final = 1 << 16
# As many values tell the limits of a frame as well as all of them.
_SAMPLE: Final = 100_000


@cache
def _stretch_table(stretch: str) -> UINT8:
    place = STRETCHES[stretch]()(np.linspace(0.0, 1.0, _LEVELS))
    return np.asarray(np.round(place * (INVALID - 1)), np.uint8)


def stretched(places: npt.NDArray[np.floating], stretch: str) -> UINT8:
    """Indices of colours of places between the limits.

    Parameters
    ----------
    places : ndarray
        From 0, the lower limit, to 1.
    stretch : str
        Key of `STRETCHES`.

    Returns
    -------
    uint8 ndarray
        0 to 254.
    """
    return np.asarray(_stretch_table(stretch)[np.round(places * (_LEVELS - 1)).astype(np.uint16)])


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
    colours = np.full((INVALID + 1, 4), 255, np.uint8)
    colours[:INVALID] = table(TABLES[name], INVALID)
    colours[INVALID, :3] = rgb(INVALID_COLOUR)
    colours.flags.writeable = False
    return colours


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


def shifted_limits(limits: tuple[float, float], right: float, up: float) -> tuple[float, float]:
    """Change colour limits as DS9 does when the right button drags.

    Parameters
    ----------
    limits : (low, high)
        At the beginning of the drag.
    right, up : float
        How far it went, as fractions of the plot: to the right darker, up with less contrast.

    Returns
    -------
    (low, high)
        Never equal.
    """
    low, high = limits
    width = high - low
    middle, wide = (low + high) / 2 + right * width, width * 8.0**up
    return middle - wide / 2, middle + wide / 2
