"""A page a hit: the exposures above, what was made of them below."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from matplotlib import colormaps
from matplotlib.backends.backend_pdf import PdfPages

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.codes import all_codes
from crmasks_widgets.core.hits import hit_table
from crmasks_widgets.core.verdicts import UNDECIDED
from crmasks_widgets.figures.images import code_colours
from crmasks_widgets.figures.jobs import Metadata, pdf_information, style
from crmasks_widgets.figures.page import HitPage, Panel
from crmasks_widgets.figures.page_layout import PAGE_DPI, LegendEntry, PageLayout, Window
from crmasks_widgets.files.writing import FigureJob
from crmasks_widgets.limits import Scale, colour_limits
from crmasks_widgets.parameters.types import MOST_PAGES

logger = logging.getLogger(__name__)

MOST_SHADES: Final = 7
Frames = Sequence[npt.NDArray[np.floating]]
ExposureMasks = Sequence[npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class HitBook:
    """All that the pages of one PDF show.

    Attributes
    ----------
    title : str
        Of the document.
    noun : str
        What a page is about, "hit" for example.
    hits : astropy.table.Table
        One row a page, as `crmasks_widgets.core.hits.hit_table` makes it.
    labels : (ny, nx) int32
        Numbers of the hits.
    exposures : sequence of n (ny, nx) ndarray
        ADU.
    exposure_masks : sequence of n (ny, nx) bool, or empty
        Drawn as outlines on the exposures; when empty the hit itself is.
    median, corrected : (ny, nx) ndarray
        ADU.
    corrected_name : str
        What the last panel shows.
    classes : (ny, nx) integer ndarray
        Row of `class_colours` for each pixel.
    classes_name : str
        What the middle panel shows.
    class_colours : (k, 3) uint8
        Colours.
    legend : sequence of LegendEntry
        Legend of the page.
    unit : str
        Of the values.
    """

    title: str
    noun: str
    hits: Table
    labels: npt.NDArray[np.int32]
    exposures: Frames
    exposure_masks: ExposureMasks
    median: npt.NDArray[np.floating]
    corrected: npt.NDArray[np.floating]
    corrected_name: str
    classes: npt.NDArray[np.integer]
    classes_name: str
    class_colours: npt.NDArray[np.uint8]
    legend: Sequence[LegendEntry]
    unit: str = "ADU"

    @property
    def layout(self) -> PageLayout:
        """How every page is laid out."""
        n = len(self.exposures)
        return PageLayout(n, self.corrected_name, self.classes_name, self.legend, self.unit)


def hit_window(x: float, y: float, semiwindow: int, shape: tuple[int, int]) -> Window:
    """Window around the centre of a hit, moved inside the frame at its border.

    Parameters
    ----------
    x, y : float
        Mean position, FITS pixels.
    semiwindow : int
        Pixels on either side of the central one.
    shape : (ny, nx)
        Shape of the frame.

    Returns
    -------
    Window
        What is shown, and where it lies in a square panel.
    """
    side = min(2 * semiwindow + 1, max(shape))
    slices, corners = [], []
    for centre, size in zip((round(y) - 1, round(x) - 1), shape, strict=True):
        width = 2 * semiwindow + 1
        start = min(max(0, centre - semiwindow), max(0, size - width))
        inside = slice(start, min(size, start + width))
        slices.append(inside)
        # Only a frame that is narrower than the window leaves part of the panel empty.
        corners.append((inside.start + inside.stop) / 2 - side / 2 + 0.5)
    return Window(slices[0], slices[1], corners[1], corners[0], float(side))


def number_of_pages(n_hits: int, maxplots: int) -> int:
    """How many hits get a page.

    Parameters
    ----------
    n_hits : int
        Hits there are.
    maxplots : int
        Pages wanted; negative for all, but at most 200.

    Returns
    -------
    int
        Pages.
    """
    return min(n_hits, MOST_PAGES if maxplots < 0 else maxplots)


def hit_jobs(analysis: Analysis) -> Iterator[FigureJob]:
    """Make the jobs of the PDFs; none for a PDF without a page.

    Parameters
    ----------
    analysis : Analysis
        Its hits and problematic pixels are counted here, and drawn later.

    Yields
    ------
    FigureJob
        ``mediancr_identified_cr.pdf`` and ``problematic_pixels.pdf``.
    """
    books: tuple[tuple[str, Callable[[], int], Callable[[Analysis], HitBook]], ...] = (
        ("mediancr_identified_cr.pdf", lambda: analysis.n_hits, mediancr_book),
        (
            "problematic_pixels.pdf",
            lambda: int(analysis.problematic_labels.max(initial=0)),
            problematic_book,
        ),
    )
    for name, count, make_book in books:
        n_hits = count()
        wanted = analysis.parameters.maxplots
        pages = number_of_pages(n_hits, wanted)
        if pages < n_hits:
            logger.info(
                "%s: pages for %d of %d hits, %s; maxplots: %d draws all", name, pages, n_hits,
                f"the most of maxplots: {wanted}" if wanted < 0 else "as maxplots says", n_hits,
            )  # fmt: skip
        if pages:
            yield FigureJob(name, partial(_draw_book, analysis, make_book, pages))


def _draw_book(
    analysis: Analysis,
    make_book: Callable[[Analysis], HitBook],
    pages: int,
    path: Path,
    metadata: Metadata,
) -> None:
    book = make_book(analysis)
    p = analysis.parameters
    with style(), PdfPages(path, metadata=pdf_information(book.title, metadata)) as pdf:
        page = HitPage(book.layout)
        for row in book.hits[:pages]:
            fill_page(page, book, row, p.semiwindow, p.color_scale)
            pdf.savefig(page.figure, dpi=PAGE_DPI)


def fill_page(page: HitPage, book: HitBook, row: Table.Row, semiwindow: int, scale: Scale) -> None:
    """Show one hit.

    Parameters
    ----------
    page : HitPage
        The page, used again and again.
    book : HitBook
        Frames and masks.
    row : astropy.table.Row
        The hit.
    semiwindow : int
        Pixels on either side of its centre.
    scale : {"minmax", "zscale"}
        How the grey scale is set.
    """
    shape = (book.median.shape[0], book.median.shape[1])
    window = hit_window(row["x"], row["y"], semiwindow, shape)
    here = window.index
    hit = book.labels[here] == row["number"]
    median = book.median[here]
    # The exposures have the limits of the median: only so do they show what the median let through.
    limits = colour_limits(median, scale)
    panels = [
        Panel(
            exposure[here],
            limits,
            book.exposure_masks[i][here] if book.exposure_masks else hit,
            hit if book.exposure_masks else None,
        )
        for i, exposure in enumerate(book.exposures)
    ]
    corrected = book.corrected[here]
    panels += [
        Panel(median, limits, hit),
        Panel(book.class_colours[book.classes[here]], None, hit),
        Panel(corrected, colour_limits(corrected, scale), hit),
    ]
    page.show(window, _page_title(book, row, hit), panels)


def _page_title(book: HitBook, row: Table.Row, hit: npt.NDArray[np.bool_]) -> str:
    pixels = "1 pixel" if row["npix"] == 1 else f"{row['npix']} pixels"
    parts = [
        f"{book.noun} {row['number']} / {len(book.hits)}",
        f"x = {row['x']:.1f}, y = {row['y']:.1f} (FITS pixel)",
        pixels,
        str(row["method"]),
        _verdict(row),
    ]
    inside = np.count_nonzero(hit)
    if inside < row["npix"]:
        parts[2] += f", {row['npix'] - inside} of them outside the window"
    return "   ·   ".join(part for part in parts if part)


def _verdict(row: Table.Row) -> str:
    """What a user decided; problematic pixels have no verdict."""
    told = str(row["verdict"]) if "verdict" in row.colnames else UNDECIDED
    return "" if told == UNDECIDED else f"{told} by the user"


def mediancr_book(analysis: Analysis) -> HitBook:
    """Collect the pages of the hits in the median.

    Parameters
    ----------
    analysis : Analysis
        Where the hits are.

    Returns
    -------
    HitBook
        With the detection codes in the middle and the median as corrected.
    """
    codes = analysis.codes("median")
    known = all_codes()
    present = [known[number] for number in sorted(known) if np.any(codes == number)]
    legend = [LegendEntry(code.name, code.colour) for code in present]
    return HitBook(
        title="Hits identified in the median",
        noun="hit",
        hits=analysis.hits,
        labels=analysis.labels,
        exposures=list(analysis.stack.cube),
        exposure_masks=(),
        median=analysis.stack.median2d,
        corrected=analysis.fleeting("combination", "mediancr").data,
        corrected_name="median corrected (mediancr)",
        classes=codes,
        classes_name="detected by",
        unit=analysis.exposures.unit,
        class_colours=code_colours(),
        legend=[*legend, LegendEntry("this hit", None), *_beyond(analysis)],
    )


def _beyond(analysis: Analysis) -> list[LegendEntry]:
    """Say what is hatched, where a frame is narrower than a window."""
    shape = analysis.exposures.shape
    side = min(2 * analysis.parameters.semiwindow + 1, max(shape))
    return [LegendEntry("beyond the frame", "hatched")] if min(shape) < side else []


def problematic_book(analysis: Analysis) -> HitBook:
    """Collect the pages of the pixels that are masked in every exposure.

    Parameters
    ----------
    analysis : Analysis
        Where they are.

    Returns
    -------
    HitBook
        With the number of masks in the middle and the mean as corrected.
    """
    n = analysis.exposures.n
    masks = [analysis.mask(i) for i in range(1, n + 1)]
    labels = analysis.problematic_labels
    hits = hit_table(labels, analysis.problematic_codes, analysis.stack)
    # Codes of these pixels say whether every exposure has a detection of its own (not a method).
    hits["method"] = [
        "detected in every exposure" if row["n_mm"] == row["npix"] else "partly by dilation"
        for row in hits
    ]
    n_masks = np.sum(masks, axis=0, dtype=np.uint16)
    colours = np.vstack([[1.0, 1.0, 1.0, 1.0], colormaps["Purples"](np.linspace(0.3, 1, n))])
    table = np.round(255 * colours[:, :3]).astype(np.uint8)
    # With many exposures three shades explain the scale.
    explained = range(1, n + 1) if n <= MOST_SHADES else (1, (n + 1) // 2, n)
    legend = [LegendEntry(f"masked in {i}", tuple(int(v) for v in table[i])) for i in explained]
    legend += [
        LegendEntry("outline: CRMASKi above, this region below", None),
        LegendEntry("masked in all", "cross"),
    ]
    return HitBook(
        title="Pixels masked in every exposure",
        noun="problematic region",
        hits=hits,
        labels=labels,
        exposures=list(analysis.stack.cube),
        exposure_masks=masks,
        median=analysis.stack.median2d,
        corrected=analysis.fleeting("combination", "meancr").data,
        corrected_name="mean corrected (meancr)",
        classes=np.asarray(n_masks),
        classes_name=f"masked in how many of {n}",
        unit=analysis.exposures.unit,
        class_colours=table,
        legend=[*legend, *_beyond(analysis)],
    )
