"""What is looked at, what was found, what is being done, and what went wrong."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from astropy.table import Table
from ipywidgets import HTML, Button, HBox

from crmasks_widgets import detectors
from crmasks_widgets.analysis import Analysis, Target
from crmasks_widgets.core.codes import BOTH, FORCED, all_codes
from crmasks_widgets.core.masks import Flags, HandEdits
from crmasks_widgets.core.targets import mask_name, target_name
from crmasks_widgets.core.verdicts import OUT
from crmasks_widgets.dashboard.model.engine import Snapshot
from crmasks_widgets.dashboard.model.on_screen import left_flagged
from crmasks_widgets.dashboard.model.place import Place
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut
from crmasks_widgets.dashboard.page.topbar import TopBar
from crmasks_widgets.errors import CrmasksError
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.files.headers import describe
from crmasks_widgets.parameters import types

_STEPS: Final = MappingProxyType({
    "stack": "stacking the exposures",
    "observed": "diagram of the data",
    "simulated": "expected diagram",
    "dispersions": "checking the noise",
    "boundary": "boundary",
    "flags": "detecting",
    "matched": "matching the exposures",
    "significance_diagram": "diagram in units of sigma",
    "noise_check": "checking the noise",
    "mediancr": "mask of the median",
    "hits": "table of hits",
    "masks": "masks of the exposures",
    "combination": "combining",
})  # fmt: skip
BY_HAND: Final = "set by hand"
OPENS: Final = "Click, or Enter, shows all of it and hides it again"
HINT: Final = "drag a point or the line · double click adds a point · ? keys"


@dataclass(frozen=True)
class MenuEntry:
    """What a menu offers.

    Attributes
    ----------
    text, help : str
        The words, and what they mean.
    action : callable
        Called when it is chosen.
    """

    text: str
    help: str
    action: Callable[[], object]


@dataclass(frozen=True)
class _Remark:
    text: str
    holds: Callable[[Analysis], bool]


class StatusView:
    """The bar at the top, and the line at the bottom that says what went wrong.

    Parameters
    ----------
    context : Context
        What a view works with.
    cancel : callable
        Stops the computation.
    escape : callable
        Closes what lies over the views, or stops the computation.
    open_page : callable
        Takes the name of what is to be opened beside the views.
    pages : mapping
        Icon and help of each name.
    menus : mapping
        What the icon of such a name offers in place of opening it at once.
    place : Place, optional
        Where the session stands among those of other detectors.
    """

    plots: tuple[str, ...] = ()

    def __init__(
        self,
        context: Context,
        cancel: Callable[[], None],
        escape: Callable[[], None],
        open_page: Callable[[str], object],
        pages: MappingProxyType[str, tuple[str, str]] = MappingProxyType({}),
        menus: Mapping[str, Sequence[MenuEntry]] = MappingProxyType({}),
        place: Place | None = None,
    ) -> None:
        state = self._state = context.state
        self._place = place
        self._found, self._masked, self._stand = Memo(), Memo(), Memo()
        self._menus = menus
        self.keys = {
            "Escape": Shortcut("close what is open, or stop computing", escape),
            "Ctrl+z": Shortcut("undo", state.undo),
            "Ctrl+y": Shortcut("redo", state.redo),
            "Ctrl+Shift+z": Shortcut("redo", state.redo),
        }
        subject, facts = subject_text(state.model.analysis.exposures)
        self.widget = TopBar(
            subject=subject, facts=facts, methods=method_buttons(), busy=True, doing="reading…",
            method=state.model.parameters.crmethod,
            detectors=list(place.names) if place is not None and place.several else [],
            detector=0 if place is None else place.number,
            pages=[
                {"name": name, "icon": icon, "help": text,
                 "menu": [{"text": e.text, "help": e.help} for e in menus.get(name, ())]}
                for name, (icon, text) in pages.items()
            ],
        )  # fmt: skip
        self.widget.add_class("crmasks-area-top")
        self._remarks: list[_Remark] = []
        self._offer = ""
        self.message = HTML(self._hint())
        self.offered = Button()
        self._take_offer: Callable[[], object] = lambda: None
        self.offered.on_click(context.dispatcher.handler(lambda _: self._take_offer()))
        self.offered.layout.display = "none"
        self.foot = HBox([self.message, self.offered])
        self.foot.add_class("crmasks-foot")
        self._actions = {"undo": state.undo, "redo": state.redo, "cancel": cancel}
        self._open_page = open_page
        self.widget.on_msg(context.dispatcher.handler(self._heard))

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if "method" in content:
            self._state.update(crmethod=content["method"])
        elif "legend" in content:
            hidden = self._state.model.display.hidden
            self._state.show(hidden=hidden ^ {int(content["legend"])})
        elif "chosen" in content:
            self._menus[content["menu"]][int(content["chosen"])].action()
        elif "detector" in content and self._place is not None:
            self._choose(self._place, int(content["detector"]))
        elif "page" in content:
            self._open_page(content["page"])
        elif content.get("do") in self._actions:
            self._actions[content["do"]]()

    def _choose(self, place: Place, detector: int) -> None:
        try:
            place.choose(detector)
        except CrmasksError:
            self.widget.send({"event": "stays"})
            raise

    def render(self, model: ViewModel) -> None:
        """Show the counts of the target on screen, once they are known."""
        bar, target = self.widget, model.display.target
        bar.can_undo, bar.can_redo = self._state.can_undo, self._state.can_redo
        bar.method = model.parameters.crmethod
        if model.ready(("flags", target), "edits"):
            analysis, hits = model.analysis, None
            if model.ready("hits"):
                table = analysis.result("hits")
                hits = self._stand((table,), lambda: standing_and_out(table))
            flags, edits = analysis.result("flags", target), analysis.edits
            counts = self._found((flags, edits, target), lambda: counted(flags, edits, target))
            known = model.ready("mediancr") if target == "median" else model.ready("masks")
            mask = analysis.mask(target) if known else None
            masked = self._masked((mask,), lambda: mask if mask is None else int(mask.sum()))
            bar.found = found(counts, target, hits, masked, model.display.hidden)

    def working(self) -> None:
        """Say that something was asked for."""
        self.say("")
        self.widget.busy, self.widget.doing = True, "computing…"

    def progress(self, fraction: float, stage: str) -> None:
        """Show how far a computation is."""
        self.widget.fraction = fraction
        self.widget.doing = _STEPS.get(stage, stage) + "…"

    def finished(self, snapshot: Snapshot) -> None:
        """Show that a part is done, and at the end how long it took."""
        self.widget.fraction = snapshot.fraction
        if snapshot.done:
            self.widget.busy, self.widget.doing = False, f"{float(f'{snapshot.elapsed:.2g}'):g} s ✓"

    def stopped(self) -> None:
        """Say that the computation was stopped."""
        self.widget.busy, self.widget.doing, self.widget.fraction = False, "stopped", 0.0

    def error(self, text: str) -> None:
        """Show one line about what went wrong."""
        self.widget.busy, self.widget.doing = False, ""
        self.fail(text)

    def say(self, text: str) -> None:
        """Show a line at the bottom in place of the hint; empty for the hint."""
        self._write(text, "crmasks-said")

    def fail(self, text: str) -> None:
        """Show there what went wrong."""
        self._write(text, "crmasks-error")

    def offer(self, text: str, words: str, action: Callable[[], object]) -> None:
        """Show a line at the bottom with a button, which comes back until it is withdrawn.

        Parameters
        ----------
        text, words : str
            What there is to know, and what the button says.
        action : callable
            What it does.
        """
        self._take_offer, self._offer = action, " ".join(text.split())
        self.offered.description = self.offered.tooltip = words
        self.say("")

    def withdraw(self) -> None:
        """Take back what was offered."""
        shown, self._offer = self._says_nothing_new, ""
        if shown:
            self.say("")

    def _write(self, text: str, kind: str) -> None:
        line = html.escape(" ".join(text.split()))
        self.offered.layout.display = "none" if line or not self._offer else ""
        wanted = f'<span class="{kind}" title="{line}">{line}</span>' if line else self._hint()
        if self.message.value != wanted:
            self.message.value = wanted

    def remark(self, text: str, holds: Callable[[Analysis], bool] = lambda _: True) -> None:
        """Add to what stands there while there is nothing newer to say.

        Parameters
        ----------
        text : str
            What there is to know.
        holds : callable, optional
            Whether it is true of an analysis; what opening says is true of all.
        """
        self._set_remarks([*self._remarks, _Remark(" ".join(text.split()), holds)])

    def settle(self, *analyses: Analysis) -> None:
        """Take away what is true of none of these analyses."""
        self._set_remarks([each for each in self._remarks if any(map(each.holds, analyses))])

    def _set_remarks(self, remarks: list[_Remark]) -> None:
        shown, self._remarks = self._says_nothing_new, remarks
        if shown:
            self.message.value = self._hint()

    @property
    def _says_nothing_new(self) -> bool:
        return bool(self.message.value == self._hint())

    def _hint(self) -> str:
        # The same may be said of several results.
        texts = list(dict.fromkeys(each.text for each in self._remarks))
        if self._offer and not texts:
            return f'<span class="crmasks-said">{html.escape(self._offer)}</span>'
        texts = [self._offer, *texts] if self._offer else texts
        if not texts:
            return f'<span class="crmasks-hint">{HINT}</span>'
        head = f"{len(texts)} remarks: " if len(texts) > 1 else ""
        lines = "<i> \u00b7 </i>".join(f"<span>{html.escape(text)}</span>" for text in texts)
        line = f"<summary><b>\u26a0 {head}</b>{lines}</summary>"
        return f'<details class="crmasks-remarks" title="{OPENS}">{line}</details>'


def subject_text(exposures: ExposureSet) -> tuple[str, str]:
    """What is looked at: a name, and how many exposures of which time and size.

    Parameters
    ----------
    exposures : ExposureSet
        Their headers, and names where headers say nothing.

    Returns
    -------
    subject, facts : str
        For the bar at the top.
    """
    facts = [describe(header) for header in exposures.headers]
    (ny, nx), seconds = exposures.shape, {each.exposure_time for each in facts}
    time = seconds.pop() if len(seconds) == 1 else None
    times = f"{exposures.n} × {time:g} s" if time else f"{exposures.n} exposures"
    subject = facts[0].object or Path(exposures.names[0]).name
    return subject, f"{times} · {nx} × {ny}"


def method_buttons() -> list[dict[str, str | bool]]:
    """Every `crmethod`, with the names of its detectors; whether it waits behind the others."""
    buttons: list[dict[str, str | bool]] = []
    for method, keys in types.METHODS.items():
        rows = [detectors.DETECTORS[key] for key in keys]
        label = " + ".join(row.name if len(rows) == 1 else row.short for row in rows)
        # A name that is written in its own way, as deepCR, begins as it does.
        label = label[:1].upper() + label[1:] if label.split()[0].islower() else label
        more = any(row.second_opinion for row in rows)
        buttons.append(
            {"value": method, "label": label, "help": f"crmethod: {method}", "more": more}
        )
    return buttons


def standing_and_out(table: Table) -> tuple[int, int]:
    """Count the hits that stand, and those that were put out of the median.

    Parameters
    ----------
    table : Table
        `Analysis.hits`.

    Returns
    -------
    standing, out : int
        Their sum is all of them.
    """
    out = int(np.count_nonzero(np.isin(np.asarray(table["verdict"]), OUT)))
    return len(table) - out, out


def counted(flags: Flags, edits: HandEdits, target: Target) -> dict[str, int]:
    """Count the pixels that are flagged and that the user leaves so.

    Parameters
    ----------
    flags : Flags
        Of the target.
    edits : HandEdits
        What was rejected, ignored, skipped or set by hand.
    target : str or int
        What is set by hand is in median and mean.

    Returns
    -------
    dict
        As `Flags.counts`, and "set by hand"; "either" is the sum.
    """
    left = flags.inside(left_flagged(edits, target))
    counts, painted = left.counts(), 0
    if target in ("median", "mean"):
        painted = int(np.count_nonzero(edits.forced & ~left.either))
    return {**counts, BY_HAND: painted, "either": counts["either"] + painted}


def found(
    counts: dict[str, int],
    target: Target,
    hits: tuple[int, int] | None,
    masked: int | None,
    hidden: frozenset[int],
) -> dict[str, Any]:
    """Put what was found into what the bar shows.

    Parameters
    ----------
    counts : dict
        Of `counted`.
    target : str or int
        Whose flags they are.
    hits : (int, int) or None
        Hits of the median that stand, and that were put out of it, once they are known.
    masked : int or None
        Pixels in the mask of the target, dilation included, once they are known.
    hidden : frozenset of int
        Codes that are not drawn.

    Returns
    -------
    dict
        `TopBar.found`.
    """
    codes = {f"{key} only": row.code for key, row in detectors.DETECTORS.items()}
    codes |= {"both": BOTH, BY_HAND: FORCED}
    names = {row.code: row.name for row in detectors.DETECTORS.values()}
    names |= {BOTH: "both", FORCED: "by hand"}
    shown, entries = all_codes(), []
    for key, number in counts.items():
        if key in codes and number:
            code = shown[codes[key]]
            entries.append({
                "code": code.number, "symbol": code.symbol, "colour": code.colour,
                "name": names[code.number], "count": f"{number:,}", "hidden": code.number in hidden,
            })  # fmt: skip
    total, out = ("…", 0) if hits is None else (f"{sum(hits):,}", hits[1])
    pixels = "…" if masked is None else f"{masked:,}"
    return {
        "total": f"{total} hits{f', {out:,} out' if out else ''} · {pixels} pixels",
        "help": f"Hits of the median{f', {out:,} of them rejected or ignored' if out else ''}. "
        f"Pixels in {mask_name(target)}, after dilation; the next numbers are those flagged in the "
        f"{target_name(target)} before it, by whom, without what was rejected",
        "entries": entries,
    }
