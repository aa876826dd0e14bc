"""A report as a page of HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.core.hits import highest_of_each
from crmasks_widgets.limits import colour_limits
from crmasks_widgets.report import diagram, facts
from crmasks_widgets.report.cards import MOST_STAMPS, Card, cards, stamp_names
from crmasks_widgets.report.diagram import Drawing, Glyph
from crmasks_widgets.report.facts import Changed, Grid, Subject
from crmasks_widgets.report.pictures import Picture, frame_picture
from crmasks_widgets.units import in_ascii

_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HERE: Final = Path(__file__).parent
# A frame so many times longer than wide has a row of its own, and lies.
_LONG: Final = 1.6


@dataclass(frozen=True)
class Section:
    """All that a report shows of one detector.

    Attributes
    ----------
    key : str
        In front of the anchors of its hits.
    name : str
        Of the detector; empty where there is one.
    method : str
        `crmethod`.
    shape : (nx, ny)
        Of a frame.
    turned : bool
        Whether frames are shown with y to the right and x upwards: long ones fit so.
    n : int
        Exposures.
    subject : Subject
        Object, dates and exposures.
    headline : tuple of (number, what)
        What was found.
    counted : str
        Whether pixels are counted before or after dilation.
    diagram : Drawing
        With a glyph a hit.
    frames : tuple of (name, Picture)
        Median, and the median corrected.
    marks : tuple of Glyph
        A hit each on the frames, SVG coordinates in pixels.
    stamps : tuple of str
        What the stamps of a card show.
    cards : tuple of Card
        A hit each.
    n_hits : int
        Hits that there are.
    methods : tuple of str
        What cards can be chosen by.
    colours : tuple of (name, colour)
        Legend.
    counts, exposures, noise : Grid
        Tables.
    remarks : tuple of str
        On the noise.
    changed : tuple of Changed
        Parameters not at their defaults.
    yaml : str
        All parameters.
    provenance : tuple of (what, text)
        Where it is from.
    """

    key: str
    name: str
    method: str
    shape: tuple[int, int]
    turned: bool
    n: int
    subject: Subject
    headline: tuple[tuple[str, str], ...]
    counted: str
    diagram: Drawing
    frames: tuple[tuple[str, Picture], ...]
    marks: tuple[Glyph, ...]
    stamps: tuple[str, ...]
    cards: tuple[Card, ...]
    n_hits: int
    methods: tuple[str, ...]
    colours: tuple[tuple[str, str], ...]
    counts: Grid
    exposures: Grid
    noise: Grid
    remarks: tuple[str, ...]
    changed: tuple[Changed, ...]
    yaml: str
    provenance: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> tuple[int, int]:
        """Pixels of a frame to the right and upwards, as it is shown."""
        return self.shape[::-1] if self.turned else self.shape

    @property
    def wide(self) -> bool:
        """Whether frames and diagram stand better under than beside each other."""
        return self.shown[0] > _LONG * self.shown[1]

    @property
    def without_picture(self) -> int:
        """Hits that have no picture, or no card at all."""
        return self.n_hits - sum(card.picture is not None for card in self.cards)


def report_html(analysis: Analysis | Mosaic) -> str:
    """Make the page.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        What it is about; what is not computed yet is.

    Returns
    -------
    str
        HTML that loads nothing and runs without JavaScript; whatever comes from files stands in it
        as text. The same analysis makes the same page.
    """
    several = isinstance(analysis, Mosaic) and analysis.several
    parts = analysis.analyses if isinstance(analysis, Mosaic) else (analysis,)
    names = analysis.names if several and isinstance(analysis, Mosaic) else ("",) * len(parts)
    sections = [
        section(part, name, f"d{i}-" if several else "", MOST_STAMPS // len(parts))
        for i, (part, name) in enumerate(zip(parts, names, strict=True), start=1)
    ]
    room = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    text = room.get_template("report.html.j2").render(
        sections=sections, uuid=analysis.uuid,
        css=(_HERE / "report.css").read_text("utf-8"), js=(_HERE / "report.js").read_text("utf-8"),
        width=diagram.WIDTH, height=diagram.HEIGHT,
    )  # fmt: skip
    # A file name may hold bytes that are no text, and characters that command a terminal.
    return _UNPRINTABLE.sub("\ufffd", text.encode("utf-8", "backslashreplace").decode())


def section(analysis: Analysis, name: str, key: str, most: int = MOST_STAMPS) -> Section:
    """Collect what a report shows of one detector.

    Parameters
    ----------
    analysis : Analysis
        What it is about.
    name : str
        Of the detector; empty where there is one.
    key : str
        In front of the anchors of its hits.
    most : int
        Stamps to draw.

    Returns
    -------
    Section
        Pictures, tables and words.
    """
    ny, nx = analysis.exposures.shape
    median = analysis.stack.median2d
    corrected = analysis.fleeting("combination", "mediancr").data
    limits = colour_limits(median, "percentile")
    turned = ny > _LONG * nx
    made = cards(analysis, corrected, most)
    noise, remarks = facts.noise(analysis)
    methods = tuple(dict.fromkeys(card.method for card in made))
    known = colours_by_name()
    return Section(
        key=key,
        name=name,
        method=analysis.parameters.crmethod,
        shape=(nx, ny),
        turned=turned,
        n=analysis.exposures.n,
        subject=facts.subject(analysis),
        headline=facts.headline(analysis),
        counted=facts.counted(analysis),
        diagram=diagram.draw(analysis, brightest_pixels(analysis), {c.number for c in made}),
        frames=(
            ("median", frame_picture(median.T if turned else median, limits)),
            ("median, corrected", frame_picture(corrected.T if turned else corrected, limits)),
        ),
        marks=_marks(analysis, made, turned=turned),
        stamps=stamp_names(analysis),
        cards=made,
        n_hits=analysis.n_hits,
        methods=methods,
        colours=tuple((method, known[method]) for method in methods),
        counts=facts.counts(analysis),
        exposures=facts.exposures(analysis),
        noise=noise,
        remarks=remarks,
        changed=facts.changed(analysis),
        yaml=analysis.parameters.to_yaml(unit=in_ascii(analysis.exposures.unit)),
        provenance=facts.provenance(analysis),
    )


def _marks(analysis: Analysis, made: Sequence[Card], *, turned: bool) -> tuple[Glyph, ...]:
    """A hit each, on a frame of a unit a pixel, y downwards as in SVG."""
    across, up = ("y", "x") if turned else ("x", "y")
    top = analysis.exposures.shape[1 if turned else 0] + 0.5
    hits = analysis.hits
    x, y = np.asarray(hits[across]) - 0.5, top - np.asarray(hits[up])
    return tuple(
        Glyph(
            card.number, round(float(x[card.number - 1]), 1), round(float(y[card.number - 1]), 1),
            card.colour,
        )
        for card in made
    )  # fmt: skip


def brightest_pixels(analysis: Analysis) -> npt.NDArray[np.int64]:
    """Flat index (n,) of the pixel of each hit where the median is highest over the minimum."""
    labels = analysis.labels.ravel()
    pixels = np.flatnonzero(labels)
    stack = analysis.mm_stack
    excess = stack.median2d.ravel()[pixels] - stack.min2d.ravel()[pixels]
    return highest_of_each(labels[pixels], excess, pixels)
