"""The parts that controls are made of: editors of one value, and the line that says what is wrong.

An editor is told the value of the state by `show`, and passes what the user sets to `send`. It
remembers what was shown last, so that a value that comes back from the state does not move a slider
that the user is dragging.
"""

import html
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeGuard

from ipywidgets import HTML, Checkbox, Dropdown, FloatSlider, IntSlider, Layout, Text, Widget

from crmasks_widgets.dashboard.drawing.ticks import slider_step
from crmasks_widgets.dashboard.page.context import Context
from crmasks_widgets.errors import CrmasksError, ParameterError
from crmasks_widgets.parameters import ParameterInfo
from crmasks_widgets.parameters.yaml_text import load_yaml

# A slider reaches this many times the default, or this far where there is none to go by.
REACH: Final = 4
REACH_OF_INTEGERS: Final = 20
REACH_OF_NUMBERS: Final = 100.0
# JavaScript knows no larger whole numbers.
LARGEST_EXACT: Final = 2**53

Send = Callable[[Any, str], None]
UNSHOWN: Final = object()


def literal(value: object) -> str:
    """Write a value as YAML on one line, for a text field.

    Parameters
    ----------
    value : object
        Number, text, None, or (nested) tuple of these.

    Returns
    -------
    str
        `parsed` gives the value back, with lists for tuples.
    """
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    if isinstance(value, str):
        try:
            plain = load_yaml(value, "") == value
        except ParameterError:
            plain = False
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class TypedText:
    """What was typed into a field, to be read where its errors are shown."""

    text: str


def parsed(sent: object, name: str) -> object:
    """Read what an editor sent.

    Parameters
    ----------
    sent : object
        A value, or a `TypedText`: numbers, text and lists of YAML, empty for null; nothing is
        evaluated.
    name : str
        What messages call it.

    Returns
    -------
    object
        Plain value.

    Raises
    ------
    ParameterError
        A text is not one plain YAML value.
    """
    return load_yaml(sent.text, name) if isinstance(sent, TypedText) else sent


@dataclass(frozen=True)
class Span:
    """Where a slider begins and ends, and its step."""

    low: float
    high: float
    step: float

    @property
    def decimals(self) -> int:
        """Of a value that lies on a step."""
        return max(0, -math.floor(math.log10(self.step)))


def span_of(info: ParameterInfo, value: object) -> Span:
    """Range of the slider of a parameter.

    Parameters
    ----------
    info : ParameterInfo
        Its line of the table.
    value : object
        What it is now; counts if it is a number.

    Returns
    -------
    Span
        From the lowest accepted value to four times the larger of default and value.
    """
    scales = [float(v) for v in (info.default, value) if is_number(v)]
    high = REACH * max((abs(scale) for scale in scales), default=0.0)
    low = info.range.low if info.range is not None else None
    if low is None or low < -LARGEST_EXACT or (info.kind == "integer" and low < -info.step * 1e6):
        low = min([0.0, *scales])
    highest = info.range.high if info.range is not None else None
    if info.kind == "integer":
        high = max(high, low + REACH_OF_INTEGERS * info.step)
        return Span(low, high if highest is None else min(high, highest), info.step)
    high = high or REACH_OF_NUMBERS
    high = high if highest is None else min(high, highest)
    step = slider_step(high - low)
    excluded = info.range.open_low if info.range is not None else is_positive(info.default)
    return Span(low + step if excluded else low, high, step)


def drawn_at(value: float, span: Span) -> float:
    """Where the page draws a value: on the nearest step from the beginning, or at the end.

    Parameters
    ----------
    value : float
        Inside the span.
    span : Span
        Of the slider.

    Returns
    -------
    float
        To the last bit what the page's slider (noUiSlider) finds: it counts in percents.
    """
    width = span.high - span.low
    if width <= 0 or value >= span.high:
        return value
    one = span.step * 100 / width
    place = math.floor((value - span.low) * 100 / width / one + 0.5) * one
    return span.high if place >= 100 else place * width / 100 + span.low


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number that a slider can show."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_positive(value: object) -> bool:
    """Whether a value is a number above 0."""
    return isinstance(value, int | float) and value > 0


@dataclass(frozen=True)
class Looks:
    """Layouts that all controls of a view share, so that they cost the page one model each."""

    row: Layout = field(default_factory=lambda: Layout(align_items="center", min_width="0"))
    number: Layout = field(default_factory=lambda: Layout(width="72px", flex="0 0 auto"))
    wide: Layout = field(default_factory=lambda: Layout(width="auto", flex="1 1 0", min_width="0"))
    button: Layout = field(default_factory=lambda: Layout(width="auto", flex="0 0 auto"))


