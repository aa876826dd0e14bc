"""The selected hit in every exposure, to accept it, reject it, or mend its pixels."""

import html
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import Figure, Label, LinearScale
from ipywidgets import HTML, Dropdown, HBox, Layout, VBox

from crmasks_widgets.dashboard.drawing import cutouts, overlays, viewport
from crmasks_widgets.dashboard.drawing.pictures import palette_png
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image.frames import corrected
from crmasks_widgets.dashboard.image.tools import (
    ERASE,
    LOCAL_MEDIAN,
    PAINT,
    ROW,
    window_fields,
    window_widths,
)
from crmasks_widgets.dashboard.model import edits
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import tool_buttons, word_button
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.page.page import name_plot
from crmasks_widgets.dashboard.plots.axes import make_axis
from crmasks_widgets.dashboard.plots.swap_image import SwapImage
from crmasks_widgets.limits import colour_limits

PLOT: Final = "cutouts"
_ASSUMED_SIZE: Final = (900, 180)  # before the page told
LOOK: Final = "Look"
_TOOLS: Final = {
    LOOK: "A click does nothing",
    PAINT: "Click a pixel that is a cosmic-ray hit",
    ERASE: "Click a flagged pixel that is no cosmic-ray hit in any exposure",
    LOCAL_MEDIAN: "Click a pixel that the median of its neighbours shall replace; again: not",
}
_NOTHING: Final = ("taken out: 0", "")  # None would be no choice at all


