"""What does not fit the exposures is refused before anything is computed."""

from crmasks_widgets.core import regions
from crmasks_widgets.detectors import rows
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import methods_for

MOST_TESTED = 40  # exposures
_MOST_WINDOWS = 10_000  # one after the other, since each sees what was replaced before
_MOST_IN_WINDOWS = 10**8  # pixels

_PIXEL_LISTS = (
    "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr",
    "pixels_to_be_replaced_by_local_median", "mediancr_pixels_rejected",
    "mediancr_pixels_confirmed",
)  # fmt: skip


def _check_method(parameters: Parameters, n: int) -> None:
    """Refuse a method that so few exposures are not enough for."""
    enough = methods_for(n)
    if parameters.crmethod in enough:
        return
    least = max(row.least_exposures for row in rows(parameters.detectors))
    msg = (
        f"crmethod: found {parameters.crmethod} with {n} exposures, expected "
        f"{' or '.join(enough)}, or at least {least} exposures"
    )
    raise ParameterError(msg)


def check_against_frame(parameters: Parameters, exposures: ExposureSet) -> None:
    """Refuse regions and pixels outside the frame, lists of another length, too few exposures.

    Parameters
    ----------
    parameters : Parameters
        To be checked.
    exposures : ExposureSet
        Their frame and number.

    Raises
    ------
    ParameterError
        Names the key, what was found and what was expected.
    """
    shape, n = exposures.shape, exposures.n
    _check_method(parameters, n)
    for key in ("flux_factor_regions", "regions_to_be_skipped"):
        regions.region_mask(getattr(parameters, key), shape, key)
    if parameters.mm_crosscorr_region is not None:
        regions.region_slices(parameters.mm_crosscorr_region, shape, "mm_crosscorr_region")
    if n > MOST_TESTED and parameters.judges:
        msg = f"crmethod: found {parameters.crmethod} with {n} exposures, expected {MOST_TESTED}"
        raise ParameterError(f"{msg} at most: the cost of its laws grows with their cube")
    _check_windows(parameters.pixels_to_be_replaced_by_local_median or ())
    for key in _PIXEL_LISTS:
        for pixel in getattr(parameters, key) or ():
            regions.pixel_index(pixel[0], pixel[1], shape, key)
    for key in ("flux_factor", "mm_xy_offsets"):
        value = getattr(parameters, key)
        if isinstance(value, tuple) and len(value) != n:
            msg = f"{key}: found {len(value)} items, expected {n}, one for each exposure"
            raise ParameterError(msg)
    coincidences = parameters.mm_cr_coincidences
    if coincidences is not None and coincidences >= n:
        msg = (
            f"mm_cr_coincidences: found {coincidences}, expected at most {n - 1}, one fewer than "
            "exposures"
        )
        raise ParameterError(msg)


def _check_windows(windows: tuple[tuple[int, int, int, int], ...]) -> None:
    key = "pixels_to_be_replaced_by_local_median"
    inside = sum(width * height for _, _, width, height in windows)
    for found, most, what in (
        (len(windows), _MOST_WINDOWS, "windows"), (inside, _MOST_IN_WINDOWS, "pixels in windows"),
    ):  # fmt: skip
        if found > most:
            raise ParameterError(f"{key}: found {found} {what}, expected at most {most}")
