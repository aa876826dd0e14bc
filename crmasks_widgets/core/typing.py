"""Types that many modules share; a name of an array stands for one dtype everywhere.

Shapes are not part of a type; the docstring of each function gives them.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
"""Masks and flags."""

Float32Array = npt.NDArray[np.float32]
"""Frames: values of pixels as exposures are kept."""

Float64Array = npt.NDArray[np.float64]
"""Where sums and small differences need the digits."""

FloatArray = npt.NDArray[np.floating]
"""Either precision."""

Int64Array = npt.NDArray[np.int64]
"""Counts."""

IndexArray = npt.NDArray[np.intp]
"""Indices of axes, as numpy gives them."""

Pixels = npt.NDArray[np.int64]
"""Flat indices of pixels in a frame."""

NumberOrMap = float | FloatArray
"""One number for all pixels, or one for each."""

Target = str | int
"""What a detector looks at: "median", "mean", or an exposure 1...n."""

Checkpoint = Callable[[float], None]
"""Told the fraction done; may raise `Cancelled`."""
