"""A picture in a figure that is replaced without a blank frame."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from bqplot import Image, Scale
from ipywidgets import Image as Buffer
from ipywidgets import Layout

from crmasks_widgets.files.pictures import palette_png

BLANK: Final = palette_png(np.zeros((1, 1), np.uint8), np.zeros((1, 4), np.uint8))


class SwapImage:
    """A `bqplot.Image` mark with two buffers: one is shown while the other is filled.

    bqplot draws an image anew only when it gets another buffer; a buffer whose bytes change is not
    painted again, and a new buffer for every picture would leave widgets behind.

    Parameters
    ----------
    scales : mapping
        Scales "x" and "y" of the figure.
    """

    def __init__(self, scales: dict[str, Scale]) -> None:
        layout = Layout()
        self._buffers = [Buffer(value=BLANK, format="png", layout=layout) for _ in range(2)]
        self.mark = Image(image=self._buffers[0], scales=scales, x=(0.0, 1.0), y=(0.0, 1.0))
        self._shown: tuple[bytes, tuple[float, ...]] = (BLANK, ())

    @property
    def png(self) -> bytes:
        """The picture on screen."""
        return self._shown[0]

    def show(self, png: bytes, extent: Sequence[float]) -> None:
        """Show a picture.

        Parameters
        ----------
        png : bytes
            PNG; its first row is drawn at the top.
        extent : (x_min, x_max, y_min, y_max)
            Outer edges of the picture, in data units.
        """
        wanted = (png, tuple(float(edge) for edge in extent))
        if wanted == self._shown:
            return
        moved, self._shown = wanted[1] != self._shown[1], wanted
        self._buffers.reverse()
        self._buffers[0].value = png
        x_min, x_max, y_min, y_max = wanted[1]
        with self.mark.hold_sync():
            self.mark.x, self.mark.y = (x_min, x_max), (y_min, y_max)
            self.mark.image = self._buffers[0]
        if not moved:
            # A page that was being loaded may have missed where the pictures before this one lay.
            self.mark.send_state(("x", "y"))

    def clear(self) -> None:
        """Show nothing."""
        if self._shown[0] != BLANK:
            self.show(BLANK, (0.0, 1.0, 0.0, 1.0))
