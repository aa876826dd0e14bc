"""All parameters in one form, and the few that matter for a method beside the diagram."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final

from crmasks_widgets import detectors
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.settings.control_widgets import (
    TypedText,
    in_labels,
    is_number,
    parsed,
)
from crmasks_widgets.dashboard.settings.fields import (
    FIRST,
    fields_of,
    labels_of,
    title_of,
    values_of,
)
from crmasks_widgets.dashboard.settings.form import ParameterForm
from crmasks_widgets.errors import CrmasksError
from crmasks_widgets.parameters import Parameters, parameter_table

# What is moved while looking at the masks, whatever detects.
ALWAYS: Final = ("dilation",)
MOST_QUICK: Final = 6


class FormView:
    """A form of parameters that follows the state, and changes it.

    Parameters
    ----------
    context : Context
        What a view works with.
    names : callable, optional
        Takes the parameters; which of them have a field. By default all.
    compact : bool
        Only names and controls.
    """

    plots: tuple[str, ...] = ()
    keys: MappingProxyType[str, Shortcut] = MappingProxyType({})

    def __init__(
        self,
        context: Context,
        names: Callable[[Parameters], Iterable[str]] | None = None,
        *,
        compact: bool = False,
    ) -> None:
        self._state, self._names = context.state, names
        self._fields: list[dict[str, Any]] = []
        self._beginning = context.state.model.parameters
        self._unit = context.state.model.analysis.exposures.unit
        self._described, self._errors = Memo(), dict[str, str]()
        self._labels = labels_of(compact=compact)
        self._held, self._step = "", ""  # the gesture that holds a slider, and its step of undo
        self._infos = {info.name: info for info in parameter_table()}
        self.widget = ParameterForm(compact=compact)
        context.observe(self.widget, self._moved, "moving")
        self.widget.on_msg(context.dispatcher.handler(self._heard))
        context.when_begun(self._let_go)
        self.render(context.state.model)

    def render(self, model: ViewModel) -> None:
        """Show the parameters that were asked for last."""
        parameters = model.parameters
        names = None if self._names is None else tuple(self._names(parameters))
        self._described((names,), lambda: self._describe(names))
        self.widget.sections = [FIRST, *(title_of(key) for key in parameters.detectors)]
        values = values_of(parameters, self._fields)
        if values != self.widget.values:
            self.widget.values = values
        self._show_errors()

    def _describe(self, names: tuple[str, ...] | None) -> bool:
        self._fields = fields_of(self._beginning, names, self._unit)
        with self.widget.hold_sync():
            self.widget.fields = self._fields
            self.widget.values = values_of(self._state.model.parameters, self._fields)
        return True

    def _show_errors(self) -> None:
        errors = {
            name: in_labels(text, self._labels)
            for name, text in {**self._state.model.refused, **self._errors}.items()
        }
        if errors != self.widget.errors:
            self.widget.errors = errors

    def _moved(self) -> None:
        """Take where a slider is; all that one pointer does to it is one step of undo."""
        moving = self.widget.moving
        # What comes after the drop is old: the page held it back.
        if moving and self._held and moving["gesture"] == self._held:
            self._slide(moving["name"], moving["value"])

    def _slide(self, name: str, value: float) -> None:
        self._set(name, self._number(name, value), self._step)

    def _number(self, name: str, value: float) -> int | float:
        return int(value) if self._infos[name].kind == "integer" else float(value)

    def _grasped(self, content: dict[str, Any]) -> None:
        self._held = content["gesture"]
        # Steps by a key follow each other closely, and belong together like the way of a pointer.
        self._step = f"slider {content['hold']} {'' if content['by_key'] else self._held}"
        self._state.hold()

    def _dropped(self, content: dict[str, Any]) -> None:
        if content["gesture"] == self._held:
            self._slide(content["drop"], content["value"])
            self._let_go()
        else:  # the page began anew meanwhile
            self._set(content["drop"], self._number(content["drop"], content["value"]))

    def _let_go(self) -> None:
        """Forget the slider that a hand holds, as where its page is gone."""
        if self._held:
            self._state.release()
        self._held = ""

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if "reset" in content:
            self._set(content["reset"], self._infos[content["reset"]].default)
        elif "hold" in content:
            self._grasped(content)
        elif "drop" in content:
            self._dropped(content)
        elif "text" in content:
            self._set(content["set"], TypedText(content["text"]))
        else:
            name, value = content["set"], content["value"]
            self._set(name, self._number(name, value) if is_number(value) else value)

    def _set(self, name: str, value: Any, gesture: str = "") -> None:
        errors = {key: text for key, text in self._errors.items() if key != name}
        try:
            changes: dict[str, Any] = {name: parsed(value, name)}
            self._state.update(gesture=gesture, **changes)
        except CrmasksError as error:
            errors[name] = " ".join(str(error).split())
        self._errors = errors
        self._show_errors()
        if name not in errors:
            # What was typed may say the same in other words, or take back what was refused.
            self.widget.send_state("values")


def quick_names(parameters: Parameters) -> tuple[str, ...]:
    """Parameters that matter most for the method that is set.

    Parameters
    ----------
    parameters : Parameters
        Their detectors.

    Returns
    -------
    tuple of str
        At most six.
    """
    rows = [detectors.DETECTORS[key] for key in parameters.detectors]
    chosen = [name for row in rows for name in row.quick or row.look_at]
    return (*chosen[: MOST_QUICK - len(ALWAYS)], *ALWAYS)
