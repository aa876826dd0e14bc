"""Where everything lies on the page of a hit, and the part of it that is the same on all pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from crmasks_widgets.figures.images import BOUNDARY_COLOUR, CROSS_COLOUR, paper_grey
from crmasks_widgets.figures.writing import Writing

MOST_COLUMNS: Final = 5
LEAST_COLUMNS: Final = 3
# Inches.
PANEL: Final = 2.35
COLUMN_GAP: Final = 0.12
ROW_GAP: Final = 0.62
LEFT, RIGHT, TOP, BOTTOM = 0.62, 0.75, 0.72, 0.85
GRADIENT: Final = 64
BAR_GAP: Final = 0.1
BAR_WIDTH: Final = 0.12
HANDLE: Final = 0.2
LEGEND_HEIGHT: Final = 0.3
LEGEND_LINE: Final = 0.18
# Points.
SMALL: Final = 8.0


# Resolution of what is the same on all pages.
PAGE_DPI: Final = 300


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


# The ground where a frame ends.
_BEYOND: Final[Any] = {"facecolor": "0.96", "edgecolor": "0.75", "hatch": "////"}


@dataclass(frozen=True)
class LegendEntry:
    """One entry of the legend.

    Attributes
    ----------
    name : str
        What it means.
    colour : str, (r, g, b) of 0...255, or None
        A patch of this colour; "cross" for a cross, "hatched" for what lies beyond a frame; None
        for an outline.
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


Points = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]


@dataclass(frozen=True)
class Place:
    """Where a panel lies on the page.

    Attributes
    ----------
    x, y : float
        Its lower left corner, inches.
    row, column : int
        Its place in the grid, from the top left.
    lowest : bool
        Whether no panel lies below it.
    """

    x: float
    y: float
    row: int
    column: int
    lowest: bool

    def extent(self, window: Window) -> tuple[float, float, float, float]:
        """Find the borders of a window on the page.

        Parameters
        ----------
        window : Window
            What the panel shows.

        Returns
        -------
        (left, right, bottom, top)
            Inches.
        """
        left, right, bottom, top = window.extent
        (x0, x1), (y0, y1) = (
            self.x + (np.array([left, right]) - window.left) * PANEL / window.side,
            self.y + (np.array([bottom, top]) - window.bottom) * PANEL / window.side,
        )
        return float(x0), float(x1), float(y0), float(y1)

    def points(
        self, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], window: Window
    ) -> Points:
        """Find points of a window on the page.

        Parameters
        ----------
        x, y : (k,) float64
            Array coordinates of the window, in which the first pixel goes from 0 to 1.
        window : Window
            What the panel shows.

        Returns
        -------
        x, y : (k,) float64
            Inches.
        """
        left, _, bottom, _ = self.extent(window)
        return left + x * PANEL / window.side, bottom + y * PANEL / window.side


def panel_places(n_exposures: int, height: float) -> list[Place]:
    """Lay out the panels of a page.

    Parameters
    ----------
    n_exposures : int
        Panels above.
    height : float
        Of the page, inches.

    Returns
    -------
    list of Place
        The exposures first, then the three panels below them.
    """
    rows, columns = grid_shape(n_exposures)
    cells = [divmod(i, columns) for i in range(n_exposures)] + [(rows, i) for i in range(3)]
    return [
        Place(
            LEFT + column * (PANEL + COLUMN_GAP),
            height - TOP - PANEL - row * (PANEL + ROW_GAP),
            row,
            column,
            (row + 1, column) not in cells,
        )
        for row, column in cells
    ]


