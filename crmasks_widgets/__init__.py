"""Remove the cosmic rays that survive a median of a few long exposures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmasks_widgets import _apart as _apart  # before anything that might lie beside the data
from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.errors import (
    Cancelled,
    CrmasksError,
    InputError,
    OutputError,
    ParameterError,
    ProductExistsError,
)
from crmasks_widgets.exposures import Calibration, ExposureSet, read_calibration, read_exposures
from crmasks_widgets.loading import apply_masks, load_analysis, load_mosaic
from crmasks_widgets.parameters import Parameters, parameter_table
from crmasks_widgets.products import save_all
from crmasks_widgets.products.hits import save_hits, save_regions
from crmasks_widgets.products.session import save_session
from crmasks_widgets.starting.opening import open_files

if TYPE_CHECKING:
    from pathlib import Path

    from crmasks_widgets.dashboard.app import Dashboard as Dashboard

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


def __getattr__(name: str) -> Any:
    # Widgets take seconds to import; a command line or a pipeline does not need them.
    if name == "Dashboard":
        from crmasks_widgets.dashboard.app import Dashboard

        return Dashboard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def open(files: "str | Path | Sequence[str | Path]", **given: Any) -> "Dashboard":
    """Open the dashboard on FITS files alone.

    Parameters
    ----------
    files : path, or sequence of paths
        FITS files, folders and patterns; two or more exposures of one field.
    **given : object
        Parameters that are known, such as ``gain=1.7`` or ``extnum="SCI"``; of files with several
        detectors, ``detector=2`` or its name, the first by default.

    Returns
    -------
    Dashboard
        Shown when it is the last line of a notebook cell.

    Raises
    ------
    InputError, ParameterError
        As of `open_files`.

    Examples
    --------
    >>> dashboard = cm.open("demo/exposure*.fits", gain=1.7)
    >>> dashboard.analysis.exposures.n
    3
    >>> dashboard.close()
    """
    from crmasks_widgets.dashboard.app import Dashboard

    return Dashboard(open_files(files, **given))
