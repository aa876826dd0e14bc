"""The diagram in units of sigma: a figure and the marks in it."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import Figure, Label, LinearScale, Lines, Scatter
from ipywidgets import HTML, Layout, VBox

from crmasks_widgets.dashboard.drawing.ticks import linear_ticks
from crmasks_widgets.dashboard.model.state import Limits
from crmasks_widgets.dashboard.page.page import name_plot
from crmasks_widgets.dashboard.plots.axes import make_axis
from crmasks_widgets.dashboard.plots.swap_image import SwapImage

PLOT: Final = "significance"
HEIGHT: Final = "250px"
COLOUR: Final = "#D55E00"
_MARGIN: Final = {"top": 8, "bottom": 40, "left": 44, "right": 10}
# Screen pixels between two ticks, along x and y.
_SPACES: Final = (56, 30)


class SignificanceFigure:
    """Density, thresholds, flagged pixels and the selected hit."""

    def __init__(self) -> None:
        self._scales = {axis: LinearScale(min=0.0, max=1.0, allow_padding=False) for axis in "xy"}
        scales = self._scales
        self.density, self.overlay = SwapImage(scales), SwapImage(scales)
        self.lines = {
            name: Lines(
                x=[], y=[], scales=scales, colors=[COLOUR], stroke_width=width, line_style=style
            )
            for name, width, style in (("start", 2.5, "solid"), ("growth", 1.5, "dashed"))
        }
        self.names = Label(
            x=[], y=[], text=[], scales=scales, colors=[COLOUR], default_size=11, align="end",
            font_weight="bold", x_offset=-4, y_offset=-9,
        )  # fmt: skip
        self.selected = Scatter(
            x=[], y=[], scales=scales, marker="circle", colors=["#F0E442"], fill=False,
            stroke="#E69F00", stroke_width=2.5, default_size=110,
        )  # fmt: skip
        style = {"tick_format": "~g", "label_offset": "30px"}
        self._axes = [
            make_axis(scales["x"], "bottom", label="min2d \u2212 bias (ADU)", **style),
            make_axis(scales["y"], "left", label="significance (\u03c3)", **style),
        ]
        self.figure = Figure(
            marks=[
                self.density.mark, self.overlay.mark, *self.lines.values(), self.selected,
                self.names,
            ],
            axes=self._axes, fig_margin=_MARGIN, padding_x=0, padding_y=0, animation_duration=0,
            layout=Layout(width="100%", height=HEIGHT, min_width="0"),
        )  # fmt: skip
        name_plot(self.figure, PLOT)
        self.title = HTML(layout=Layout(margin="0 8px"))
        self.widget = VBox([self.title, self.figure], layout=Layout(flex="3 1 0", min_width="0"))

    def show_limits(self, limits: Limits, size: tuple[int, int]) -> None:
        """Let the axes reach from and to.

        Parameters
        ----------
        limits : (x_min, x_max, y_min, y_max)
            ADU and sigma.
        size : (width, height)
            Of the plot on the screen, pixels.
        """
        ends = (limits[:2], limits[2:])
        for scale, axis, (low, high), length, space in zip(
            self._scales.values(), self._axes, ends, size, _SPACES, strict=True
        ):
            with scale.hold_sync():
                scale.min, scale.max = low, high
            ticks = linear_ticks(low, high, max(2, length // space))
            if not np.array_equal(axis.tick_values, ticks):
                axis.tick_values = ticks

    def draw_thresholds(self, start: float, growth: float, limits: Limits) -> None:
        """Draw where hits begin and how far they grow.

        Parameters
        ----------
        start, growth : float
            Sigma.
        limits : (x_min, x_max, y_min, y_max)
            What is on screen.
        """
        x = np.array(limits[:2])
        for line, height in zip(self.lines.values(), (start, growth), strict=True):
            with line.hold_sync():
                line.x, line.y = x, np.full(2, height)
        with self.names.hold_sync():
            self.names.x, self.names.y = np.full(2, x[1]), np.array([start, growth])
            self.names.text = [f"start {start:.2f} \u03c3", f"growth {growth:.2f} \u03c3"]

    def draw_selected(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> None:
        """Ring the pixels of the selected hit."""
        with self.selected.hold_sync():
            self.selected.x, self.selected.y = x, y
