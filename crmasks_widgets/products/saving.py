"""The files of a run: FITS and tables out, masks back in."""

import contextlib
import csv
import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.combination_kinds import KINDS, MORE_KINDS, Kind
from crmasks_widgets.errors import OutputError
from crmasks_widgets.files.writing import (
    FigureJob,
    Product,
    Written,
    check_room,
    check_writable,
    earlier_products,
    occupied,
    refuse_existing,
    write_products,
)
from crmasks_widgets.machine import release
from crmasks_widgets.products.data_quality import quality_bytes, quality_hdus
from crmasks_widgets.products.hits import write_hits
from crmasks_widgets.products.images import combination_hdus, masks_hdus
from crmasks_widgets.products.mosaic import mosaic_products
from crmasks_widgets.products.names import PRODUCT_NAMES
from crmasks_widgets.regular_files import read_head, real

logger = logging.getLogger(__name__)

CSV_HEADER = ("CR_number", "X_pixel", "Y_pixel", "Mask_value")
# How products say whose they are, in what comes before their data.
_SAID = re.compile(rb"UUID\W{1,9}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_HEAD_BYTES = 2**20


Figures = Callable[[Analysis], Iterable[FigureJob]]


def prepare_folder(
    folder: str | Path, inputs: Iterable[Path] = (), *, overwrite: bool = False
) -> Path:
    """Make sure, before anything is computed, that products can go to a folder.

    Parameters
    ----------
    folder : path
        Need not exist; it is made when products are written.
    inputs : iterable of Path
        Files the run reads.
    overwrite : bool
        Whether earlier products may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ProductExistsError
        Earlier products are there and `overwrite` is false.
    OutputError
        The folder cannot be written to, or an input is called like a product that every run makes.
    """
    folder, inputs = Path(folder), list(inputs)
    for kind in (*KINDS, *MORE_KINDS):
        _refuse_input(folder / _combined_name(kind), inputs)
    existing = earlier_products(folder, PRODUCT_NAMES, inputs)
    _warn_of_mixture(folder, existing)
    if not overwrite:
        refuse_existing(existing)
    check_writable(folder)
    return folder


def _warn_of_mixture(folder: Path, existing: Iterable[Path]) -> None:
    """Say so when a run was killed while its products were put in place."""
    runs = sorted({identity for path in existing if (identity := _run_of(path))})
    if len(runs) > 1:
        logger.warning(
            "%s: found products of %d runs (UUID %s), expected those of one: a run was killed "
            "while they were put in place, or files were copied there; --overwrite makes all anew",
            folder, len(runs), ", ".join(runs),
        )  # fmt: skip


def _run_of(path: Path) -> str | None:
    """UUID of the run that made a product; None where it says none or cannot be read."""
    try:
        head = read_head(path, _HEAD_BYTES)
    except OSError:
        return None
    if path.suffix == ".fits":  # the history of an exposure may name other runs
        cards = (head[start : start + 80] for start in range(0, len(head), 80))
        head = next((card for card in cards if card.startswith(b"UUID    =")), b"")
    said = _SAID.search(head)
    return said[1].decode() if said else None


def room_needed(analysis: Analysis | Mosaic) -> int:
    """Bytes that the FITS products of a run take; figures and tables need a little more.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        Nothing of it is computed.

    Returns
    -------
    int
        At least so many.
    """
    if isinstance(analysis, Mosaic):
        return sum(map(room_needed, analysis))
    combinations = len(_kinds(analysis)) * _combination_bytes(analysis)
    if analysis.masks_checksum is not None:
        return combinations
    return combinations + _masks_bytes(analysis) + quality_bytes(analysis.exposures)


def _kinds(analysis: Analysis) -> tuple[Kind, ...]:
    """Combinations of a run: the three, and those that were asked for."""
    return (*KINDS, *(kind for kind in MORE_KINDS if kind in analysis.parameters.more_combinations))


def _combination_bytes(analysis: Analysis) -> int:
    pixels = math.prod(analysis.exposures.shape)
    return 10 * pixels  # float32, float32, int16


def _masks_bytes(analysis: Analysis) -> int:
    pixels = math.prod(analysis.exposures.shape)
    cleaned = 4 if analysis.parameters.cleans else 0
    again = "meancr2" in analysis.parameters.more_combinations
    return (2 + analysis.exposures.n + cleaned + again) * pixels


def save_all(
    analysis: Analysis | Mosaic,
    folder: str | Path,
    *,
    figures: Figures | None = None,
    overwrite: bool = False,
    inputs: Iterable[Path] = (),
    alone: bool = False,
    reproducible: bool = False,
) -> list[Written]:
    """Write every product of a run, or none.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        What the products are read from. Those of several detectors are one file of each kind:
        `products.mosaic`.
    folder : path
        Created if need be.
    figures : callable, optional
        `crmasks_widgets.figures.all_figures`; no figures without it.
    overwrite : bool
        Replace the products of an earlier run and remove those that this run does not make.
    inputs : iterable of Path
        Files besides `Analysis.sources` that must not be overwritten (the YAML file).
    alone : bool
        The caller has made sure that no other run writes there (`occupied`).
    reproducible : bool
        Leave out DATE, the only time in a product: what is equal has equal bytes.

    Returns
    -------
    list of Written
        What was written.

    Raises
    ------
    ProductExistsError
        Earlier products are there and `overwrite` is false.
    OutputError
        The folder cannot be written to, the disk is full, another run is writing there, or a
        product would replace an input.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> written = cm.save_all(analysis, "products", overwrite=True)
    >>> written[0].path.name, written[0].content
    ('combined_mediancr.fits', 'mediancr combination with VARIANCE and MAP')
    """
    sources = [*analysis.sources, *inputs]
    folder = prepare_folder(folder, sources, overwrite=overwrite)
    check_room(folder, room_needed(analysis))
    with contextlib.nullcontext() if alone else occupied(folder):
        # Again: another run may have been there until now.
        earlier = earlier_products(folder, PRODUCT_NAMES, sources)
        if not overwrite:
            refuse_existing(earlier)
        planned = _guarded(_planned(analysis, figures, _date(reproducible)), folder, sources)
        return write_products(planned, folder, earlier, replace=overwrite)


def _guarded(
    products: Iterable[Product], folder: Path, sources: Iterable[Path]
) -> Iterator[Product]:
    """Refuse a product that would replace an input."""
    for product in products:
        _refuse_input(folder / product.name, sources)
        yield product
        release()


def _refuse_input(path: Path, sources: Iterable[Path]) -> None:
    if real(path) in {real(source) for source in sources}:
        msg = (
            f"{path}: found an input of this run, expected another "
            "output folder; inputs are never overwritten"
        )
        raise OutputError(msg)


def _combined_name(kind: Kind) -> str:
    return f"combined_{kind}.fits"


def _date(reproducible: bool) -> str | None:
    return None if reproducible else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"


def _planned(
    analysis: Analysis | Mosaic, figures: Figures | None, date: str | None
) -> Iterable[Product]:
    identity = analysis.uuid
    if not isinstance(analysis, Mosaic):
        return _products(analysis, figures, date, identity)
    if not analysis.several:
        return _planned(analysis.analyses[0], figures, date)
    return mosaic_products(
        analysis, partial(_products, figures=figures, date=date, identity=identity)
    )


def _products(
    analysis: Analysis, figures: Figures | None, date: str | None, identity: str
) -> Iterator[Product]:
    for kind in _kinds(analysis):
        yield Product(
            _combined_name(kind),
            f"{kind} combination with VARIANCE and MAP",
            partial(_write_fits, partial(combination_hdus, analysis, kind), date),
            _combination_bytes(analysis),
        )
    if analysis.masks_checksum is not None:
        return
    masks = partial(_write_fits, partial(masks_hdus, analysis), date)
    yield Product("crmasks.fits", "masks", masks, _masks_bytes(analysis))
    quality = partial(_write_fits, partial(quality_hdus, analysis), date)
    yield Product(
        "crmasks_dq.fits", "data quality, bit by bit", quality, quality_bytes(analysis.exposures)
    )
    yield Product("hits.ecsv", "one row a hit", partial(write_hits, analysis))
    pixels = {
        "mediancr_identified.csv": (
            analysis.labels * analysis.mediancr,
            analysis.codes("median"),
            "of MEDIANCR",
        ),
        "problematic_pixels.csv": (
            analysis.problematic_labels,
            analysis.problematic_codes,
            "masked in every exposure",
        ),
    }
    for name, (labels, codes, which) in pixels.items():
        yield Product(name, f"pixels {which}", partial(_write_pixels, labels, codes))
    metadata = {"UUID": identity}
    for job in figures(analysis) if figures is not None else ():
        yield Product(job.name, "figure", partial(_draw, job, metadata))


def _write_fits(make: Callable[[], fits.HDUList], date: str | None, path: Path) -> None:
    hdus = make()
    if date is not None:
        hdus[0].header["DATE"] = (date, "UTC when this file was made")
    hdus.writeto(path, output_verify="silentfix+exception")


def _draw(job: FigureJob, metadata: dict[str, str], path: Path) -> None:
    job.draw(path, metadata)


def _write_pixels(labels: npt.NDArray[np.int32], codes: npt.NDArray[np.uint8], path: Path) -> None:
    """Pixels of the groups, in FITS coordinates: groups in order, each in raster order."""
    y, x = np.nonzero(labels)
    number = labels[y, x]
    order = np.argsort(number, kind="stable")
    rows = np.column_stack([number, x + 1, y + 1, codes[y, x]])[order]
    with path.open("w", newline="", encoding="ascii") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(CSV_HEADER)
        writer.writerows(rows.tolist())