class CutoutsView:
    """Cutouts of the selected hit: exposures, median, why it is flagged, corrected median.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._state, self._model = context, context.state, context.state.model
        self.plots: tuple[str, ...] = (PLOT,)
        self._larger = 0
        self._shown: tuple[Any, ...] = ()
        self._panels: cutouts.Panels | None = None
        self._part: tuple[slice, slice] | None = None
        self._subject = picking.Selected()
        self._picture_memo, self._list_memo = Memo(), Memo()
        self._build_figure()
        self._build_controls(context)
        self.keys: Mapping[str, Shortcut] = self._make_keys()
        context.page.on_msg(context.dispatcher.handler(self._page_message))

    def _build_figure(self) -> None:
        self.x, self.y = (LinearScale(min=0.0, max=1.0, allow_padding=False) for _ in range(2))
        scales = {"x": self.x, "y": self.y}
        self.image = SwapImage(scales)
        self.names = Label(
            x=[], y=[], text=[], scales=scales, default_size=12.0, font_weight="normal",
            colors=["#777777"], align="start", y_offset=-9,
        )  # fmt: skip
        self.axes = [
            make_axis(self.x, "bottom", tick_values=[], label="x, y: FITS pixel"),
            make_axis(self.y, "left", tick_values=[]),
        ]
        self.figure = Figure(
            marks=[self.image.mark, self.names], axes=self.axes, padding_y=0,
            animation_duration=0, fig_margin={"top": 2, "bottom": 38, "left": 44, "right": 12},
            layout=Layout(width="auto", height="300px", min_width="0"),
        )  # fmt: skip
        self.figure.add_class("crmasks-names").add_class("crmasks-unseen")
        name_plot(self.figure, PLOT)

    def _build_controls(self, context: Context) -> None:
        self.tools = tool_buttons(_TOOLS)
        self.window = window_fields()
        button = partial(word_button, context)
        self.previous = button("Previous hit", "In raster order (k, arrow left)", self.go_back)
        self.next = button("Next hit", "In raster order (j, arrow right)", self.go_on)
        self.reject = button("Reject", "", self.reject_or_accept)
        self.ignore = button("Not a cosmic ray anywhere", "", self.ignore_or_restore)
        self.taken_out = Dropdown(
            options=[_NOTHING], layout=Layout(width="190px"),
            tooltip="Hits taken out of masks by hand, to look at them again",
        )  # fmt: skip
        sizes = [
            button("Larger", "Fewer pixels around the hit, drawn larger (+)", self.closer),
            button("Wider", "More pixels around the hit (-)", self.wider),
            button("Save PNG", "Save the cutouts as they are on screen (s)", self.save),
        ]
        self.title = HTML(layout=Layout(flex="1 1 auto", min_width="0"))
        self.title.add_class("crmasks-line")
        first = [self.previous, self.next, self.reject, self.ignore, self.taken_out, *sizes]
        second = [self.tools, *self.window, self.title]
        self.widget = VBox(
            [HBox(row, layout=Layout(**ROW)) for row in (first, second)] + [self.figure],
            layout=Layout(min_width="0", height="100%"),
        )
        context.observe(self.tools, self._show_fields)
        context.observe(self.taken_out, self._select_taken_out)
        self._show_fields()

    def _show_fields(self) -> None:
        for field in self.window:
            field.layout.display = "" if self.tools.value == LOCAL_MEDIAN else "none"

    # Drawing ----------------------------------------------------------------------------------

    def render(self, model: ViewModel) -> None:
        """Draw the cutouts of what is selected, and say what it is."""
        self._model = model
        selected = (
            model.selection.pixel,
            self._half(model),
            self._context.size(PLOT, _ASSUMED_SIZE),
        )
        if selected == self._shown and not (model.ready("hits") and overlays.mask_ready(model)):
            return  # Newer masks are being made; what is shown stays until they are ready.
        subject = self._subject(model)
        self._render_controls(model, subject)
        # Axes without a picture would be numbers without meaning.
        mark = self.figure.add_class if subject is None else self.figure.remove_class
        mark("crmasks-unseen")
        if subject is None or not model.ready("stack"):
            self.title.value = "Click a flagged pixel in the image, or Next hit."
            return
        self._shown = selected
        part = cutouts.cutout(subject.centre, self._half(model), model.analysis.exposures.shape)
        self._part, last, (*_, size) = part, corrected(model, part), selected
        analysis, display, p = model.analysis, model.display, model.parameters
        flags = None
        if model.ready("mediancr", ("flags", display.target)):
            flags = analysis.result("flags", display.target)
        masks = analysis.mask(display.target) if overlays.mask_ready(model) else None
        key = (
            analysis.stack, flags, masks, subject, part, last.tobytes(), size, display.stretch,
            display.colours, display.target, p.color_scale,
            p.pixels_to_be_replaced_by_local_median,
        )  # fmt: skip
        self._picture_memo(key, partial(self._draw, model, subject, part, size))

    def _half(self, model: ViewModel) -> int:
        return max(2, model.parameters.semiwindow + self._larger)

    def _draw(
        self,
        model: ViewModel,
        subject: picking.Subject,
        part: tuple[slice, slice],
        size: tuple[int, int],
    ) -> None:
        stack, display = model.analysis.stack, model.display
        median = stack.median2d[part]
        limits = colour_limits(median, model.parameters.color_scale)
        frames = [*stack.cube[(slice(None), *part)], median, corrected(model, part)]
        values = [cutouts.value_panel(frame, limits, display.stretch) for frame in frames]
        panels = self._panels = cutouts.arrange(len(frames) + 1, median.shape, size)
        drawn = cutouts.raster(
            panels, values, _codes(model, part, panels.side), _inside(subject, part)
        )
        rows, columns = drawn.shape
        self.image.show(palette_png(drawn, cutouts.palette(display.colours)), (0, columns, 0, rows))
        left, right, low, high = viewport.fitted((0.0, float(columns), 0.0, float(rows)), size)
        with self.x.hold_sync(), self.y.hold_sync():
            # Against the axis: what is left over is on the right.
            self.x.min, self.x.max, self.y.min, self.y.max = 0.0, right - left, low, high
        self._name_panels(panels, stack.n, display.target)
        self._set_ticks(panels, part)
        self.title.value = _title(model, subject)

    def _name_panels(self, panels: cutouts.Panels, n: int, target: str | int) -> None:
        why = "why flagged" if target == "median" else f"why flagged in {target}"
        names = [*(f"exposure {i}" for i in range(1, n + 1)), "median", why, "corrected median"]
        corners = [panels.corner(k) for k in range(panels.count)]
        with self.names.hold_sync():
            self.names.x = [float(x) for x, _ in corners]
            self.names.y = [float(y + panels.height * panels.side) for _, y in corners]
            self.names.text = names

    def _set_ticks(self, panels: cutouts.Panels, part: tuple[slice, slice]) -> None:
        """FITS coordinates of some pixels of every column and row of panels."""
        corners = [panels.corner(k) for k in range(panels.count)]
        for axis, pixels, starts in (
            (self.axes[0], part[1], {x for x, _ in corners}),
            (self.axes[1], part[0], {y for _, y in corners}),
        ):
            n = pixels.stop - pixels.start
            places = {
                start + (i + 0.5) * panels.side: str(pixels.start + i + 1)
                for start in sorted(starts)
                for i in sorted({n // 6, n // 2, n - 1 - n // 6})
            }
            # In this order: new places are written with the labels that are there.
            axis.tick_labels = {f"{place:g}": text for place, text in places.items()}
            axis.tick_values = np.array(list(places))

    def _render_controls(self, model: ViewModel, subject: picking.Subject | None) -> None:
        kind = subject.kind if subject else None
        self.previous.disabled = self.next.disabled = not model.ready("hits")
        self.reject.disabled = kind not in ("hit", "rejected")
        self.reject.description = "Accept" if kind == "rejected" else "Reject"
        self.reject.tooltip = (
            "Let it be in MEDIANCR again (v)"
            if kind == "rejected"
            else "Take the hit out of MEDIANCR; other masks keep what their own data show (v)"
        )
        self.ignore.disabled = kind not in ("hit", "rejected", "ignored")
        self.ignore.description = (
            "May be a cosmic ray" if kind == "ignored" else "Not a cosmic ray anywhere"
        )
        self.ignore.tooltip = (
            "Let its pixels be flagged again (V)"
            if kind == "ignored"
            else "Keep its pixels out of every mask (V)"
        )
        p = model.parameters
        lists = (p.mediancr_pixels_rejected, p.pixels_to_be_ignored_as_cr)
        self._list_memo(lists, partial(self._list_taken_out, *lists))

    def _list_taken_out(
        self, rejected: tuple[edits.Pixel, ...] | None, ignored: tuple[edits.Pixel, ...] | None
    ) -> None:
        options: list[tuple[str, Any]] = [_NOTHING]
        for name, listed in (("rejected", rejected), ("ignored", ignored)):
            for group in edits.groups(listed):
                x, y = group[len(group) // 2]
                options.append((f"{name} at x {x}, y {y}", (y - 1, x - 1)))
        options[0] = (f"taken out: {len(options) - 1}", _NOTHING[1])
        self.taken_out.options = options

    # Gestures ---------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Select the next hit."""
        self._go(1)

    def go_back(self) -> None:
        """Select the hit before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        number = picking.neighbour(self._model, step)
        if number:
            picking.reveal(self._state, picking.pixel_of_hit(self._model, number))

    def reject_or_accept(self) -> None:
        """Take the hit out of MEDIANCR, or put it back."""
        subject = self._subject(self._model)
        if subject is None or subject.kind not in ("hit", "rejected"):
            return
        edit = edits.accept_hit if subject.kind == "rejected" else edits.reject_hit
        self._change(subject, edit(self._model.parameters, subject.pixels))

    def ignore_or_restore(self) -> None:
        """Keep the hit out of every mask, or let it be flagged again."""
        subject = self._subject(self._model)
        if subject is None or subject.kind == "pixel":
            return
        edit = edits.restore_hit if subject.kind == "ignored" else edits.ignore_hit
        self._change(subject, edit(self._model.parameters, subject.pixels))

    def _change(self, subject: picking.Subject, changes: dict[str, Any]) -> None:
        """Change parameters; the selection moves onto a pixel that surely belongs to the hit."""
        y, x = self._model.selection.pixel or subject.centre
        with self._state.together():
            if (x + 1, y + 1) not in subject.pixels:
                x, y = min(subject.pixels, key=lambda p: (p[0] - 1 - x) ** 2 + (p[1] - 1 - y) ** 2)
                self._state.select(pixel=(y - 1, x - 1))
            self._state.update(**changes)

    def _select_taken_out(self) -> None:
        pixel = self.taken_out.value
        if pixel != _NOTHING[1]:
            picking.reveal(self._state, pixel)
            self.taken_out.value = _NOTHING[1]

    def _page_message(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") != "click" or content.get("plot") != PLOT or not self._panels:
            return
        x = self.x.min + content["x"] * (self.x.max - self.x.min)
        y = self.y.min + content["y"] * (self.y.max - self.y.min)
        found = self._panels.pixel(x, y)
        if found is not None and self._part is not None:
            row, column = found
            self._click((self._part[1].start + column + 1, self._part[0].start + row + 1))

    def _click(self, pixel: edits.Pixel) -> None:
        """Use the tool on a FITS pixel."""
        p, tool = self._model.parameters, self.tools.value
        if tool == PAINT:
            self._state.update(**edits.flag_pixels(p, [pixel]))
        elif tool == LOCAL_MEDIAN:
            widths = window_widths(self.window)
            self._state.update(**edits.toggle_local_median(p, pixel, widths))
        elif tool == ERASE and self._is_flagged(pixel):
            self._state.update(**edits.erase_pixels(p, [pixel]))

    def _is_flagged(self, pixel: edits.Pixel) -> bool:
        model = self._model
        if not overlays.mask_ready(model):
            return True
        return bool(model.analysis.mask(model.display.target)[pixel[1] - 1, pixel[0] - 1])

    def closer(self) -> None:
        """Show fewer pixels around the hit."""
        self._resize(-3)

    def wider(self) -> None:
        """Show more pixels around the hit."""
        self._resize(3)

    def _resize(self, by: int) -> None:
        half = min(60, max(2, self._half(self._model) + by))
        self._larger = half - self._model.parameters.semiwindow
        self.render(self._state.model)

    def save(self) -> None:
        """Save the cutouts as they are on screen."""
        self.figure.save_png("crmasks_cutouts.png")

    def _make_keys(self) -> dict[str, Shortcut]:
        on, back = Shortcut("next hit", self.go_on), Shortcut("previous hit", self.go_back)
        return {
            "j": on,
            "ArrowRight": on,
            "k": back,
            "ArrowLeft": back,
            "v": Shortcut("reject the hit, or accept it again", self.reject_or_accept),
            "V": Shortcut("not a cosmic ray anywhere, or take that back", self.ignore_or_restore),
            "+": Shortcut("cutouts: larger", self.closer),
            "-": Shortcut("cutouts: wider", self.wider),
            "s": Shortcut("cutouts: save as PNG", self.save),
        }


def _codes(model: ViewModel, part: tuple[slice, slice], side: int) -> npt.NDArray[np.uint8]:
    """Why pixels of the cutout are flagged, drawn with their shapes."""
    marked = overlays.edited_pixels(model)
    if overlays.mask_ready(model):
        marked = overlays.together(overlays.masked_pixels(model), marked)
    rows, columns = part
    shape = rows.stop - rows.start, columns.stop - columns.start
    window = viewport.Window(columns.start, rows.start, shape[1], shape[0], 1)
    return overlays.overlay_indices(marked, model.analysis.exposures.shape[1], window, side)


def _inside(subject: picking.Subject, part: tuple[slice, slice]) -> npt.NDArray[np.bool_]:
    rows, columns = part
    hit = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    for x, y in subject.pixels:
        if rows.start < y <= rows.stop and columns.start < x <= columns.stop:
            hit[y - 1 - rows.start, x - 1 - columns.start] = True
    return hit


def _title(model: ViewModel, subject: picking.Subject) -> str:
    """One line about what is selected, HTML."""
    y, x = subject.centre
    count = f"{len(subject.pixels)} pixel{'s' if len(subject.pixels) > 1 else ''}"
    parts = [f"x = {x + 1}, y = {y + 1}"]
    if subject.kind == "hit" and model.ready("hits"):
        hits = model.analysis.result("hits")
        row = hits[subject.number - 1]
        parts = [
            f"<b>hit {subject.number}</b> of {len(hits)}",
            *parts,
            count,
            html.escape(row["method"]),
        ]
        peaks = [row[f"peak_over_min_{i + 1}"] for i in range(model.analysis.exposures.n)]
        parts.append("peak over minimum " + ", ".join(f"{peak:.4g}" for peak in peaks) + " ADU")
    elif subject.kind == "pixel":
        parts = ["<b>no hit here</b>", *parts]
    else:
        parts = [f"<b>{subject.kind}</b>", *parts, count]
    return " · ".join(parts)
