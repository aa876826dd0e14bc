"""A run from exposures to products: what the command line and every block of a batch do."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.files.writing import Written, check_room, occupied
from crmasks_widgets.products import FigureJob, prepare_folder, room_needed, save_all


@dataclass(frozen=True)
class Destination:
    """Where the products of a run go, and which they are.

    Attributes
    ----------
    folder : Path
        Made if need be.
    inputs : tuple of Path
        Files besides `Analysis.sources` that must not be overwritten.
    figures : bool
        Draw the diagnostic figures.
    overwrite : bool
        Replace the products of an earlier run.
    reproducible : bool
        The same bytes every time.
    report : bool
        Write the report.
    """

    folder: Path
    inputs: tuple[Path, ...] = ()
    figures: bool = True
    overwrite: bool = False
    reproducible: bool = False
    report: bool = False


@dataclass(frozen=True)
class OccupiedFolder:
    """A folder in which no other run writes meanwhile.

    Attributes
    ----------
    save : callable () -> list of Written
        Computes what is not computed yet and writes all products, or none.
    leave : callable () -> None
        To be called by who ends the process before the context ends.
    """

    save: Callable[[], list[Written]]
    leave: Callable[[], None]


@contextlib.contextmanager
def occupying(analysis: Analysis | Mosaic, to: Destination) -> Iterator[OccupiedFolder]:
    """Keep a folder for a run, once it is sure that its products can go there.

    An hour of computing must not end at a folder that is not writable, or on a full disk.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        Nothing of it is computed.
    to : Destination
        Where its products go, and which they are.

    Yields
    ------
    OccupiedFolder
        Until the context ends.

    Raises
    ------
    ProductExistsError
        Earlier products are there and are not to be replaced.
    OutputError
        The folder cannot be written to, has too little room, another run is writing there, or an
        input is called like a product.
    """
    prepare_folder(
        to.folder,
        (*analysis.sources, *to.inputs),
        overwrite=to.overwrite,
    )
    check_room(to.folder, room_needed(analysis))

    def save() -> list[Written]:
        return save_all(
            analysis,
            to.folder,
            figures=partial(_drawn, to) if to.figures or to.report else None,
            overwrite=to.overwrite,
            inputs=to.inputs,
            alone=True,
            reproducible=to.reproducible,
        )

    with occupied(to.folder) as leave:
        yield OccupiedFolder(save, leave)


def _drawn(to: Destination, analysis: Analysis) -> Iterator[FigureJob]:
    # Only a run that draws pays for matplotlib.
    if to.figures:
        from crmasks_widgets.figures import all_figures

        yield from all_figures(analysis)
    if to.report:
        from crmasks_widgets.report import report_job

        yield report_job(analysis)
