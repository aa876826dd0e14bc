"""The page of one hit, made once and filled again for every other.

All panels are drawn into one `Axes` in inches, with one line artist for all outlines, one for all
ticks and so on: matplotlib's own axes would take several times as long a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from crmasks_widgets.figures.images import (
    BOUNDARY_COLOUR,
    CROSS_COLOUR,
    outline,
    paper_grey,
)
from crmasks_widgets.figures.jobs import new_figure
from crmasks_widgets.figures.writing import Writing

MOST_COLUMNS: Final = 5
LEAST_COLUMNS: Final = 3
# Inches.
PANEL: Final = 2.35
COLUMN_GAP: Final = 0.12
ROW_GAP: Final = 0.62
LEFT, RIGHT, TOP, BOTTOM = 0.62, 0.75, 0.72, 0.85
MOST_TICKS: Final = 5
GRADIENT: Final = 64
# Above this many pixels along a side a grid would hide them.
MOST_GRID_LINES: Final = 64
TICK: Final = 0.035
BAR_GAP: Final = 0.1
BAR_WIDTH: Final = 0.12
HANDLE: Final = 0.2
LEGEND_HEIGHT: Final = 0.3
LEGEND_LINE: Final = 0.18
# Points.
SMALL: Final = 8.0


@dataclass(frozen=True)
class Window:
    """Part of a frame, and the square around it that a panel shows.

    Attributes
    ----------
    rows, columns : slice
        Array indices, inside the frame.
    left, bottom : float
        Corner of the square, FITS pixels; outside the frame where the window was clipped.
    side : float
        Side of the square, pixels.
    """

    rows: slice
    columns: slice
    left: float
    bottom: float
    side: float

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


Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class _Place:
    """Where a panel lies: its lower left corner in inches, and its place in the grid."""

    x: float
    y: float
    row: int
    column: int
    lowest: bool

    def extent(self, window: Window) -> tuple[float, float, float, float]:
        """Borders of the window on the page."""
        left, right, bottom, top = window.extent
        (x0, x1), (y0, y1) = (
            self.x + (np.array([left, right]) - window.left) * PANEL / window.side,
            self.y + (np.array([bottom, top]) - window.bottom) * PANEL / window.side,
        )
        return float(x0), float(x1), float(y0), float(y1)

    def points(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], w: Window) -> Points:
        """From array coordinates of a window, in which the first pixel goes from 0 to 1."""
        left, _, bottom, _ = self.extent(w)
        return left + x * PANEL / w.side, bottom + y * PANEL / w.side


def _places(n_exposures: int, height: float) -> list[_Place]:
    """Exposures first, then the three panels below them."""
    rows, columns = grid_shape(n_exposures)
    cells = [divmod(i, columns) for i in range(n_exposures)] + [(rows, i) for i in range(3)]
    return [
        _Place(
            LEFT + column * (PANEL + COLUMN_GAP),
            height - TOP - PANEL - row * (PANEL + ROW_GAP),
            row,
            column,
            (row + 1, column) not in cells,
        )
        for row, column in cells
    ]


def _joined(pieces: Sequence[Points]) -> Points:
    empty = np.empty(0)
    x, y = zip(*pieces, strict=True) if pieces else ((empty,), (empty,))
    return np.concatenate(x), np.concatenate(y)


def _segments(x0: object, x1: object, y0: object, y1: object) -> Points:
    """Separate straight lines as one line with NaN between them."""
    starts_x, ends_x, starts_y, ends_y = np.broadcast_arrays(x0, x1, y0, y1)
    gap = np.full(starts_x.shape, np.nan)
    return (
        np.column_stack([starts_x, ends_x, gap]).ravel(),
        np.column_stack([starts_y, ends_y, gap]).ravel(),
    )


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
    axes : matplotlib.axes.Axes
        All of the page, in inches from its lower left corner.
    images : list of AxesImage
        Exposures, median, classes, corrected.
    outlines, crosses : Line2D
        Those of all panels.
    title : Text
        Of the page.
    """

    def __init__(
        self, n_exposures: int, corrected_name: str, classes_name: str, key: Sequence[Key]
    ) -> None:
        rows, columns = grid_shape(n_exposures)
        width = LEFT + columns * PANEL + (columns - 1) * COLUMN_GAP + RIGHT
        height = TOP + (rows + 1) * PANEL + rows * ROW_GAP + BOTTOM
        self.figure = new_figure(width, height)
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set_autoscale_on(False)
        self._places = _places(n_exposures, height)
        self._background()
        self.images = [self._image(place) for place in self._places]
        self._grid = self._line(color="0.8", lw=0.3)
        self.outlines = self._line(color=BOUNDARY_COLOUR, lw=1.4, solid_capstyle="projecting")
        self.crosses = self._line(color=CROSS_COLOUR, ls="none", marker="x", ms=2.6, mew=0.8)
        self._ticks = self._line(color="black", lw=0.7)
        self.title = self.axes.text(LEFT, height - 0.2, "", fontsize=10.5, va="top")
        self._numbers = Writing()
        self._numbers_patch = PathPatch(self._numbers.path(), fc="black", ec="none", zorder=4)
        self.axes.add_patch(self._numbers_patch)
        names = [f"exposure {i + 1}" for i in range(n_exposures)]
        names += ["median", classes_name, corrected_name]
        for place, name in zip(self._places, names, strict=True):
            self.axes.text(place.x, place.y + PANEL + 0.07, name, fontsize=9.5)
        middle = (LEFT + (columns * PANEL + (columns - 1) * COLUMN_GAP) / 2, (height + BOTTOM - TOP) / 2)
        self.axes.text(middle[0], BOTTOM - 0.24, "x (FITS pixel)", ha="center", va="top")
        self.axes.text(0.12, middle[1], "y (FITS pixel)", va="center", rotation=90)
        self._bar_places = (self._places[min(columns, n_exposures) - 1], self._places[-1])
        for place in self._bar_places:
            self._bar(place)
        self._legend(key, width)
        # Images set limits of their own; the page is in inches.
        self.axes.set(xlim=(0, width), ylim=(0, height))

    def _line(self, **kwargs: Any) -> Line2D:
        (line,) = self.axes.plot([], [], clip_on=False, **kwargs)
        return line

    def _image(self, place: _Place) -> AxesImage:
        return self.axes.imshow(
            np.zeros((2, 2)), origin="lower", cmap=paper_grey(), interpolation="none",
            aspect="auto", extent=(place.x, place.x + PANEL, place.y, place.y + PANEL),
        )  # fmt: skip

    def _background(self) -> None:
        """Frames of the panels; grey where a window reaches beyond the frame of the detector."""
        squares = [
            Path(np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * PANEL + [p.x, p.y], closed=True)
            for p in self._places
        ]
        path = Path.make_compound_path(*squares)
        self.axes.add_patch(PathPatch(path, facecolor="0.9", edgecolor="none", zorder=-1))
        self.axes.add_patch(PathPatch(path, facecolor="none", edgecolor="black", lw=0.7, zorder=3))

    def _bar(self, place: _Place) -> None:
        """A colour bar of two numbers to the right of a panel."""
        left, right = place.x + PANEL + BAR_GAP, place.x + PANEL + BAR_GAP + BAR_WIDTH
        extent = (left, right, place.y, place.y + PANEL)
        self.axes.imshow(
            np.linspace(0, 1, GRADIENT)[:, None], origin="lower", cmap=paper_grey(), aspect="auto",
            extent=extent, interpolation="none",
        )  # fmt: skip
        x, y = [left, right, right, left, left], np.repeat([place.y, place.y + PANEL], [2, 2])
        self.axes.plot(x, [*y, place.y], color="black", lw=0.7)
        self.axes.text(
            right + 0.05, place.y + PANEL / 2, "ADU", fontsize=SMALL, va="center", rotation=90
        )

    def _legend(self, key: Sequence[Key], width: float) -> None:
        """Entries side by side below the panels, in as many lines as they need."""
        x, y = LEFT, LEGEND_HEIGHT
        for entry in key:
            length = HANDLE + 0.08 + Writing().write(entry.name, 0, 0)
            if x > LEFT and x + length > width - 0.1:
                x, y = LEFT, y - LEGEND_LINE
            self._handle(entry, x, y)
            self.axes.text(x + HANDLE + 0.08, y, entry.name)
            x += length + 0.25

    def _handle(self, entry: Key, x: float, y: float) -> None:
        middle = y + 0.045
        if entry.colour is None:
            self.axes.plot([x, x + HANDLE], [middle, middle], color=BOUNDARY_COLOUR, lw=1.4)
        elif entry.colour == "cross":
            self.axes.plot([x + HANDLE / 2], [middle], "x", color=CROSS_COLOUR, ms=4)
        else:
            colour = entry.colour
            rgb = colour if isinstance(colour, str) else tuple(v / 255 for v in colour)
            self.axes.add_patch(
                Rectangle((x, middle - 0.05), HANDLE, 0.1, facecolor=rgb, edgecolor="0.3", lw=0.5)
            )

    def show(self, window: Window, title: str, panels: Sequence[Panel]) -> None:
        """Fill the page.

        Parameters
        ----------
        window : Window
            The same for all panels.
        title : str
            Of the page.
        panels : sequence of Panel
            Exposures, median, classes, corrected.
        """
        self.title.set_text(title)
        outlines: list[Points] = []
        crosses: list[Points] = []
        for place, image, panel in zip(self._places, self.images, panels, strict=True):
            image.set_data(panel.pixels)
            image.set_extent(place.extent(window))
            if panel.limits is not None:
                image.set_clim(*panel.limits)
            outlines.append(place.points(*outline(panel.outlined), window))
            if panel.crossed is not None:
                row, column = np.nonzero(panel.crossed)
                crosses.append(place.points(column + 0.5, row + 0.5, window))
        self.outlines.set_data(*_joined(outlines))
        self.crosses.set_data(*_joined(crosses))
        self._grid.set_data(*self._pixel_borders(window))
        self._show_ticks(window)
        self._show_limits(panels)
        self._numbers_patch.set_path(self._numbers.path())

    def _show_limits(self, panels: Sequence[Panel]) -> None:
        for place, panel in zip(self._bar_places, (panels[-3], panels[-1]), strict=True):
            if panel.limits is not None:
                low, high = (short_number(value) for value in panel.limits)
                x = place.x + PANEL + BAR_GAP + BAR_WIDTH + 0.05
                self._numbers.write(low, x, place.y, SMALL)
                self._numbers.write(high, x, place.y + PANEL, SMALL, up="end")

    def _pixel_borders(self, window: Window) -> Points:
        """Lines between the pixels of the panel that shows classes."""
        place = self._places[-2]
        height, width = (s.stop - s.start for s in window.index)
        if max(height, width) > MOST_GRID_LINES:
            return _joined([])
        x, y = np.arange(1.0, width), np.arange(1.0, height)
        upright = _segments(x, x, 0.0, float(height))
        level = _segments(0.0, float(width), y, y)
        return _joined([place.points(*upright, window), place.points(*level, window)])

    def _show_ticks(self, window: Window) -> None:
        left, right, bottom, top = window.extent
        x, y = np.array(round_ticks(left, right)), np.array(round_ticks(bottom, top))
        scale = PANEL / window.side
        x_page, y_page = (x - window.left) * scale, (y - window.bottom) * scale
        marks: list[Points] = []
        for place in self._places:
            marks.append(_segments(place.x + x_page, place.x + x_page, place.y, place.y - TICK))
            marks.append(_segments(place.x, place.x - TICK, place.y + y_page, place.y + y_page))
        self._ticks.set_data(*_joined(marks))
        self._numbers.clear()
        for place in self._places:
            if place.lowest:
                for value, position in zip(x, place.x + x_page, strict=True):
                    self._numbers.write(str(value), position, place.y - 0.07, SMALL, "centre", "end")
            if place.column == 0:
                for value, position in zip(y, place.y + y_page, strict=True):
                    self._numbers.write(str(value), place.x - 0.07, position, SMALL, "end", "centre")
