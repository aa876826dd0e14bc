"""Light, as all scenes are made of it: its type, and how the width of an image is given."""

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
"""Light and charge, while they are summed."""

FWHM = float(2 * np.sqrt(2 * np.log(2)))
"""Full width at half maximum of a Gaussian over its sigma."""
