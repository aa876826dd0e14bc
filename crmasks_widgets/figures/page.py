"""The page of one hit, made once and filled again for every other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter

from crmasks_widgets.figures.images import (
    BOUNDARY_COLOUR,
    CROSS_COLOUR,
    outline,
    paper_grey,
)
from crmasks_widgets.figures.jobs import new_figure

MOST_COLUMNS: Final = 5
LEAST_COLUMNS: Final = 3
# Inches.
PANEL: Final = 2.35
COLUMN_GAP: Final = 0.12
ROW_GAP: Final = 0.62
LEFT, RIGHT, TOP, BOTTOM = 0.62, 0.75, 0.72, 0.85
MOST_TICKS: Final = 5
GRADIENT: Final = 64
# Above this many pixels a grid would hide them.
MOST_GRID_LINES: Final = 64


@dataclass(frozen=True)
class Window:
    """Part of a frame.

    Attributes
    ----------
    rows, columns : slice
        Array indices.
    """

    rows: slice
    columns: slice

    @property
    def index(self) -> tuple[slice, slice]:
        """For an array (ny, nx)."""
        return self.rows, self.columns

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top border in FITS pixels."""
        return (
            self.columns.start + 0.5, self.columns.stop + 0.5,
            self.rows.start + 0.5, self.rows.stop + 0.5,
        )  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """What one panel shows of a window.

    Attributes
    ----------
    pixels : (ny, nx) ndarray in ADU, or (ny, nx, 3) uint8
        Values, or colours.
    limits : (low, high) or None
        Of the grey scale, ADU; None for colours.
    outlined : (ny, nx) bool
        Pixels to draw a line around.
    crossed : (ny, nx) bool or None
        Pixels to put a cross on.
    """

    pixels: npt.NDArray[np.generic]
    limits: tuple[float, float] | None
    outlined: npt.NDArray[np.bool_]
    crossed: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Key:
    """One entry of the legend.

    Attributes
    ----------
    name : str
        What it means.
    colour : str, (r, g, b) of 0...255, or None
        A patch of this colour; "cross" for a cross, None for an outline.
    """

    name: str
    colour: str | tuple[int, ...] | None


