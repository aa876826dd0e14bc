"""The unit of the values in words of ours: written for ADU, said in the unit of the exposures."""

import re
from typing import Final

ELECTRONS: Final = ("e-", "e\u207b")
_ADU: Final = re.compile(r"(?<![/\w])ADU\b(?!/)")
_OF_GAIN: Final = re.compile(r"(e[-\u207b])/ADU\b")


def in_unit(text: str, unit: str) -> str:
    """Say a text about values in ADU in the unit of the exposures.

    Parameters
    ----------
    text : str
        Written by the package alone: names of files and words of headers are never given to this.
    unit : str
        `ExposureSet.unit`, or `in_ascii` of it.

    Returns
    -------
    str
        The gain of electrons is in electrons per electron; that of other values stays in e-/ADU.
    """
    said = _ADU.sub(unit, text)
    return _OF_GAIN.sub(r"\1/\1", said) if unit in ELECTRONS else said


def in_ascii(unit: str) -> str:
    """Write a unit for logs, terminals and headers of files.

    Parameters
    ----------
    unit : str
        `ExposureSet.unit`.

    Returns
    -------
    str
        Without a raised minus.
    """
    return unit.replace("\u207b", "-")
