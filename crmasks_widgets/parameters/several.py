"""One parameter file for several detectors of a camera: each has parameters of its own."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.parameters.file import EACH, read_parameters, write_parameters
from crmasks_widgets.parameters.info import canonical_names
from crmasks_widgets.parameters.model import Parameters, parameter_table
from crmasks_widgets.parameters.values import is_all, shown
from crmasks_widgets.parameters.yaml_text import load_yaml, read_text

OF_A_DETECTOR: Final = (
    "gain", "rnoise", "bias", "bad_pixel_mask", "dq_extension", "noise_extension",
)  # fmt: skip
"""Parameters that may be a list, one item for each detector."""

ALONE: Final = (
    "regions_to_be_skipped", "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr",
    "pixels_to_be_replaced_by_local_median", "mediancr_pixels_rejected",
    "mediancr_pixels_confirmed", "flux_factor_regions", "mm_xy_offsets", "mm_crosscorr_region",
    "mm_boundary_fit", "mm_fixed_points_in_boundary",
)  # fmt: skip
"""What is said of places on a frame, and the boundary: one detector's may differ from another's."""

# How what OF_A_DETECTOR names is to be read.
_OF_THE_FILES: Final = ("images", "extnum", "dq_bits", "noise_kind")

Extension = int | str


@dataclass(frozen=True)
class ParameterFile:
    """What a parameter file says, for as many detectors as it says.

    Attributes
    ----------
    source : str
        Its name, for messages.
    given : mapping
        Values by parameter name, not yet checked; those of `OF_A_DETECTOR` may be lists, and under
        `EACH` there may be a list of mappings with those of `ALONE`.
    extensions : tuple of (int or str), or None
        Extensions of the detectors; None for all images of a file.
    text : str
        As it stands in the file; empty where it is in none.
    """

    source: str
    given: Mapping[str, Any]
    extensions: tuple[Extension, ...] | None
    text: str = ""

    @property
    def is_of_several(self) -> bool:
        """Whether it is made for several detectors."""
        return self.extensions is None or isinstance(self.given.get("extnum"), list)

    @property
    def images(self) -> tuple[str, ...] | None:
        """The exposures."""
        try:
            return Parameters(images=self.given.get("images")).images
        except ParameterError as error:
            raise ParameterError(f"{self.source}: {error}") from None

    def parameters(self, extensions: Sequence[Extension] | None = None) -> tuple[Parameters, ...]:
        """Make the parameters of each detector.

        Parameters
        ----------
        extensions : sequence of (int or str), optional
            What `all` stands for.

        Returns
        -------
        tuple of Parameters
            In the order of the extensions; what is no list is the same for all, a drawn seed too.

        Raises
        ------
        ParameterError
            A value is refused, or a list does not have one item for each detector.
        """
        chosen = tuple(extensions or self.extensions or ())
        made: list[Parameters] = []
        for number, extension in enumerate(chosen):
            given = self._of(number, extension, len(chosen))
            with warnings.catch_warnings():
                if made:  # what is remarkable about the others was said with the first
                    warnings.simplefilter("ignore", CrmasksWarning)
                    given["mm_seed"] = made[0].mm_seed
                made.append(self._checked(given, extension))
        return tuple(made)

    def first(self) -> Parameters:
        """Make the parameters of the first detector, also before it is known which `all` are.

        Returns
        -------
        first : Parameters
            With `extnum` 1 where the file says `all`.

        Raises
        ------
        ParameterError
            A value is refused.
        """
        extension = self.extensions[0] if self.extensions else 1
        given = {**self.given, "extnum": extension}
        each = self._each(given.pop(EACH, None))
        for name in OF_A_DETECTOR if self.is_of_several else ():
            if isinstance(value := given.get(name), list) and value:
                given[name] = value[0]
        return self._checked(given | (each[0] if each else {}), extension)

    def _of(self, number: int, extension: Extension, n: int) -> dict[str, Any]:
        given = {**self.given, "extnum": extension}
        each = self._each(given.pop(EACH, None))
        if not self.is_of_several:
            return given
        for name in OF_A_DETECTOR:
            value = given.get(name)
            if isinstance(value, list):
                self._check_count(name, len(value), n)
                given[name] = value[number]
        if each:
            self._check_count(EACH, len(each), n)
            given |= each[number]
        return given

    def _check_count(self, name: str, found: int, n: int) -> None:
        if found != n:
            msg = (
                f"{self.source}: {name}: found {found} values, expected one or {n}, one "
                "for each detector of extnum"
            )
            raise ParameterError(msg)

    def _each(self, value: object) -> tuple[dict[str, Any], ...]:
        """Check what is said of single detectors."""
        if value is None:
            return ()
        if not self.is_of_several:
            msg = f"{self.source}: {EACH}: found with one extension, expected several in extnum"
            raise ParameterError(msg)
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            found, rule = shown(value), "a list with a mapping for each detector"
            raise ParameterError(f"{self.source}: {EACH}: found {found}, expected {rule}")
        known = [info.name for info in parameter_table()]
        try:
            named = tuple(canonical_names(each, known) for each in value)
        except ParameterError as error:
            raise ParameterError(f"{self.source}: {EACH}: {error}") from None
        for name in (name for each in named for name in each if name not in ALONE):
            msg = f"{self.source}: {EACH}: found {name}, expected one of {', '.join(ALONE)}"
            raise ParameterError(msg)
        return named

    def _checked(self, given: Mapping[str, Any], extension: Extension) -> Parameters:
        try:
            return Parameters(**given)
        except ParameterError as error:
            where = f"detector {extension}: " if self.is_of_several else ""
            raise ParameterError(f"{self.source}: {where}{error}") from None


def yaml_of(
    parameters: Sequence[Parameters],
    origins: Mapping[str, str] | None = None,
    missing: Mapping[str, str] | None = None,
    unit: str = "ADU",
) -> str:
    """Write a parameter file for one detector or several.

    Parameters
    ----------
    parameters : sequence of Parameters
        Of each detector; they differ in `extnum`, `OF_A_DETECTOR` and `ALONE` only.
    origins, missing, unit
        As of `Parameters.to_yaml`.

    Returns
    -------
    str
        YAML text that `read_parameter_file` reads.
    """
    if len(parameters) == 1:
        return parameters[0].to_yaml(origins, missing, unit)
    values = values_of(parameters)
    values["extnum"] = [each.extnum for each in parameters]
    return write_parameters(values, parameter_table(), origins, missing, unit)


def values_of(parameters: Sequence[Parameters]) -> dict[str, Any]:
    """Put the parameters of several detectors together.

    Parameters
    ----------
    parameters : sequence of Parameters
        Of each detector; they differ in `extnum`, `OF_A_DETECTOR` and `ALONE` only.

    Returns
    -------
    dict
        By name; a list with a value for each detector where they differ, and under `EACH` a list
        of what of `ALONE` holds for each.
    """
    values = dict(parameters[0])
    for name in ("extnum", *OF_A_DETECTOR):
        own = [getattr(each, name) for each in parameters]
        if any(value != own[0] for value in own):
            values[name] = own
    differ = [n for n in ALONE if any(getattr(each, n) != values[n] for each in parameters)]
    defaults = {info.name: info.default for info in parameter_table() if info.name in differ}
    if differ:
        values |= defaults
        values[EACH] = [
            {name: value for name, value in each if name in differ and value != defaults[name]}
            for each in parameters
        ]
    return values


def with_shared(own: Parameters, other: Parameters) -> Parameters:
    """Take from another detector what all detectors share.

    Parameters
    ----------
    own, other : Parameters
        Of two detectors.

    Returns
    -------
    together : Parameters
        Those of `own` where they are `extnum` or in `OF_A_DETECTOR` or `ALONE`, else of `other`.

    Raises
    ------
    ParameterError
        They cannot be used together.
    """
    kept = {name: getattr(own, name) for name in ("extnum", *OF_A_DETECTOR, *ALONE)}
    return other.replace(**kept)


def settings_of_any(parameters: Parameters) -> dict[str, Any]:
    """Leave out what was said of certain exposures: the rest can be taken to others.

    Parameters
    ----------
    parameters : Parameters
        Of some exposures.

    Returns
    -------
    dict
        By name; without the files, `OF_A_DETECTOR`, `ALONE`, and flux factors that are numbers.
    """
    theirs = {*_OF_THE_FILES, *OF_A_DETECTOR, *ALONE}
    if parameters.flux_factor != "auto":
        theirs.add("flux_factor")
    return {name: value for name, value in parameters if name not in theirs}


def check_shared(parameters: Sequence[Parameters]) -> None:
    """Refuse detectors that one parameter file cannot tell of.

    Parameters
    ----------
    parameters : sequence of Parameters
        Of each detector.

    Raises
    ------
    ParameterError
        Two have one extension, or differ in what all detectors share.
    """
    first = parameters[0]
    for number, each in enumerate(parameters[1:], start=1):
        if each.extnum in [before.extnum for before in parameters[:number]]:
            msg = f"extnum: found {each.extnum} twice, expected an extension for each detector"
            raise ParameterError(msg)
        for name, value in with_shared(first, each):
            if value != getattr(first, name):
                found = f"{shown(getattr(first, name))} and {shown(value)}"
                msg = f"{name}: found {found}, expected one value for all detectors"
                raise ParameterError(msg)


def read_parameter_file(path: str | Path, seed: int | None = None) -> ParameterFile:
    """Read a parameter file that may be made for several detectors.

    Parameters
    ----------
    path : str or Path
        YAML file; its `extnum` may be a list of extensions, or ``all``.
    seed : int, optional
        Taken where the file would have `mm_seed` drawn.

    Returns
    -------
    ParameterFile
        For one detector, unless `extnum` says otherwise.

    Raises
    ------
    ParameterError
        As of `Parameters.from_yaml`; or `extnum` is an empty list, or names one twice.
    """
    source = str(path)
    text = read_text(path)
    given = read_parameters(load_yaml(text, source), source, parameter_table(), seed)
    return replace(parameter_file(given, source), text=text)


def parameter_file(given: Mapping[str, Any], source: str) -> ParameterFile:
    """Take values for those of a parameter file that may be made for several detectors.

    Parameters
    ----------
    given : mapping
        Values by parameter name, not yet checked.
    source : str
        Name of the file, for messages.

    Returns
    -------
    ParameterFile
        For one detector, unless `extnum` says otherwise; it can be sent to another process.

    Raises
    ------
    ParameterError
        `extnum` is an empty list, or names one twice.
    """
    given = dict(given)
    extnum = given.get("extnum", 0)
    if is_all(extnum):
        return ParameterFile(source, given, None)
    extensions = tuple(extnum) if isinstance(extnum, list) else (extnum,)
    if not extensions or len(set(map(str, extensions))) < len(extensions):
        msg = (
            f"{source}: extnum: found {shown(extnum)}, expected an extension, a list of different "
            "ones, or all"
        )
        raise ParameterError(msg)
    return ParameterFile(source, given, extensions)
