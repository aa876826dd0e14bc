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
from matplotlib.patches import PathPatch

from crmasks_widgets.figures.images import BOUNDARY_COLOUR, CROSS_COLOUR, outline, paper_grey
from crmasks_widgets.figures.jobs import new_figure
from crmasks_widgets.figures.page_layout import (
    BAR_GAP,
    BAR_WIDTH,
    LEFT,
    PANEL,
    SMALL,
    PageLayout,
    Place,
    Points,
    Stamp,
    Window,
    empty_page,
    panel_squares,
)
from crmasks_widgets.figures.writing import Writing

MOST_TICKS: Final = 5
# Inches.
TICK: Final = 0.035
# Above this many pixels along a side a grid would hide them.
MOST_GRID_LINES: Final = 64


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
    digits = f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.3g}"
    return digits.replace("-", "−").replace("e+0", "e").replace("e+", "e")


def _joined(pieces: Sequence[Points]) -> Points:
    empty = np.empty(0)
    x, y = zip(*pieces, strict=True) if pieces else ((empty,), (empty,))
    return np.concatenate(x), np.concatenate(y)


def _segments(x0: npt.ArrayLike, x1: npt.ArrayLike, y0: npt.ArrayLike, y1: npt.ArrayLike) -> Points:
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
    layout : PageLayout
        What is the same on all pages.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The page; to be saved at `PAGE_DPI`.
    axes : matplotlib.axes.Axes
        All of the page, in inches from its lower left corner.
    images : list of AxesImage
        Exposures, median, classes, corrected.
    outlines, crosses : Line2D
        Those of all panels.
    title : Text
        Of the page.
    """

    def __init__(self, layout: PageLayout) -> None:
        self._layout, self._places = layout, layout.places
        self.figure = new_figure(*layout.size)
        self.axes: Axes = empty_page(self.figure, layout.size)
        self.figure.add_artist(Stamp(layout))
        self.images = [self._image(place) for place in self._places]
        self._grid = self._line(color="0.8", lw=0.3)
        self.outlines = self._line(color=BOUNDARY_COLOUR, lw=1.4, solid_capstyle="projecting")
        self.crosses = self._line(color=CROSS_COLOUR, ls="none", marker="x", ms=2.6, mew=0.8)
        self._ticks = self._line(color="black", lw=0.7)
        borders = panel_squares(self._places)
        self.axes.add_patch(PathPatch(borders, fc="none", ec="black", lw=0.7, zorder=3))
        self.title = self.axes.text(LEFT, layout.size[1] - 0.2, "", fontsize=10.5, va="top")
        self._numbers = Writing()
        self._numbers_patch = PathPatch(self._numbers.path(), fc="black", ec="none", zorder=4)
        self.axes.add_patch(self._numbers_patch)
        # Images set limits of their own; the page is in inches.
        self.axes.set(xlim=(0, layout.size[0]), ylim=(0, layout.size[1]))

    def _line(self, **kwargs: Any) -> Line2D:
        (line,) = self.axes.plot([], [], clip_on=False, **kwargs)
        return line

    def _image(self, place: Place) -> AxesImage:
        return self.axes.imshow(
            np.zeros((2, 2)), origin="lower", cmap=paper_grey(), interpolation="none",
            aspect="auto", extent=(place.x, place.x + PANEL, place.y, place.y + PANEL),
        )  # fmt: skip

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
        for place, panel in zip(self._layout.bars, (panels[-3], panels[-1]), strict=True):
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
                    self._numbers.write(
                        str(value), position, place.y - 0.07, SMALL, "centre", "end"
                    )
            if place.column == 0:
                for value, position in zip(y, place.y + y_page, strict=True):
                    self._numbers.write(
                        str(value), place.x - 0.07, position, SMALL, "end", "centre"
                    )
