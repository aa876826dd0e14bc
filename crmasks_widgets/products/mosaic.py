"""The files of several detectors: of each kind one, with what belongs to all of them."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from astropy.io import fits
from astropy.table import Table

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic, stacked
from crmasks_widgets.files.folder_lock import temporary_path
from crmasks_widgets.files.writing import Product
from crmasks_widgets.products.names import of_detector

SCIENCE, HEAD = "SCI", "DETECTOR"
"""EXTNAMEs of what is the primary HDU of a file for one detector: with and without data."""

# Of the products of one detector, those that are not kept in one file.
_SEPARATE: Final = (".png", ".pdf", ".html")

Part = tuple[int, Product]


def mosaic_products(
    mosaic: Mosaic, of_one: Callable[[Analysis], Iterable[Product]]
) -> Iterator[Product]:
    """Join the products of the detectors.

    Parameters
    ----------
    mosaic : Mosaic
        The detectors.
    of_one : callable (Analysis) -> iterable of Product
        Makes those of one detector.

    Yields
    ------
    Product
        FITS files with what belongs to detector k in the HDUs of EXTVER k, tables with a column
        for the detector; figures stay apart, with the number of the detector in their names.
    """
    parts: dict[str, list[Part]] = {}
    for number, analysis in enumerate(mosaic, start=1):
        for product in of_one(analysis):
            parts.setdefault(product.name, []).append((number, product))
    for name, own in parts.items():
        suffix = Path(name).suffix
        if suffix in _SEPARATE:
            for number, product in own:
                new = of_detector(name, number)
                content = f"{product.content} of {mosaic.names[number - 1]}"
                yield Product(new, content, partial(_renamed, product), product.size)
        else:
            join = {".fits": _join_fits, ".ecsv": _join_ecsv, ".csv": _join_csv}[suffix]
            size = sum(product.size for _, product in own)
            write = partial(_joined, mosaic, own, join)
            yield Product(name, f"{own[0][1].content}, all detectors", write, size)


def _renamed(product: Product, path: Path) -> None:
    """Write a product, which looks at the end of its path only, under another name."""
    product.write(path)


def _joined(
    mosaic: Mosaic,
    parts: Sequence[Part],
    join: Callable[[Mosaic, Sequence[tuple[int, Path]], Path], None],
    path: Path,
) -> None:
    written: list[tuple[int, Path]] = []
    try:
        for number, product in parts:
            one = temporary_path(path.parent, f"{number}-{product.name}")
            written.append((number, one))
            product.write(one)
        join(mosaic, written, path)
    finally:
        for _, one in written:
            one.unlink(missing_ok=True)


def _join_fits(mosaic: Mosaic, parts: Sequence[tuple[int, Path]], path: Path) -> None:
    primary = fits.PrimaryHDU()
    primary.header["UUID"] = (mosaic.uuid, "identifier of the run")
    primary.header["NDETECT"] = (len(mosaic), "detectors: EXTVER 1 and so on")
    primary.header.add_history(f"crmasks_widgets {__version__}")
    hdus = fits.HDUList([primary])
    for number, one in parts:
        with fits.open(one, memmap=False) as own:
            if "DATE" in own[0].header:
                primary.header["DATE"] = own[0].header["DATE"], own[0].header.comments["DATE"]
            hdus.extend(_layer(own, number, mosaic.names[number - 1]))
    hdus.writeto(path, output_verify="silentfix+exception")


def _layer(own: fits.HDUList, number: int, name: str) -> Iterator[fits.hdu.base.ExtensionHDU]:
    """HDUs of one detector, as extensions of a file for several."""
    first = own[0]
    head = fits.ImageHDU(first.data, first.header.copy(strip=True))
    head.name = HEAD if first.data is None else SCIENCE
    for hdu in (head, *own[1:]):
        hdu.ver = number
        hdu.header["DETNAME"] = (name.encode("ascii", "replace").decode(), "detector")
        yield hdu.copy()


def _join_ecsv(mosaic: Mosaic, parts: Sequence[tuple[int, Path]], path: Path) -> None:
    tables = [Table.read(one, format="ascii.ecsv") for _, one in parts]
    names = tuple(mosaic.names[number - 1] for number, _ in parts)
    table = stacked(names, tables)
    table.meta["UUID"] = mosaic.uuid
    table.write(path, format="ascii.ecsv")


def _join_csv(mosaic: Mosaic, parts: Sequence[tuple[int, Path]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        for place, (number, one) in enumerate(parts):
            with one.open(newline="", encoding="utf-8") as stream:
                head, *rows = csv.reader(stream)
            if place == 0:
                writer.writerow(["detector", *head])
            writer.writerows([mosaic.names[number - 1], *row] for row in rows)
