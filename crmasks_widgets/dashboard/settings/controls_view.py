"""A control for every parameter, made from the parameter table."""

from collections import defaultdict
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from ipywidgets import HTML, GridBox, HBox, Layout, Tab, VBox

from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Shortcut
from crmasks_widgets.dashboard.settings.control_widgets import (
    LARGEST_EXACT,
    ErrorLine,
    Looks,
    NumberEditor,
    PickEditor,
    Send,
    TextEditor,
    is_number,
    literal,
    parsed,
    span_of,
)
from crmasks_widgets.parameters import ParameterInfo, parameter_table

Editor = NumberEditor | TextEditor | PickEditor

_TITLES: Final = MappingProxyType(
    {"lacosmic": "L.A.Cosmic", "mm": "MM diagram", "general": "General", "exposures": "Exposures"}
)
_LAST: Final = ("general", "exposures")
OTHER: Final = "Not used here"
# Letters of a label that fit over a control of the least width.
LONG_NAME: Final = 31
FIXED: Final = MappingProxyType(
    {
        "images": "the exposures of this dashboard; open other files to change them",
        "extnum": "read with the exposures; open the files again to change it",
        "dq_extension": "read with the exposures; open the files again to change it",
        "dq_bits": "read with the exposures; open the files again to change it",
        "bad_pixel_mask": "read with the exposures; open the files again to change it",
        "noise_extension": "read with the exposures; open the files again to change it",
        "noise_kind": "read with the exposures; open the files again to change it",
    }
)
UNUSED: Final = MappingProxyType(
    {
        "interactive": "this dashboard is how results are looked at; kept for the file",
        "verify_cr": "hits are accepted or rejected in the cutouts; kept for the file",
    }
)


def title_of(group: str) -> str:
    """Readable title of a group of parameters, of those too that come after this was written."""
    return _TITLES.get(group) or group.replace("_", " ").strip().capitalize()


def label_of(info: ParameterInfo) -> str:
    """Name of a parameter with its unit."""
    return f"{info.name} ({info.unit})" if info.unit else info.name


def help_of(info: ParameterInfo) -> str:
    """What the user reads when the pointer rests on a control."""
    default = literal(info.default)
    return f"{info.name}: {info.help}. Expected: {info.expected}. Default: {default}"


def is_numeric(info: ParameterInfo) -> bool:
    """Whether a parameter gets a slider: numbers that the page can hold exactly."""
    if info.range is not None and info.range.high is not None:
        return info.range.high <= LARGEST_EXACT
    return info.range is not None or is_number(info.default)


class Control:
    """One parameter: its editor, a button to reset it, and what is wrong with what was set.

    Parameters
    ----------
    context : Context
        What a view works with.
    info : ParameterInfo
        Which parameter.
    value : object
        What it is now.
    looks : Looks
        Layouts.
    """

    def __init__(self, context: Context, info: ParameterInfo, value: object, looks: Looks) -> None:
        self.info, self._state = info, context.state
        self.error = ErrorLine()
        self.editor = _editor(context, info, value, self._set, looks)
        self.reset = word_button(context, "reset", _reset_help(info), self._back, looks.button)
        line = HBox([*self.editor.widgets, self.reset], layout=looks.row)
        line.add_class("crmasks-cell")
        self.widget = VBox([line, self.error.widget], layout=Layout(min_width="0"))
        self.widget.add_class("crmasks-control")
        if len(label_of(info)) > LONG_NAME:
            self.widget.add_class("crmasks-long-name")
        self._changed = False
        self.show(value)

    def show(self, value: object) -> None:
        """Follow the state, and mark a value that is not the default."""
        self.editor.show(value)
        changed = value != self.info.default
        if changed != self._changed:
            self._changed = changed
            mark = self.widget.add_class if changed else self.widget.remove_class
            mark("crmasks-changed")
        self.reset.disabled = not changed

    def _set(self, value: Any, gesture: str) -> None:
        if not self.error.attempt(partial(self._update, value, gesture)):
            self.reset.disabled = False

    def _update(self, value: Any, gesture: str) -> None:
        name = self.info.name
        self._state.update(gesture=gesture, **{name: parsed(value, name)})

    def _back(self) -> None:
        self._set(self.info.default, "")
        if not self.error.text:
            self.editor.restore()
            self.show(getattr(self._state.model.parameters, self.info.name))


