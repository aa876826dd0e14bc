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
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from crmasks_widgets.detectors import rows
from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.exposure_names import is_pattern
from crmasks_widgets.hit_classes import CORRECTED
from crmasks_widgets.parameters import types, values
from crmasks_widgets.parameters.file import EACH, read_parameters, write_parameters
from crmasks_widgets.parameters.info import (
    ParameterInfo,
    Range,
    about,
    canonical_names,
    describe,
    one_of,
)
from crmasks_widgets.parameters.later import pairs_apart
from crmasks_widgets.parameters.other_fields import DeepcrFields
from crmasks_widgets.parameters.yaml_text import load_yaml, read_text

__all__ = ["ParameterInfo", "Parameters", "Range", "parameter_table"]


class Parameters(DeepcrFields):
    """Every setting of a run: frozen, checked, compared by value and usable as a key.

    Parameters
    ----------
    **given : object
        Parameters by name; those of `parameter_table`, or the spellings ``flux_factor_region``
        and ``use_auxmedian``. A parameter that is not given has its default.

    Raises
    ------
    ParameterError
        A name is unknown, a value has the wrong type or lies out of range, or two values contradict
        each other; in one line that names each parameter, what was found and what was expected.

    Warns
    -----
    CrmasksWarning
        When a given value will have no effect.

    Notes
    -----
    Lists become tuples, regions are ``(xmin, xmax, ymin, ymax)``, pixels those of FITS (the first
    is 1). `mm_seed` None, or not given, is drawn once where `mm_simulation` is montecarlo.

    Examples
    --------
    >>> cm.Parameters(gain=1.7, rnoise=3.4).replace(la_sigclip=8).la_sigclip
    8.0
    """

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
        True, "where frames scatter otherwise than gain and rnoise say, go by the scatter",
        in_reference=False,
    )  # fmt: skip
    sg_corrected: types.HitClasses = about(
        CORRECTED, "classes of hits that are corrected; others are only listed",
        expected=types.HIT_CLASSES_RULE, in_reference=False,
    )  # fmt: skip

    def __init__(self, **given: object) -> None:
        named = pairs_apart(canonical_names(given, type(self).model_fields))
        simulates = named.get("mm_simulation", "auto") == "montecarlo"
        if simulates and values.is_none_text(named.get("mm_seed")):
            named["mm_seed"] = types.drawn_seed()
        values.settle_thresholds(named)
        try:
            plain: dict[str, Any] = {name: values.plain(value) for name, value in named.items()}
            super().__init__(**plain)
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

    @property
    def aligned(self) -> frozenset[str]:
        """Keys that say in which brightness or place exposures differ."""
        placed = self.mm_xy_offsets is not None or self.mm_crosscorr_region is not None
        said = {"flux_factor": self.flux_factor is not None, "mm_xy_offsets": placed}
        return frozenset(name for name, is_said in said.items() if is_said)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse values that are right alone but not together, and those beyond all computing."""
        for name in type(self).model_fields:
            if (found := values.extreme_number(getattr(self, name))) is not None:
                raise ValueError(f"{name}: found {found:g}, expected 0, or 1e-30 to 1e30 in size")
        if self.use_lamedian and not self.cleans:
            expected = one_of(types.methods_where(lambda row: row.cleans))
            raise ValueError(
                f"use_lamedian: found true with crmethod {self.crmethod}, expected {expected}"
            )
        if "meancr2" in self.more_combinations and not self.cleans:
            expected = one_of(types.methods_where(lambda row: row.cleans))
            raise ValueError(
                f"more_combinations: found meancr2 with crmethod {self.crmethod}, "
                f"expected {expected}"
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
        if EACH in given:
            msg = f"{source}: {EACH}: found with one extension, expected several in extnum"
            raise ParameterError(msg)
        try:
            return cls(**given)
        except ParameterError as error:
            raise ParameterError(f"{source}: {error}") from None

    def to_yaml(
        self,
        origins: Mapping[str, str] | None = None,
        missing: Mapping[str, str] | None = None,
        unit: str = "ADU",
    ) -> str:
        """Write the parameters as a file that `from_yaml` and numina-crmasks 0.36.0 read.

        Parameters
        ----------
        origins : mapping, optional
            Where values come from, by parameter name: comments beside them instead of the help.
        missing : mapping, optional
            Why a value is not known, by parameter name: its key is left out, and the file is not
            read before somebody puts it there.
        unit : str
            Of the exposures, in comments.

        Returns
        -------
        str
            YAML text; reading it gives equal parameters. What numina-crmasks 0.36.0 does not know
            stands in the mapping ``crmasks_widgets``, which it ignores; what it cannot use is said
            in comments.
        """
        return write_parameters(dict(self), parameter_table(), origins, missing, unit)

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

    Examples
    --------
    >>> next(row.unit for row in cm.parameter_table() if row.name == "rnoise")
    'ADU'
    """
    return list(_table())


@cache
def _table() -> tuple[ParameterInfo, ...]:
    fields = Parameters.model_fields.items()
    return tuple(describe(name, field) for name, field in fields)
