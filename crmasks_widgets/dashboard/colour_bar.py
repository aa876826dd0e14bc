"""A bar that says which value has which colour."""

from typing import Final

import numpy as np
from bqplot import Figure, LinearScale
from ipywidgets import Layout

from crmasks_widgets.dashboard import stretches
from crmasks_widgets.dashboard.axes import make_axis
from crmasks_widgets.dashboard.context import Memo
from crmasks_widgets.dashboard.pictures import palette_png
from crmasks_widgets.dashboard.swap_image import SwapImage

_STEPS: Final = 256


class ColourBar:
    """A narrow figure: colours against values in ADU."""

    def __init__(self) -> None:
        self._values = LinearScale(min=0.0, max=1.0, allow_padding=False)
        scales = {"x": LinearScale(min=0.0, max=1.0, allow_padding=False), "y": self._values}
        self.image = SwapImage(scales)
        axis = make_axis(self._values, "right", label="ADU", label_offset="40px", tick_format="~g")
        self.figure = Figure(
            marks=[self.image.mark], axes=[axis], padding_y=0, animation_duration=0,
            fig_margin={"top": 8, "bottom": 42, "left": 2, "right": 58},
            layout=Layout(width="76px", height="100%", flex="0 0 auto"),
        )  # fmt: skip
        self._memo = Memo()

    def render(self, limits: tuple[float, float], stretch: str, colours: str) -> None:
        """Show a colour scale.

        Parameters
        ----------
        limits : (low, high)
            ADU.
        stretch, colours : str
            As in `stretches`.
        """
        self._memo((limits, stretch, colours), lambda: self._draw(limits, stretch, colours))

    def _draw(self, limits: tuple[float, float], stretch: str, colours: str) -> None:
        values = np.linspace(*limits, _STEPS, dtype=np.float32)[:, None]
        indices = stretches.colour_indices(values, limits, stretch)
        self.image.show(palette_png(indices, stretches.colour_palette(colours)), (0, 1, *limits))
        with self._values.hold_sync():
            self._values.min, self._values.max = limits
