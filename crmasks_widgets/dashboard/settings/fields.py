"""Fields of a form, made from the parameter table: titles, help, ranges of sliders; no widgets."""

import re
from collections import defaultdict
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

from crmasks_widgets.dashboard.settings.control_widgets import (
    LARGEST_EXACT,
    is_number,
    literal,
    span_of,
)
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.parameters import ParameterInfo, Parameters, parameter_table

_TITLES: Final = MappingProxyType(
    {
        "lacosmic": "L.A.Cosmic",
        "mm": "MM diagram",
        "significance": "Significance",
        "pycosmic": "PyCosmic",
        "deepcr": "deepCR",
        "general": "General",
        "exposures": "Exposures",
    }
)
_LAST: Final = ("general", "exposures")
OTHER: Final = "Not used here"
FIRST: Final = "First of all"
# What a result stands or falls with, in the order in which a user sets it.
FIRST_NAMES: Final = ("gain", "rnoise", "bias", "crmethod", "flux_factor", "dilation")
_READ: Final = "read with the exposures; open the files again to change it"
FIXED: Final = MappingProxyType({
    "images": "the exposures of this dashboard; open other files to change them",
    "extnum": _READ,
    "dq_extension": _READ,
    "dq_bits": _READ,
    "bad_pixel_mask": _READ,
    "noise_extension": _READ,
    "noise_kind": _READ,
    "interactive": "this dashboard is how results are looked at; kept for the file",
    "verify_cr": "hits are judged in the gallery; kept for the file",
})  # fmt: skip
UNUSED: Final = ("interactive", "verify_cr")
# Equal steps of the hand are equal factors: from and to.
LOGARITHMIC: Final = MappingProxyType({
    "sg_false_alarms": (0.01, 1e4),
    "mm_expected_false": (0.01, 1e4),
    "mm_nsimulations": (1.0, 1e3),
    "mm_nbinom_shape": (1.0, 1e5),
    "la_satlevel": (1e3, 1e6),
})  # fmt: skip


# Where there is little room: by what is moved while looking at the masks.
SHORT: Final = MappingProxyType({
    "la_sigclip": "contrast with noise",
    "la_objlim": "contrast with detail",
    "la_sigfrac": "neighbours' fraction",
    "mm_threshold": "median − min ≥",
    "mm_minimum_max2d_rnoise": "maximum ≥",
    "pc_sigma_det": "contrast with noise",
    "pc_rlim": "sharpness",
    "dc_threshold": "probability",
    "sg_false_alarms": "false alarms",
    "sg_growth": "significance beside hits",
    "sg_background": "size of background",
    "dilation": "masks grow by",
})  # fmt: skip
UNITS: Final = MappingProxyType({
    "sigma": "σ", "pixel": "px", "readout noise": "× noise", "groups a frame": "a frame",
})  # fmt: skip
ADU: Final = "ADU"
_NULL: Final = re.compile(r"\bnull(?::| for)? (?:a |the )?([^;,]+)")


def meaning_of_null(info: ParameterInfo) -> str:
    """What a parameter without a value does; "off" or "none" where its help is silent.

    Parameters
    ----------
    info : ParameterInfo
        Its line of the table.

    Returns
    -------
    str
        Shown where a value would be.
    """
    found = _NULL.search(info.help)
    if found:
        return found[1].strip()
    return "off" if info.kind in ("number", "integer") else "none"


def title_of(group: str) -> str:
    """Readable title of a group of parameters, of those too that come after this was written."""
    return _TITLES.get(group) or group.replace("_", " ").strip().capitalize()


def help_of(info: ParameterInfo) -> str:
    """What the user reads when the pointer rests on a control."""
    default = literal(info.default)
    return f"{info.name}: {info.help}. Expected: {info.expected}. Default: {default}"


