"""What parameters ask for in memory, beyond what any run takes."""

import math

from crmasks_widgets.machine import MIB, Beyond
from crmasks_widgets.parameters import Parameters

# Measured on two processors, 3 exposures of 1500 x 1500 and of 2600 x 2600 pixels.
_SIGNIFICANCE, _LIBRARY = 24.0, 8.0  # frames
# Masks that cover most of a frame, and what is written of them: 15 frames at a dilation of 20.
_GROWN, _FAR = 16.0, 4
_TRANSFORMS = 28.0  # float32 arrays as large as the region that is correlated
_LAWS = 48.0  # MiB for the laws of significance, however small the frame
_UNEQUAL = 64.0  # MiB for laws of exposures of unequal noise
_DRAWN = 4.0  # frames, for pictures of them
_FIGURES = 80.0  # MiB for matplotlib and one figure
_PAGES, _PANEL = 30.0, 11.0  # MiB for pages of hits, and for each exposure on a page
_PYTORCH = 400.0  # MiB for the library and two tiles at once


def memory_beyond(parameters: Parameters, drawn: int = 0) -> Beyond:
    """Tell what parameters ask for in memory.

    Parameters
    ----------
    parameters : Parameters
        Of a run.
    drawn : int
        Of how many exposures it draws figures, or a report; 0 if it does not.

    Returns
    -------
    Beyond
        In addition to 8 times the exposures and 250 MiB.
    """
    frames, mib = 0.0, 0.0
    if parameters.judges:
        frames += _SIGNIFICANCE
        mib += _LAWS
    if "lacosmic" in parameters.detectors and parameters.la_engine == "astroscrappy":
        frames += _LIBRARY
    if "deepcr" in parameters.detectors or parameters.network_veto is not None:
        mib += _PYTORCH
    if parameters.dilation > _FAR:
        frames += _GROWN
    if parameters.flux_factor == "auto" or len(set(_factors(parameters))) > 1:
        mib += _UNEQUAL
    if parameters.mm_crosscorr_region is not None:
        x0, x1, y0, y1 = parameters.mm_crosscorr_region
        mib += _TRANSFORMS * 4 * math.prod((x1 - x0 + 1, y1 - y0 + 1)) / MIB
    if drawn:
        frames += _DRAWN
        mib += _FIGURES + (_PAGES + _PANEL * drawn if parameters.maxplots else 0.0)
    return Beyond(frames, mib)


def _factors(parameters: Parameters) -> tuple[float, ...]:
    given = parameters.flux_factor
    return given if isinstance(given, tuple) else ()
