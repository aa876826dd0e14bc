"""The registry of detectors: all that the rest of the package knows of each, in one row.

Flags, codes, colours, legends, tables, counts, readouts and figures are made from these rows. A new
detector is a row here, a stage `flagged_KEY` in the stage table, and the methods that use it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


@dataclass(frozen=True)
class Detector:
    """What finds pixels hit by cosmic rays.

    Attributes
    ----------
    key : str
        Its name in methods (`crmethod` is a union of detectors), in keys of counts and columns.
    name : str
        In legends and tables.
    short : str
        Where there is little room.
    code : int
        Of pixels that it alone flags; 1, 4 and 5 are taken (see `codes`), 23 is the highest.
    colour : str
        "#RRGGBB".
    symbol : str
        One character that the dashboard can draw.
    marker : str
        The same for figures, as Matplotlib calls it.
    looks_at : {"one frame", "all exposures"}
        Whether a frame alone is enough for it, or is compared with all exposures.
    stage : str
        The stage that takes its time; a run computes it ahead.
    each_target : bool
        Whether that stage has a result for each target.
    prefix : str
        Of its parameters.
    quick : tuple of str
        Parameters that are moved while looking at the masks.
    look_at : tuple of str
        Parameters to look at when it flags too much.
    limit : str
        Parameter that says from which value on a pixel is flagged; empty where a boundary says, or
        judging hits.
    measured : str
        Column of the table of hits that holds the largest such value of each.
    others : tuple of str
        Parameters of it that do not begin with the prefix.
    in_reference : bool
        Whether numina-crmasks 0.36.0 has it.
    cleans : bool
        Whether it makes a cleaned frame (LAMEDIAN).
    has_boundary : bool
        Whether it has a boundary in the Median-Minimum diagram.
    judges : bool
        Whether what it finds is judged hit by hit: hits have classes, masks of the exposures lie
        in MEANCRT, and masked pixels are filled by what is left of the exposures.
    least_exposures : int
        That it is defined for.
    second_opinion : bool
        Whether it is there to compare with: offered behind the others.
    """

    key: str
    name: str
    short: str
    code: int
    colour: str
    symbol: str
    marker: str
    looks_at: Literal["one frame", "all exposures"]
    stage: str
    each_target: bool
    prefix: str
    look_at: tuple[str, ...]
    quick: tuple[str, ...] = ()
    limit: str = ""
    measured: str = "significance"
    others: tuple[str, ...] = ()
    in_reference: bool = False
    cleans: bool = False
    has_boundary: bool = False
    judges: bool = False
    least_exposures: int = 3
    second_opinion: bool = False


# Colours of Okabe & Ito (2008), which people with any kind of colour vision tell apart. Codes 2 and
# 3 are those of the reference's tables.
DETECTORS: Final[Mapping[str, Detector]] = MappingProxyType({
    "lacosmic": Detector(
        key="lacosmic", name="L.A.Cosmic", short="L.A.", code=3, colour="#D55E00",
        symbol="×", marker="x", looks_at="one frame", stage="lacosmic", each_target=True,
        prefix="la_", look_at=("la_sigclip", "la_objlim"),
        quick=("la_sigclip", "la_objlim", "la_sigfrac"), limit="la_sigclip", in_reference=True,
        cleans=True,
    ),
    "mm": Detector(
        key="mm", name="MM", short="MM", code=2, colour="#0072B2",
        symbol="+", marker="+", looks_at="all exposures", stage="boundary", each_target=False,
        prefix="mm_", look_at=("mm_boundary_fit", "mm_fixed_points_in_boundary", "mm_threshold"),
        quick=("mm_threshold", "mm_minimum_max2d_rnoise"), in_reference=True, has_boundary=True,
    ),
    "pycosmic": Detector(
        key="pycosmic", name="PyCosmic", short="PyCosmic", code=8, colour="#E69F00",
        symbol="▽", marker="v", looks_at="one frame", stage="pycosmic", each_target=True,
        prefix="pc_", look_at=("pc_sigma_det", "pc_rlim"), quick=("pc_sigma_det", "pc_rlim"),
        limit="pc_sigma_det", cleans=True, second_opinion=True,
    ),
    "deepcr": Detector(
        key="deepcr", name="deepCR", short="deepCR", code=9, colour="#F0E442",
        symbol="◁", marker="<", looks_at="one frame", stage="deepcr", each_target=True,
        prefix="dc_", look_at=("dc_threshold",), quick=("dc_threshold",),
        limit="dc_threshold", measured="network_probability",
        others=("network_veto",), cleans=True, second_opinion=True,
    ),
    "significance": Detector(
        key="significance", name="significance", short="sig.", code=6, colour="#56B4E9",
        symbol="◇", marker="s", looks_at="all exposures", stage="candidates", each_target=True,
        prefix="sg_", look_at=("sg_false_alarms", "sg_measured_noise"),
        quick=("sg_false_alarms", "sg_growth", "sg_background"), others=("match_exposures",),
        judges=True, least_exposures=2,
    ),
})  # fmt: skip


REFERENCE_LEAST: Final = max(row.least_exposures for row in DETECTORS.values() if row.in_reference)
"""Exposures that numina-crmasks needs."""


def rows(keys: Iterable[str]) -> tuple[Detector, ...]:
    """Rows of some detectors, in the order of the registry.

    Parameters
    ----------
    keys : iterable of str
        Keys of the registry.

    Returns
    -------
    tuple of Detector
        One for each.
    """
    wanted = set(keys)
    return tuple(row for key, row in DETECTORS.items() if key in wanted)


def detector_of(parameter: str) -> Detector | None:
    """Tell which detector a parameter belongs to.

    Parameters
    ----------
    parameter : str
        Its name.

    Returns
    -------
    Detector or None
        None for a parameter of all.
    """
    for row in DETECTORS.values():
        if parameter.startswith(row.prefix) or parameter in row.others:
            return row
    return None
