"""Several detectors of one camera, each of which is an analysis of its own."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from astropy.table import Column, Table, vstack

from crmasks_widgets.analysis.analysis import Analysis
from crmasks_widgets.errors import InputError


@dataclass(frozen=True, eq=False)
class Mosaic:
    """The detectors of one set of exposures; immutable, as its analyses are.

    Attributes
    ----------
    names : tuple of n str
        Of the detectors, all different: EXTNAME, with EXTVER where that is not 1, or number.
    analyses : tuple of n Analysis
        One for each, in the same order.
    several : bool
        Whether products are those of several detectors; False keeps the layout of one.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> mosaic = cm.Mosaic(("CCD1", "CCD2"), (analysis, analysis.replace(gain=1.5)))
    >>> len(mosaic), mosaic["CCD2"].parameters.gain
    (2, 1.5)
    """

    names: tuple[str, ...]
    analyses: tuple[Analysis, ...]
    several: bool = True

    def __post_init__(self) -> None:
        n = len(self.analyses)
        if not n or len(set(self.names)) != n or len(self.names) != n:
            msg = f"detectors: found the names {self.names}, expected {n} different ones"
            raise InputError(msg)
        if not self.several and n > 1:
            msg = f"detectors: found {n}, expected one where products are those of one"
            raise InputError(msg)

    def __len__(self) -> int:
        """Count the detectors."""
        return len(self.analyses)

    def __iter__(self) -> Iterator[Analysis]:
        """Go through the analyses, in order."""
        return iter(self.analyses)

    def __getitem__(self, detector: int | str) -> Analysis:
        """Take the analysis of one detector: by number, from 0 as in a list, or by name."""
        if isinstance(detector, str):
            if detector not in self.names:
                msg = f"detector: found {detector}, expected one of {', '.join(self.names)}"
                raise InputError(msg)
            detector = self.names.index(detector)
        return self.analyses[detector]

    @property
    def sources(self) -> tuple[Path, ...]:
        """Files that it was read from; nothing is ever written over one of them."""
        return tuple(dict.fromkeys(path for each in self.analyses for path in each.sources))

    @property
    def uuid(self) -> str:
        """Version 5 UUID of those of its analyses; with the layout of one, that of the one."""
        if not self.several:
            return self.analyses[0].uuid
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(each.uuid for each in self.analyses)))

    @property
    def hits(self) -> Table:
        """Hits of all detectors: the tables of the analyses, with the detector in front."""
        return stacked(self.names, [each.hits for each in self.analyses])


def stacked(names: tuple[str, ...], tables: list[Table]) -> Table:
    """Put the tables of several detectors under each other.

    Parameters
    ----------
    names : tuple of n str
        Of the detectors.
    tables : list of n Table
        Of the same columns.

    Returns
    -------
    astropy.table.Table
        With a column `detector` in front.
    """
    width = max(map(len, names))
    for name, table in zip(names, tables, strict=True):
        column = Column([name] * len(table), "detector", dtype=f"U{width}")
        column.description = "detector: EXTNAME, or number of the extension"
        table.add_column(column, index=0)
    return vstack(tables, metadata_conflicts="silent")
