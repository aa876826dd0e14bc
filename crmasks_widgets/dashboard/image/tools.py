"""The controls of the image: what the mouse does, which frame is shown, and how."""

from collections.abc import Callable
from typing import Final

from ipywidgets import (
    HTML,
    BoundedFloatText,
    BoundedIntText,
    Checkbox,
    Dropdown,
    FloatSlider,
    FloatText,
    HBox,
    Layout,
    Play,
    ToggleButton,
)

from crmasks_widgets.dashboard.drawing import stretches
from crmasks_widgets.dashboard.image.frames import frame_keys, frame_title
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import tool_buttons, word_button
from crmasks_widgets.dashboard.page.context import Context

PAN: Final = "Pan"
ZOOM_BOX: Final = "Zoom box"
PAINT: Final = "Paint"
ERASE: Final = "Erase"
LOCAL_MEDIAN: Final = "Local median"
_TOOLS: Final = {
    PAN: "Drag to move, turn the wheel to zoom, click to select a hit (p)",
    ZOOM_BOX: "Drag a box to see it larger (o)",
    PAINT: "Drag over pixels that are cosmic-ray hits",
    ERASE: "Drag over flagged pixels that are no cosmic-ray hits in any exposure",
    LOCAL_MEDIAN: "Click a pixel that the median of its neighbours shall replace; again: not",
}
ROW: Final = {
    "flex_flow": "row wrap",
    "align_items": "center",
    "min_width": "0",
    "flex": "0 0 auto",
    "grid_gap": "0 4px",
}


def window_fields() -> tuple[BoundedIntText, BoundedIntText]:
    """Fields for the widths in x and y of the window of a local median."""
    return (
        _count("Window x", "Odd width of the window of a local median, pixels", 5),
        _count("y", "Odd height of the window of a local median, pixels", 5),
    )


def window_widths(fields: tuple[BoundedIntText, BoundedIntText]) -> tuple[int, int]:
    """Widths in the fields; those that are even are one pixel more."""
    return int(fields[0].value) | 1, int(fields[1].value) | 1


def _count(text: str, tooltip: str, value: int) -> BoundedIntText:
    width = f"{66 + 7 * len(text)}px"
    return BoundedIntText(
        value=value, min=1, max=99, step=2, description=text, tooltip=tooltip,
        style={"description_width": "auto"},
        layout=Layout(width=width),
    )  # fmt: skip


class ToolBar:
    """What the mouse does on the image, and how much of it is seen.

    Parameters
    ----------
    context : Context
        What a view works with.
    home : callable
        Shows the whole frame.
    zoom : callable
        Takes the factor of what is seen.
    """

    def __init__(
        self,
        context: Context,
        home: Callable[[], object],
        zoom: Callable[[float], object],
    ) -> None:
        self.tools = tool_buttons(_TOOLS)
        self.size = _count("Brush", "Side of the square that paints and erases, pixels", 1)
        self.window = window_fields()
        buttons = [
            word_button(context, "Home", "See the whole frame (h, r)", home),
            word_button(context, "Zoom in", "See less, and that larger", lambda: zoom(0.5)),
            word_button(context, "Zoom out", "See more", lambda: zoom(2.0)),
        ]
        self.widget = HBox([self.tools, self.size, *self.window, *buttons], layout=Layout(**ROW))
        context.observe(self.tools, self._fit)
        self._fit()

    def _fit(self) -> None:
        """Show the sizes that the tool uses."""
        tool = self.tools.value
        self.size.layout.display = "" if tool in (PAINT, ERASE) else "none"
        for field in self.window:
            field.layout.display = "" if tool == LOCAL_MEDIAN else "none"


