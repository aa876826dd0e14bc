"""Pictures of the Median-Minimum diagram: the density of pixels, and those that are flagged."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets.core import codes
from crmasks_widgets.dashboard.drawing.colour_tables import Palette, rgb, table
from crmasks_widgets.dashboard.model.state import Limits

N_COLOURS: Final = 254
FEWEST_COLOURS: Final = 16


@dataclass(frozen=True)
class DensityColours:
    """Logarithmic colours of counts: one table below 1 (averages of simulations), one above.

    Attributes
    ----------
    low, high : float
        Counts at the ends.
    rare : int
        How many colours are below 1.
    palette : (k, 4) uint8
        Colours; the first one is transparent, for 0.
    """

    low: float
    high: float
    rare: int
    palette: Palette

    @classmethod
    def spanning(cls, low: float, high: float) -> "DensityColours":
        """Make the colours of counts from `low` to `high`."""
        high = max(high, 10.0)
        low = min(max(low, 1e-3), 1.0)
        split = round(N_COLOURS * -np.log10(low) / (np.log10(high) - np.log10(low)))
        if low < 1:
            split = int(np.clip(split, FEWEST_COLOURS, N_COLOURS - FEWEST_COLOURS))
        # Grey is less than one pixel; among the colours dark is many.
        rare = table("gray", 256)[np.linspace(230, 130, split).astype(int)]
        many = table("viridis_r", N_COLOURS - split)
        clear = np.zeros((1, 4), np.uint8)
        return cls(low, high, split, np.concatenate([clear, rare, many]))

    def indices(self, histogram: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        """Colour numbers of a histogram.

        Parameters
        ----------
        histogram : (nx, ny) ndarray
            Counts, first index along x.

        Returns
        -------
        (ny, nx) uint8
            Indices of `palette`; 0 for less than `low`.
        """
        counts = np.asarray(histogram, np.float64).T
        with np.errstate(divide="ignore"):
            decades = np.log10(counts)
        many = len(self.palette) - 1 - self.rare
        above = self.rare + np.clip(decades / np.log10(self.high) * many, 0, many - 1)
        steps = above
        if self.rare:
            share = 1 - decades / np.log10(self.low)
            below = np.clip(share * self.rare, 0, self.rare - 1)
            steps = np.where(counts >= 1, above, below)
        return np.where(counts >= self.low, steps + 1, 0).astype(np.uint8)

    def bar(self) -> npt.NDArray[np.uint8]:
        """Colour numbers from low to high, (k - 1, 1), for a colour bar on a logarithmic axis."""
        return np.arange(1, len(self.palette), dtype=np.uint8)[:, None]


# Every method has a shape as well as a colour; offsets (dy, dx) from the centre, screen pixels.
_DIAGONAL = [(d, d) for d in range(-3, 4)] + [(d, -d) for d in range(-3, 4)]
_UPRIGHT = [(d, 0) for d in range(-4, 5)] + [(0, d) for d in range(-4, 5)]
_CIRCLE = [
    (-4, -1), (-4, 0), (-4, 1), (4, -1), (4, 0), (4, 1), (-1, -4), (0, -4), (1, -4), (-1, 4),
    (0, 4), (1, 4), (-3, -2), (-2, -3), (-3, 2), (-2, 3), (3, -2), (2, -3), (3, 2), (2, 3),
    (-3, -3), (-3, 3), (3, -3), (3, 3),
]  # fmt: skip
_SQUARE = [(a, b) for a in (-4, 4) for b in range(-4, 5)] + [
    (b, a) for a in (-4, 4) for b in range(-4, 5)
]
_DIAMOND = [(d, side * (4 - abs(d))) for d in range(-4, 5) for side in (-1, 1)]
_TRIANGLE = [(d, side * (4 + d) // 2) for d in range(-4, 5) for side in (-1, 1)] + [
    (4, d) for d in range(-4, 5)
]
_SHAPES: Final = {
    "×": _DIAGONAL, "+": _UPRIGHT, "○": _CIRCLE, "□": _SQUARE, "◇": _DIAMOND, "△": _TRIANGLE,
}  # fmt: skip
# A light rim keeps glyphs apart from the density and from a dark page.
RIM: Final = 255


def glyphs() -> dict[int, list[tuple[int, int]]]:
    """Shapes of the codes that the diagram draws: all but dilation, later ones on top."""
    known = codes.all_codes().values()
    return {code.number: _SHAPES[code.symbol] for code in known if code.symbol in _SHAPES}


def glyph_palette() -> Palette:
    """Colours of the glyphs by detection code, and of their rim; 0 is transparent."""
    colours = np.zeros((RIM + 1, 4), np.uint8)
    colours[RIM] = (255, 255, 255, 200)
    for number, code in codes.all_codes().items():
        colours[number] = (*rgb(code.colour), 255)
    return colours


def draw_glyphs(
    points: tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]],
    code: npt.NDArray[np.uint8],
    limits: Limits,
    size: tuple[int, int],
    *,
    beyond: bool,
) -> npt.NDArray[np.uint8]:
    """Draw a glyph for every flagged pixel.

    Parameters
    ----------
    points : x and y, (k,) float
        Places in the diagram, ADU.
    code : (k,) uint8
        Detection codes.
    limits : (x_min, x_max, y_min, y_max)
        What is on screen.
    size : (width, height)
        Of the picture, pixels.
    beyond : bool
        Draw on the edge what lies above or to the right of the limits.

    Returns
    -------
    (height, width) uint8
        Codes and `RIM`, row 0 lowest; 0 where nothing is.
    """
    width, height = size
    x_min, x_max, y_min, y_max = limits
    picture = np.zeros((height, width), np.uint8)
    column = _place(points[0], x_min, x_max, width, beyond)
    row = _place(points[1], y_min, y_max, height, beyond)
    seen = (column >= 0) & (row >= 0)
    for kind, offsets in glyphs().items():
        chosen = seen & (code == kind)
        rows, columns = row[chosen], column[chosen]
        for dy, dx in offsets:
            r, c = rows + dy, columns + dx
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            picture[r[inside], c[inside]] = kind
    drawn = picture > 0
    picture[ndimage.binary_dilation(drawn, np.ones((3, 3))) & ~drawn] = RIM
    return picture


def _place(
    values: npt.NDArray[np.floating], low: float, high: float, size: int, beyond: bool
) -> npt.NDArray[np.int64]:
    """Screen position of values, -1 where there is none."""
    scaled = (values.astype(np.float64) - low) / (high - low) * size
    shown = np.isfinite(scaled) & (scaled >= 0) & (beyond | (scaled <= size))
    return np.where(shown, np.minimum(scaled, size - 1), -1).astype(np.int64)
