"""The selected hit, large: panels, cuts, why it is flagged, and what is done to its pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ipywidgets import VBox

from crmasks_widgets.core.verdicts import UNDECIDED
from crmasks_widgets.dashboard.drawing import cutouts, overlays, stamps, viewport
from crmasks_widgets.dashboard.drawing.stretches import STRETCHES
from crmasks_widgets.dashboard.hits import words
from crmasks_widgets.dashboard.hits.detail import HitDetail
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.hits.solid import Solid
from crmasks_widgets.dashboard.image.frames import corrected
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.model.hit_list import NOT_FOUND, bright_in
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo
from crmasks_widgets.limits import colour_limits

COLOURS: Final = "magma"
LOOK, PAINT, ERASE, LOCAL_MEDIAN = "look", "paint", "erase", "local median"
_EMPTY: Final = "Click a hit here or in the image; y, n and u judge it, j and k go on and back."
# Lines of exposures, median and corrected in the cuts, seen on light and on dark.
_LINES: Final = ("#4f9de0", "#cc79a7", "#8c6bd1", "#2aa8a8", "#b8860b", "#7a8b99")
_MEDIAN_LINE, _CORRECTED_LINE = "#e07b00", "#00a06f"
_CUT_PART, _LEAST_CUT = 0.46, 40.0  # of the height; pixels of the page
_LOWEST = 100.0  # picture with room for panels and cuts; pixels of the page
Part = tuple[slice, slice]


@dataclass(frozen=True)
class _Spot:
    """What is shown: a hit, or a pixel without any."""

    row: int  # of the list; -1 for a pixel without hit
    part: Part
    centre: tuple[int, int]  # (y, x), where the cuts go through
    pixels: tuple[edits.Pixel, ...]


class LargeHit:
    """The selected hit large, and the tools for its pixels.

    Parameters
    ----------
    context : Context
        What a view works with.
    listing : Listing
        Tells which hit is selected.
    judge : callable
        Takes a verdict.
    restretched : callable
        Draws the stamps anew, in the stretch that was chosen here.
    """

    def __init__(
        self,
        context: Context,
        listing: Listing,
        judge: Callable[[str], object],
        restretched: Callable[[], object],
    ) -> None:
        self._state, self._model = context.state, context.state.model
        self._listing, self._judge, self._restretched = listing, judge, restretched
        self._larger, self._solid_shown = 0, False
        self.tool, self.widths, self.stretch = LOOK, (5, 5), "linear"
        self._panels: cutouts.Panels | None = None
        self._part: Part | None = None
        self._layouts = 0  # how often the pixels of the picture came to lie elsewhere
        self._picture, self._spots, self._frames_memo = Memo(), Memo(), Memo()
        palette = cutouts.palette(COLOURS)
        self.detail = HitDetail(palette=palette.tobytes())
        self.solid = Solid(context, self._again)
        self.widget = VBox([self.detail, self.solid.widget])
        self.widget.add_class("crmasks-hit-side")
        self.detail.on_msg(context.dispatcher.handler(lambda _w, said, _b: self._heard(said)))
        context.observe(self.detail, self._again, "size")
        context.observe(context.page, self._again, ["webgl", "sizes"])

    def _again(self) -> None:
        self.render(self._state.model)

    # Drawing ----------------------------------------------------------------------------------

    def render(self, model: ViewModel) -> None:
        """Show what is selected."""
        self._model = model
        if not model.ready("stack"):
            return
        spot = self._spot()
        self.detail.state = self._described(spot)
        if spot is None or not (model.ready("mediancr") and overlays.mask_ready(model)):
            return  # Newer masks are being made; what is shown stays until they are ready.
        frames = self._frames(spot)
        if self._solid_shown:
            self.solid.draw(frames, _inside(spot), self._solid_names(spot))
        else:
            self._show_panels(spot, frames)

    def _spot(self) -> _Spot | None:
        model, listing = self._model, self._listing
        pixel, hits = model.selection.pixel, listing.hits
        shape = model.analysis.exposures.shape
        if pixel is None:
            return None
        if listing.selected < 0:
            half = self._half(0)
            return _Spot(-1, cutouts.cutout(pixel, half, shape), pixel, ())
        row = listing.selected
        half = self._half(hits.half(row))
        part = cutouts.cutout(self.centre(row, half), half, shape)
        spot: _Spot = self._spots(
            (hits, row, *_bounds(part)),
            lambda: _Spot(row, part, self.middle(row), hits.pixels_of([row])),
        )
        return spot

    def centre(self, row: int, half: int) -> tuple[int, int]:
        """Middle (y, x) of a picture of so much: of the hit, or `middle` where that is outside."""
        centre, middle = self._listing.hits.centre(row), self.middle(row)
        far = max(abs(a - b) for a, b in zip(centre, middle, strict=True))
        return middle if far > half else centre

    def middle(self, row: int) -> tuple[int, int]:
        """Pixel (y, x) that the cuts go through: where the exposures differ, or the brightest."""
        hits, stack = self._listing.hits, self._model.analysis.stack
        pixel = int(hits.peak[row])
        if hits.alike[row]:
            pixels = hits.pixels[hits.first[row] : hits.first[row + 1]]
            pixel = int(pixels[np.nanargmax(stack.median2d.ravel()[pixels])])
        y, x = divmod(pixel, hits.nx)
        return y, x

    def _half(self, of_hit: int) -> int:
        return max(2, stamps.half_side(of_hit) + self._larger)

    def _frames(self, spot: _Spot) -> list[npt.NDArray[Any]]:
        """Exposures, median and corrected median around what is shown."""
        stack, last = self._model.analysis.stack, corrected(self._model, spot.part)
        frames: list[npt.NDArray[Any]] = self._frames_memo(
            (stack, *_bounds(spot.part), last.tobytes()),
            lambda: [*stack.cube[(slice(None), *spot.part)], stack.median2d[spot.part], last],
        )
        return frames

    def _show_panels(self, spot: _Spot, frames: list[npt.NDArray[Any]]) -> None:
        model, size = self._model, tuple(self.detail.size)
        analysis, display, p = model.analysis, model.display, model.parameters
        key = (
            frames, analysis.result("flags", display.target), analysis.mask(display.target), spot,
            size, self.stretch, display.target, p.color_scale,
            p.pixels_to_be_replaced_by_local_median, p.mediancr_pixels_rejected,
            p.pixels_to_be_ignored_as_cr, p.pixels_to_be_flagged_as_cr,
        )  # fmt: skip
        self._picture(key, partial(self.send_picture, spot, frames))

    def send_picture(self, spot: _Spot, frames: list[npt.NDArray[Any]]) -> None:
        """Draw the panels, and send them with the cuts."""
        width, height, scale = self.detail.size
        cut = cutouts.left_below(len(frames) + 1, frames[0].shape, (width, height), scale)
        if cut < _LEAST_CUT * scale:
            cut = _CUT_PART * height if height > _LOWEST * scale else 0.0
        model = self._model
        limits = self._limits(spot, frames[-2])
        values = [cutouts.value_panel(f, limits, self.stretch) for f in frames]
        room = int(width), max(1, int(height - cut))
        panels = cutouts.arrange(len(frames) + 1, frames[0].shape, room, scale)
        self._layouts += (panels, spot.part) != (self._panels, self._part)
        self._panels, self._part = panels, spot.part
        drawn = cutouts.raster(panels, values, _codes(model, spot.part, panels.side), _inside(spot))
        content = {
            "event": "picture", "shape": drawn.shape, "top": 0, "name": self._name(spot),
            "panels": self._named(panels, len(frames) - 2), "layout": self._layouts,
        }  # fmt: skip
        cuts, lines = _cuts(spot, frames)
        self.detail.send(content | {"cuts": cuts}, [drawn.tobytes(), *lines])

    def _limits(self, spot: _Spot, median: npt.NDArray[Any]) -> tuple[float, float]:
        """As the stamps of the gallery, or the limits of zscale."""
        stack, scale = self._model.analysis.stack, self._model.parameters.color_scale
        if scale == "zscale":
            return colour_limits(median, scale)
        low, high = stamps.limits([*stack.cube, stack.median2d], [spot.centre])
        return (float(low[0]), float(high[0])) if high[0] > low[0] else colour_limits(median, scale)

    def _named(self, panels: cutouts.Panels, n: int) -> list[dict[str, Any]]:
        target = self._model.display.target
        why = "why" if target == "median" else f"why, {target}"
        exposures = [(f"exp. {i + 1}", _LINES[i % len(_LINES)]) for i in range(n)]
        named = [*exposures, ("median", _MEDIAN_LINE), (why, ""), ("corrected", _CORRECTED_LINE)]
        rows = panels.shape[0]
        made = []
        for k, (name, line) in enumerate(named):
            x, y = panels.corner(k)
            top = rows - y - panels.height * panels.side
            made.append(
                {"x": x, "y": top, "width": panels.width * panels.side, "name": name, "line": line}
            )
        return made

    def _name(self, spot: _Spot) -> str:
        if spot.row < 0:
            return f"x {spot.centre[1] + 1}, y {spot.centre[0] + 1}"
        at = self._listing.hits.table[spot.row]
        was = f" (was {self._listing.was})" if self._listing.was else ""
        lost = "Not found now" if at["method"] == NOT_FOUND else "Ignored"
        return f"Hit {words.number(at)}{was}" if at["number"] else lost

    def _described(self, spot: _Spot | None) -> dict[str, Any]:
        """State of the part of the page that shows it in words."""
        listing = self._listing
        state: dict[str, Any] = {
            "name": "", "kind": "", "tone": "", "place": "", "cuts": "", "why": "", "reason": "",
            "verdict": "", "can_judge": False, "empty": "" if spot else _EMPTY, "at": -1,
            "tool": self.tool, "widths": self.widths, "solid": self._solid_shown,
            "stretch": self.stretch, "stretches": list(STRETCHES),
        }  # fmt: skip
        if spot is None:
            return state
        state["name"] = self._name(spot)
        if spot.row < 0:
            return state | {"kind": "no hit here", "tone": "transparent"}
        hits, at = listing.hits, listing.hits.table[spot.row]
        column = hits.kind_column
        peak = int(hits.peak[spot.row])
        bright = () if hits.alike[spot.row] else bright_in(self._model.analysis, peak)
        why = words.why(at, bright, float(hits.times[spot.row]))
        method = f" · {at['method']}" if column == "class" else ""
        more = f"{len(listing.chosen)} chosen · " if len(listing.chosen) > 1 else ""
        reason = str(at["reason"]) if "reason" in hits.table.colnames else ""
        verdict = str(listing.verdicts[spot.row])
        return state | {
            "kind": words.kind(column, str(at[column])),
            "tone": words.tone(column, str(at[column])),
            "place": f"{more}middle x {at['x']:.0f} y {at['y']:.0f}{method}",
            "cuts": self._why_there(spot),
            "why": why,
            "reason": "; ".join(filter(None, (why, reason))),
            "verdict": "" if verdict == UNDECIDED else verdict,
            "can_judge": True,
            "at": peak,
        }

    def _why_there(self, spot: _Spot) -> str:
        """Which pixel is called the peak."""
        alike = self._listing.hits.alike[spot.row]
        what = "is brightest" if alike else "exceeds the minimum most"
        return (
            f"The cuts go through the peak, the pixel of the hit where the median {what}: "
            f"x {spot.centre[1] + 1} y {spot.centre[0] + 1}"
        )

    def _solid_names(self, spot: _Spot) -> str:
        rows, columns = spot.part
        n = self._model.analysis.exposures.n
        return (
            f"1 to {n}, median, corrected; hit in orange; x {columns.start + 1}–{columns.stop}, "
            f"y {rows.start + 1}–{rows.stop}"
        )

    # Gestures ---------------------------------------------------------------------------------

    def _heard(self, said: dict[str, Any]) -> None:
        if said.get("event") == "click":
            self._clicked(said)
            return
        what, value = said["what"], said["value"]
        if what == "judge":
            self._judge_seen(str(value), said["at"])
        elif what == "tool":
            self.tool = LOOK if value == self.tool else str(value)
        elif what == "widths":
            x, y = (min(99, max(1, int(width))) | 1 for width in value)
            self.widths = x, y
        elif what == "stretch" and value in STRETCHES:
            self.stretch = str(value)
            self._restretched()
        elif what == "resize":
            self.resize(int(value))
        elif what == "solid":
            self.toggle_solid()
        elif what == "save":
            self.save()
        elif what == "draw":
            self._picture = Memo()
        self._again()

    def toggle_solid(self) -> None:
        """Show the surfaces instead of the panels, or the panels again."""
        self._solid_shown = not self._solid_shown
        self.solid.widget.layout.display = "" if self._solid_shown else "none"
        self._again()

    def resize(self, by: int) -> None:
        """Show so many pixels more on every side; fewer if negative."""
        of_hit = 0
        if self._listing.selected >= 0:
            of_hit = self._listing.hits.half(self._listing.selected)
        half = min(60, max(2, self._half(of_hit) + by))
        self._larger += half - self._half(of_hit)
        self._again()

    def save(self) -> None:
        """Save the picture as it is on screen."""
        if self._solid_shown:
            self.solid.save()
        else:
            self.detail.send({"event": "save", "name": "crmasks_hit.png"})

    def _judge_seen(self, verdict: str, at: int) -> None:
        """Judge the selected hit, if it is the one that the page shows."""
        if at == self.detail.state["at"]:
            self._judge(verdict)

    def _clicked(self, said: dict[str, Any]) -> None:
        found = self._panels.pixel(float(said["x"]), float(said["y"])) if self._panels else None
        # In another layout the pixel that was meant lies elsewhere.
        if found is None or self._part is None or said["layout"] != self._layouts:
            return
        pixel = self._part[1].start + found[1] + 1, self._part[0].start + found[0] + 1
        p = self._model.parameters
        if self.tool == PAINT:
            self._state.update(**edits.flag_pixels(p, [pixel]))
        elif self.tool == LOCAL_MEDIAN:
            self._state.update(**edits.toggle_local_median(p, pixel, self.widths))
        elif self.tool == ERASE and self._is_flagged(pixel):
            self._state.update(**edits.erase_pixels(p, [pixel]))

    def _is_flagged(self, pixel: edits.Pixel) -> bool:
        model = self._model
        if not overlays.mask_ready(model):
            return True
        return bool(model.analysis.mask(model.display.target)[pixel[1] - 1, pixel[0] - 1])


def _bounds(part: Part) -> tuple[int, ...]:
    return part[0].start, part[0].stop, part[1].start, part[1].stop


def _codes(model: ViewModel, part: Part, side: int) -> npt.NDArray[np.uint8]:
    """Why pixels of the cutout are flagged, drawn with their shapes."""
    marked = overlays.together(overlays.masked_pixels(model), overlays.edited_pixels(model))
    rows, columns = part
    shape = rows.stop - rows.start, columns.stop - columns.start
    window = viewport.Window(columns.start, rows.start, shape[1], shape[0], 1)
    return overlays.overlay_indices(marked, model.analysis.exposures.shape[1], window, side)


def _inside(spot: _Spot) -> npt.NDArray[np.bool_]:
    rows, columns = spot.part
    hit = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    for x, y in spot.pixels:
        if rows.start < y <= rows.stop and columns.start < x <= columns.stop:
            hit[y - 1 - rows.start, x - 1 - columns.start] = True
    return hit


def _cuts(spot: _Spot, frames: list[npt.NDArray[Any]]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Values along the row and the column through the peak of the hit."""
    rows, columns = spot.part
    y, x = spot.centre
    peak = ", peak" if spot.row >= 0 else ""
    along = (
        (f"row y {y + 1}{peak}", columns, x, [f[y - rows.start, :] for f in frames]),
        (f"column x {x + 1}{peak}", rows, y, [f[:, x - columns.start] for f in frames]),
    )
    cuts = [
        {
            "label": label, "n": len(values[0]), "lines": len(values), "first": where.start + 1,
            "at": at + 1,
        }
        for label, where, at, values in along
    ]  # fmt: skip
    return cuts, [np.array(values, np.float32).tobytes() for *_, values in along]
