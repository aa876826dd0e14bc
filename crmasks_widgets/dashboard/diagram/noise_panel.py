"""Observed noise against predicted, and the gain and readout noise that would fit."""

import html
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from bqplot import Figure, Lines, LogScale, Scatter
from ipywidgets import HTML, Layout, VBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.noise_in_use import check_of, fitted_noise, remarks_of
from crmasks_widgets.core.matching.description import STRUCTURE_ALONE
from crmasks_widgets.core.matching.match import Matching
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_check import NoiseCheck
from crmasks_widgets.core.noise_remarks import Remark
from crmasks_widgets.core.over_dispersion import OverDispersions
from crmasks_widgets.dashboard.drawing.ticks import log_ticks
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context
from crmasks_widgets.dashboard.plots.axes import make_axis
from crmasks_widgets.dashboard.settings.control_widgets import ErrorLine
from crmasks_widgets.units import in_unit

BUTTON: Final = "Use fitted gain and readout noise"
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#888888"
_HEIGHT: Final = "250px"
_MARGIN: Final = {"top": 8, "bottom": 40, "left": 44, "right": 10}
_KEY: Final = (
    f'<b>Noise</b>: <span style="color:{_BLUE}">\u25cb</span> observed, '
    f'<span style="color:{_ORANGE}">+</span> neighbours'
)


