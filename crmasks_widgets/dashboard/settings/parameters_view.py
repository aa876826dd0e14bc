"""All parameters in one form, and the few that matter for a method beside the diagram."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final

from crmasks_widgets import detectors
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.settings.control_widgets import TypedText, parsed
from crmasks_widgets.dashboard.settings.fields import FIRST, fields_of, title_of, values_of
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
        self._held = 0  # number of the gesture that holds a slider
        self._infos = {info.name: info for info in parameter_table()}
        self.widget = ParameterForm(compact=compact)
        context.observe(self.widget, self._moved, "moving")
        self.widget.on_msg(context.dispatcher.handler(self._heard))
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
        errors = {**self._state.model.refused, **self._errors}
        if errors != self.widget.errors:
            self.widget.errors = errors

    def _moved(self) -> None:
        """Take what a slider says; all that one pointer does to it is one step of undo."""
        moving = self.widget.moving
        name, value = moving["name"], moving["value"]
        if moving["held"] and moving["gesture"] != self._held:
            self._held = moving["gesture"]
            self._state.hold()
        whole = self._infos[name].kind == "integer"
        self._set(name, int(value) if whole else float(value), f"slider {name} {moving['gesture']}")
        if not moving["held"]:
            self._state.release()

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if "reset" in content:
            self._set(content["reset"], self._infos[content["reset"]].default)
        elif "text" in content:
            self._set(content["set"], TypedText(content["text"]))
        else:
            self._set(content["set"], content["value"])

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
