"""Fields of `Parameters` that exposures, masks, L.A.Cosmic and the Median-Minimum diagram have.

One class after the other, so that the parameter table keeps their order.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from crmasks_widgets.parameters import types
from crmasks_widgets.parameters.info import LARGEST, about


class GeneralFields(BaseModel):
    """Exposures, and what all detectors share."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    images: types.Names = about(
        None,
        "exposures of one field; a pattern or folder/ stands for its files",
        expected="a list of at least 2 file names, a pattern, or null",
    )
    extnum: types.Extension = about(
        0,
        "FITS extension that holds the image: number, 0 being the primary one, or name; in a "
        "file, a list or all for several detectors",
        expected=types.EXTENSION_RULE,
    )  # fmt: skip
    gain: types.Gain = about(
        1.0, "gain", "e-/ADU", expected=f"a number above 0 or {types.MAP_RULE}"
    )
    rnoise: types.Noise = about(
        0.0, "readout noise", "ADU", expected=f"a number of at least 0 or {types.MAP_RULE}"
    )
    bias: types.Level = about(0.0, "bias level", "ADU", expected=f"a number or {types.MAP_RULE}")

    dq_extension: types.OptionalExtension = about(
        None, "extension beside the image that marks bad pixels; null: those of the usual names",
        expected=f"{types.EXTENSION_RULE}, or null", in_reference=False,
    )  # fmt: skip
    dq_bits: types.OptionalBits = about(
        None, "bits that mark a bad pixel, as their sum or a list; null: all",
        expected="an integer above 0, a list of them, or null", in_reference=False,
    )  # fmt: skip
    bad_pixel_mask: types.OptionalPath = about(
        None, "file of bad pixels, which add to those of dq_extension; mask.fits[EXT] names one "
        "of its extensions",
        expected=f"{types.MAP_RULE}, or null", in_reference=False,
    )  # fmt: skip
    noise_extension: types.OptionalExtension = about(
        None, "extension beside the image that tells the noise of each pixel, instead of gain and "
        "rnoise, to the MM method, significance and variances; null: none",
        expected=f"{types.EXTENSION_RULE}, or null", in_reference=False,
    )  # fmt: skip
    noise_kind: Literal["auto", "stddev", "variance", "ivar"] = about(
        "auto", "what noise_extension holds; auto: as its UTYPE or name says", in_reference=False
    )

    crmethod: types.Method = about(
        types.DEFAULT_METHOD, "detection method; those with _lacosmic are unions of two"
    )
    use_lamedian: bool = about(
        False, "fill with the median as L.A.Cosmic or its like cleaned it, not with the minimum"
    )
    interactive: bool = about(True, "look at the results in windows; the dashboard does that here")
    flux_factor: types.FluxFactor = about(
        None,
        "brightness of each exposure relative to their median",
        expected="none, auto, a number above 0, or a list of such numbers, one for each exposure",
    )
    flux_factor_regions: types.Regions = about(
        None, "where flux_factor: auto compares brightness", "pixel", expected=types.REGIONS_RULE
    )
    apply_flux_factor_to: Literal["original", "simulated"] = about(
        "simulated", "what the flux factors act on"
    )
    dilation: types.Count = about(1, "how far masks grow, in all 8 directions", "pixel", low=0)
    regions_to_be_skipped: types.Regions = about(
        None, "where nothing is detected", "pixel", expected=types.REGIONS_RULE
    )
    pixels_to_be_flagged_as_cr: types.Pixels = about(
        None, "pixels that count as cosmic-ray hits, detected or not", "pixel",
        expected=types.PIXELS_RULE,
    )  # fmt: skip
    pixels_to_be_ignored_as_cr: types.Pixels = about(
        None, "pixels that never count as cosmic-ray hits, detected or not", "pixel",
        expected=types.PIXELS_RULE,
    )  # fmt: skip
    pixels_to_be_replaced_by_local_median: types.Windows = about(
        None,
        "pixels to fill with the median of their neighbours",
        "pixel",
        expected=types.WINDOWS_RULE,
    )
    mediancr_pixels_rejected: types.Pixels = about(
        None,
        "pixels of hits that a user took out of MEDIANCR; other masks keep what their data show",
        "pixel",
        expected=types.PIXELS_RULE,
        in_reference=False,
    )
    mediancr_pixels_confirmed: types.Pixels = about(
        None,
        "a pixel of each hit that a user has looked at and confirmed; no mask depends on it",
        "pixel",
        expected=types.PIXELS_RULE,
        in_reference=False,
    )
    more_combinations: types.MoreCombinations = about(
        (), "combinations to write besides the three: meancr2 is meancr with the hits filled that "
        "the method finds in it, the others use no mask", expected=types.MORE_RULE,
        in_reference=False,
    )  # fmt: skip
    max_flagged_fraction: types.Fraction = about(
        0.5, "part of the median that may be flagged; above it detection has run away", above=0,
        expected="a number above 0, at most 1", in_reference=False,
    )  # fmt: skip
    verify_cr: bool = about(False, "ask about every hit of the median")
    semiwindow: types.HalfWidth = about(
        15, "half width of the cut-outs in the figures", "pixel", low=1
    )
    color_scale: Literal["minmax", "zscale"] = about("minmax", "grey scale of the cut-outs")
    maxplots: types.Count = about(
        -1,
        f"how many hits have a page in the figures; negative for all, up to {types.MOST_PAGES}",
        low=-LARGEST,
    )