class NoisePanel:
    """What the exposures' own differences say about gain and readout noise.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._state, self.fitted = context.state, dict[str, Any]()
        self._unit = unit = context.state.model.analysis.exposures.unit
        self._scales = {axis: LogScale(min=1.0, max=10.0) for axis in "xy"}
        points = {"x": [], "y": [], "scales": self._scales}
        self.observed = Scatter(
            marker="circle", colors=[_BLUE], fill=False, stroke=_BLUE, stroke_width=1.5,
            default_size=100, **points,
        )  # fmt: skip
        self.white = Scatter(marker="cross", colors=[_ORANGE], default_size=16, **points)
        self._equal = Lines(
            x=[], y=[], scales=self._scales, colors=[_GREY], stroke_width=1.5, line_style="dashed"
        )
        style = {"tick_format": "~g", "label_offset": "30px"}
        self._axes = [
            make_axis(self._scales["x"], "bottom", label=f"predicted ({unit})", **style),
            make_axis(self._scales["y"], "left", label=f"observed ({unit})", **style),
        ]  # fmt: skip
        figure = Figure(
            marks=[self._equal, self.observed, self.white], axes=self._axes, fig_margin=_MARGIN,
            padding_x=0, padding_y=0, animation_duration=0,
            layout=Layout(width="100%", height=_HEIGHT, min_width="0"),
        )  # fmt: skip
        self.title = HTML(_KEY, layout=Layout(margin="0"))
        self.widget = VBox([self.title, figure], layout=Layout(flex="2 1 0", min_width="0"))
        self._error = ErrorLine()
        self.text = HTML("Noise check: computing\u2026")
        self.text.add_class("crmasks-line")
        self.matching = HTML()
        self.matching.add_class("crmasks-line")
        self.scatter = HTML()
        self.scatter.add_class("crmasks-line")
        self.button = word_button(
            context, BUTTON, "Set gain and rnoise to what the differences of the exposures say",
            partial(self._error.attempt, self._take), Layout(width="auto", align_self="flex-start"),
        )  # fmt: skip
        self.button.disabled = True
        self.words = VBox([self.text, self.button, self._error.widget, self.scatter, self.matching])

    def _take(self) -> None:
        self._state.update(**self.fitted)

    def show(self, analysis: Analysis) -> None:
        """Show a noise check.

        Parameters
        ----------
        analysis : Analysis
            Whose check is known.
        """
        check, electrons = check_of(analysis), analysis.exposures.in_electrons
        text = noise_text(check, analysis.noise, remarks_of(analysis), in_electrons=electrons)
        self.text.value = in_unit(text, html.escape(self._unit))
        self.fitted = fitted_noise(analysis)
        predicted, observed, white = (
            np.array([getattr(c, name) for c in check.classes], float)
            for name in ("predicted", "observed", "white")
        )
        for mark, values in ((self.observed, observed), (self.white, white)):
            with mark.hold_sync():
                mark.x, mark.y = predicted, values
        if len(predicted):
            self._span(np.concatenate([predicted, observed, white]))

    def offer(self, offered: bool) -> None:
        """Offer what was fitted, if anything was; not while newer settings are computed."""
        self.button.disabled = not (offered and self.fitted)

    def show_scatter(self, dispersions: OverDispersions) -> None:
        """Show how much more than photons the exposures scatter.

        Parameters
        ----------
        dispersions : OverDispersions
            Before matching and after.
        """
        words = dispersions.in_words.replace("+/-", chr(0xB1))
        text = html.escape(words[:1].upper() + words[1:])
        self.scatter.value = in_unit(text + ".", html.escape(self._unit))

    def show_matching(self, matching: Matching) -> None:
        """Show what was taken away from the exposures before they were compared.

        Parameters
        ----------
        matching : Matching
            How they differ.
        """
        self.matching.value = in_unit(matching_text(matching), html.escape(self._unit))

    def _span(self, values: npt.NDArray[np.float64]) -> None:
        low, high = 0.9 * float(values.min()), 1.1 * float(values.max())
        for scale, axis in zip(self._scales.values(), self._axes, strict=True):
            with scale.hold_sync():
                scale.min, scale.max = low, high
            axis.tick_values = log_ticks(low, high)
        with self._equal.hold_sync():
            self._equal.x = self._equal.y = np.array([low, high])


def matching_text(matching: Matching) -> str:
    """Seeing, structure and sky of every exposure, and what of it they are measured of.

    Parameters
    ----------
    matching : Matching
        How the exposures differ.

    Returns
    -------
    str
        HTML.
    """
    what = STRUCTURE_ALONE[:1].upper() + STRUCTURE_ALONE[1:]
    lines = [f"Before the tests: {html.escape(matching.reason)}.", f"{html.escape(what)}:"]
    lines += [
        f"Exposure {number}: {html.escape(exposure.in_words).replace('+/-', chr(0xB1))}."
        for number, exposure in enumerate(matching.exposures, start=1)
    ]
    return "<br>".join(lines)


def noise_text(
    check: NoiseCheck, noise: Noise, remarks: Sequence[Remark], *, in_electrons: bool = False
) -> str:
    """Say in words what was found.

    Parameters
    ----------
    check : NoiseCheck
        What was found.
    noise : Noise
        What was assumed.
    remarks : sequence of Remark
        On the check.
    in_electrons : bool
        Whether the exposures are in electrons, whose gain is known.

    Returns
    -------
    str
        HTML.
    """
    if not check.classes:
        return "Noise check: too few pixels to tell."
    gain = _fit("gain", (check.gain, check.gain_error), noise.typical_gain, "e\u207b/ADU")
    parts = [
        *(() if in_electrons else (gain + _because(check.gain_unknown),)),
        _fit("readout noise", (check.rnoise, check.rnoise_error), noise.typical_rnoise, "ADU")
        + _because(check.rnoise_unknown),
        f"exposures scatter {check.excess:.2f} times as much as predicted, neighbouring pixels "
        f"{check.white_excess:.2f} times",
    ]
    lines = [f"Fitted: {'; '.join(parts)}."]
    lines += [
        f"<b>Look at {html.escape(remark.parameter)}</b>: {html.escape(remark.text)}."
        for remark in remarks
    ]
    return "<br>".join(lines if remarks else [*lines, "The noise is as predicted."])


def _fit(name: str, fitted: tuple[float, float], given: float, unit: str) -> str:
    value, error = fitted
    if not np.isfinite(value):
        return f"{name} unknown ({given:.4g} given)"
    return f"{name} {value:.4g} \u00b1 {error:.1g} {unit} ({given:.4g} given)"


def _because(unknown: str) -> str:
    return f", because {html.escape(unknown)}" if unknown else ""
