"""The picture of a hit in every exposure: panels side by side, as one raster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets.core.masks import grow
from crmasks_widgets.dashboard.drawing import outlines, overlays, stretches
from crmasks_widgets.dashboard.drawing.colour_tables import rgb

UINT8 = npt.NDArray[np.uint8]

_LEVELS: Final = 200  # shades of a value; the rest of the palette is for the codes
_INVALID: Final = _LEVELS
_CODES: Final = _LEVELS + 1  # index of code 0
_OUTLINE: Final = 240
_UNDER: Final = 241
_SHAPE: Final = 242
_NOTHING: Final = 255
_DARK: Final = 34  # grey on which the colours of all codes are seen
_GAP: Final = 1  # between panels, pixels of the page
_WIDEST_GAP: Final = 16
NAME_HEIGHT: Final = 14  # above a panel, pixels of the page


def cutout(centre: tuple[int, int], half: int, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns around a pixel (y, x), clipped to the frame (ny, nx)."""
    rows, columns = (
        slice(max(0, middle - half), min(n, middle + half + 1))
        for middle, n in zip(centre, shape, strict=True)
    )
    return rows, columns


@dataclass(frozen=True)
class Panels:
    """Where the panels lie, in drawn pixels from the lower left corner of the raster.

    Attributes
    ----------
    count, columns : int
        Panels in all, and side by side.
    width, height : int
        Of a panel, pixels of the frame.
    side : int
        Drawn pixels to a pixel of the frame.
    beside, below, name : int
        Left between panels, and above each; drawn pixels.
    """

    count: int
    columns: int
    width: int
    height: int
    side: int
    beside: int
    below: int
    name: int

    @property
    def rows(self) -> int:
        """Panels above each other."""
        return -(-self.count // self.columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the raster."""
        return (
            self.rows * (self.height * self.side + self.name + self.below) - self.below,
            self.columns * (self.width * self.side + self.beside) - self.beside,
        )

    def corner(self, k: int) -> tuple[int, int]:
        """Lower left corner (x, y) of panel k; the first one is at the top left."""
        row, column = divmod(k, self.columns)
        x = column * (self.width * self.side + self.beside)
        y = (self.rows - 1 - row) * (self.height * self.side + self.name + self.below)
        return x, y

    def pixel(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column in the cutout of a position in the raster; None between panels."""
        for k in range(self.count):
            left, low = self.corner(k)
            column, row = (x - left) // self.side, (y - low) // self.side
            if 0 <= column < self.width and 0 <= row < self.height:
                return int(row), int(column)
        return None


def arrange(
    count: int, shape: tuple[int, int], size: tuple[int, int], scale: float = 1.0
) -> Panels:
    """Arrange panels so that they become as large as the plot allows.

    Parameters
    ----------
    count : int
        Panels.
    shape : (ny, nx)
        Of the cutout.
    size : (width, height)
        Of the plot, screen pixels.
    scale : float
        Screen pixels to a pixel of the page, in which names and gaps are measured.

    Returns
    -------
    Panels
        The arrangement, which fills the width as far as whole pixels allow.
    """
    height, width = shape
    gap, name = max(1, round(_GAP * scale)), round(NAME_HEIGHT * scale)

    def largest(columns: int) -> float:
        rows = -(-count // columns)
        return min(
            (size[0] - (columns - 1) * gap) / (columns * width),
            (size[1] - rows * name - (rows - 1) * gap) / (rows * height),
        )

    columns = max(range(1, count + 1), key=largest)
    side = max(1, int(largest(columns)))
    left = (size[0] - columns * width * side) // max(1, columns - 1)
    beside = min(max(gap, left), round(_WIDEST_GAP * scale))
    return Panels(count, columns, width, height, side, beside, gap, name)


def left_below(
    count: int, shape: tuple[int, int], size: tuple[float, float], scale: float = 1.0
) -> float:
    """Height that panels in one row leave free where they are as wide as the plot allows.

    Parameters
    ----------
    count, shape, size, scale
        As for `arrange`.

    Returns
    -------
    float
        Screen pixels; negative where the plot is too low for them.
    """
    gap = max(1, round(_GAP * scale))
    side = max(1, int((size[0] - (count - 1) * gap) / (count * shape[1])))
    return size[1] - side * shape[0] - round(NAME_HEIGHT * scale)


def value_panel(values: npt.NDArray[Any], limits: tuple[float, float], stretch: str) -> UINT8:
    """Rows of `palette` for values.

    Parameters
    ----------
    values : (ny, nx) float
        ADU.
    limits : (low, high)
        ADU.
    stretch : str
        As in `stretches`.

    Returns
    -------
    (ny, nx) uint8
        Indices.
    """
    indices = stretches.colour_indices(values, limits, stretch).astype(np.uint16)
    shades = indices * (_LEVELS - 1) // (stretches.INVALID - 1)
    return np.where(indices == stretches.INVALID, _INVALID, shades).astype(np.uint8)


def palette(colours: str) -> UINT8:
    """Colours of the raster.

    Parameters
    ----------
    colours : str
        One of `stretches.COLOUR_MAPS`.

    Returns
    -------
    (256, 4) uint8
        Red, green, blue and opacity.
    """
    table = np.full((256, 4), 255, np.uint8)
    shades = np.round(np.linspace(0, stretches.INVALID - 1, _LEVELS)).astype(int)
    full = stretches.colour_palette(colours)
    table[:_LEVELS], table[_INVALID] = full[shades], full[stretches.INVALID]
    table[_CODES, :3] = _DARK
    shown = overlays.overlay_codes()
    for code, kind in shown.items():
        table[_CODES + code, :3] = rgb(kind.colour)
    table[_OUTLINE, :3], table[_UNDER, :3] = rgb(outlines.LINE), rgb(outlines.UNDER)
    table[_NOTHING, 3] = 0
    return table


def raster(panels: Panels, values: Sequence[UINT8], codes: UINT8, hit: npt.NDArray[Any]) -> UINT8:
    """Draw the panels: all values but the last, the codes, the last values.

    Parameters
    ----------
    panels : Panels
        The arrangement.
    values : sequence of (ny, nx) uint8
        Of `value_panel`.
    codes : (side * ny, side * nx) uint8
        Of `overlays.overlay_indices`, with as many drawn pixels to a pixel.
    hit : (ny, nx) bool
        To be outlined: its outermost drawn pixels light, those around it dark.

    Returns
    -------
    uint8 ndarray
        Rows of `palette`; row 0 is the lowest.
    """
    side = panels.side
    edge, around = _edges(_enlarged(hit, side))

    def outlined(panel: npt.NDArray[Any]) -> UINT8:
        return np.where(edge, _OUTLINE, np.where(around, _UNDER, panel)).astype(np.uint8)

    drawn = [outlined(_enlarged(panel, side)) for panel in values]
    tint = codes >= overlays.TINTED
    table = np.where(tint, codes - overlays.TINTED + _CODES, np.where(codes > 0, _SHAPE, _CODES))
    drawn.insert(len(drawn) - 1, outlined(table))
    whole = np.full(panels.shape, _NOTHING, np.uint8)
    for k, panel in enumerate(drawn):
        x, y = panels.corner(k)
        whole[y : y + panel.shape[0], x : x + panel.shape[1]] = panel
    return whole


def _enlarged(panel: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    return np.repeat(np.repeat(panel, side, axis=0), side, axis=1)


def _edges(mask: npt.NDArray[Any]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Pixels of a mask that touch what is outside it, and pixels outside that touch it."""
    return mask & grow(~mask, 1), grow(mask, 1) & ~mask