class DisplayBar:
    """Which frame is shown, and how its values become colours.

    Parameters
    ----------
    context : Context
        What a view works with.
    save_picture : callable
        Saves what is on screen.
    """

    def __init__(self, context: Context, save_picture: Callable[[], object]) -> None:
        self._state, self._shown = context.state, (0.0, 0.0)
        model = context.state.model
        self.keys = frame_keys(model.analysis.exposures.n)
        self.frame = _choice("Frame", [(frame_title(key), key) for key in self.keys], 190)
        self.stretch = _choice("Stretch", list(stretches.STRETCHES), 130)
        self.limits = _choice("Limits", list(stretches.LIMITS), 145)
        self.limits.tooltip = "Of the median in view (, minmax, / zscale): frames stay comparable"
        self.colours = _choice("Colours", list(stretches.COLOUR_MAPS), 165)
        self.low, self.high = _value("Low"), _value("High")
        self.opacity = FloatSlider(
            min=0.0, max=1.0, step=0.05, description="Flags", readout=False,
            tooltip="Opacity of the flagged pixels ([ and ])",
            style={"description_width": "auto"}, layout=Layout(width="150px"),
        )  # fmt: skip
        self.numbers = Checkbox(
            description="Numbers", indent=False, layout=Layout(width="auto"),
            tooltip="Numbers of the hits, where they are few (#)",
        )  # fmt: skip
        self.message = HTML()
        self.message.add_class("crmasks-error")
        save = word_button(
            context, "Save PNG", "Save the image as it is on screen (s)", save_picture
        )
        self.widget = HBox(
            [
                self.frame, *self._blink_controls(context), self.opacity, self.numbers,
                self.stretch, self.limits, self.low, self.high, self.message, self.colours, save,
            ],
            layout=Layout(**ROW),
        )  # fmt: skip
        for name in ("frame", "stretch", "limits", "colours", "opacity", "numbers"):
            context.observe(getattr(self, name), self._setter(name))
        context.observe(self.low, self._set_limits)
        context.observe(self.high, self._set_limits)

    def _blink_controls(self, context: Context) -> list[object]:
        self.blink = ToggleButton(
            description="Blink", tooltip="Show the frames one after the other",
            layout=Layout(width="auto"),
        )  # fmt: skip
        # A clock in the page: it waits while the kernel is busy, and needs no thread.
        self.clock = Play(min=0, max=1 << 30, repeat=False, layout=Layout(display="none"))
        self.interval = BoundedFloatText(
            value=0.7, min=0.2, max=10.0, step=0.1, description="every",
            tooltip="Seconds for each frame", style={"description_width": "auto"},
            layout=Layout(width="95px"),
        )  # fmt: skip
        context.observe(self.blink, self._start_or_stop)
        context.observe(self.interval, self._start_or_stop)
        context.observe(self.clock, self.forward)
        back = word_button(context, "Previous", "Frame before this one (B)", self.back)
        forward = word_button(context, "Next", "Frame after this one (b)", self.forward)
        return [back, forward, self.blink, self.interval, HTML("s"), self.clock]

    def _start_or_stop(self) -> None:
        self.clock.interval = round(1000 * self.interval.value)
        self.clock.playing = self.blink.value

    def forward(self) -> None:
        """Show the next frame."""
        self._step(1)

    def back(self) -> None:
        """Show the frame before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        place = self.keys.index(self._state.model.display.frame)
        self._state.show(frame=self.keys[(place + by) % len(self.keys)])

    def _setter(self, name: str) -> Callable[[], None]:
        return lambda: self._state.show(**{name: getattr(self, name).value})

    def _set_limits(self) -> None:
        """Take limits that were typed; what the fields were told to show is no change."""
        low, high = float(self.low.value), float(self.high.value)
        if (low, high) == self._shown:
            return
        if low >= high:
            self.message.value = f"Low: found {low:g}, expected less than {high:g}"
            return
        self.message.value = ""
        self._state.show(limits="manual", low=low, high=high)

    def render(self, model: ViewModel, limits: tuple[float, float]) -> None:
        """Show the display in the controls, and the limits in use in their fields.

        Parameters
        ----------
        model : ViewModel
            Whose display.
        limits : (low, high)
            In use, ADU.
        """
        for name in ("frame", "stretch", "limits", "colours", "opacity", "numbers"):
            getattr(self, name).value = getattr(model.display, name)
        if limits != self._shown:
            self._shown = limits
            self.message.value = ""
            # Together: one of them alone would look like a limit that was typed.
            with self.low.hold_trait_notifications(), self.high.hold_trait_notifications():
                self.low.value, self.high.value = limits


def _choice(text: str, options: list[str] | list[tuple[str, str]], width: int) -> Dropdown:
    return Dropdown(
        options=options, description=text, style={"description_width": "auto"},
        layout=Layout(width=f"{width}px"),
    )  # fmt: skip


def _value(text: str) -> FloatText:
    tooltip = f"{text}est value of the colours, ADU" if text == "High" else "Lowest, ADU"
    return FloatText(
        description=text, tooltip=tooltip, style={"description_width": "auto"},
        layout=Layout(width="115px"),
    )  # fmt: skip
