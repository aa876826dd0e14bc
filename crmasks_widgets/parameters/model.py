"""`Parameters`: every setting of a run, with its type, unit, default, range and one-line help.

The names are the keys of the reference's YAML file (numina-crmasks 0.36.0), and so are the
meanings and, with few exceptions, the defaults. The command-line help, the table of the
documentation and the sliders of the dashboard are made from `parameter_table`.
"""

import warnings
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from crmasks_widgets.detectors import rows
from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.exposure_names import is_pattern
from crmasks_widgets.hit_classes import CORRECTED
from crmasks_widgets.parameters import types, values
from crmasks_widgets.parameters.file import read_parameters, write_parameters
from crmasks_widgets.parameters.info import (
    LARGEST,
    ParameterInfo,
    Range,
    about,
    canonical_names,
    describe,
    one_of,
)
from crmasks_widgets.parameters.yaml_text import load_yaml, read_text

__all__ = ["ParameterInfo", "Parameters", "Range", "parameter_table"]


class Parameters(BaseModel):
    """Every setting of a run: frozen, checked, compared by value and usable as a key.

    Parameters
    ----------
    **given : object
        Parameters by name; those of `parameter_table`, or the spellings ``flux_factor_region``
        and ``use_auxmedian``. A parameter that is not given has its default.

    Raises
    ------
    ParameterError
        When a name is unknown, a value has the wrong type or lies out of range, or two values
        contradict each other. The message is one line that names each parameter, what was found
        and what was expected.

    Warns
    -----
    CrmasksWarning
        When a given value will have no effect.

    Notes
    -----
    Lists are tuples after the check, regions ``(xmin, xmax, ymin, ymax)``, pixel coordinates those
    of FITS (the first pixel is 1). `mm_seed` given as None, or not given, is
    drawn once where `mm_simulation` is montecarlo.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    images: types.Names = about(
        None,
        "exposures of one field; a pattern or folder/ stands for its files",
        expected="a list of at least 3 file names, a pattern, or null",
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
        "mm_lacosmic", "detection method; those with _lacosmic are unions of two"
    )
    use_lamedian: bool = about(
        False, "fill with the median as L.A.Cosmic cleaned it, not with the minimum"
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
        -1, "how many hits have a page in the figures; negative for all", low=-LARGEST
    )

    la_gain_apply: bool = about(True, "LAMEDIAN is written in electrons (true) or in ADU (false)")
    la_sigclip: float = about(5.0, "contrast with the noise that makes a hit", "sigma", above=0)
    la_sigfrac: float = about(0.3, "fraction of la_sigclip that neighbours of a hit need", above=0)
    la_objlim: float = about(5.0, "contrast with the fine structure that makes a hit", low=0)
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
        "mm_threshold in units of the readout noise, instead of it",
        "readout noise",
        low=0,
        in_reference=False,
    )
    mm_minimum_max2d_rnoise: float = about(
        5.0, "least maximum of a hit over the exposures", "readout noise", low=0
    )
    mm_seed: types.Seed = about(
        None,
        "seed of the simulations; null: none where order statistics do, else one is drawn",
        low=0,
        expected="an integer of at least 0 (at most 2**128 - 1) or null",
    )

    match_exposures: Literal["auto", "off"] = about(
        "auto",
        "take away what displacement, seeing, flux and sky make of each exposure before the "
        "significances are computed; products are made of the exposures as they are",
        in_reference=False,
    )
    sg_false_alarms: float = about(
        1.0, "false alarms accepted in the median, in the mean and in each exposure",
        "groups a frame", above=0, in_reference=False,
    )  # fmt: skip
    sg_growth: float = about(
        3.0, "significance that pixels beside a hit need to belong to it", "sigma", low=2,
        in_reference=False,
    )  # fmt: skip
    sg_background: types.Count = about(
        32, "size of the local background, taken away along rows and columns", "pixel", low=8,
        in_reference=False,
    )  # fmt: skip
    sg_measured_noise: bool = about(
        True, "where frames scatter more than gain and rnoise say, go by the scatter",
        in_reference=False,
    )  # fmt: skip
    sg_corrected: types.HitClasses = about(
        CORRECTED, "classes of hits that are corrected; others are only listed",
        expected=types.HIT_CLASSES_RULE, in_reference=False,
    )  # fmt: skip

    def __init__(self, **given: object) -> None:
        named = canonical_names(given, type(self).model_fields)
        simulates = named.get("mm_simulation", "auto") == "montecarlo"
        if simulates and values.is_none_text(named.get("mm_seed")):
            named["mm_seed"] = types.drawn_seed()
        values.settle_thresholds(named)
        try:
            super().__init__(**{name: values.plain(value) for name, value in named.items()})
        except ValidationError as error:
            rules = {info.name: info.expected for info in parameter_table()}
            raise ParameterError(values.one_line(error, rules)) from None
        for remark in self._remarks():
            warnings.warn(remark, CrmasksWarning, stacklevel=2)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Detectors of `crmethod`, by their keys in `crmasks_widgets.detectors`."""
        return types.METHODS[self.crmethod]

    @property
    def has_boundary(self) -> bool:
        """Whether a detector has a boundary in the Median-Minimum diagram."""
        return any(row.has_boundary for row in rows(self.detectors))

    @property
    def cleans(self) -> bool:
        """Whether a detector makes a cleaned frame."""
        return any(row.cleans for row in rows(self.detectors))

    @property
    def judges(self) -> bool:
        """Whether a detector judges hit by hit."""
        return any(row.judges for row in rows(self.detectors))

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse values that are right alone but not together."""
        if self.use_lamedian and not self.cleans:
            expected = one_of(types.methods_where(lambda row: row.cleans))
            raise ValueError(
                f"use_lamedian: found true with crmethod {self.crmethod}, expected {expected}"
            )
        if self.mm_xy_offsets is not None and self.mm_crosscorr_region is not None:
            raise ValueError("mm_xy_offsets: found with mm_crosscorr_region, expected one of them")
        self._check_one_for_each_image()
        self._check_flux_factors()
        if self.mm_boundary_fit == "piecewise" and self.has_boundary:
            self._check_piecewise()
        return self

    def _check_one_for_each_image(self) -> None:
        lists = {"mm_xy_offsets": self.mm_xy_offsets, "flux_factor": self.flux_factor}
        for name, value in lists.items():
            if self.images is None or not isinstance(value, tuple):
                continue
            if any(map(is_pattern, self.images)):
                continue  # how many there are is known when they are read
            if len(value) != len(self.images):
                raise ValueError(
                    f"{name}: found {len(value)} for {len(self.images)} images, expected one each"
                )

    def _check_flux_factors(self) -> None:
        """Exposures that differ so much in brightness are no equivalent ones."""
        if not isinstance(self.flux_factor, tuple):
            return
        low, high = min(self.flux_factor), max(self.flux_factor)
        if high > types.LARGEST_FLUX_RATIO * low:
            raise ValueError(
                f"flux_factor: found {low:g} and {high:g}, expected the brightest exposure at most "
                f"{types.LARGEST_FLUX_RATIO:g} times as bright as the faintest"
            )

    def _check_piecewise(self) -> None:
        points = self.mm_fixed_points_in_boundary or ()
        rule = "expected at least 2 points of different x for mm_boundary_fit piecewise"
        if len(points) < 2:
            raise ValueError(f"mm_fixed_points_in_boundary: found {len(points)}, {rule}")
        (x, times), *_ = Counter(point[0] for point in points).most_common(1)
        if times > 1:
            raise ValueError(f"mm_fixed_points_in_boundary: found x = {x:g} {times} times, {rule}")

    def _remarks(self) -> list[str]:
        if self.flux_factor_regions is not None and self.flux_factor != "auto":
            return ["flux_factor_regions has no effect: it serves flux_factor auto only"]
        return []

    @classmethod
    def from_yaml(cls, path: str | Path, seed: int | None = None) -> Self:
        """Read a parameter file.

        Parameters
        ----------
        path : str or Path
            A YAML file of crmasks_widgets or numina-crmasks, UTF-8.
        seed : int, optional
            As in `from_yaml_text`, which says what is returned and warned of.

        Raises
        ------
        ParameterError
            When the file cannot be read or its content is refused.
        """
        return cls.from_yaml_text(read_text(path), str(path), seed)

    @classmethod
    def from_yaml_text(cls, text: str, source: str = "parameters", seed: int | None = None) -> Self:
        """Read parameters from YAML text.

        Parameters
        ----------
        text : str
            A parameter file, or its ``requirements`` block alone (with or without that word).
        source : str, optional
            Name of the text in messages.
        seed : int, optional
            Taken where the text would have one drawn.

        Returns
        -------
        Self
            The parameters.

        Raises
        ------
        ParameterError
            When the text is not one plain YAML mapping, a key is unknown, missing or in the wrong
            place, or a value is refused by `Parameters`.

        Warns
        -----
        CrmasksWarning
            When a default stands in for a value, or a key of later versions of numina-crmasks is
            ignored.
        """
        given = read_parameters(load_yaml(text, source), source, parameter_table(), seed)
        extnum = given.get("extnum")
        if isinstance(extnum, list) or values.is_all(extnum):
            msg = (
                f"{source}: extnum: found {values.shown(extnum)}, several detectors, expected one "
                "here: load_mosaic reads them"
            )
            raise ParameterError(msg)
        try:
            return cls(**given)
        except ParameterError as error:
            raise ParameterError(f"{source}: {error}") from None

    def to_yaml(
        self, origins: Mapping[str, str] | None = None, missing: Mapping[str, str] | None = None
    ) -> str:
        """Write the parameters as a file that `from_yaml` and numina-crmasks 0.36.0 read.

        Parameters
        ----------
        origins : mapping, optional
            Where values come from, by parameter name: comments beside them instead of the help.
        missing : mapping, optional
            Why a value is not known, by parameter name: its key is left out, and the file is not
            read before somebody puts it there.

        Returns
        -------
        str
            YAML text; reading it gives equal parameters. What numina-crmasks 0.36.0 does not know
            stands in the mapping ``crmasks_widgets``, which it ignores; what it cannot use is said
            in comments.
        """
        return write_parameters(dict(self), parameter_table(), origins, missing)

    def replace(self, **changes: object) -> Self:
        """Return parameters that differ in some values, checked anew.

        Parameters
        ----------
        **changes : object
            Values by name, as for `Parameters`.

        Returns
        -------
        Self
            The new parameters; the seed stays unless it is among the changes.

        Raises
        ------
        ParameterError
            As for `Parameters`.
        """
        defaults = {info.name: info.default for info in parameter_table()}
        kept = {name: value for name, value in self if value != defaults[name]}
        return type(self)(**kept | canonical_names(changes, defaults))


def parameter_table() -> list[ParameterInfo]:
    """List all parameters, in the order of the parameter file.

    Returns
    -------
    list of ParameterInfo
        One entry a parameter.
    """
    return list(_table())


@cache
def _table() -> tuple[ParameterInfo, ...]:
    fields = Parameters.model_fields.items()
    return tuple(describe(name, field) for name, field in fields)
