"""Glyphs of flagged pixels: a shape and a colour for each method, with a rim around them."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from crmasks_widgets.core import codes
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.model.state import Limits

Rgba = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.uint8]
# Of a glyph, screen pixels of a plain screen: half its width, its pen, its rim on each side.
REACH: Final = 4.5
_PEN: Final = 1.7
_RIM: Final = 1.3
_FINER: Final = 8  # drawn so much larger, and shrunk: edges are smooth then
SELECTED: Final = 255
"""Code of the ring around a pixel of the selected hit."""
_RING: Final = ("#f0b400", 8.0)
_LIGHT, _DARK = (255, 255, 255), (17, 17, 17)
# A rim as light as the page does not darken the density; where it would not show the glyph, the
# other one does.
ENOUGH: Final = 3.0
# So many glyphs in a square of such a side, screen pixels, are a slab: each of them becomes a dot.
_CROWD: Final = 8
_SQUARE: Final = 16.0
_DOT: Final = 1.5  # side, screen pixels


_Strokes = tuple[tuple[tuple[float, float], ...], ...]
# Strokes in a square from -1 to 1, upwards; a circle is no stroke. A diamond needs more room, or
# its rims would meet inside.
_SHAPES: Final[Mapping[str, _Strokes]] = MappingProxyType({
    "×": (((-0.8, -0.8), (0.8, 0.8)), ((-0.8, 0.8), (0.8, -0.8))),
    "+": (((-1, 0), (1, 0)), ((0, -1), (0, 1))),
    "○": (),
    "□": (((-0.8, -0.8), (-0.8, 0.8), (0.8, 0.8), (0.8, -0.8), (-0.8, -0.8)),),
    "◇": (((-1.35, 0), (0, 1.35), (1.35, 0), (0, -1.35), (-1.35, 0)),),
    "△": (((-0.95, -0.75), (0, 1), (0.95, -0.75), (-0.95, -0.75)),),
    "◁": (((0.75, -0.95), (-1, 0), (0.75, 0.95), (0.75, -0.95)),),
    "▽": (((-0.95, 0.75), (0, -1), (0.95, 0.75), (-0.95, 0.75)),),
})  # fmt: skip


def glyphs() -> Mapping[int, str]:
    """Symbols of the codes that the diagram draws: all but dilation, later ones on top."""
    known = codes.all_codes().values()
    return {code.number: code.symbol for code in known if code.symbol in _SHAPES}


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """How well two colours are told apart, 1 to 21 (WCAG 2.2, contrast ratio)."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: tuple[int, ...]) -> float:
    share = np.array(colour[:3]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def rim_colour(colour: tuple[int, int, int], *, dark: bool) -> tuple[int, int, int]:
    """Colour of the rim around a glyph: that of the page, or the other one if it shows more."""
    like, unlike = (_DARK, _LIGHT) if dark else (_LIGHT, _DARK)
    return like if contrast(colour, like) >= ENOUGH else unlike


@cache
def stamp(code: int, ratio: float = 1.0, *, dark: bool = False, rim: bool = True) -> Rgba:
    """Draw one glyph.

    Parameters
    ----------
    code : int
        Detection code, or `SELECTED`.
    ratio : float
        Pixels of the picture to one of a plain screen.
    dark : bool
        On a dark page.
    rim : bool
        With its rim.

    Returns
    -------
    (n, n, 4) uint8
        Red, green, blue and opacity, row 0 lowest; n is odd, the pixel in the middle is the place.
    """
    if code == SELECTED:
        (name, reach), symbol = _RING, "○"
    else:
        name, reach, symbol = codes.all_codes()[code].colour, REACH, glyphs()[code]
    colour = rgb(name)
    far = max(
        (abs(at) for stroke in _SHAPES[symbol] for place in stroke for at in place), default=1
    )
    side = 2 * int(np.ceil((reach * max(1, far) + _PEN / 2 + _RIM) * ratio)) + 1
    pen, wide = (
        _drawn(symbol, reach * ratio, width * ratio, side) for width in (_PEN, _PEN + 2 * _RIM)
    )
    drawn = np.empty((side, side, 4), np.uint8)
    drawn[..., :3], drawn[..., 3] = colour, pen
    if rim:
        share = (pen / 255.0)[..., None]
        drawn[..., :3] = np.round(share * colour + (1 - share) * rim_colour(colour, dark=dark))
        drawn[..., 3] = np.maximum(pen, wide)
    drawn.flags.writeable = False
    return drawn


def _drawn(symbol: str, reach: float, width: float, side: int) -> Plane:
    """Opacity of a symbol, row 0 lowest."""
    big = Image.new("L", (_FINER * side, _FINER * side))
    draw, middle = ImageDraw.Draw(big), _FINER * side / 2
    radius, half = _FINER * reach, _FINER * width / 2
    if symbol == "○":
        box = [middle - radius - half] * 2 + [middle + radius + half] * 2
        draw.ellipse(box, outline=255, width=round(2 * half))
    for stroke in _SHAPES[symbol]:
        corners = [(middle + radius * x, middle + radius * y) for x, y in stroke]
        draw.line(corners, 255, width=round(2 * half), joint="curve")
        for x, y in corners:
            draw.ellipse([x - half, y - half, x + half, y + half], fill=255)
    return np.asarray(big.resize((side, side), Image.Resampling.BOX))


def draw_glyphs(
    points: tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]],
    code: npt.NDArray[np.uint8],
    limits: Limits,
    size: tuple[int, int],
    *,
    ratio: float = 1.0,
    dark: bool = False,
) -> Rgba:
    """Draw a glyph for every flagged pixel.

    Parameters
    ----------
    points : x and y, (k,) float
        Places along the axes.
    code : (k,) uint8
        Detection codes, and `SELECTED`.
    limits : (x_min, x_max, y_min, y_max)
        What is on screen.
    size : (width, height)
        Of the picture, pixels.
    ratio : float
        Pixels of the picture to one of a plain screen.
    dark : bool
        On a dark page.

    Returns
    -------
    (height, width, 4) uint8
        Red, green, blue and opacity, row 0 lowest. What lies beyond the limits is not drawn.
    """
    width, height = size
    column, row = (
        _places(values, low, high, n)
        for values, low, high, n in zip(points, limits[::2], limits[1::2], size, strict=True)
    )
    seen = (column >= 0) & (row >= 0)
    crowd = _crowded(column, row, round(_SQUARE * ratio)) & seen & (code != SELECTED)
    kinds = [kind for kind in (*glyphs(), SELECTED) if (code[seen] == kind).any()]
    # No rim covers the pen of another glyph, nor a dot.
    forms = [
        *((kind, ~crowd, stamp(kind, ratio, dark=dark)) for kind in kinds),
        *((kind, crowd, _dot(kind, ratio)) for kind in kinds if kind != SELECTED),
        *((kind, ~crowd, stamp(kind, ratio, dark=dark, rim=False)) for kind in kinds),
    ]
    margin = max((len(form) for *_, form in forms), default=1)
    picture = np.zeros((height + 2 * margin, width + 2 * margin, 4), np.uint8)
    for kind, where, form in forms:
        at = np.unique((row * width + column)[seen & where & (code == kind)])
        rows, columns = np.divmod(at, width)
        _press(picture, rows + margin, columns + margin, form)
    return picture[margin:-margin, margin:-margin]


