"""What the noise check says about gain and readout noise, in one line with a button."""

import html
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from ipywidgets import HTML, HBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.noise_in_use import fitted_noise, remarks_of
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.noise_remarks import Remark
from crmasks_widgets.dashboard.model.engine import Order
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.units import in_unit

_NAMES: Final = MappingProxyType({"gain": "gain", "rnoise": "readout noise"})


class NoiseBanner:
    """One line above the parameters: which gain and readout noise fit better, and a button.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    plots: tuple[str, ...] = ()
    keys: Mapping[str, Shortcut] = MappingProxyType({})

    def __init__(self, context: Context) -> None:
        self._state, self.active = context.state, False
        self.better, self._memo = dict[str, float](), Memo()
        self.text = HTML("Noise check: computing…")
        self.button = word_button(context, "use", "Set what fits better", self._take)
        self.widget = HBox([self.text, self.button])
        self.widget.add_class("crmasks-banner")
        self.button.layout.display = "none"

    def shown(self, shown: bool) -> None:
        """Compute the noise check while somebody looks."""
        self.active = shown
        self._state.refresh()

    def wanted(self) -> Order:
        """Stages that are computed for this line alone."""
        return (("noise_check", None),) if self.active else ()

    def render(self, model: ViewModel) -> None:
        """Say what is known."""
        known = model.ready("noise_check")
        if self.active and known:
            analysis = model.analysis
            said = (analysis.noise_check, *sorted(analysis.parameters.aligned))
            self._memo(said, partial(self._show, analysis))
        # What an older check found better is not offered for newer settings.
        newest = known and model.analysis.parameters == model.parameters
        self.button.layout.display = "" if newest and self.better else "none"

    def _show(self, analysis: Analysis) -> bool:
        remarks = remarks_of(analysis)
        # As far as the check remarks on them.
        remarked = {remark.parameter for remark in remarks}
        fitted = fitted_noise(analysis)
        self.better = {name: value for name, value in fitted.items() if name in remarked}
        said = in_one_line(analysis.noise_check, self.better, analysis.noise, remarks)
        self.text.value = in_unit(said, html.escape(analysis.exposures.unit))
        return True

    def _take(self) -> None:
        changes: dict[str, Any] = dict(self.better)
        self._state.update(**changes)


def in_one_line(
    check: NoiseCheck, better: Mapping[str, float], noise: Noise, remarks: Sequence[Remark]
) -> str:
    """Say what fits better.

    Parameters
    ----------
    check : NoiseCheck
        What was found.
    better : mapping
        Gain, e-/ADU, and readout noise, ADU, that fit better than those given.
    noise : Noise
        What was assumed.
    remarks : sequence of Remark
        On the check.

    Returns
    -------
    str
        HTML.
    """
    if not check.classes:
        return "Noise check: too few pixels to tell."
    if not better and remarks:
        first = remarks[0]
        return f"Noise: look at <b>{html.escape(first.parameter)}</b>: {html.escape(first.text)}."
    if not better:
        return f"Noise: {check.excess:.2f} times what gain and readout noise say; both fit."
    given = {"gain": noise.typical_gain, "rnoise": noise.typical_rnoise}
    parts = [f"{_NAMES[name]} <b>{better[name]:.3g}</b> (not {given[name]:.3g})" for name in better]
    return f"Noise: {' and '.join(parts)} fit{'s' if len(parts) == 1 else ''} better."
