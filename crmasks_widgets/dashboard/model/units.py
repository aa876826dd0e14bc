"""The unit of the values on screen: words that were written for ADU are said in electrons."""

import re
from typing import Final

_ADU: Final = re.compile(r"(?<!/)\bADU\b(?!/)")  # not that of a gain


def in_unit(text: str, unit: str) -> str:
    """Say a text about values in ADU in the unit of the exposures.

    Parameters
    ----------
    text : str
        Written by the package alone: names of files and words of headers are not to be changed.
    unit : str
        `ExposureSet.unit`.

    Returns
    -------
    str
        The unit of a gain (e-/ADU) stays.
    """
    return _ADU.sub(unit, text)
