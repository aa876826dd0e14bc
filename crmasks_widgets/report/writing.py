"""A report on disk."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.files.writing import (
    FigureJob,
    Written,
    check_target,
    text_product,
    write_products,
)
from crmasks_widgets.products.names import REPORT_NAME, REPORT_SUFFIXES
from crmasks_widgets.report.page import report_html


def check_report(path: Path, inputs: Iterable[Path], *, overwrite: bool = False) -> None:
    """Make sure, before anything is computed, that a report may be written; as `save_report`."""
    check_target(path, REPORT_SUFFIXES, inputs, overwrite=overwrite)


def save_report(
    analysis: Analysis | Mosaic,
    path: str | Path,
    *,
    inputs: Iterable[Path] = (),
    overwrite: bool = False,
) -> Written:
    """Write the report of an analysis: one HTML file that needs nothing else.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        What it is about; what is not computed yet is.
    path : path
        Ends in ``.html`` or ``.htm``.
    inputs : iterable of Path
        Files besides `Analysis.sources` that must not be overwritten.
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
        The file cannot be written, is an input, or its name ends otherwise.
    """
    path = Path(path)
    check_report(path, (*analysis.sources, *inputs), overwrite=overwrite)
    product = text_product(path.name, "report", report_html(analysis))
    return write_products([product], path.parent, replace=overwrite)[0]


def report_job(analysis: Analysis) -> FigureJob:
    """Make the report a figure of a run, named `REPORT_NAME`.

    Parameters
    ----------
    analysis : Analysis
        What it is about.

    Returns
    -------
    FigureJob
        Nothing is drawn before its `draw` is called.
    """
    return FigureJob(REPORT_NAME, partial(_draw, analysis))


def _draw(analysis: Analysis, path: Path, metadata: object) -> None:
    del metadata  # the page says which run it is of
    path.write_text(report_html(analysis), encoding="utf-8")
