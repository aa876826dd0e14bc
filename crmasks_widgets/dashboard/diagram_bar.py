"""The colour bar of the diagram."""

import numpy as np
from bqplot import Figure, LinearScale, LogScale
from ipywidgets import HTML, Layout, VBox

from crmasks_widgets.dashboard.axes import make_axis
from crmasks_widgets.dashboard.diagram_pictures import DensityColours
from crmasks_widgets.dashboard.pictures import palette_png
from crmasks_widgets.dashboard.swap_image import SwapImage


class ColourBar:
    """Which colour stands for how many pixels, on a logarithmic axis."""

    def __init__(self) -> None:
        self._scale = LogScale(min=0.1, max=10.0)
        scales = {"x": LinearScale(min=0.0, max=1.0, allow_padding=False), "y": self._scale}
        self._picture = SwapImage(scales)
        axis = make_axis(
            self._scale, "right", tick_format="~g", label="pixels in a bin", label_offset="40px"
        )
        self._axis = axis
        self.figure = Figure(
            marks=[self._picture.mark], axes=[axis], padding_x=0, padding_y=0,
            fig_margin={"top": 8, "bottom": 42, "left": 4, "right": 58}, animation_duration=0,
            min_aspect_ratio=0.01, max_aspect_ratio=100,
            layout=Layout(width="82px", height="330px"),
        )  # fmt: skip
        self.show(DensityColours.spanning(0.1, 10.0))
        self.widget = VBox([HTML("&nbsp;"), self.figure], layout=Layout(flex="0 0 auto"))

    def show(self, colours: DensityColours) -> None:
        """Show other colours.

        Parameters
        ----------
        colours : DensityColours
            Of both panels.
        """
        with self._scale.hold_sync():
            self._scale.min, self._scale.max = colours.low, colours.high
        decades = np.arange(np.ceil(np.log10(colours.low)), np.log10(colours.high) + 1e-9)
        self._axis.tick_values = 10.0**decades
        png = palette_png(colours.bar(), colours.palette)
        self._picture.show(png, (0.0, 1.0, colours.low, colours.high))
