"""Numbers as one outline: quicker than dozens of texts on each of hundreds of pages."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.path import Path
from matplotlib.textpath import TextPath

POINTS_PER_INCH: Final = 72.0
Align = Literal["start", "centre", "end"]
_SHARE: Final = {"start": 0.0, "centre": 0.5, "end": 1.0}


class Writing:
    """Strings at places of a page, as one path in inches.

    The outlines of a string are computed once and used again on later pages.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, float], Path] = {}
        self._vertices: list[npt.NDArray[np.float64]] = []
        self._codes: list[npt.NDArray[np.uint8]] = []

    def clear(self) -> None:
        """Forget what was written, but not the outlines."""
        self._vertices.clear()
        self._codes.clear()

    def write(
        self,
        text: str,
        x: float,
        y: float,
        size: float = 9.0,
        across: Align = "start",
        up: Align = "start",
    ) -> float:
        """Add a string.

        Parameters
        ----------
        text : str
            One line.
        x, y : float
            Where, inches.
        size : float
            Of the letters, points.
        across, up : {"start", "centre", "end"}
            What lies at (x, y): the left, middle or right of the string; its base line, the middle
            or the top of its digits.

        Returns
        -------
        float
            Width, inches.
        """
        outline = self._outline(text, size)
        vertices = np.asarray(outline.vertices) / POINTS_PER_INCH
        if not vertices.size:
            return 0.0
        width = float(vertices[:, 0].max())
        # The height of a digit, so that strings with and without descenders share a base line.
        height = 0.73 * size / POINTS_PER_INCH
        vertices = vertices - [_SHARE[across] * width, _SHARE[up] * height]
        self._vertices.append(vertices + np.array([x, y]))
        self._codes.append(np.asarray(outline.codes))
        return width

    def path(self) -> Path:
        """All that was written.

        Returns
        -------
        matplotlib.path.Path
            Inches.
        """
        if not self._vertices:
            return Path(np.empty((0, 2)))
        return Path(np.concatenate(self._vertices), np.concatenate(self._codes))

    def _outline(self, text: str, size: float) -> Path:
        if (text, size) not in self._known:
            self._known[text, size] = TextPath((0, 0), text, size=size)
        return self._known[text, size]
