"""What several tests of products ask."""

from crmasks_widgets import Analysis, ExposureSet, Parameters

from .conftest import LEVELS, QUICK, small_scene

FITS_PRODUCTS = ["combined_mediancr.fits", "combined_meancrt.fits", "combined_meancr.fits"]
TABLES = ["hits.ecsv", "mediancr_identified.csv", "problematic_pixels.csv"]


def analysis_of(frames=None, headers=None, **settings):
    exposures = ExposureSet.from_arrays(
        list(small_scene().exposures if frames is None else frames), headers=headers
    )
    return Analysis(exposures, Parameters(**LEVELS | QUICK | settings))