@dataclass(frozen=True)
class PageLayout:
    """Panels of the page and what is written around them.

    Attributes
    ----------
    n_exposures : int
        Panels above.
    corrected_name, classes_name : str
        Titles of the last and of the middle panel below.
    legend : sequence of LegendEntry
        Legend.
    unit : str
        Of the values.
    """

    n_exposures: int
    corrected_name: str
    classes_name: str
    legend: Sequence[LegendEntry]
    unit: str = "ADU"

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, inches."""
        rows, columns = grid_shape(self.n_exposures)
        width = LEFT + columns * PANEL + (columns - 1) * COLUMN_GAP + RIGHT
        return width, TOP + (rows + 1) * PANEL + rows * ROW_GAP + BOTTOM

    @property
    def places(self) -> list[Place]:
        """Exposures, median, classes, corrected."""
        return panel_places(self.n_exposures, self.size[1])

    @property
    def bars(self) -> tuple[Place, Place]:
        """Panels with a colour bar to their right: an exposure, and the corrected frame."""
        columns = grid_shape(self.n_exposures)[1]
        places = self.places
        return places[min(columns, self.n_exposures) - 1], places[-1]


def empty_page(figure: Figure, size: tuple[float, float]) -> Axes:
    """Cover a figure with one invisible `Axes` in inches.

    Parameters
    ----------
    figure : Figure
        The page.
    size : (width, height)
        Inches.

    Returns
    -------
    Axes
        Its limits are those of the page.
    """
    axes: Axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    axes.set(xlim=(0, size[0]), ylim=(0, size[1]))
    return axes


def panel_squares(places: Sequence[Place]) -> Path:
    """Borders of all panels as one path.

    Parameters
    ----------
    places : sequence of Place
        The panels.

    Returns
    -------
    matplotlib.path.Path
        Inches.
    """
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * PANEL
    squares = [Path(corners + np.array([p.x, p.y]), closed=True) for p in places]
    return Path.make_compound_path(*squares)


class Stamp(Artist):
    """An image of the whole page, of which a PDF holds only one copy for all its pages.

    Text is what takes most of the time when a page is drawn; this way the text that does not change
    is drawn once.

    Parameters
    ----------
    layout : PageLayout
        What is drawn.
    """

    def __init__(self, layout: PageLayout) -> None:
        super().__init__()
        self.set_zorder(-10)
        figure = Figure(figsize=layout.size, dpi=PAGE_DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        _draw_unchanging(empty_page(figure, layout.size), layout)
        canvas.draw()  # type: ignore[no-untyped-call]
        # Renderers count rows from below.
        rows = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        self.pixels = rows[::-1].copy()

    def draw(self, renderer: RendererBase) -> None:
        """Draw it at the resolution `PAGE_DPI`.

        Parameters
        ----------
        renderer : RendererBase
            Of a PDF.
        """
        context = renderer.new_gc()
        renderer.draw_image(context, 0, 0, self.pixels)
        context.restore()


def _draw_unchanging(axes: Axes, layout: PageLayout) -> None:
    places, (width, height) = layout.places, layout.size
    # Hatched where a window reaches beyond the frame of the detector: images cover the rest.
    squares = panel_squares(places)
    axes.add_patch(PathPatch(squares, lw=0, **_BEYOND))
    names = [f"exposure {i + 1}" for i in range(layout.n_exposures)]
    names += ["median", layout.classes_name, layout.corrected_name]
    for place, name in zip(places, names, strict=True):
        axes.text(place.x, place.y + PANEL + 0.07, name, fontsize=9.5)
    axes.text((LEFT + width - RIGHT) / 2, BOTTOM - 0.22, "x (FITS pixel)", ha="center", va="top")
    middle = (height + BOTTOM - TOP) / 2
    axes.text(0.12, middle, "y (FITS pixel)", va="center", rotation=90)
    for place in layout.bars:
        _draw_bar(axes, place, layout.unit)
    _draw_legend(axes, layout.legend, width)
    axes.set(xlim=(0, width), ylim=(0, height))


def _draw_bar(axes: Axes, place: Place, unit: str) -> None:
    left, right = place.x + PANEL + BAR_GAP, place.x + PANEL + BAR_GAP + BAR_WIDTH
    axes.imshow(
        np.linspace(0, 1, GRADIENT)[:, None], origin="lower", cmap=paper_grey(), aspect="auto",
        extent=(left, right, place.y, place.y + PANEL), interpolation="bilinear",
    )  # fmt: skip
    x, y = [left, right, right, left, left], np.repeat([place.y, place.y + PANEL], [2, 2])
    axes.plot(x, [*y, place.y], color="black", lw=0.7)
    axes.text(right + 0.05, place.y + PANEL / 2, unit, fontsize=SMALL, va="center", rotation=90)


def _draw_legend(axes: Axes, legend: Sequence[LegendEntry], width: float) -> None:
    """Entries side by side below the panels, in as many lines as they need."""
    x, y = LEFT, LEGEND_HEIGHT
    for entry in legend:
        length = HANDLE + 0.08 + Writing().write(entry.name, 0, 0)
        if x > LEFT and x + length > width - 0.1:
            x, y = LEFT, y - LEGEND_LINE
        _draw_handle(axes, entry, x, y + 0.045)
        axes.text(x + HANDLE + 0.08, y, entry.name)
        x += length + 0.25


def _draw_handle(axes: Axes, entry: LegendEntry, x: float, y: float) -> None:
    if entry.colour is None:
        axes.plot([x, x + HANDLE], [y, y], color=BOUNDARY_COLOUR, lw=1.4)
    elif entry.colour == "cross":
        axes.plot([x + HANDLE / 2], [y], "x", color=CROSS_COLOUR, ms=4)
    elif entry.colour == "hatched":
        axes.add_patch(Rectangle((x, y - 0.05), HANDLE, 0.1, lw=0, **_BEYOND))
    else:
        colour = entry.colour
        rgb = colour if isinstance(colour, str) else tuple(v / 255 for v in colour)
        axes.add_patch(
            Rectangle((x, y - 0.05), HANDLE, 0.1, facecolor=rgb, edgecolor="0.3", lw=0.5)
        )
