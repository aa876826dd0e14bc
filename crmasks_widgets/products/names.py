"""How the files of a run are called: what is replaced together, recorded, and linked."""

import re
from pathlib import PurePath
from typing import Final

REPORT_NAME: Final = "report.html"
REPORT_SUFFIXES: Final = (".html", ".htm")

_DETECTOR: Final = r"(_detector\d{1,9})?"
_REPORT: Final = rf"report{_DETECTOR}\.html"
REPORT_NAMES: Final = re.compile(_REPORT)
"""Reports of one detector or of several."""

PRODUCT_NAMES: Final = re.compile(
    r"combined_(mediancr|meancrt|meancr2?|mean|median|min)\.fits|crmasks(_dq)?\.fits|hits\.ecsv"
    r"|mediancr_identified\.csv|problematic_pixels\.csv"
    rf"|(problematic_pixels|mediancr_identified_cr){_DETECTOR}\.pdf"
    rf"|diagnostic_(histogram2d|mediancr|meancr|crmask\d{{1,9}}){_DETECTOR}\.png"
    rf"|(xyoffset_crosscorr_|flux_factor)\d{{1,9}}{_DETECTOR}\.png"
    rf"|{_REPORT}"
)
"""All products."""


def of_detector(name: str, number: int) -> str:
    """Name the product of one of several detectors.

    Parameters
    ----------
    name : str
        Of the product, were there one detector.
    number : int
        From 1.

    Returns
    -------
    str
        With the number before what it ends in.
    """
    path = PurePath(name)
    return f"{path.stem}_detector{number}{path.suffix}"
