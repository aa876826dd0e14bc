"""A bar that says which value has which colour."""

from typing import Any

import numpy as np
import numpy.typing as npt
from bqplot import Figure, LinearScale, LogScale
from ipywidgets import Layout

from crmasks_widgets.dashboard.drawing.colour_tables import Palette
from crmasks_widgets.dashboard.drawing.pictures import palette_png
from crmasks_widgets.dashboard.plots.axes import make_axis
from crmasks_widgets.dashboard.plots.swap_image import SwapImage


class ColourBar:
    """A narrow figure: colours against values.

    Parameters
    ----------
    label : str
        Of the axis, with its unit.
    scale : LinearScale or LogScale
        Of the values; on a logarithmic one every power of ten has a tick.
    **layout
        Of the figure: width, height and the like.
    """

    def __init__(self, label: str, scale: LinearScale | LogScale, **layout: Any) -> None:
        self._values = scale
        scales = {"x": LinearScale(min=0.0, max=1.0, allow_padding=False), "y": scale}
        self.image = SwapImage(scales)
        self._axis = make_axis(scale, "right", label=label, label_offset="40px", tick_format="~g")
        self.figure = Figure(
            marks=[self.image.mark], axes=[self._axis], padding_x=0, padding_y=0,
            fig_margin={"top": 8, "bottom": 42, "left": 4, "right": 58}, animation_duration=0,
            layout=Layout(flex="0 0 auto", **layout),
        )  # fmt: skip

    def show(
        self, indices: npt.NDArray[np.uint8], palette: Palette, limits: tuple[float, float]
    ) -> None:
        """Show other colours.

        Parameters
        ----------
        indices : (k, 1) uint8
            Rows of the palette, from low to high, evenly spaced along the axis.
        palette : (n, 4) uint8
            Red, green, blue and opacity.
        limits : (low, high)
            Values at the ends.
        """
        low, high = limits
        if isinstance(self._values, LogScale):
            self._axis.tick_values = 10.0 ** np.arange(
                np.ceil(np.log10(low)), np.log10(high) + 1e-9
            )
        with self._values.hold_sync():
            self._values.min, self._values.max = low, high
        self.image.show(palette_png(indices, palette), (0, 1, low, high))
