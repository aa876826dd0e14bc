"""Remove the cosmic rays that survive a median of three or more long exposures."""

from typing import TYPE_CHECKING, Any

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.errors import (
    Cancelled,
    CrmasksError,
    InputError,
    OutputError,
    ParameterError,
    ProductExistsError,
)
from crmasks_widgets.exposures import Calibration, ExposureSet, read_calibration, read_exposures
from crmasks_widgets.loading import apply_masks, load_analysis
from crmasks_widgets.parameters import Parameters, parameter_table
from crmasks_widgets.products import save_all
from crmasks_widgets.products.hits import save_hits, save_regions
from crmasks_widgets.products.session import save_session

if TYPE_CHECKING:
    from crmasks_widgets.dashboard.app import Dashboard as Dashboard

__all__ = [
    "Analysis",
    "Calibration",
    "Cancelled",
    "CrmasksError",
    "Dashboard",
    "ExposureSet",
    "InputError",
    "OutputError",
    "ParameterError",
    "Parameters",
    "ProductExistsError",
    "__version__",
    "apply_masks",
    "load_analysis",
    "parameter_table",
    "read_calibration",
    "read_exposures",
    "save_all",
    "save_hits",
    "save_regions",
    "save_session",
]


def __getattr__(name: str) -> Any:
    # Widgets take seconds to import; a command line or a pipeline does not need them.
    if name == "Dashboard":
        from crmasks_widgets.dashboard.app import Dashboard

        return Dashboard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
