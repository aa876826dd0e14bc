"""Frames on paper: grey scale, reduction to the pixels of a panel, outlines."""

from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from crmasks_widgets.core.codes import INVALID_COLOUR, all_codes
from crmasks_widgets.core.typing import BoolArray, FloatArray

Extent = tuple[float, float, float, float]

# Colours without a meaning among detection codes.
BOUNDARY_COLOUR: Final = "#E69F00"
CROSS_COLOUR: Final = "#E00000"
FIXED_COLOUR: Final = "#FF00FF"

# Where a frame is drawn much longer than wide, square pixels would waste the panel.
MOST_ELONGATED: Final = 2.5


def paper_grey() -> Colormap:
    """Grey scale from white (faint) to dark grey (bright).

    It ends before black, so that symbols in the colours of detections stand out everywhere.

    Returns
    -------
    Colormap
        Invalid pixels are burgundy.
    """
    grey = LinearSegmentedColormap.from_list("paper_grey", ["#FFFFFF", "#A8A8A8", "#3C3C3C"])
    return grey.with_extremes(bad=INVALID_COLOUR)


def code_colours() -> npt.NDArray[np.uint8]:
    """Colours of the detection codes as a look-up table.

    Returns
    -------
    (k, 3) uint8
        Row `code` is its colour; row 0 is white.
    """
    known = all_codes()
    table = np.full((max(known) + 1, 3), 255, dtype=np.uint8)
    for number, code in known.items():
        table[number] = [int(code.colour[i : i + 2], 16) for i in (1, 3, 5)]
    return table


def frame_extent(shape: tuple[int, int]) -> Extent:
    """Borders of a frame in FITS pixels.

    Parameters
    ----------
    shape : (ny, nx)
        Shape of the frame.

    Returns
    -------
    (left, right, bottom, top)
        The centre of the first pixel is 1.
    """
    ny, nx = shape
    return 0.5, nx + 0.5, 0.5, ny + 0.5


def _block_starts(size: int, most: int) -> tuple[npt.NDArray[np.intp], int]:
    factor = max(1, -(-size // max(1, most)))
    return np.arange(0, size, factor), factor


def block_mean(frame: FloatArray, most: tuple[int, int]) -> tuple[npt.NDArray[np.float64], Extent]:
    """Reduce a frame to the pixels that a panel has, by the mean of blocks.

    Parameters
    ----------
    frame : (ny, nx) ndarray
        NaN is left out; a block of nothing else is NaN.
    most : (rows, columns)
        Largest shape wanted.

    Returns
    -------
    reduced : (my, mx) float64
        The means.
    extent : (left, right, bottom, top)
        FITS pixels covered by the blocks; the last ones may reach beyond the frame.
    """
    (rows, fy), (columns, fx) = (
        _block_starts(size, limit) for size, limit in zip(frame.shape, most, strict=True)
    )
    finite = np.isfinite(frame)
    whole = bool(finite.all())
    values = frame if whole else np.where(finite, frame, 0)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0, dtype=np.float64), columns, axis=1)
    if whole:
        heights = np.diff(np.append(rows, frame.shape[0]))
        widths = np.diff(np.append(columns, frame.shape[1]))
        counts = np.outer(heights, widths).astype(np.float64)
    else:
        counts = np.add.reduceat(
            np.add.reduceat(finite, rows, axis=0, dtype=np.int32), columns, axis=1
        ).astype(np.float64)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means, frame_extent((len(rows) * fy, len(columns) * fx))


def block_maximum(
    codes: npt.NDArray[np.uint8], most: tuple[int, int]
) -> tuple[npt.NDArray[np.uint8], Extent]:
    """Reduce a code image so that no coded pixel is lost: the highest code of a block remains.

    Parameters
    ----------
    codes : (ny, nx) uint8
        0 where there is nothing.
    most : (rows, columns)
        Largest shape wanted.

    Returns
    -------
    reduced : (my, mx) uint8
        The highest codes.
    extent : (left, right, bottom, top)
        As for `block_mean`.
    """
    (rows, fy), (columns, fx) = (
        _block_starts(size, limit) for size, limit in zip(codes.shape, most, strict=True)
    )
    reduced = np.maximum.reduceat(np.maximum.reduceat(codes, rows, axis=0), columns, axis=1)
    return reduced, frame_extent((len(rows) * fy, len(columns) * fx))