class LacosmicFields(GeneralFields):
    """L.A.Cosmic."""

    la_gain_apply: bool = about(True, "LAMEDIAN is written in electrons (true) or in ADU (false)")
    la_sigclip: float = about(5.0, "contrast with the noise that makes a hit", "sigma", above=0)
    la_sigfrac: float = about(0.3, "fraction of la_sigclip that neighbours of a hit need", above=0)
    la_objlim: float = about(5.0, "contrast with the fine structure that makes a hit", low=0)
    la_sigclip_second: types.OptionalNumber = about(
        None, "contrast with the noise in a second run, which adds the tails of what the first "
        "finds; null: as the first", "sigma", above=0, in_reference=False,
    )  # fmt: skip
    la_sigfrac_second: types.OptionalNumber = about(
        None, "fraction that neighbours of a hit need in the second run; null: as the first",
        above=0, in_reference=False,
    )  # fmt: skip
    la_objlim_second: types.OptionalNumber = about(
        None, "contrast with the fine structure in the second run; null: as the first", low=0,
        in_reference=False,
    )  # fmt: skip
    la_satlevel: float = about(65535.0, "saturation level as read, bias included", "ADU", above=0)
    la_niter: types.Times = about(4, "iterations of L.A.Cosmic", low=1)
    la_sepmed: bool = about(True, "separable median filter instead of the full one: faster")
    la_cleantype: Literal["median", "medmask", "meanmask", "idw"] = about(
        "meanmask", "how L.A.Cosmic fills a hit"
    )
    la_fsmode: Literal["median", "convolve"] = about(
        "convolve", "how the fine structure is found: median filter or PSF kernel"
    )
    la_psfmodel: Literal["gauss", "moffat", "gaussx", "gaussy", "gaussxy"] = about(
        "gaussxy", "shape of the PSF kernel"
    )
    la_psffwhm_x: float = about(
        2.5, "full width at half maximum of the kernel in x", "pixel", above=0
    )
    la_psffwhm_y: float = about(
        2.5, "full width at half maximum of the kernel in y", "pixel", above=0
    )
    la_psfsize: types.KernelSide = about(
        11,
        "side of the kernel",
        "pixel",
        low=3,
        expected="an odd integer of at least 3, at most 101",
        step=2,
    )
    la_psfbeta: float = about(4.765, "exponent of the moffat kernel", above=0)
    la_verbose: bool = about(False, "report what each run of L.A.Cosmic flags")
    la_padwidth: types.Margin = about(
        0, "margin mirrored beyond the borders, so that hits in the outer rows count", "pixel",
        low=0, in_reference=False,
    )  # fmt: skip
    la_engine: Literal["fast", "astroscrappy"] = about(
        "fast", "which implementation of L.A.Cosmic runs; same masks", in_reference=False
    )


