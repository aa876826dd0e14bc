"""Colour tables as bytes, from matplotlib's lists; nothing is drawn with it here."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps

Palette = npt.NDArray[np.uint8]
TABLES: Final = {
    "gray": "gray",
    "inverted gray": "gray_r",
    "viridis": "viridis",
    "cividis": "cividis",
    "magma": "magma",
}


@cache
def table(name: str, size: int = 256) -> Palette:
    """Sample a colour table.

    Parameters
    ----------
    name : str
        Of matplotlib.
    size : int
        Number of colours.

    Returns
    -------
    (size, 4) uint8
        Red, green, blue and opacity; read-only.
    """
    colours = np.asarray(np.round(255 * colormaps[name](np.linspace(0.0, 1.0, size))), np.uint8)
    colours.flags.writeable = False
    return colours


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour written like #0072B2."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def chip(symbol: str, colour: str, meaning: str) -> str:
    """Explain a symbol of a legend, HTML; it stands on dark, on which all of them are seen."""
    style = f"background: #222; padding: 0 4px; border-radius: 2px; color: {colour}"
    return f'<span style="white-space: nowrap"><b style="{style}">{symbol}</b> {meaning}</span>'
