"""From a YAML file, and masks of an earlier run, to an `Analysis`."""

from crmasks_widgets.loading.applying import apply_masks
from crmasks_widgets.loading.from_yaml import (
    load_analysis,
    load_mosaic,
    number_of,
    parameter_file_of,
    read_analysis,
    read_mosaic,
)

__all__ = [
    "apply_masks",
    "load_analysis",
    "load_mosaic",
    "number_of",
    "parameter_file_of",
    "read_analysis",
    "read_mosaic",
]