def labelled(words: tuple[str, str]) -> dict[str, Any]:
    """Label of a field, with help that shows when the pointer rests on it.

    Parameters
    ----------
    words : (str, str)
        What is written beside the field, and its help.

    Returns
    -------
    dict
        Arguments of a widget. Its own tooltip would be shown only where it had no label.
    """
    label, tooltip = (html.escape(word) for word in words)
    description = f'<span title="{tooltip}">{label}</span>'
    return {"description": description, "description_allow_html": True}


def in_labels(text: str, labels: Mapping[str, str]) -> str:
    """Let a message call parameters what their controls call them.

    Parameters
    ----------
    text : str
        Of an error: "key: found this, expected that".
    labels : mapping
        What is written at the control, by key.

    Returns
    -------
    str
        With the words of the label in place of each key that a colon follows. A key of a file
        stays: it is what stands there.
    """
    keys = "|".join(map(re.escape, labels))
    if not keys:
        return text

    def word(found: re.Match[str]) -> str:
        before = text[: found.start()].rpartition(" ")[2]
        in_file = found[1] == ": " and "." in before
        return found[0] if in_file else found[1] + labels[found[2]]

    return re.sub(rf"(^|[:;] )({keys})(?=: )", word, text)


class ErrorLine:
    """One line beside a control about the value that was refused; nothing while all is well.

    Parameters
    ----------
    labels : mapping, optional
        What is written at the controls, by the key of their parameter.
    """

    def __init__(self, labels: Mapping[str, str] = MappingProxyType({})) -> None:
        self._labels = labels
        self.widget = HTML(layout=Layout(display="none", margin="0"))
        self.widget.add_class("crmasks-error")

    @property
    def text(self) -> str:
        """What it says, unescaped."""
        return html.unescape(self.widget.value)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something; say what is wrong with it, or clear what was.

        Parameters
        ----------
        action : callable
            May raise `CrmasksError`.

        Returns
        -------
        bool
            Whether it was done.
        """
        try:
            action()
        except CrmasksError as error:
            self.say(in_labels(str(error), self._labels))
            return False
        self.say("")
        return True

    def say(self, text: str) -> None:
        """Show a text on one line; empty for none."""
        self.widget.value = html.escape(" ".join(text.split()))
        self.widget.layout.display = "" if text else "none"


class NumberEditor:
    """A field to type a number, and a slider beside it that sends while it moves.

    Parameters
    ----------
    context : Context
        What a view works with.
    name : str
        What messages call the number.
    words : (str, str)
        What is written beside it, and its help.
    span : Span
        Of the slider, which widens when a value beyond it is shown.
    integer : bool
        Whether it is a whole number.
    send : callable
        Takes a value and the name of the gesture, empty for a typed value.
    looks : Looks
        Layouts.
    """

    def __init__(
        self,
        context: Context,
        name: str,
        words: tuple[str, str],
        span: Span,
        send: Send,
        looks: Looks,
        *,
        integer: bool = False,
    ) -> None:
        self._name, self._send, self._integer = name, send, integer
        self._shown: object = UNSHOWN
        self._sent: object = UNSHOWN
        self.text = Text(**labelled(words), continuous_update=False, layout=looks.number)
        slider: Any = IntSlider if integer else FloatSlider
        kind = int if integer else float
        self.slider = slider(
            min=kind(span.low), max=kind(span.high), step=kind(span.step), value=kind(span.low),
            readout=False, continuous_update=True, tooltip=words[1], layout=looks.wide,
        )  # fmt: skip
        self._at: float = self.slider.value
        self.widgets: tuple[Widget, ...] = (self.text, self.slider)
        self.set_span(span)
        # Where the page let the slider go, until it is taken again.
        self._let_go: object = UNSHOWN
        self.slider.add_class(f"crmasks-slider-{self.slider.model_id}")
        context.observe(self.slider, self._slid)
        context.observe(self.text, self._typed)
        context.page.on_msg(context.dispatcher.handler(self._page_said))

    def rename(self, name: str, words: tuple[str, str]) -> None:
        """Call it otherwise; arguments as those of the class."""
        self._name, self.slider.tooltip = name, words[1]
        self.text.description = labelled(words)["description"]

    def set_span(self, span: Span) -> None:
        """Let the slider range from and to other values; what it shows stays inside."""
        self._decimals = span.decimals
        value = self._shown if is_number(self._shown) else span.low
        self._set_limits(min(span.low, value), max(span.high, value), span.step)

    def show(self, value: object) -> None:
        """Show the value of the state; the slider stays where it is if the value came from it."""
        if self._shown is not UNSHOWN and value == self._shown:
            return
        self._shown = value
        self.text.value = literal(value)
        if not is_number(value) or value == self._sent:
            return
        self._sent = value
        if not self.slider.min <= value <= self.slider.max:
            self._widen(value)
        self._put(value)

    def restore(self) -> None:
        """Show the value of the state again in place of what was refused."""
        value, self._shown, self._sent = self._shown, UNSHOWN, UNSHOWN
        self.show(value)

    def _widen(self, value: Any) -> None:
        low = min(self.slider.min, value)
        self._set_limits(low, max(self.slider.max, low + 2 * (value - low)), self.slider.step)

    def _set_limits(self, low: Any, high: Any, step: Any) -> None:
        kind = int if self._integer else float
        with self.slider.hold_sync():
            with self.slider.hold_trait_notifications():
                self.slider.min, self.slider.max = kind(low), kind(high)
            self.slider.step = kind(step)
            self._put(self._shown if is_number(self._shown) else self.slider.value)

    def _put(self, value: float) -> None:
        """Put the slider where the page draws it.

        What it draws elsewhere it reports, and when the report of a value comes after the next one
        was shown, it looks like a gesture of the user.
        """
        span = Span(self.slider.min, self.slider.max, self.slider.step)
        place = drawn_at(value, span)
        self._at = round(place) if self._integer else place
        self.slider.value = self._at

    def _page_said(self, _: object, content: dict[str, Any], __: object) -> None:
        """Take where the slider is let go: what it says itself may come after an undo."""
        if content.get("event") not in ("hold", "release"):
            return
        if content.get("slider") != self.slider.model_id:
            return
        self._let_go = UNSHOWN
        if content["event"] == "release" and content["value"] is not None:
            self.slider.set_state({"value": content["value"]})
            self._let_go = self.slider.value

    def _slid(self) -> None:
        # The page may report a place that is off by a rounding; a gesture moves it further.
        if abs(self.slider.value - self._at) <= self.slider.step / 2:
            return
        late, self._let_go = self.slider.value == self._let_go, UNSHOWN
        if late:  # it was let go there before what is shown since
            self.slider.value = self._at
            return
        self._at = self.slider.value
        value = self._at if self._integer else round(self._at, self._decimals)
        self._sent = value
        self._send(value, f"slider {self._name}")

    def _typed(self) -> None:
        text = self.text.value
        if self._shown is not UNSHOWN and text == literal(self._shown):
            self._send(self._shown, "")  # no change, but it takes back what was wrong
            return
        self._sent = UNSHOWN
        self._send(TypedText(text), "")


class TextEditor:
    """A field for a value written as YAML; parameters as those of `NumberEditor`."""

    def __init__(self, context: Context, words: tuple[str, str], send: Send, looks: Looks) -> None:
        self._send, self._shown = send, UNSHOWN
        self.text = Text(**labelled(words), continuous_update=False, layout=looks.wide)
        self.widgets: tuple[Widget, ...] = (self.text,)
        context.observe(self.text, lambda: self._send(TypedText(self.text.value), ""))

    def show(self, value: object) -> None:
        """Show the value of the state."""
        if self._shown is UNSHOWN or value != self._shown:
            self._shown = value
            self.text.value = literal(value)

    def rename(self, words: tuple[str, str]) -> None:
        """Call it otherwise."""
        self.text.description = labelled(words)["description"]

    def restore(self) -> None:
        """Show the value of the state again in place of what was refused."""
        self.text.value = literal(self._shown)


class PickEditor:
    """A switch or a list of words; parameters as those of `NumberEditor`.

    A refused choice goes back to the one that holds.
    """

    def __init__(
        self,
        context: Context,
        words: tuple[str, str],
        choices: tuple[str, ...],
        send: Send,
        looks: Looks,
    ) -> None:
        self._send, self._shown = send, UNSHOWN
        kind: Any = (
            partial(Dropdown, options=choices) if choices else partial(Checkbox, indent=False)
        )
        self.pick = kind(**labelled(words), layout=looks.wide)
        self.widgets: tuple[Widget, ...] = (self.pick,)
        context.observe(self.pick, self._picked)

    def show(self, value: object) -> None:
        """Show the value of the state."""
        if self._shown is UNSHOWN or value != self._shown:
            self._shown = value
            self.pick.value = value

    def restore(self) -> None:
        """Nothing to do: a refused choice is not kept."""

    def _picked(self) -> None:
        value = self.pick.value
        if value == self._shown:
            return
        self._send(value, "")
        if self._shown != value:
            self.pick.value = self._shown