def _reset_help(info: ParameterInfo) -> str:
    return f"Reset {info.name} to {literal(info.default)}"


def _editor(
    context: Context, info: ParameterInfo, value: object, send: Send, looks: Looks
) -> Editor:
    words = (label_of(info), help_of(info))
    if info.kind in ("switch", "choice"):
        return PickEditor(context, words, info.choices, send, looks)
    if is_numeric(info):
        whole = info.kind == "integer"
        return NumberEditor(
            context, info.name, words, span_of(info, value), send, looks, integer=whole
        )
    return TextEditor(context, words, send, looks)


class ControlsView:
    """All parameters by group, each with unit, help, reset and its error.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._looks = context, Looks()
        self.plots: tuple[str, ...] = ()
        self.keys: dict[str, Shortcut] = {}
        self.controls: dict[str, Control] = {}
        self._fixed: dict[str, TextEditor] = {}
        self._groups = _groups()
        pages = [VBox(layout=Layout(padding="4px")) for _ in self._groups]
        self.tabs = Tab(children=pages, layout=Layout(width="100%", min_width="0"))
        self.tabs.titles = tuple(self._groups)
        self.tabs.selected_index = 0
        self.widget = self.tabs
        self.widget.add_class("crmasks-controls")
        context.observe(self.tabs, self._fill, "selected_index")
        self._fill()

    def render(self, model: ViewModel) -> None:
        """Show the parameters that were asked for last."""
        for name, control in self.controls.items():
            control.show(getattr(model.parameters, name))
        for name, fixed in self._fixed.items():
            fixed.show(getattr(model.parameters, name))

    def _fill(self) -> None:
        """Make the controls of the open page: most pages are never opened, and widgets cost."""
        index = self.tabs.selected_index
        if index is None or self.tabs.children[index].children:
            return
        parameters = self._context.state.model.parameters
        title = tuple(self._groups)[index]
        cells: list[Any] = []
        for info in self._groups[title]:
            value = getattr(parameters, info.name)
            reason = {**FIXED, **UNUSED}.get(info.name)
            if reason is not None:
                cells.append(self._fixed_row(info, value, reason))
                continue
            control = Control(self._context, info, value, self._looks)
            self.controls[info.name] = control
            cells.append(control.widget)
        grid = GridBox(cells, layout=Layout(grid_gap="2px 10px", width="100%"))
        grid.add_class("crmasks-control-grid")
        notes = [HTML("These settings do nothing in a dashboard.")] if title == OTHER else []
        self.tabs.children[index].children = (*notes, grid)

    def _fixed_row(self, info: ParameterInfo, value: object, reason: str) -> VBox:
        help_line = f"{help_of(info)}. Not to be changed here: {reason}"
        editor = TextEditor(self._context, (label_of(info), help_line), _ignore, self._looks)
        editor.text.disabled = True
        editor.show(value)
        self._fixed[info.name] = editor
        line = HBox(editor.widgets, layout=self._looks.row)
        line.add_class("crmasks-cell")
        row = VBox([line, HTML(f"<small>{reason}</small>")], layout=Layout(min_width="0"))
        row.add_class("crmasks-control")
        return row


def _groups() -> dict[str, list[ParameterInfo]]:
    """Parameters by the title of their page, detectors first."""
    pages: defaultdict[str, list[ParameterInfo]] = defaultdict(list)
    for info in parameter_table():
        pages[OTHER if info.name in UNUSED else title_of(info.group)].append(info)
    last = [title_of(group) for group in _LAST] + [OTHER]
    known = [title for title in _TITLES.values() if title not in last]
    order = [*known, *(title for title in pages if title not in (*known, *last)), *last]
    return {title: pages[title] for title in order if title in pages}


def _ignore(_value: object, _gesture: str) -> None:
    """A field that cannot be edited sends nothing."""
