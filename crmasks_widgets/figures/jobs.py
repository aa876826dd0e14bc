"""What every figure is made with: jobs, the style of the package, and saving."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import matplotlib as mpl
import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crmasks_widgets._version import __version__
from crmasks_widgets.files.writing import FigureJob

Metadata = Mapping[str, str]

DPI: Final = 150
# Twice as quick as the default of 6, for files hardly larger.
PNG_LEVEL: Final = 3
CREATOR: Final = f"crmasks-widgets {__version__}"

STYLE: Final = MappingProxyType(
    {
        "font.size": 9.0,
        "axes.titlesize": 9.5,
        "axes.labelsize": 9.0,
        "xtick.labelsize": 8.0,
        "ytick.labelsize": 8.0,
        "legend.fontsize": 8.5,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "image.composite_image": False,
        "pdf.compression": 3,
        # A fixed place spares matplotlib the search for one, which measures every label.
        "axes.titley": 1.0,
        "axes.titlelocation": "left",
    }
)


def style() -> AbstractContextManager[None]:
    """Draw in the style of the package while the context lasts, whatever a matplotlibrc says."""
    return mpl.style.context(dict(STYLE), after_reset=True)


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure that pyplot does not know.

    Parameters
    ----------
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        With an Agg canvas, at `DPI` dots per inch.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png_job(name: str, build: Callable[[], Figure]) -> FigureJob:
    """Make the job of a PNG figure.

    Parameters
    ----------
    name : str
        File name of the product.
    build : callable () -> Figure
        Makes the figure; called when the job is drawn.

    Returns
    -------
    FigureJob
        Nothing is drawn yet.
    """

    def draw(path: Path, metadata: Metadata) -> None:
        with style():
            build().savefig(
                path,
                format="png",
                dpi=DPI,
                metadata={"Software": CREATOR, **metadata},
                pil_kwargs={"compress_level": PNG_LEVEL},
            )

    return FigureJob(name, draw)


def pdf_information(title: str, metadata: Metadata) -> dict[str, str | None]:
    """Information dictionary of a PDF, without the time of its making.

    Parameters
    ----------
    title : str
        Title of the document.
    metadata : mapping
        Goes into the keywords, as ``UUID=...``.

    Returns
    -------
    dict
        For `matplotlib.backends.backend_pdf.PdfPages`.
    """
    keywords = ", ".join(f"{key}={value}" for key, value in metadata.items())
    return {
        "Title": title,
        "Keywords": keywords,
        "Creator": CREATOR,
        "CreationDate": None,
    }
