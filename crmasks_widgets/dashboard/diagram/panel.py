"""A plot of the diagram: pictures with their axes, and the hand over them."""

from typing import Final

import numpy as np
from bqplot import Figure, Label, LinearScale
from ipywidgets import Box

from crmasks_widgets.dashboard.diagram.hand import Hand
from crmasks_widgets.dashboard.diagram.reading import Reading
from crmasks_widgets.dashboard.drawing.ticks import scale_ticks
from crmasks_widgets.dashboard.model.state import AxisKind, Limits
from crmasks_widgets.dashboard.page.page import name_plot
from crmasks_widgets.dashboard.plots.axes import make_axis, show_ticks
from crmasks_widgets.dashboard.plots.swap_image import SwapImage

# The style sheet of the hand knows these, too.
MARGIN: Final = {"top": 27, "bottom": 40, "left": 56, "right": 20}
# Screen pixels between two numbers along x and along y.
_ROOM: Final = (46, 30)


class Panel:
    """Pictures of the diagram, and what can be moved in it.

    Parameters
    ----------
    name : str
        Of the plot.
    scales : dict
        Scales "x" and "y", in places along the axes; all panels have the same.
    """

    def __init__(self, name: str, scales: dict[str, LinearScale]) -> None:
        self.name = name
        self.density, self.contours, self.glyphs = (SwapImage(scales) for _ in range(3))
        self.numbers = Label(
            x=[], y=[], text=[], scales=scales, default_size=11, x_offset=7, y_offset=-7,
            font_weight="bold",
        )  # fmt: skip
        self.axes = [
            make_axis(scales["x"], "bottom", label_offset="30px"),
            make_axis(scales["y"], "left", label_offset="44px"),
        ]
        self.figure = Figure(
            marks=[self.density.mark, self.contours.mark, self.numbers, self.glyphs.mark],
            axes=self.axes, fig_margin=MARGIN, padding_x=0, padding_y=0, animation_duration=0,
        )  # fmt: skip
        self.hand = Hand(**scales)
        self.widget = Box([self.figure, self.hand])
        self.widget.add_class("crmasks-diagram")
        name_plot(self.widget, name)

    def show_axes(
        self, reading: Reading, kind: AxisKind, limits: Limits, size: tuple[float, float]
    ) -> None:
        """Name the axes and number them.

        Parameters
        ----------
        reading : Reading
            What is shown along them.
        kind : {"asinh", "linear", "log"}
            How values lie along them.
        limits : (x_min, x_max, y_min, y_max)
            Places along the axes.
        size : (width, height)
            Of the plot, pixels of the page.
        """
        ends, told = (limits[:2], limits[2:]), {}
        for letter, axis, scale, name, unit, (low, high), length, room in zip(
            "xy", self.axes, reading.scales(kind), reading.names, reading.units, ends, size, _ROOM,
            strict=True,
        ):  # fmt: skip
            axis.label = f"{name} ({unit})"
            show_ticks(axis, scale, scale_ticks(scale, (low, high), length / room))
            told[letter] = {
                "kind": scale.kind, "softening": scale.softening, "name": name, "unit": unit,
            }  # fmt: skip
        self.hand.axes = told

    def show_numbers(self, places: tuple[np.ndarray, np.ndarray], numbers: np.ndarray) -> None:
        """Write the numbers of hits at their places along the axes."""
        with self.numbers.hold_sync():
            self.numbers.x, self.numbers.y = places
            self.numbers.text = [str(number) for number in numbers]
