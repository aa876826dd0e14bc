"""Programs that observatories and observers use read products as they are meant.

They are loaded where they are used: whoever runs other tests does not wait for them.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, VarianceUncertainty

from crmasks_widgets import Analysis, ExposureSet, Parameters, save_all

from .conftest import LEVELS, QUICK, small_scene, wcs_header


@pytest.fixture(scope="module")
def analysis():
    frames = list(small_scene().exposures)
    exposures = ExposureSet.from_arrays(frames, headers=[wcs_header()] * 3)
    return Analysis(exposures, Parameters(**LEVELS | QUICK))


@pytest.fixture(scope="module")
def product(analysis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("product")
    save_all(analysis, folder)
    return folder / "combined_meancr.fits"


def test_ccdproc_propagates_the_variance(product):
    import ccdproc

    read = ccdproc.CCDData.read(product, hdu_uncertainty="VARIANCE")
    electrons = ccdproc.gain_correct(read, 2.0 * u.electron / u.adu)
    assert electrons.uncertainty.unit == u.electron**2
    np.testing.assert_allclose(electrons.uncertainty.array, 4 * read.uncertainty.array, rtol=1e-5)


def test_ccdproc_combines_masked_exposures_to_meancr(analysis):
    import ccdproc

    combiner = ccdproc.Combiner([analysis.masks_of(i) for i in (1, 2, 3)])
    made, expected = combiner.average_combine(), analysis.combination("meancr")
    free = ~analysis.problematic
    np.testing.assert_allclose(made.data[free], expected.data[free], rtol=1e-5)


def test_photutils_takes_errors_and_coordinates(product):
    from photutils.aperture import CircularAperture, aperture_photometry

    read = CCDData.read(product, hdu_uncertainty="VARIANCE")
    aperture = CircularAperture((30.0, 20.0), 3.0)
    error = np.sqrt(read.uncertainty.array)
    table = aperture_photometry(read.data, aperture, error=error, wcs=read.wcs)
    inside = aperture.to_mask(method="exact").multiply(read.uncertainty.array)
    assert table["aperture_sum_err"][0] == pytest.approx(np.sqrt(inside.sum()), rel=1e-6)
    assert table["sky_center"][0].separation(read.wcs.pixel_to_world(30, 20)) < 1e-6 * u.arcsec


def test_specutils_keeps_a_row_as_a_spectrum(product):
    from specutils import Spectrum

    read = CCDData.read(product, hdu_uncertainty="VARIANCE")
    row = Spectrum(flux=read.data[20] * read.unit, uncertainty=read.uncertainty[20])
    assert isinstance(row.uncertainty, VarianceUncertainty)
    np.testing.assert_allclose((row * 3).uncertainty.array, 9 * row.uncertainty.array, rtol=1e-5)