def panel_pixels(axes: Axes) -> tuple[int, int]:
    """Rows and columns of pixels in a panel, as it stands on the page.

    Parameters
    ----------
    axes : Axes
        The panel.

    Returns
    -------
    (rows, columns)
        At the resolution of its figure.
    """
    box = axes.get_window_extent()
    return max(1, int(box.height)), max(1, int(box.width))


def fit_panel(axes: Axes, shape: tuple[int, int], extent: Extent | None = None) -> None:
    """Set limits, labels and aspect of a panel that shows a frame, or a part of it.

    Parameters
    ----------
    axes : Axes
        The panel; made smaller where square pixels do not fill it.
    shape : (ny, nx)
        Shape of what is shown.
    extent : (left, right, bottom, top), optional
        FITS pixels; the whole frame by default.
    """
    left, right, bottom, top = extent or frame_extent(shape)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel("x (FITS pixel)")
    axes.set_ylabel("y (FITS pixel)")
    rows, columns = panel_pixels(axes)
    elongation = (right - left) / (top - bottom) * rows / columns
    square = 1 / MOST_ELONGATED < elongation < MOST_ELONGATED
    axes.set_aspect("equal" if square else "auto")
    axes.apply_aspect()


def show_frame(
    axes: Axes, frame: FloatArray, limits: tuple[float, float], cmap: Colormap | None = None
) -> AxesImage:
    """Draw a frame, reduced to what the panel can show; `fit_panel` comes first.

    Parameters
    ----------
    axes : Axes
        The panel.
    frame : (ny, nx) ndarray
        ADU.
    limits : (low, high)
        Of the colour scale, ADU.
    cmap : Colormap, optional
        `paper_grey` by default.

    Returns
    -------
    AxesImage
        For a colour bar.
    """
    reduced, extent = block_mean(frame, panel_pixels(axes))
    image = axes.imshow(
        reduced,
        origin="lower",
        extent=extent,
        cmap=cmap or paper_grey(),
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
        aspect=axes.get_aspect(),
    )
    shown = frame_extent((frame.shape[0], frame.shape[1]))
    axes.set_xlim(shown[:2])
    axes.set_ylim(shown[2:])
    return image


def colour_bar(
    figure: Figure, axes: Axes, image: AxesImage, label: str, *, extend: str = "neither"
) -> Axes:
    """Draw a narrow colour bar beside a panel, where the panel now stands.

    Parameters
    ----------
    figure : Figure
        The figure.
    axes : Axes
        The panel.
    image : AxesImage
        What the colours belong to.
    label : str
        Quantity and unit.
    extend : {"neither", "both", "min", "max"}
        Where values lie beyond the limits.

    Returns
    -------
    Axes
        The axes of the bar.
    """
    box = axes.get_position()
    width, height = figure.get_size_inches()
    bar = figure.add_axes((box.x1 + 0.06 / width, box.y0, 0.11 / width, box.height))
    figure.colorbar(image, cax=bar, label=label, extend=extend)
    del height
    return bar


def outline(mask: BoolArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Follow the borders between masked and unmasked pixels.

    Parameters
    ----------
    mask : (ny, nx) bool
        A small window.

    Returns
    -------
    x, y : (3 k,) float64
        Pieces of line in array coordinates (the first pixel goes from 0 to 1), with NaN between
        them, for one line artist.
    """
    padded = np.pad(mask, 1).astype(np.int8)
    row, column = np.nonzero(np.diff(padded, axis=0)[:, 1:-1])
    gap = np.full(len(row), np.nan)
    x = [np.column_stack([column, column + 1.0, gap])]
    y = [np.column_stack([row, row + 0.0, gap])]
    row, column = np.nonzero(np.diff(padded, axis=1)[1:-1])
    gap = np.full(len(row), np.nan)
    x.append(np.column_stack([column, column + 0.0, gap]))
    y.append(np.column_stack([row, row + 1.0, gap]))
    return np.concatenate(x).ravel(), np.concatenate(y).ravel()
