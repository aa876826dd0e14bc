"""Exposures and calibration maps, as they come from files, arrays or CCDData."""

from crmasks_widgets.exposures.calibration import (
    CALIBRATION_NAMES,
    Calibration,
    read_calibration,
    read_mask,
)
from crmasks_widgets.exposures.exposure_set import ExposureSet, read_exposures

__all__ = [
    "CALIBRATION_NAMES",
    "Calibration",
    "ExposureSet",
    "read_calibration",
    "read_exposures",
    "read_mask",
]
