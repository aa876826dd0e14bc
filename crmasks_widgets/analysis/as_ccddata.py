"""From an `Analysis` to what astropy's `CCDData` and programs built on it take."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from astropy import units
from astropy.io import fits

from crmasks_widgets.analysis.combined_header import combined_header
from crmasks_widgets.analysis.noise_in_use import measured_noise_in_use
from crmasks_widgets.combination_kinds import KINDS, Kind
from crmasks_widgets.core.alignment import Alignment
from crmasks_widgets.core.combine import Combination
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposures import Calibration, ExposureSet
from crmasks_widgets.files.reading import carried_over
from crmasks_widgets.files.world import coordinates_of, without_tables
from crmasks_widgets.parameters import Parameters

if TYPE_CHECKING:
    from astropy.nddata import CCDData

logger = logging.getLogger(__name__)


class _Source(Protocol):
    @property
    def exposures(self) -> ExposureSet: ...
    @property
    def calibration(self) -> Calibration: ...
    @property
    def alignment(self) -> Alignment: ...
    @property
    def parameters(self) -> Parameters: ...
    @property
    def noise(self) -> Noise: ...
    def result(self, stage: str, target: Any = None) -> Any: ...
    def mask(self, target: int) -> npt.NDArray[np.bool_]: ...


@dataclass(frozen=True)
class CombinedImage(Combination):
    """A combination that knows its header.

    Attributes
    ----------
    describe : callable () -> astropy.io.fits.Header
        Makes the header.
    """

    describe: Callable[[], fits.Header]

    def to_ccddata(self) -> "CCDData":
        """Hand the combination on.

        Returns
        -------
        astropy.nddata.CCDData
            Copies: values with their unit, variance, header and WCS; masked where no exposure is
            valid.
        """
        return _ccddata(self.data, ~np.isfinite(self.data), self.describe(), self.variance)


def stage_of(kind: Kind) -> str:
    """Stage that makes a combination.

    Parameters
    ----------
    kind : str
        One of `combine.KINDS` and `combine.MORE_KINDS`.

    Returns
    -------
    str
        Key of the stage table.
    """
    return "combination" if kind in KINDS else "more"


def combined_image(analysis: _Source, kind: Kind) -> CombinedImage:
    """Take a combination of an analysis with its header.

    Parameters
    ----------
    analysis : Analysis
        Source.
    kind : {"mediancr", "meancrt", "meancr", "meancr2", "mean", "median", "min"}
        Which combination.

    Returns
    -------
    CombinedImage
        Shares the arrays of the stage.
    """
    made: Combination = analysis.result(stage_of(kind), kind)

    def describe() -> fits.Header:
        return header_of(analysis, kind)

    return CombinedImage(made.data, made.variance, made.map, describe)


def header_of(analysis: _Source, kind: Kind) -> fits.Header:
    """Make the header of a combination of an analysis, as `combined_header` says."""
    measured = measured_noise_in_use(analysis)
    return combined_header(
        analysis.exposures, analysis.calibration, analysis.alignment.flux_factors, kind,
        measured or analysis.noise, measured=measured is not None,
    )  # fmt: skip


def masked(analysis: _Source, number: int) -> "CCDData":
    """Hand on an exposure without its cosmic rays.

    Parameters
    ----------
    analysis : Analysis
        Source.
    number : int
        Of the exposure, from 1.

    Returns
    -------
    astropy.nddata.CCDData
        Copy of the exposure as combinations take it, without bias and divided by its flux factor,
        with its header, unit and WCS; masked in its CRMASK and where it is invalid. The mean that
        `ccdproc.Combiner` makes of all of them is meancr wherever one of them is left.

    Raises
    ------
    InputError
        There is no such exposure.
    """
    if not 1 <= number <= analysis.exposures.n:
        msg = f"masks_of: found exposure {number}, expected 1 to {analysis.exposures.n}"
        raise InputError(msg)
    stack = analysis.result("clean")
    mask = analysis.mask(number).copy()
    if stack.valid is not None:
        mask |= ~stack.valid[number - 1]
    header = without_tables(carried_over(analysis.exposures.headers[number - 1]))
    return _ccddata(stack.cube[number - 1], mask, header)


def _ccddata(
    values: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    header: fits.Header,
    variance: npt.NDArray[np.float32] | None = None,
) -> "CCDData":
    # Half a second to import, which a command line does not need.
    from astropy.nddata import CCDData, VarianceUncertainty

    name = str(header.get("BUNIT", "adu"))
    unit = units.Unit("adu" if name.lower() == "adu" else name, parse_strict="silent")
    uncertainty = None if variance is None else VarianceUncertainty(variance.copy())
    wcs = coordinates_of(header)
    if wcs is None:
        logger.warning("world coordinates: the header has some that make no sense; left out")
    elif not any(wcs.wcs.ctype):
        wcs = None
    return CCDData(values.copy(), uncertainty, mask, unit=unit, meta=header, wcs=wcs)
