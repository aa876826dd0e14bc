"""The line that says what is found, what is being done and what went wrong."""

import html
from collections.abc import Callable
from functools import partial
from typing import Final

from ipywidgets import HTML, FloatProgress, HBox, Layout, VBox

from crmasks_widgets.core import detectors
from crmasks_widgets.dashboard.model.engine import Snapshot
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut

_STEPS: Final = {
    "stack": "stacking the exposures",
    "observed": "diagram of the data",
    "expected": "simulating the diagram",
    "boundary": "boundary",
    "flags": "detecting",
    "significance_diagram": "diagram in units of sigma",
    "noise_check": "checking the noise",
    "mediancr": "mask of the median",
    "hits": "table of hits",
    "masks": "masks of the exposures",
    "combination": "combining",
}


class StatusView:
    """Counts by method, progress, Cancel, undo and redo, and the last error.

    Parameters
    ----------
    context : Context
        What a view works with.
    cancel : callable
        Stops the computation.
    """

    def __init__(self, context: Context, cancel: Callable[[], None]) -> None:
        self._state, self._counts = context.state, Memo()
        self.plots: tuple[str, ...] = ()
        self.keys = {
            "Escape": Shortcut("stop computing", cancel),
            "Ctrl+z": Shortcut("undo", context.state.undo),
            "Ctrl+y": Shortcut("redo", context.state.redo),
        }
        self.counts = HTML(layout=Layout(flex="1 1 auto"))
        self.timing = HTML()
        self.message = HTML()
        self.bar = FloatProgress(min=0.0, max=1.0, layout=Layout(width="120px", height="18px"))
        button, state = partial(word_button, context), context.state
        self.cancel = button("Cancel", "Stop computing (Esc)", cancel)
        self.undo = button("Undo", "Take back the last change (Ctrl+Z)", state.undo)
        self.redo = button("Redo", "Do again what was undone (Ctrl+Y)", state.redo)
        line = [self.counts, self.timing, self.bar, self.cancel, self.undo, self.redo]
        for part in (self.counts, self.timing):
            part.add_class("crmasks-line")
        self.message.add_class("crmasks-error")
        bar = HBox(line, layout=Layout(align_items="center", flex_flow="row wrap"))
        self.widget = VBox([bar, self.message])

    def render(self, model: ViewModel) -> None:
        """Show the counts of the target on screen, once they are known."""
        self.undo.disabled = not self._state.can_undo
        self.redo.disabled = not self._state.can_redo
        target = model.display.target
        if model.ready(("flags", target), "edits"):
            analysis = model.analysis
            key = (analysis.result("flags", target), analysis.edits, target)
            self.counts.value = self._counts(
                key, lambda: counts_text(analysis.flags(target).counts(), str(target))
            )

    def working(self) -> None:
        """Say that something was asked for."""
        self.message.value = ""
        self.cancel.disabled = False
        self.timing.value = "computing…"

    def progress(self, fraction: float, stage: str) -> None:
        """Show how far a computation is."""
        self.bar.value = fraction
        self.timing.value = html.escape(_STEPS.get(stage, stage)) + "…"

    def finished(self, snapshot: Snapshot) -> None:
        """Show that a part is done, and at the end how long it took."""
        self.bar.value = snapshot.fraction
        if snapshot.done:
            self.cancel.disabled = True
            self.timing.value = f"done in {snapshot.elapsed:.2g} s"

    def stopped(self) -> None:
        """Say that the computation was stopped."""
        self.bar.value = 0.0
        self.cancel.disabled = True
        self.timing.value = "stopped"

    def error(self, text: str) -> None:
        """Show one line about what went wrong."""
        self.message.value = html.escape(" ".join(text.split()))
        self.cancel.disabled = True
        self.timing.value = ""


def counts_text(counts: dict[str, int], target: str) -> str:
    """Put counts by method into one line.

    Parameters
    ----------
    counts : dict
        Of `Flags.counts`.
    target : str
        Whose flags they are.

    Returns
    -------
    str
        HTML.
    """
    names = {f"{key} only": f"{row.name} only" for key, row in detectors.DETECTORS.items()}
    parts = [
        f"{number:,} {names.get(key, key)}"
        for key, number in counts.items()
        if number and key != "either"
    ]
    total = f"<b>{counts['either']:,}</b> pixels flagged in {html.escape(target)}"
    return ": ".join([total, ", ".join(parts)] if parts else [total])
