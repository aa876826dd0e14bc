"""Which frame is shown, and how: the row of frames, and two panels that open over the image."""

from collections.abc import Callable
from typing import Any, Final

from ipywidgets import (
    HTML,
    BoundedFloatText,
    Checkbox,
    DOMWidget,
    Dropdown,
    FloatSlider,
    HBox,
    Layout,
    VBox,
)

from crmasks_widgets.dashboard.image.frame_bar import FrameBar
from crmasks_widgets.dashboard.image.frames import (
    Frames,
    difference_from,
    frame_keys,
    frame_title,
)
from crmasks_widgets.dashboard.image.levels import LevelsPanel
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context

# Exposures with a button of their own; more are in the list of the rarer frames.
MOST_BUTTONS: Final = 5
_INTERVAL: Final = 0.7  # s that a frame is seen while frames take turns


class DisplayBar:
    """Which frame is shown, which take turns, and how values become colours.

    Parameters
    ----------
    context : Context
        What a view works with.
    frames : Frames
        Gives the frames.
    place : callable
        Puts a panel over the image, when it is first shown.
    """

    def __init__(self, context: Context, frames: Frames, place: Callable[[Any], object]) -> None:
        self._context, self._state = context, context.state
        self._frames, self._put = frames, place
        self._n = context.state.model.analysis.exposures.n
        # In the order of the bar, in which they also take turns.
        buttons = _buttons(self._n)
        self.keys = (*buttons, *(key for key in frame_keys(self._n) if key not in buttons))
        self.bar = FrameBar()
        self.levels: LevelsPanel | None = None
        self.layers: LayersPanel | None = None
        self.playing, self.interval, self._steps = False, _INTERVAL, 0
        self.bar.on_msg(context.dispatcher.handler(self._heard))

    def toggle_levels(self) -> None:
        """Open or close the histogram with the limits."""
        if self.levels is None:
            self.levels = LevelsPanel(self._context, self._frames)
            self._put(self.levels.widget)
        else:
            _toggle(self.levels.widget)
        if self.layers is not None:
            self.layers.widget.layout.display = "none"
        self._state.refresh()

    def toggle_layers(self) -> None:
        """Open or close what is seldom set."""
        if self.layers is None:
            self.layers = LayersPanel(self._context, self)
            self._put(self.layers.widget)
        else:
            _toggle(self.layers.widget)
        if self.levels is not None:
            self.levels.widget.layout.display = "none"

    def close_panel(self) -> bool:
        """Close the one that is open; tell whether one was."""
        panels = [panel.widget for panel in (self.levels, self.layers) if panel is not None]
        shown = [widget for widget in panels if widget.layout.display != "none"]
        for widget in shown:
            widget.layout.display = "none"
        return bool(shown)

    def forward(self) -> None:
        """Show the next of the frames that take turns."""
        self._step(1)

    def back(self) -> None:
        """Show the one before."""
        self._step(-1)

    def set_interval(self, seconds: float) -> None:
        """Let each frame be seen for so long."""
        self.interval = seconds
        self._state.refresh()

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        display = self._state.model.display
        if key := content.get("show"):
            changes = difference_from(display) if key == "difference" else {"frame": key}
            self._state.show(**changes)
        elif key := content.get("mark"):
            marked = set(display.blink) ^ {key}
            self._state.show(blink=tuple(key for key in self.keys if key in marked))
        elif "play" in content:
            self.playing = content["play"]
            self._state.refresh()
        elif "step" in content:
            self._steps += 1
            if self.playing:
                self.forward()
            self._state.refresh()

    def _step(self, by: int) -> None:
        display = self._state.model.display
        turns = display.blink if len(display.blink) > 1 else self.keys
        outside = -1 if by > 0 else 0
        place = turns.index(display.frame) if display.frame in turns else outside
        self._state.show(frame=turns[(place + by) % len(turns)])

    def render(self, model: ViewModel, limits: tuple[float, float]) -> None:
        """Show the display in the controls, and the limits in use in their panel.

        Parameters
        ----------
        model : ViewModel
            Whose display.
        limits : (low, high)
            In use, ADU.
        """
        buttons = _buttons(self._n)
        self.bar.state = {
            "frames": list(buttons.items()),
            "others": [(key, frame_title(key)) for key in self.keys if key not in buttons],
            "titles": {key: _tooltip(key, model) for key in self.keys},
            "shown": model.display.frame, "blink": list(model.display.blink),
            "playing": self.playing, "interval": self.interval, "steps": self._steps,
        }  # fmt: skip
        if self.levels is not None:
            self.levels.render(model, limits)
        if self.layers is not None:
            self.layers.render(model)


