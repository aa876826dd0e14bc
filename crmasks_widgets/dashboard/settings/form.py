"""A form of parameters in the page: one widget, whatever the number of fields."""

from typing import Any

import traitlets

from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style


class ParameterForm(Part):
    """Fields that are described here, and what the user does with them.

    Attributes
    ----------
    fields : list of dict
        What `form.js` calls a Field, in the order shown.
    values : dict
        By name: "text" as in the parameter file, and "number", or None.
    errors : dict
        What is wrong with a value that was refused, by name.
    moving : dict
        From the page: "name" and "value" of a slider in motion, and the "gesture" that moves it.
    sections : list of str
        Groups of fields that stand first when the form is opened.
    compact : bool
        Only names and controls, for few fields in little room.

    Notes
    -----
    Messages (`on_msg`): ``{"set": name, "text": as typed}``, ``{"set": name, "value": bool, word or
    number}`` and ``{"reset": name}``; ``{"hold": name, "gesture", "by_key"}`` where a slider is
    taken, and ``{"drop": name, "value", "gesture"}`` where it is let go.
    Of `moving`, the page sends only the newest, and may send it after the drop: only what belongs
    to the gesture that is going on counts.
    """

    _esm = script(__file__, "form.js")
    _css = style(__file__, "form.css")
    fields: Any = traitlets.List().tag(sync=True)
    values: Any = traitlets.Dict().tag(sync=True)
    errors: Any = traitlets.Dict().tag(sync=True)
    moving: Any = traitlets.Dict().tag(sync=True, echo_update=False)
    sections: Any = traitlets.List().tag(sync=True)
    compact = traitlets.Bool(False).tag(sync=True)
