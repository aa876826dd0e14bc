"""The levels of the parameter file: which key stands where, and what older and newer files say."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Final

from crmasks_widgets.detectors import REFERENCE_LEAST
from crmasks_widgets.errors import CrmasksWarning, ParameterError
from crmasks_widgets.exposure_names import is_pattern
from crmasks_widgets.parameters import later
from crmasks_widgets.parameters.info import (
    EXPOSURE_KEYS,
    SYNONYMS,
    ParameterInfo,
    canonical_names,
    key_text,
    one_of,
    unknown_key,
)
from crmasks_widgets.parameters.types import methods_where
from crmasks_widgets.parameters.values import is_none_text, shown
from crmasks_widgets.parameters.yaml_text import dump_yaml
from crmasks_widgets.units import in_unit

logger = logging.getLogger(__name__)

REQUIREMENTS: Final = "requirements"
OWN: Final = "crmasks_widgets"
"""Top-level mapping for what numina-crmasks 0.36.0 does not know; it ignores it."""

EACH: Final = "of_each_detector"
"""Key in it of a list with a mapping for each detector: what holds for that one alone."""

NULL_AS_MISSING: Final = frozenset(
    {
        "interactive",
        "verify_cr",
        "la_gain_apply",
        "la_sigclip",
        "la_sigfrac",
        "la_objlim",
        "la_satlevel",
        "la_niter",
        "la_sepmed",
        "la_psffwhm_x",
        "la_psffwhm_y",
        "la_psfsize",
        "la_psfbeta",
        "la_verbose",
        "mm_knots_splfit",
        "mm_weight_boundary_extension",
    }
)
"""Keys that numina-crmasks 0.36.0 lets be null though null is no value of theirs here."""

_NAMED: Final = 20  # as many keys as a line can bear

_TITLES: Final = (
    ("exposures", "exposures and detector"),
    ("general", "general"),
    ("lacosmic", "L.A.Cosmic"),
    ("mm", "Median-Minimum"),
)


def read_parameters(
    document: object, source: str, table: Sequence[ParameterInfo], seed: int | None = None
) -> dict[str, object]:
    """Gather the parameters of a parsed parameter file, whatever level they stand on.

    Parameters
    ----------
    document : object
        The parsed file.
    source : str
        Its name, for messages.
    table : sequence of ParameterInfo
        All parameters.
    seed : int, optional
        Stands in for an `mm_seed` that would be drawn: null, or not given, with simulations.

    Returns
    -------
    dict
        Values by parameter name, not yet checked; under `EACH` what is said of single detectors.

    Raises
    ------
    ParameterError
        When a level is no mapping, or a key is unknown, missing or on the wrong level.

    Warns
    -----
    CrmasksWarning
        When a default stands in for a value, or keys of later versions are ignored.
    """
    try:
        remarks: list[str] = []
        given = _gather(_mapping(document, "top level"), table, remarks)
    except ParameterError as error:
        raise ParameterError(f"{source}: {error}") from None
    for remark in remarks:
        warnings.warn(f"{source}: {remark}", CrmasksWarning, stacklevel=3)
    simulates = given.get("mm_simulation") == "montecarlo"
    if seed is not None and simulates and is_none_text(given.get("mm_seed")):
        given["mm_seed"] = seed
    return given


def _gather(
    document: Mapping[str, object], table: Sequence[ParameterInfo], remarks: list[str]
) -> dict[str, object]:
    names = [info.name for info in table]
    if "mode" in document:
        document, said = later.without_recipe(document, ("gain", "rnoise", "bias"))
        logger.info("%s", said)
    top_level = any(key in document for key in (*EXPOSURE_KEYS, REQUIREMENTS, OWN))
    if not top_level and any(SYNONYMS.get(key, key) in names for key in document):
        document = {REQUIREMENTS: document}  # the inside of a recipe's block
    for key in document:
        _check_top_key(key, names)
    if REQUIREMENTS not in document:
        raise ParameterError(f"{REQUIREMENTS}: found no such key, expected the mapping of settings")
    settings = _settings(_mapping(document[REQUIREMENTS], REQUIREMENTS), names, remarks)
    exposures = {key: document[key] for key in EXPOSURE_KEYS if key in document}
    _fill_levels(exposures, remarks)
    given = exposures | settings
    if OWN in document:
        _add_own(given, _mapping(document[OWN], OWN), table)
    return given


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not value:
        raise ParameterError(f"{name}: found {shown(value)}, expected a mapping of keys to values")
    return value


def _check_top_key(key: str, names: Sequence[str]) -> None:
    if key in (*EXPOSURE_KEYS, REQUIREMENTS, OWN):
        return
    if SYNONYMS.get(key, key) in names:
        raise ParameterError(f"{key}: found at the top level, expected it under {REQUIREMENTS}")
    raise ParameterError(unknown_key(key, [*names, REQUIREMENTS, OWN]))


def _settings(
    block: Mapping[str, object], names: Sequence[str], remarks: list[str]
) -> dict[str, object]:
    """Check the keys of the requirements and leave out those that mean nothing here."""
    block, ignored, assumed = later.split(block, frozenset(names))
    if assumed:
        logger.info("%s", assumed)
    if ignored:
        more = f" and {len(ignored) - _NAMED} more" if len(ignored) > _NAMED else ""
        names_of = ", ".join(map(key_text, ignored[:_NAMED])) + more
        remarks.append(f"without effect here: {names_of}")
    for key in block:
        if key in EXPOSURE_KEYS:
            raise ParameterError(
                f"{key}: found under {REQUIREMENTS}, expected it at the top level of the file"
            )
    unset = sorted(k for k in block if k in NULL_AS_MISSING and is_none_text(block[k]))
    if unset:
        remarks.append("null, going on with the defaults: " + ", ".join(unset))
    return canonical_names({k: block[k] for k in block if k not in unset}, names)


def _fill_levels(exposures: dict[str, object], remarks: list[str]) -> None:
    """Let defaults stand in for gain, readout noise and bias that are null or, in a block, absent.

    The reference wants the three keys in the file, so a file that names its exposures without
    them is more likely a slip than a wish for the defaults.
    """
    defaults = {"gain": 1.0, "rnoise": 0.0, "bias": 0.0}
    if not exposures:
        used = ", ".join(f"{key} {value}" for key, value in defaults.items())
        remarks.append(f"no gain, rnoise and bias found, going on with {used}")
        return
    for key, default in defaults.items():
        if key not in exposures:
            raise ParameterError(
                f"{key}: found no such key, expected a number, the path of a 2-D FITS image, "
                f"or null for {default}"
            )
        if is_none_text(exposures[key]):
            del exposures[key]
            remarks.append(f"{key} is null, going on with {default}")


def _add_own(
    given: dict[str, object], own: Mapping[str, object], table: Sequence[ParameterInfo]
) -> None:
    """Add the settings that only this package knows."""
    names = [info.name for info in table]
    own_names = [info.name for info in table if not info.in_reference]
    for key, value in own.items():
        if key == EACH:
            given[EACH] = value
            continue
        if key not in names:
            raise ParameterError(unknown_key(key, [*own_names, EACH]))
        if key not in own_names or key in given:
            level = "the top level" if key in EXPOSURE_KEYS else REQUIREMENTS
            raise ParameterError(f"{key}: found under {OWN}, expected it once, under {level}")
        given[key] = value
    threshold = given.get("mm_threshold")
    written = _threshold_in_adu(given) if "mm_threshold_rnoise" in own else None
    if isinstance(threshold, float) and threshold == written:
        del given["mm_threshold"]  # what `write_parameters` put there for the reference


def _threshold_in_adu(given: Mapping[str, object]) -> float:
    """Return the threshold in ADU that means the same as the one in noise units; 0 with a map."""
    rnoise, factor = given.get("rnoise", 0.0), given["mm_threshold_rnoise"]
    if not isinstance(rnoise, int | float) or not isinstance(factor, int | float):
        return 0.0
    product = float(rnoise) * float(factor)
    return product if math.isfinite(product) else 0.0


def write_parameters(
    values: Mapping[str, object],
    table: Sequence[ParameterInfo],
    origins: Mapping[str, str] | None = None,
    missing: Mapping[str, str] | None = None,
    unit: str = "ADU",
) -> str:
    """Write checked parameters in the layout of the reference's parameter file.

    Parameters
    ----------
    values : mapping
        Values by parameter name; under `EACH`, if it is there, a mapping for each detector.
    table : sequence of ParameterInfo
        All parameters.
    origins : mapping, optional
        Where values come from, by parameter name: comments beside them instead of the help.
    missing : mapping, optional
        Why a value is not known, by parameter name: its key is left out.
    unit : str
        Of the exposures, in comments of ours; what `origins` and `missing` say stands as it is.

    Returns
    -------
    str
        YAML text.
    """
    origins, missing = origins or {}, missing or {}
    lines = ["# Parameters of crmasks_widgets, in the layout of numina-crmasks 0.36.0."]
    notes = _notes(values)
    for group, title in _TITLES:
        indent = "" if group == "exposures" else "  "
        if group == "general":
            lines += ["", f"{REQUIREMENTS}:"]
        lines += ["", f"{indent}# ---- {title} ----"]
        for info in table:
            if info.group == group and info.name in missing:
                lines.append(f"{indent}# {info.name}: {_as_comment(missing[info.name])}")
            elif info.group == group and info.in_reference:
                lines += _entry(info, values, indent, notes, origins.get(info.name, ""), unit)
    own = [info for info in table if not info.in_reference and values[info.name] != info.default]
    each: Sequence[Mapping[str, object]] = values.get(EACH, ())  # type: ignore[assignment]
    if own or each:
        lines += ["", "# ---- unknown to numina-crmasks 0.36.0, which ignores it ----", f"{OWN}:"]
    for info in own:
        lines += _entry(info, values, "  ", notes, origins.get(info.name, ""), unit)
    if each:
        lines.append(f"  {EACH}:".ljust(36) + "  # what holds for one alone, in their order")
        lines += [line for alone in each for line in _item(alone)]
    return "\n".join(lines) + "\n"


def _entry(
    info: ParameterInfo,
    values: Mapping[str, object],
    indent: str,
    notes: Mapping[str, str],
    origin: str,
    values_in: str,
) -> list[str]:
    """Write one key, with its help or origin and what must be said of it as comments."""
    note = [f"{indent}# {notes[info.name]}"] if info.name in notes else []
    if info.name == "images" and values["images"] is None:
        return note
    first, *rest = dump_yaml(info.name, _in_reference_form(info.name, values)).splitlines()
    unit = in_unit(info.unit, values_in)
    head = f"{indent}{first}".ljust(36)
    usual = in_unit(info.help, values_in) + (f" ({unit})" if unit else "")
    comment = f"{unit}; {_as_comment(origin)}".lstrip("; ") if origin else usual
    return [*note, f"{head}  # {comment}", *(f"{indent}  {line}" for line in rest)]


def _item(values: Mapping[str, object]) -> list[str]:
    """Write a mapping as an item of a list."""
    text = "".join(dump_yaml(name, value) for name, value in values.items()) or "{}"
    return [
        f"{'      ' if number else '    - '}{line}" for number, line in enumerate(text.splitlines())
    ]


def _as_comment(text: str) -> str:
    """Text that came from a file or a user, as one line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _in_reference_form(name: str, values: Mapping[str, object]) -> object:
    value = values[name]
    if name == "flux_factor" and isinstance(value, float):
        return repr(value)  # the reference takes a number only as text
    if name == "mm_threshold" and values["mm_threshold_rnoise"] is not None:
        return _threshold_in_adu(values)
    return value