def _crowded(
    column: npt.NDArray[np.int64], row: npt.NDArray[np.int64], side: int
) -> npt.NDArray[np.bool_]:
    """Whether too many share the square of each place."""
    _, square, count = np.unique(
        (row // side << 32) + column // side, return_inverse=True, return_counts=True
    )
    return np.asarray(count[square] > _CROWD)


def _dot(code: int, ratio: float) -> Rgba:
    """One of a crowd: as large a square as shows where the crowd is denser."""
    side = max(1, round(_DOT * ratio))
    drawn = np.full((side, side, 4), 255, np.uint8)
    drawn[..., :3] = rgb(codes.all_codes()[code].colour)
    return drawn


def _press(picture: Rgba, rows: Any, columns: Any, form: Rgba) -> None:
    """Stamp a form at many places, over what is there."""
    reach, width = len(form) // 2, picture.shape[1]
    dy, dx = np.nonzero(form[..., 3])
    order = np.argsort(form[dy, dx, 3], kind="stable")
    pixels, dy, dx = form[dy[order], dx[order]], dy[order] - reach, dx[order] - reach
    at = ((rows + dy[:, None]) * width + columns + dx[:, None]).ravel()
    # Where several overlap, the one that covers most is last, and is seen.
    last = np.zeros(picture.shape[0] * width, np.int32)
    last[at] = np.repeat(np.arange(1, len(pixels) + 1, dtype=np.int32), len(rows))
    at = np.flatnonzero(last)
    pixel, drawn = pixels[last[at] - 1], picture.reshape(-1, 4)
    below, opacity = drawn[at], pixel[:, 3:]
    share = np.where(below[:, 3:] > 0, opacity / 255, 1.0)
    drawn[at, :3] = np.round(share * pixel[:, :3] + (1 - share) * below[:, :3])
    drawn[at, 3:] = np.maximum(below[:, 3:], opacity)


def _places(
    values: npt.NDArray[np.floating], low: float, high: float, size: int
) -> npt.NDArray[np.int64]:
    """Screen position of values, -1 where there is none."""
    scaled = (values.astype(np.float64) - low) / (high - low) * size
    shown = np.isfinite(scaled) & (scaled >= 0) & (scaled <= size)
    return np.where(shown, np.minimum(scaled, size - 1), -1).astype(np.int64)
