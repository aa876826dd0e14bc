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

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.core.combine import KINDS, Kind
from crmasks_widgets.errors import OutputError
from crmasks_widgets.files.history import image_line
from crmasks_widgets.files.reading import carried_over
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
from crmasks_widgets.products.hits import write_hits
from crmasks_widgets.products.mosaic import mosaic_products

logger = logging.getLogger(__name__)

CSV_HEADER = ("CR_number", "X_pixel", "Y_pixel", "Mask_value")
PRODUCT_NAMES = re.compile(
    r"combined_(mediancr|meancrt|meancr)\.fits|crmasks\.fits|hits\.ecsv"
    r"|mediancr_identified\.csv|problematic_pixels\.csv"
    r"|(problematic_pixels|mediancr_identified_cr)(_detector\d+)?\.pdf"
    r"|diagnostic_(histogram2d|mediancr|meancr|crmask\d+)(_detector\d+)?\.png"
    r"|(xyoffset_crosscorr_|flux_factor)\d+(_detector\d+)?\.png"
)
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
    for kind in KINDS:
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
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
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
    n_masks = 0 if analysis.masks_checksum is not None else 1
    return len(KINDS) * _combination_bytes(analysis) + n_masks * _masks_bytes(analysis)


def _combination_bytes(analysis: Analysis) -> int:
    pixels = math.prod(analysis.exposures.shape)
    return 10 * pixels  # float32, float32, int16


def _masks_bytes(analysis: Analysis) -> int:
    pixels = math.prod(analysis.exposures.shape)
    cleaned = 4 if analysis.parameters.cleans else 0
    return (2 + analysis.exposures.n + cleaned) * pixels


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
        return write_products(planned, folder, earlier)


def _guarded(
    products: Iterable[Product], folder: Path, sources: Iterable[Path]
) -> Iterator[Product]:
    """Refuse a product that would replace an input."""
    for product in products:
        _refuse_input(folder / product.name, sources)
        yield product
        release()


def _refuse_input(path: Path, sources: Iterable[Path]) -> None:
    if path.resolve() in {source.resolve() for source in sources}:
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
    for kind in KINDS:
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


def _history(analysis: Analysis, extra: Iterable[str] = ()) -> list[str]:
    """What was done to what: version, inputs with checksums, parameters."""
    lines = [f"crmasks_widgets {__version__}", *extra]
    for name, checksum in zip(analysis.exposures.names, analysis.exposures.checksums, strict=True):
        lines.append(image_line(name, checksum))
    for name, checksum in sorted(analysis.calibration.checksums.items()):
        lines.append(f"{name} map sha256 {checksum}")
    if analysis.masks_checksum is not None:
        lines.append(f"masks sha256 {analysis.masks_checksum}")
    values = analysis.parameters.model_dump()
    lines += [f"- {name} = {value}" for name, value in values.items() if name != "images"]
    return lines


def _add_history(header: fits.Header, lines: Iterable[str]) -> None:
    for line in lines:
        # Only printable ASCII may stand in a FITS header.
        text = line.encode("ascii", "backslashreplace").decode()
        header.add_history("".join(c if c.isprintable() else "?" for c in text))


def _add_identity(header: fits.Header, analysis: Analysis) -> None:
    header["UUID"] = (analysis.uuid, "identifier of the run")
    for i, factor in enumerate(analysis.alignment.flux_factors, start=1):
        header[f"FLUXF{i}"] = (factor, f"flux factor of exposure {i}")


def combination_hdus(analysis: Analysis, kind: Kind) -> fits.HDUList:
    """Make the FITS file of a combination.

    Parameters
    ----------
    analysis : Analysis
        Source.
    kind : {"mediancr", "meancrt", "meancr"}
        Which combination.

    Returns
    -------
    astropy.io.fits.HDUList
        PRIMARY float32 with the first exposure's header, VARIANCE float32, MAP int16.
    """
    made = analysis.fleeting("combination", kind)
    header = carried_over(analysis.exposures.headers[0])
    unit = header.setdefault("BUNIT", "adu")
    _add_identity(header, analysis)
    _add_history(header, _history(analysis, [f"combination {kind} of the exposures below"]))
    primary = fits.PrimaryHDU(made.data, header)
    variance = fits.ImageHDU(made.variance, name="VARIANCE")
    variance.header["BUNIT"] = f"{unit}2" if str(unit).isalpha() else f"({unit})**2"
    number = fits.ImageHDU(made.map, name="MAP")
    for hdu in (variance, number):
        hdu.header["UUID"] = analysis.uuid
    return fits.HDUList([primary, variance, number])


def masks_hdus(analysis: Analysis) -> fits.HDUList:
    """Make the FITS file of the masks.

    Parameters
    ----------
    analysis : Analysis
        Source.

    Returns
    -------
    astropy.io.fits.HDUList
        PRIMARY without data; MEDIANCR, MEANCRT, CRMASK1...N uint8; LAMEDIAN float32 where
        L.A.Cosmic ran, in electrons with `la_gain_apply` and in ADU without (BUNIT says which);
        RPMEDIAN where pixels are to be replaced by a local median.
    """
    primary = fits.PrimaryHDU()
    _add_identity(primary.header, analysis)
    _add_history(primary.header, _history(analysis))
    hdus = fits.HDUList([primary])
    for name, mask in analysis.masks.items():
        hdus.append(fits.ImageHDU(mask.astype(np.uint8), name=name))
        hdus[-1].header["NPMASKED"] = (int(np.count_nonzero(mask)), "number of masked pixels")
    if analysis.parameters.cleans:
        hdus.append(_lamedian_hdu(analysis))
    boxes = analysis.parameters.pixels_to_be_replaced_by_local_median
    if boxes:
        names = ("X_pixel", "Y_pixel", "X_width", "Y_width")
        columns = [
            fits.Column(name, "K", array=np.array(values, dtype=np.int64))
            for name, values in zip(names, zip(*boxes, strict=True), strict=True)
        ]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="RPMEDIAN"))
    return hdus


def _lamedian_hdu(analysis: Analysis) -> fits.ImageHDU:
    cleaned = analysis.lacosmic("median").cleaned
    unit = analysis.exposures.headers[0].get("BUNIT", "adu")
    if analysis.parameters.la_gain_apply:
        cleaned = cleaned * np.float32(analysis.calibration.typical_gain)
        unit = "electron"
    hdu = fits.ImageHDU(cleaned, name="LAMEDIAN")
    hdu.header["BUNIT"] = unit
    return hdu


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