def labels_of(*, compact: bool) -> dict[str, str]:
    """What controls are called, by the key of their parameter.

    Parameters
    ----------
    compact : bool
        As where there is little room.
    """
    return {
        info.name: SHORT.get(info.name, info.help) if compact else _words(info).split(";")[0]
        for info in parameter_table()
    }


def _words(info: ParameterInfo) -> str:
    return info.help[:1].upper() + info.help[1:]


def has_slider(info: ParameterInfo) -> bool:
    """Whether a parameter gets a slider: numbers that the page can hold exactly."""
    if info.range is not None and info.range.high is not None:
        return info.range.high <= LARGEST_EXACT
    return info.range is not None or is_number(info.default)


def grouped() -> dict[str, list[ParameterInfo]]:
    """Parameters by the title of their group: what is needed first, what does nothing here last.

    Within a group those of `_needed_first` come first, then the others as the table has them.
    """
    infos = {info.name: info for info in parameter_table()}
    groups: defaultdict[str, list[ParameterInfo]] = defaultdict(list)
    for name in dict.fromkeys((*_needed_first(), *infos)):
        groups[_group_of(infos[name])].append(infos[name])
    last = [title_of(group) for group in _LAST] + [OTHER]
    known = [title for title in _TITLES.values() if title not in last]
    others = (title for title in groups if title not in (FIRST, *known, *last))
    order = [FIRST, *known, *others, *last]
    return {title: groups[title] for title in order if title in groups}


def _group_of(info: ParameterInfo) -> str:
    if info.name in FIRST_NAMES:
        return FIRST
    return OTHER if info.name in UNUSED else title_of(info.group)


def _needed_first() -> list[str]:
    """What a user sets first, then what moves the masks of each detector; some names twice."""
    moving = [name for row in DETECTORS.values() for name in (*row.quick, *row.look_at)]
    return [*FIRST_NAMES, *moving]


def fields_of(
    parameters: Parameters, names: Iterable[str] | None = None, unit: str = ADU
) -> list[dict[str, Any]]:
    """Describe fields for the page.

    Parameters
    ----------
    parameters : Parameters
        Those of the beginning: their values widen the sliders, whose ends never move later.
    names : iterable of str, optional
        Which, in this order; by default all, by group.
    unit : str
        Of the values of the exposures.

    Returns
    -------
    list of dict
        What `form.js` calls a Field.
    """
    rows = {info.name: (title, info) for title, infos in grouped().items() for info in infos}
    chosen = rows if names is None else {name: rows[name] for name in names}
    fields = [_field(title, info, parameters) for title, info in chosen.values()]
    return [field | {"unit": unit} if field["unit"] == ADU else field for field in fields]


def _field(title: str, info: ParameterInfo, parameters: Parameters) -> dict[str, Any]:
    low, high, step = None, None, None
    logarithmic = info.name in LOGARITHMIC
    if logarithmic:
        low, high, step = *LOGARITHMIC[info.name], 1.0
    elif info.kind not in ("switch", "choice") and has_slider(info):
        span = span_of(info, getattr(parameters, info.name))
        low, high, step = span.low, span.high, span.step
    return {
        "name": info.name, "words": _words(info), "short": SHORT.get(info.name, info.help),
        "unit": UNITS.get(info.unit, info.unit), "help": help_of(info),
        "nothing": meaning_of_null(info),
        "group": title, "kind": info.kind, "choices": list(info.choices), "low": low,
        "high": high, "step": step, "log": logarithmic, "initial": literal(info.default),
        "fixed": FIXED.get(info.name, ""),
    }  # fmt: skip


def values_of(parameters: Parameters, fields: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Write the values of some fields for the page.

    Parameters
    ----------
    parameters : Parameters
        What is set.
    fields : iterable of dict
        Of `fields_of`.

    Returns
    -------
    dict
        By name: "text", and "number" where a slider can show it.
    """
    values = {field["name"]: getattr(parameters, field["name"]) for field in fields}
    return {
        name: {"text": literal(value), "number": value if is_number(value) else None}
        for name, value in values.items()
    }
