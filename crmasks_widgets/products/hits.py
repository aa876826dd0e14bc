"""The hits as files of their own: DS9 regions, and the table."""

from functools import partial
from pathlib import Path
from typing import Final

from astropy.table import Row

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.core.verdicts import OUT, UNDECIDED
from crmasks_widgets.errors import on_one_line
from crmasks_widgets.files.writing import (
    Product,
    Written,
    check_target,
    text_product,
    write_products,
)
from crmasks_widgets.hit_classes import PLAIN_NAME

_FORMATS: Final = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv"}


def save_regions(analysis: Analysis, path: str | Path, *, overwrite: bool = False) -> Written:
    """Write the hits as DS9 regions: a box around each, in image coordinates.

    Parameters
    ----------
    analysis : Analysis
        Its hits are written.
    path : path
        Ends in ``.reg``.
    overwrite : bool
        Replace an earlier file.

    Returns
    -------
    Written
        What was written.

    Raises
    ------
    ProductExistsError
        A file is in the way and `overwrite` is false.
    OutputError
        The file cannot be written, or its name ends otherwise.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> cm.save_regions(analysis, "found.reg", overwrite=True).path.name
    'found.reg'
    """
    path = Path(path)
    check_target(path, (".reg",), analysis.sources, overwrite=overwrite)
    text = regions_text(analysis)
    product = text_product(path.name, "hits as DS9 regions", text)
    return write_products([product], path.parent, replace=overwrite)[0]


def regions_text(analysis: Analysis) -> str:
    """Describe the hits as a DS9 region file.

    Parameters
    ----------
    analysis : Analysis
        Its hits are described.

    Returns
    -------
    str
        A box for each hit, in FITS pixels; its text is number, method and verdict, its colour says
        the method; that of a rejected hit is dashed.
    """
    lines = [
        "# Region file format: DS9 version 4.1",
        f"# hits of MEDIANCR, crmasks_widgets {__version__}, run {analysis.uuid}",
        'global font="helvetica 10 normal roman" width=1',
        "image",
    ]
    return "\n".join([*lines, *(_box(row) for row in analysis.hits)]) + "\n"


def _box(row: Row) -> str:
    left, right, bottom, top = (int(row[name]) for name in ("xmin", "xmax", "ymin", "ymax"))
    place = f"{(left + right) / 2:g},{(bottom + top) / 2:g},{right - left + 1},{top - bottom + 1},0"
    words = [str(row["number"]), str(row["method"])]
    if "class" in row.colnames and row["class"] != PLAIN_NAME:
        words.append(str(row["class"]))
    if row["verdict"] != UNDECIDED:
        words.append(str(row["verdict"]))
    colour = colours_by_name().get(str(row["method"]), "green")
    line = " dash=1" if row["verdict"] in OUT else ""
    return f"box({place}) # color={colour}{line} text={{{escaped(' '.join(words))}}}"


def escaped(text: str) -> str:
    """Put a text on one line without the braces that would end it in a region file."""
    line = on_one_line(text)
    return "".join(c for c in line if c.isprintable()).replace("{", "(").replace("}", ")")


def save_hits(analysis: Analysis | Mosaic, path: str | Path, *, overwrite: bool = False) -> Written:
    """Write the table of hits.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        Its hits are written; of several detectors with a column for the detector.
    path : path
        Ends in ``.ecsv`` (units, types and identity of the run are kept) or ``.csv``.
    overwrite : bool
        Replace an earlier file.

    Returns
    -------
    Written
        What was written.

    Raises
    ------
    ProductExistsError
        A file is in the way and `overwrite` is false.
    OutputError
        The file cannot be written, or its name ends otherwise.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> cm.save_hits(analysis, "found.ecsv", overwrite=True).path.name
    'found.ecsv'
    """
    path = Path(path)
    check_target(path, tuple(_FORMATS), analysis.sources, overwrite=overwrite)
    product = Product(path.name, "one row a hit", partial(write_hits, analysis))
    return write_products([product], path.parent, replace=overwrite)[0]


def write_hits(analysis: Analysis | Mosaic, path: Path) -> None:
    """Write the table of hits where it is told to; `save_hits` is the one that takes care."""
    table = analysis.hits
    table.meta["UUID"] = analysis.uuid
    table.meta["crmasks_widgets"] = __version__
    table.write(path, format=_FORMATS[path.suffix.lower()])
