"""The controls of the image: what the mouse does, which frame is shown, and how."""

from collections.abc import Callable
from types import MappingProxyType
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
    VBox,
    Widget,
)

from crmasks_widgets.dashboard.drawing import stretches
from crmasks_widgets.dashboard.image.frames import frame_keys, frame_title
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import icon_tools, segments
from crmasks_widgets.dashboard.page.context import Context

PAN: Final = "pan"
ZOOM_BOX: Final = "box"
PAINT: Final = "paint"
ERASE: Final = "erase"
LOCAL_MEDIAN: Final = "region"
_TOOLS: Final = MappingProxyType({
    PAN: "Pan: drag to move, turn the wheel to zoom, click to select a hit (p)",
    ZOOM_BOX: "Zoom box: drag a box to see it larger (o)",
    PAINT: "Paint: drag over pixels that are cosmic-ray hits",
    ERASE: "Erase: drag over flagged pixels that are no cosmic-ray hits in any exposure",
    LOCAL_MEDIAN: "Local median: click a pixel that the median of its neighbours shall replace; "
    "again: not",
})  # fmt: skip
# Exposures with a button of their own; more are in the list of all frames.
MOST_BUTTONS: Final = 5


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
    """What the mouse does on the image, and the sizes that it uses for that.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self.tools = icon_tools(_TOOLS)
        self.size = _count("Brush", "Side of the square that paints and erases, pixels", 1)
        self.window = window_fields()
        self.options = HBox([self.size, *self.window])
        self.options.add_class("crmasks-options")
        context.observe(self.tools, self._fit)
        self._fit()

    def _fit(self) -> None:
        """Show the sizes that the tool uses."""
        tool = self.tools.value
        self.size.layout.display = "" if tool in (PAINT, ERASE) else "none"
        for field in self.window:
            field.layout.display = "" if tool == LOCAL_MEDIAN else "none"
        used = tool in (PAINT, ERASE, LOCAL_MEDIAN)
        self.options.layout.display = "" if used else "none"


class DisplayBar:
    """Which frame is shown, and how its values become colours.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._state, self._shown = context.state, (0.0, 0.0)
        n = context.state.model.analysis.exposures.n
        self.keys = frame_keys(n)
        self.frame = _choice("Frame", [(frame_title(key), key) for key in self.keys])
        names = _short_names(n)
        self._buttons = frozenset(names.values())
        self.buttons = segments(names, [frame_title(key) for key in names.values()])
        self.stretch = _choice("", list(stretches.STRETCHES))
        self.stretch.tooltip = "Stretch: how values become brightness"
        self.limits = _choice("", list(stretches.LIMITS))
        self.limits.tooltip = "Limits, of the median in view (, minmax, / zscale): frames compare"
        self.colours = _choice("Colours", list(stretches.COLOUR_MAPS))
        self.low, self.high = _value("Low"), _value("High")
        self.opacity = FloatSlider(
            min=0.0, max=1.0, step=0.05, description="Flags", readout=False,
            tooltip="Opacity of the flagged pixels ([ and ])",
        )  # fmt: skip
        self.numbers = Checkbox(
            description="Numbers of the hits (#)", indent=False,
            tooltip="Numbers of the hits, where they are few",
        )  # fmt: skip
        self.follow = Checkbox(
            description="Go to the selected hit (l)", indent=False,
            tooltip="Whether the image goes to a hit that is selected elsewhere",
        )  # fmt: skip
        self.message = HTML()
        self.message.add_class("crmasks-error")
        self.panel = VBox([
            self.frame, self.colours, self.low, self.high, self.message, self.opacity,
            self.numbers, self.follow, *self._blink_controls(context),
        ])  # fmt: skip
        self.panel.add_class("crmasks-popover")
        self.panel.layout.display = "none"
        context.observe(self.buttons, self._button)
        for name in ("frame", "stretch", "limits", "colours", "opacity", "numbers", "follow"):
            context.observe(getattr(self, name), self._setter(name))
        context.observe(self.low, self._set_limits)
        context.observe(self.high, self._set_limits)

    def toggle_panel(self) -> None:
        """Open or close what is seldom set."""
        self.panel.layout.display = "" if self.panel.layout.display == "none" else "none"

    def _button(self) -> None:
        if self.buttons.value is not None:
            self._state.show(frame=self.buttons.value)

    def _blink_controls(self, context: Context) -> list[Widget]:
        self.blink = ToggleButton(tooltip="Blink: show the frames one after the other")
        self.blink.add_class("crmasks-icon").add_class("crmasks-icon-play")
        # A clock in the page: it waits while the kernel is busy, and needs no thread.
        self.clock = Play(min=0, max=1 << 30, repeat=False, layout=Layout(display="none"))
        self.interval = BoundedFloatText(
            value=0.7, min=0.2, max=10.0, step=0.1, description="Blink (s)",
            tooltip="Seconds for each frame",
        )  # fmt: skip
        context.observe(self.blink, self._start_or_stop)
        context.observe(self.interval, self._start_or_stop)
        context.observe(self.clock, self.forward)
        return [self.interval, self.clock]

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
        for name in ("frame", "stretch", "limits", "colours", "opacity", "numbers", "follow"):
            getattr(self, name).value = getattr(model.display, name)
        button = model.display.frame
        self.buttons.value = button if button in self._buttons else None
        if limits != self._shown:
            self._shown = limits
            self.message.value = ""
            # Together: one of them alone would look like a limit that was typed.
            with self.low.hold_trait_notifications(), self.high.hold_trait_notifications():
                self.low.value, self.high.value = limits


def _short_names(n: int) -> dict[str, str]:
    """Frames with a button, by what is written on it."""
    numbers = {str(i): str(i) for i in range(1, n + 1)} if n <= MOST_BUTTONS else {}
    return {"median": "median", "corrected": "mediancr", "min": "min", **numbers}


def _choice(text: str, options: list[str] | list[tuple[str, str]]) -> Dropdown:
    style = {"description_width": "auto"} if not text else {}
    return Dropdown(options=options, description=text, style=style, layout=Layout(width="auto"))


def _value(text: str) -> FloatText:
    tooltip = f"{text}est value of the colours, ADU" if text == "High" else "Lowest, ADU"
    return FloatText(description=text, tooltip=tooltip, layout=Layout(width="auto"))
