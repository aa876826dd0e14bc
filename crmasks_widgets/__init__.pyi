from ._version import __version__
from .analysis import Analysis
from .analysis.mosaic import Mosaic
from .dashboard.app import Dashboard, open
from .errors import (
    Cancelled,
    CrmasksError,
    InputError,
    OutputError,
    ParameterError,
    ProductExistsError,
)
from .exposures import Calibration, ExposureSet, read_calibration, read_exposures
from .loading import apply_masks, load_analysis, load_mosaic
from .parameters import Parameters, parameter_table
from .products import save_all
from .products.hits import save_hits, save_regions
from .products.session import save_session
from .starting.opening import open_files

__all__ = [
    "Analysis",
    "Calibration",
    "Cancelled",
    "CrmasksError",
    "Dashboard",
    "ExposureSet",
    "InputError",
    "Mosaic",
    "OutputError",
    "ParameterError",
    "Parameters",
    "ProductExistsError",
    "__version__",
    "apply_masks",
    "load_analysis",
    "load_mosaic",
    "open",
    "open_files",
    "parameter_table",
    "read_calibration",
    "read_exposures",
    "save_all",
    "save_hits",
    "save_regions",
    "save_session",
]
