"""What parameter files of numina-crmasks 0.37 to 0.40 say otherwise than those of 0.36."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from crmasks_widgets.combination_kinds import MORE_KINDS
from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters.info import one_of
from crmasks_widgets.parameters.values import shown

KEYS: Final = frozenset(
    {
        "mm_cr_coincidences", "mm_dilation", "mm_hist2d_min_neighbors", "mm_nbinom_shape",
        "mm_photon_distribution", "mm_synthetic", "mm_ydiag_max", "use_auxmedian",
    }
)  # fmt: skip
"""Keys that came with those versions and tell a file of theirs."""

PAIRS: Final = ("la_sigclip", "la_sigfrac", "la_objlim")
"""Keys whose value may be a pair, one for each of two runs of L.A.Cosmic, which tells one too."""

PYCOSMIC_PAIRS: Final = ("pc_sigma_det", "pc_rlim")
"""The same of PyCosmic."""

_ALL_PAIRS: Final = (*PAIRS, *PYCOSMIC_PAIRS)

DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "mm_synthetic": "median",
        "mm_threshold_for": "all",
        "more_combinations": list(MORE_KINDS),
    }
)
"""What a file that has some of `KEYS` under ``requirements`` means by what it leaves out."""

NO_EFFECT: Final = frozenset(
    {"debug", "dtype", "save_preprocessed", "save_postprocessed", "dc_verbose",
     "nn_verbose", "pc_replace_error", "pc_verbose"}
)  # fmt: skip
"""Keys of the program's functions and of the recipe of megaradrp that mean nothing here."""

OTHER_DETECTORS: Final[Mapping[str, str]] = MappingProxyType({"nn_": "Cosmic-CoNN"})
"""Detectors of those versions that are not here, by the prefix of their keys."""

METHODS: Final[Mapping[str, str]] = MappingProxyType({
    prefix + key: name
    for key, name in (("conn", "Cosmic-CoNN"),)
    for prefix in ("", "mm_")
})  # fmt: skip
"""Detector that each `crmethod` of those versions needs, where it is not here."""

MODELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"dc_mask": ("ACS-WFC", "WFC3-UVIS"), "nn_model": ("ground_imaging", "NRES", "HST_ACS_WFC")}
)
"""Names of trained models."""


def model_name(key: str, value: object) -> str:
    """Return the name of a trained model, also as a recipe of megaradrp 0.22 writes it.

    Parameters
    ----------
    key : {"dc_mask", "nn_model"}
        Whose models.
    value : object
        ``ACS_WFC``, the default of that recipe, is no name of a model; ``ACS-WFC`` is meant.

    Returns
    -------
    str
        One of `MODELS`.

    Raises
    ------
    ParameterError
        The value is no such name.
    """
    plain = {name.replace("_", "-").lower(): name for name in MODELS[key]}
    name = plain.get(value.replace("_", "-").lower()) if isinstance(value, str) else None
    if name is None:
        raise ParameterError(f"{key}: found {shown(value)}, expected {one_of(MODELS[key])}")
    return name


def split(
    block: Mapping[str, object], known: frozenset[str]
) -> tuple[dict[str, object], tuple[str, ...], str]:
    """Take apart what a block of requirements says and what means nothing here.

    Parameters
    ----------
    block : mapping
        Values by key.
    known : frozenset of str
        Keys that have a meaning.

    Returns
    -------
    settings : dict
        The rest, with `DEFAULTS` where the block is one of a later version.
    ignored : tuple of str
        Keys without effect, sorted.
    assumed : str
        Which defaults of a later version were taken, and why; empty for none.

    Raises
    ------
    ParameterError
        The name of a trained model is unknown.
    """
    prefixes = tuple(OTHER_DETECTORS)
    ignored = {
        key for key in block if key not in known and (key in NO_EFFECT or key.startswith(prefixes))
    }
    settings = {key: value for key, value in block.items() if key not in ignored}
    for key in PYCOSMIC_PAIRS:
        if isinstance(settings.get(key), int | float):
            settings.setdefault(f"{key}_second", None)  # a number is one run
    for key in MODELS:
        if key in block:
            name = model_name(key, block[key])
            if key in settings:
                settings[key] = name
    assumed = ""
    theirs = ("lacosmic", "mm_lacosmic", "pycosmic", "mm_pycosmic", "deepcr", "mm_deepcr", *METHODS)
    of_theirs = "crmethod" not in block or block["crmethod"] in theirs
    if (marks := _marks(block)) and of_theirs:
        taken = [f"{key}: {_written(value)}" for key, value in DEFAULTS.items() if key not in block]
        if taken:
            assumed = f"{marks[0]} is of numina-crmasks 0.37 to 0.40, whose defaults hold: "
            assumed += ", ".join(taken)
        settings = {**DEFAULTS, **settings}
    return settings, tuple(sorted(ignored)), assumed


def _written(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _marks(block: Mapping[str, object]) -> list[str]:
    """Keys of a block that only those versions write so."""
    pairs = {key for key in _ALL_PAIRS if isinstance(block.get(key), list | tuple)}
    return sorted(KEYS.intersection(block) | pairs)


def pairs_apart(named: Mapping[str, object]) -> dict[str, object]:
    """Give each value of a pair a parameter of its own.

    Parameters
    ----------
    named : mapping
        Values by parameter name; those of `PAIRS` and `PYCOSMIC_PAIRS` may be lists of two.

    Returns
    -------
    dict
        The same without pairs: ``la_sigclip: [5, 3]`` is ``la_sigclip`` 5 and
        ``la_sigclip_second`` 3, and a second value like the first is null.

    Raises
    ------
    ParameterError
        A list is no pair, or its second value is given by name too.
    """
    apart = dict(named)
    for name in _ALL_PAIRS:
        value = apart.get(name)
        if not isinstance(value, list | tuple):
            continue
        if len(value) != 2:
            raise ParameterError(
                f"{name}: found {shown(value)}, expected a number, or two for two runs"
            )
        second = f"{name}_second"
        if apart.get(second) is not None:
            raise ParameterError(f"{name}: found a pair with {second}, expected one of them")
        apart[name] = value[0]
        apart[second] = None if value[1] == value[0] else value[1]
    return apart
