"""Fields of `Parameters` that detectors have which came with numina-crmasks 0.37."""

from typing import Literal

from crmasks_widgets.parameters import types
from crmasks_widgets.parameters.fields import MedianMinimumFields
from crmasks_widgets.parameters.info import about


class PycosmicFields(MedianMinimumFields):
    """PyCosmic."""

    pc_sigma_det: float = about(
        5.0, "contrast with the noise that makes a hit", "sigma", above=0, in_reference=False
    )
    pc_sigma_det_second: types.OptionalNumber = about(
        3.0, "contrast with the noise in a second run, which adds the tails of what the first "
        "finds; null: as the first", "sigma", above=0, in_reference=False,
    )  # fmt: skip
    pc_rlim: float = about(
        1.2, "sharpness against the Gaussian that makes a hit", low=0, in_reference=False
    )
    pc_rlim_second: types.OptionalNumber = about(
        None,
        "sharpness against the Gaussian in the second run; null: as the first",
        low=0,
        in_reference=False,
    )
    pc_iterations: types.Times = about(
        5, "iterations of PyCosmic, at most", low=1, in_reference=False
    )
    pc_fwhm_gauss_x: types.Width = about(
        2.5, "full width at half maximum of the Gaussian in x, somewhat below that of the optics",
        "pixel", above=0, in_reference=False,
    )  # fmt: skip
    pc_fwhm_gauss_y: types.Width = about(
        2.5, "full width at half maximum of the Gaussian in y", "pixel", above=0,
        in_reference=False,
    )  # fmt: skip
    pc_replace_box_x: types.BoxSide = about(
        5, "width of the box whose median gives the noise and fills a hit", "pixel", low=3,
        expected="an odd integer from 3 to 51", step=2, in_reference=False,
    )  # fmt: skip
    pc_replace_box_y: types.BoxSide = about(
        5, "height of that box", "pixel", low=3, expected="an odd integer from 3 to 51", step=2,
        in_reference=False,
    )  # fmt: skip
    pc_increase_radius: types.Radius = about(
        0, "how far what PyCosmic flags grows, before dilation", "pixel", low=0,
        in_reference=False,
    )  # fmt: skip


class DeepcrFields(PycosmicFields):
    """deepCR."""

    dc_mask: Literal["ACS-WFC", "WFC3-UVIS"] = about(
        "ACS-WFC", "network of deepCR, by what it was trained on", in_reference=False
    )
    dc_threshold: types.Fraction = about(
        0.5, "probability that makes a hit", low=0, expected="a number from 0 to 1",
        in_reference=False,
    )  # fmt: skip
    network_veto: types.OptionalFraction = about(
        None, "hits of any method that deepCR gives no pixel of this probability, in no exposure "
        "and not in the median, are listed and not corrected; null: its opinion is not asked",
        low=0, expected="a number from 0 to 1, or null", in_reference=False,
    )  # fmt: skip