def grid_shape(n_exposures: int) -> tuple[int, int]:
    """Rows and columns that the exposures need.

    Parameters
    ----------
    n_exposures : int
        Any number from 1.

    Returns
    -------
    (rows, columns)
        Rows as equally filled as can be, of at most 5 panels; at least 3 columns.
    """
    rows = -(-n_exposures // MOST_COLUMNS)
    return rows, max(LEAST_COLUMNS, -(-n_exposures // rows))


def round_ticks(low: float, high: float) -> list[int]:
    """FITS pixels to label, few enough for a small panel.

    Parameters
    ----------
    low, high : float
        Borders of the window.

    Returns
    -------
    list of int
        Multiples of 1, 2, 5, 10, ...
    """
    for step in (s * 10**power for power in range(10) for s in (1, 2, 5)):
        first = int(np.ceil(low / step)) * step
        ticks = list(range(first, int(np.floor(high)) + 1, step))
        if len(ticks) <= MOST_TICKS:
            return ticks
    return []


def short_number(value: float) -> str:
    """Number in few characters.

    Parameters
    ----------
    value : float
        ADU.

    Returns
    -------
    str
        At most five significant digits, with a true minus sign.
    """
    digits = f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.3g}"  # noqa: PLR2004
    return digits.replace("-", "−").replace("e+0", "e").replace("e+", "e")


class _Frame:
    """One panel: an image, an outline over it, crosses, and where wanted the borders of pixels."""

    def __init__(self, axes: Axes, title: str) -> None:
        self.axes = axes
        axes.set_autoscale_on(False)
        axes.set_title(title)
        axes.tick_params(direction="out", length=2.5)
        self.image: AxesImage = axes.imshow(
            np.zeros((2, 2)), origin="lower", cmap=paper_grey(), interpolation="none",
            aspect="equal", resample=False,
        )  # fmt: skip
        (self.grid,) = axes.plot([], [], color="0.8", lw=0.3)
        (self.line,) = axes.plot([], [], color=BOUNDARY_COLOUR, lw=1.4, solid_capstyle="projecting")
        (self.crosses,) = axes.plot([], [], "x", color=CROSS_COLOUR, ms=4, mew=1.0)

    def show(self, panel: Panel, window: Window) -> None:
        """Fill it anew."""
        left, right, bottom, top = window.extent
        self.image.set_data(panel.pixels)
        self.image.set_extent(window.extent)
        if panel.limits is None:
            self.grid.set_data(*_pixel_borders(window))
        else:
            self.image.set_clim(*panel.limits)
        x, y = outline(panel.outlined)
        self.line.set_data(x + left, y + bottom)
        if panel.crossed is not None:
            row, column = np.nonzero(panel.crossed)
            self.crosses.set_data(column + left + 0.5, row + bottom + 0.5)
        self.axes.set_xlim(left, right)
        self.axes.set_ylim(bottom, top)


def _pixel_borders(window: Window) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lines between the pixels of a window, with NaN between them."""
    left, right, bottom, top = window.extent
    x, y = np.arange(left + 1, right), np.arange(bottom + 1, top)
    if len(x) + len(y) > 2 * MOST_GRID_LINES:
        return np.empty(0), np.empty(0)
    gap_x, gap_y = np.full_like(x, np.nan), np.full_like(y, np.nan)
    along_y = np.column_stack([x, x, gap_x]), np.tile([bottom, top, np.nan], (len(x), 1))
    along_x = np.tile([left, right, np.nan], (len(y), 1)), np.column_stack([y, y, gap_y])
    return (
        np.concatenate([along_y[0], along_x[0]]).ravel(),
        np.concatenate([along_y[1], along_x[1]]).ravel(),
    )


class _GreyBar:
    """A colour bar of two numbers, much quicker to draw than matplotlib's."""

    def __init__(self, axes: Axes) -> None:
        axes.imshow(
            np.linspace(0, 1, GRADIENT)[:, None], origin="lower", cmap=paper_grey(), aspect="auto",
            extent=(0.0, 1.0, 0.0, 1.0), interpolation="none",
        )  # fmt: skip
        axes.set_axis_off()
        axes.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color="black", lw=0.7, clip_on=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        self.low: Text = axes.text(1.4, 0.0, "", va="bottom", fontsize=8)
        self.high: Text = axes.text(1.4, 1.0, "", va="top", fontsize=8)
        axes.text(1.4, 0.5, "ADU", va="center", rotation=90, fontsize=8)

    def show(self, limits: tuple[float, float]) -> None:
        """Write the limits."""
        self.low.set_text(short_number(limits[0]))
        self.high.set_text(short_number(limits[1]))


class HitPage:
    """Figure of one hit, whose artists are filled again for every page.

    Parameters
    ----------
    n_exposures : int
        Panels above.
    corrected_name, classes_name : str
        Titles of the last and of the middle panel below.
    key : sequence of Key
        Legend.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The page.
    """

    def __init__(
        self, n_exposures: int, corrected_name: str, classes_name: str, key: Sequence[Key]
    ) -> None:
        rows, columns = grid_shape(n_exposures)
        width = LEFT + columns * PANEL + (columns - 1) * COLUMN_GAP + RIGHT
        height = TOP + (rows + 1) * PANEL + rows * ROW_GAP + BOTTOM
        self.figure = new_figure(width, height)
        self._size = width, height
        self._x_ticks, self._y_ticks = FixedLocator([]), FixedLocator([])
        self._title = self.figure.text(LEFT / width, 1 - 0.2 / height, "", fontsize=10.5, va="top")
        self.exposures = [
            _Frame(self._axes(*divmod(i, columns)), f"exposure {i + 1}")
            for i in range(n_exposures)
        ]
        below = ("median", classes_name, corrected_name)
        self.below = [_Frame(self._axes(rows, i), name) for i, name in enumerate(below)]
        last = n_exposures - 1
        self._bars = (
            self._bar(0, min(columns, n_exposures) - 1 if last else 0),
            self._bar(rows, len(below) - 1),
        )
        self._label_outer(rows, columns)
        self._legend(key)

    def _axes(self, row: int, column: int) -> Axes:
        width, height = self._size
        left = LEFT + column * (PANEL + COLUMN_GAP)
        bottom = height - TOP - PANEL - row * (PANEL + ROW_GAP)
        axes: Axes = self.figure.add_axes(
            (left / width, bottom / height, PANEL / width, PANEL / height)
        )
        return axes

    def _bar(self, row: int, column: int) -> _GreyBar:
        axes = self._axes(row, column)
        box = axes.get_position()
        axes.set_position((box.x1 + 0.1 / self._size[0], box.y0, 0.12 / self._size[0], box.height))
        return _GreyBar(axes)

    def _label_outer(self, rows: int, columns: int) -> None:
        """Tick labels and axis labels only on the left and on panels with nothing below."""
        plain = FuncFormatter(lambda value, _: f"{value:.0f}")
        places = [divmod(i, columns) for i in range(len(self.exposures))]
        places += [(rows, i) for i in range(len(self.below))]
        for (row, column), frame in zip(places, [*self.exposures, *self.below], strict=True):
            x, y = frame.axes.xaxis, frame.axes.yaxis
            x.set_major_locator(self._x_ticks)
            y.set_major_locator(self._y_ticks)
            x.set_major_formatter(plain)
            y.set_major_formatter(plain)
            lowest = (row + 1, column) not in places
            frame.axes.tick_params(labelbottom=lowest, labelleft=column == 0)
            if lowest:
                frame.axes.set_xlabel("x (FITS pixel)", labelpad=2)
            if column == 0:
                frame.axes.set_ylabel("y (FITS pixel)", labelpad=2)

    def _legend(self, key: Sequence[Key]) -> None:
        handles: list[Patch | Line2D] = []
        for entry in key:
            if entry.colour is None:
                handles.append(Line2D([], [], color=BOUNDARY_COLOUR, lw=1.4))
            elif entry.colour == "cross":
                handles.append(Line2D([], [], color=CROSS_COLOUR, marker="x", ls="none", ms=5))
            elif isinstance(entry.colour, str):
                handles.append(Patch(facecolor=entry.colour, edgecolor="0.3", lw=0.5))
            else:
                rgb = tuple(v / 255 for v in entry.colour)
                handles.append(Patch(facecolor=rgb, edgecolor="0.3", lw=0.5))
        self.figure.legend(
            handles, [entry.name for entry in key], loc="lower center", ncols=6, frameon=False,
            handlelength=1.4, columnspacing=1.6, borderaxespad=0.2,
        )  # fmt: skip

    def show(
        self, window: Window, title: str, exposures: Sequence[Panel], below: Sequence[Panel]
    ) -> None:
        """Fill the page.

        Parameters
        ----------
        window : Window
            The same for all panels.
        title : str
            Of the page.
        exposures : sequence of n Panel
            Panels above.
        below : sequence of three Panel
            Median, classes, corrected.
        """
        left, right, bottom, top = window.extent
        self._title.set_text(title)
        self._x_ticks.locs = np.array(round_ticks(left, right))
        self._y_ticks.locs = np.array(round_ticks(bottom, top))
        for frame, panel in zip([*self.exposures, *self.below], [*exposures, *below], strict=True):
            frame.show(panel, window)
        for bar, panel in zip(self._bars, (below[0], below[-1]), strict=True):
            if panel.limits is not None:
                bar.show(panel.limits)