class MedianMinimumFields(LacosmicFields):
    """The Median-Minimum diagram."""

    mm_cr_coincidences: types.OptionalCount = about(
        None, "exposures that may be hit in one pixel: so many highest values are left out and the "
        "mean of the others taken for the minimum; null: the minimum", low=2, in_reference=False,
    )  # fmt: skip
    mm_photon_distribution: Literal["poisson", "nbinom", "measured"] = about(
        "poisson", "law of the simulated photons; nbinom: negative binomial, for exposures that "
        "scatter more; measured: the same with the scatter that they have at each level",
        in_reference=False,
    )  # fmt: skip
    mm_nbinom_shape: float = about(
        1000.0, "shape k of nbinom, whose variance is m + m²/k at a mean of m electrons", above=0,
        in_reference=False,
    )  # fmt: skip
    mm_synthetic: Literal["raw", "median", "single"] = about(
        "raw", "what is simulated: the median as it is, the median without the hits of the other "
        "detector, or each exposure without them", in_reference=False,
    )  # fmt: skip
    mm_hist2d_min_neighbors: types.Neighbours = about(
        0, "occupied bins that a bin of the simulated diagram needs around it to count", low=0,
        expected="an integer from 0 to 8", in_reference=False,
    )  # fmt: skip
    mm_ydiag_max: float = about(
        0.0, "height of the diagram; 0: as the noise needs", "ADU", low=0, in_reference=False
    )
    mm_dilation: types.Count = about(
        0, "how far what the diagram flags grows, before dilation", "pixel", low=0,
        in_reference=False,
    )  # fmt: skip
    mm_xy_offsets: types.Offsets = about(
        None,
        "displacement [dx, dy] of each exposure against the median",
        "pixel",
        expected="a list of [dx, dy], finite numbers, one for each exposure, or null",
    )
    mm_crosscorr_region: types.CorrelationRegion = about(
        None, "where displacements are measured", "pixel", expected=types.CORRELATION_REGION_RULE
    )
    mm_boundary_fit: Literal["spline", "piecewise"] = about(
        "spline", "boundary from the simulations, or straight lines through the fixed points"
    )
    mm_knots_splfit: types.Knots = about(3, "knots of the spline, both ends included", low=2)
    mm_fixed_points_in_boundary: types.FixedPoints = about(
        None,
        "points [x, y] or [x, y, weight] on the boundary",
        "ADU",
        expected="a list of [x, y] or [x, y, weight], finite numbers, weight above 0, or null",
    )
    mm_nsimulations: types.Simulations = about(10, "simulated sets of exposures", low=1)
    mm_simulation: Literal["auto", "montecarlo", "exact"] = about(
        "auto", "expected diagram by simulations or by order statistics; auto: a seed simulates",
        in_reference=False,
    )  # fmt: skip
    mm_expected_false: types.OptionalNumber = about(
        None, "boundary above which noise lifts so many pixels; replaces mm_boundary_fit", "pixel",
        above=0, expected="a number above 0 or null", in_reference=False,
    )  # fmt: skip
    mm_niter_boundary_extension: types.Times = about(
        3, "times that the spline is fitted again to reach above the crosses", low=0
    )
    mm_weight_boundary_extension: types.Weight = about(
        10.0, "weight that crosses above the last fit gain each time", above=0
    )
    mm_threshold: types.OptionalNumber = about(
        0.0, "least median - minimum of a hit; null for the lowest value of the boundary", "ADU"
    )
    mm_threshold_rnoise: types.OptionalNumber = about(
        None,
        "least median - minimum of a hit, in units of the readout noise; replaces mm_threshold",
        "readout noise",
        low=0,
        in_reference=False,
    )
    mm_threshold_for: Literal["mm", "all"] = about(
        "mm", "what mm_threshold acts on; all: groups of the other detector too, which need one "
        "pixel above it", in_reference=False,
    )  # fmt: skip
    mm_minimum_max2d_rnoise: float = about(
        5.0, "least maximum of a hit over the exposures", "readout noise", low=0
    )
    mm_seed: types.Seed = about(
        None,
        "seed of the simulations; null: none where order statistics do, else one is drawn",
        low=0,
        expected="an integer of at least 0 (at most 2**128 - 1) or null",
    )