def _notes(values: Mapping[str, object]) -> dict[str, str]:
    """Say what numina-crmasks 0.36.0 cannot do with some values."""
    reference = "numina-crmasks 0.36.0"
    notes = {
        key: f"{reference} cannot read a map or a list: give it a number"
        for key in ("gain", "rnoise", "bias")
        if isinstance(values[key], str | list)
    }
    if values["images"] is None:
        notes["images"] = "images: a list of at least 2 FITS files, needed to run this file"
    elif isinstance(values["images"], tuple) and any(map(is_pattern, values["images"])):
        notes["images"] = f"{reference} wants file names, at least {REFERENCE_LEAST}"
    elif len(values["images"]) < REFERENCE_LEAST:  # type: ignore[arg-type]
        notes["images"] = f"{reference} wants at least {REFERENCE_LEAST}"
    if not isinstance(values["extnum"], int):
        notes["extnum"] = f"{reference} cannot read a name or several: give it the number of one"
    if values["mm_threshold_rnoise"] is not None:
        notes["mm_threshold"] = (
            f"for {reference}: mm_threshold_rnoise in ADU, or 0 where the noise is a map"
        )
    elif values["mm_threshold"] is None:
        notes["mm_threshold"] = f"{reference} cannot run with null: give it a number"
    if values["verify_cr"] and not values["interactive"]:
        notes["verify_cr"] = f"{reference} verifies with interactive: true only"
    known = methods_where(lambda row: row.in_reference, all_of=True)
    if values["crmethod"] not in known:
        notes["crmethod"] = f"{reference} cannot run this: give it {one_of(known)}"
    if values["la_verbose"] and values["crmethod"] == "mmcosmic":
        notes["la_verbose"] = f"{reference} cannot run crmethod: mmcosmic with this: set it false"
    return notes
