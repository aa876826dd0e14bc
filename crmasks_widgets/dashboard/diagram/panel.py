"""One panel of the Median-Minimum diagram: a figure and the marks in it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import Axis, Figure, Label, LinearScale, Lines, Scatter
from ipywidgets import HTML, Layout, VBox

from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.dashboard.drawing.ticks import linear_ticks
from crmasks_widgets.dashboard.model.points import Points
from crmasks_widgets.dashboard.model.state import Limits
from crmasks_widgets.dashboard.page.page import name_plot
from crmasks_widgets.dashboard.plots.axes import make_axis
from crmasks_widgets.dashboard.plots.swap_image import SwapImage

MARGIN: Final = {"top": 8, "bottom": 42, "left": 62, "right": 12}
BOUNDARY_COLOUR: Final = "#D55E00"
POINT_COLOUR: Final = "#CC79A7"
CROSS_COLOUR: Final = "#D55E00"
# Okabe-Ito colours of the spline's iterations, as far as they are told apart from the boundary.
ITERATION_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#F0E442")
N_SAMPLES: Final = 300


class Panel:
    """A figure of the diagram.

    Parameters
    ----------
    name : str
        Of the plot.
    scales : dict
        Scales "x" and "y"; both panels have the same.

    Attributes
    ----------
    points : Scatter
        The fixed points, to be dragged.
    """

    def __init__(self, name: str, scales: dict[str, LinearScale]) -> None:
        self.name = name
        self.density, self.overlay = SwapImage(scales), SwapImage(scales)
        self._crosses = Scatter(
            x=[], y=[], scales=scales, marker="cross", colors=[CROSS_COLOUR], default_size=14
        )
        self._iterations = [
            Lines(x=[], y=[], scales=scales, colors=[colour], stroke_width=1.5, line_style="dashed")
            for colour in ITERATION_COLOURS
        ]
        self._boundary = Lines(
            x=[], y=[], scales=scales, colors=[BOUNDARY_COLOUR], stroke_width=2.5
        )
        self._threshold = Lines(
            x=[], y=[], scales=scales, colors=["#888888"], stroke_width=1.5, line_style="dotted"
        )
        self.trail = Lines(x=[], y=[], scales=scales, colors=["#56B4E9"], stroke_width=1.5)
        self._selected = Scatter(
            x=[], y=[], scales=scales, marker="circle", colors=["#F0E442"], fill=False,
            stroke="#E69F00", stroke_width=2.5, default_size=110,
        )  # fmt: skip
        self._numbers = Label(
            x=[], y=[], text=[], scales=scales, default_size=11, colors=["#333333"],
            x_offset=6, y_offset=-6, font_weight="bold",
        )  # fmt: skip
        self.points = Scatter(
            x=[], y=[], scales=scales, marker="square", colors=[POINT_COLOUR], stroke="#000000",
            default_size=90, opacities=[0.8], enable_move=True, update_on_move=True,
            hovered_style={"stroke-width": 3},
        )  # fmt: skip
        marks = [self.density.mark, self.overlay.mark, self._crosses, *self._iterations,
                 self._threshold, self._boundary, self.trail, self._selected, self._numbers,
                 self.points]  # fmt: skip
        self.figure = Figure(
            marks=marks, axes=_axes(scales), fig_margin=MARGIN, padding_x=0, padding_y=0,
            animation_duration=0, legend_location="top-left",
            layout=Layout(width="100%", height="330px", min_width="0"),
        )  # fmt: skip
        name_plot(self.figure, name)
        self.title = HTML(layout=Layout(margin="0 8px"))
        self.widget = VBox([self.title, self.figure], layout=Layout(flex="1 1 0", min_width="0"))

    def label_y(self, text: str) -> None:
        """Say what the vertical axis shows."""
        self.figure.axes[1].label = text

    def place_ticks(self, limits: Limits, size: tuple[int, int]) -> None:
        """Choose round ticks that do not run into each other.

        Parameters
        ----------
        limits : (x_min, x_max, y_min, y_max)
            What is on screen, ADU.
        size : (width, height)
            Of the plot, pixels.
        """
        spaces = ((limits[0], limits[1], size[0] // 52), (limits[2], limits[3], size[1] // 36))
        for axis, (low, high, most) in zip(self.figure.axes, spaces, strict=True):
            ticks = linear_ticks(low, high, max(2, most))
            if not np.array_equal(axis.tick_values, ticks):
                axis.tick_values = ticks

    def draw_curves(
        self,
        boundary: Boundary | None,
        iterations: Sequence[Boundary],
        threshold: float,
        limits: Limits,
    ) -> None:
        """Draw the boundary, the iterations before it and the threshold.

        Parameters
        ----------
        boundary : Boundary or None
            None where there is none.
        iterations : sequence of Boundary
            Earlier fits.
        threshold : float
            ADU; drawn if above 0.
        limits : (x_min, x_max, y_min, y_max)
            What is on screen, ADU.
        """
        x = np.linspace(limits[0], limits[1], N_SAMPLES)
        _draw(self._boundary, x, None if boundary is None else boundary(x))
        curves = [*iterations, *[None] * len(self._iterations)]
        for mark, curve in zip(self._iterations, curves, strict=False):
            _draw(mark, x, None if curve is None else curve(x))
        level = np.full(2, threshold)
        _draw(self._threshold, x[[0, -1]], level if threshold > 0 else None)

    def draw_crosses(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> None:
        """Draw the red crosses."""
        with self._crosses.hold_sync():
            self._crosses.x, self._crosses.y = x, y

    def draw_points(self, points: Points) -> None:
        """Put the fixed points where they are set; a dragged point is there already."""
        x, y = np.array([p[0] for p in points]), np.array([p[1] for p in points])
        if np.array_equal(self.points.x, x) and np.array_equal(self.points.y, y):
            return
        # Whoever observes one coordinate reads the other, too.
        with self.points.hold_sync(), self.points.hold_trait_notifications():
            self.points.x, self.points.y = x, y

    def draw_selected(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> None:
        """Ring the pixels of the selected hit."""
        with self._selected.hold_sync():
            self._selected.x, self._selected.y = x, y

    def draw_numbers(
        self, x: npt.NDArray[Any], y: npt.NDArray[Any], numbers: npt.NDArray[Any]
    ) -> None:
        """Write the numbers of hits."""
        with self._numbers.hold_sync():
            self._numbers.x, self._numbers.y = x, y
            self._numbers.text = [str(number) for number in numbers]

    def dragged(self) -> Points | None:
        """Where the user has dragged the points, without weights; None between two updates."""
        x, y = np.asarray(self.points.x), np.asarray(self.points.y)
        if len(x) != len(y):
            return None
        return tuple((float(a), float(b), 0.0) for a, b in zip(x, y, strict=True))


def _axes(scales: dict[str, LinearScale]) -> list[Axis]:
    x_label, y_label = "min2d \u2212 bias (ADU)", "median2d \u2212 min2d (ADU)"
    style = {"tick_format": "~g"}
    return [
        make_axis(scales["x"], "bottom", label=x_label, label_offset="32px", **style),
        make_axis(scales["y"], "left", label=y_label, label_offset="48px", **style),
    ]


def _draw(mark: Lines, x: npt.NDArray[Any], y: npt.NDArray[Any] | None) -> None:
    with mark.hold_sync():
        mark.x, mark.y = ([], []) if y is None else (x, y)