class LayersPanel:
    """What lies over the frame, what the difference is of, and how fast frames take turns.

    Parameters
    ----------
    context : Context
        What a view works with.
    bar : DisplayBar
        Knows the frames and how long each is seen.
    """

    def __init__(self, context: Context, bar: DisplayBar) -> None:
        self._state = context.state
        self.opacity = FloatSlider(
            min=0.0, max=1.0, step=0.05, description="Flags", readout=False,
            tooltip="Opacity of the flagged pixels ([ and ])",
        )  # fmt: skip
        self.rings = _checkbox("Rings around the hits", "A ring around each hit")
        self.numbers = _checkbox("Numbers of the hits (#)", "Numbers, where they are few")
        self.follow = _checkbox(
            "Go to the selected hit (l)",
            "Whether the image goes to a hit that is selected elsewhere",
        )
        options = [(frame_title(key), key) for key in bar.keys if key != "difference"]
        self.minuend = _choice(options, "Difference: from which frame")
        self.subtrahend = _choice(options, "Difference: what is subtracted")
        self.interval = BoundedFloatText(
            value=bar.interval, min=0.2, max=10.0, step=0.1, description="Blink (s)",
            tooltip="Seconds for each frame",
        )  # fmt: skip
        words = HTML("Difference of two frames")
        pair = HBox([self.minuend, HTML("−"), self.subtrahend])
        self.widget = VBox([
            self.opacity, self.rings, self.numbers, self.follow, words, pair, self.interval,
        ])  # fmt: skip
        self.widget.add_class("crmasks-popover").add_class("crmasks-layers")
        for name in ("opacity", "rings", "numbers", "follow"):
            context.observe(getattr(self, name), self._setter(name))
        for name in ("minuend", "subtrahend"):
            context.observe(getattr(self, name), self._take_pair)
        context.observe(self.interval, lambda: bar.set_interval(self.interval.value))
        self.render(context.state.model)

    def _setter(self, name: str) -> Callable[[], None]:
        return lambda: self._state.show(**{name: getattr(self, name).value})

    def _take_pair(self) -> None:
        """Show the difference that was chosen; what the lists were told to show is no choice."""
        pair, display = (self.minuend.value, self.subtrahend.value), self._state.model.display
        if pair != (display.minuend, display.subtrahend):
            self._state.show(frame="difference", minuend=pair[0], subtrahend=pair[1])

    def render(self, model: ViewModel) -> None:
        """Show the display in the controls."""
        for name in ("opacity", "rings", "numbers", "follow"):
            getattr(self, name).value = getattr(model.display, name)
        # Together: one of them alone would look like a pair that was chosen.
        with self.minuend.hold_trait_notifications(), self.subtrahend.hold_trait_notifications():
            self.minuend.value = model.display.minuend
            self.subtrahend.value = model.display.subtrahend


def _toggle(panel: DOMWidget) -> None:
    panel.layout.display = "" if panel.layout.display == "none" else "none"


def _buttons(n: int) -> dict[str, str]:
    """What is written on the buttons, by the frame's key."""
    numbers = {str(i): str(i) for i in range(1, n + 1)} if n <= MOST_BUTTONS else {}
    return {
        "median": "median", "mediancr": "corrected", "min": "min", **numbers, "difference": "diff",
    }  # fmt: skip


def _tooltip(key: str, model: ViewModel) -> str:
    if key != "difference":
        return frame_title(key)
    changes = difference_from(model.display)
    one = frame_title(changes.get("minuend", model.display.minuend))
    return f"difference: {one} − {frame_title(model.display.subtrahend)}"


def _checkbox(text: str, tooltip: str) -> Checkbox:
    return Checkbox(description=text, indent=False, tooltip=tooltip)


def _choice(options: list[tuple[str, str]], tooltip: str) -> Dropdown:
    return Dropdown(options=options, tooltip=tooltip, layout=Layout(width="auto", flex="1 1 0"))
