"""The hits: a list to go through with one key each, and the selected one large."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from ipywidgets import HBox, VBox

from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.core.verdicts import CONFIRMED, REJECTED, UNJUDGED
from crmasks_widgets.dashboard.drawing import stamps, stretches
from crmasks_widgets.dashboard.hits import words
from crmasks_widgets.dashboard.hits.bar import HitBar
from crmasks_widgets.dashboard.hits.gallery import Gallery
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image.frames import corrected
from crmasks_widgets.dashboard.model import edits, review
from crmasks_widgets.dashboard.model.hit_list import IGNORED
from crmasks_widgets.dashboard.model.hit_rows import ANY
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut

COLOURS: Final = "magma"
GALLERY, TABLE = "gallery", "table"
_VIEWS: Final = ((GALLERY, "Gallery"), (TABLE, "Table"))
_FIRST_WINDOW: Final = (0, 24)


class HitsView:
    """All hits to be judged, one key each, and the selected one large beside them.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self._state, self._model = context.state, context.state.model
        self.plots: tuple[str, ...] = ()
        self.listing = Listing()
        self._window = _FIRST_WINDOW
        self._fixed, self._sent = Memo(), Memo()
        self.bar = HitBar()
        self.gallery = Gallery(palette=stretches.colour_palette(COLOURS).tobytes())
        self.gallery.add_class("crmasks-gallery-host")
        for part, action in ((self.bar, self._set), (self.gallery, self._gallery_said)):
            part.on_msg(context.dispatcher.handler(lambda _w, said, _b, do=action: do(said)))
        self.list = VBox([self.bar, self.gallery])
        self.list.add_class("crmasks-hit-list")
        self.widget = HBox([self.list])
        self.widget.add_class("crmasks-pane").add_class("crmasks-hits")
        self.keys: Mapping[str, Shortcut] = self._make_keys()

    def _make_keys(self) -> dict[str, Shortcut]:
        on = Shortcut("next hit", partial(self.go, 1))
        back = Shortcut("previous hit", partial(self.go, -1))
        return {
            "y": Shortcut("a hit, then the next", partial(self.judge, CONFIRMED)),
            "n": Shortcut("not a hit, then the next", partial(self.judge, REJECTED)),
            "u": Shortcut("undecided, then the next", partial(self.judge, UNJUDGED)),
            "N": Shortcut("no cosmic ray in any exposure", partial(self.judge, IGNORED)),
            "j": on,
            "ArrowRight": on,
            "k": back,
            "ArrowLeft": back,
        }

    # Drawing ----------------------------------------------------------------------------------

    def render(self, model: ViewModel) -> None:
        """Show the hits once they are known; keep showing the last ones until then."""
        self._model = model
        self.listing.follow(model)
        if self.listing.hits is None:
            return
        self._show_bar()
        self._show_gallery()

    def _show_bar(self) -> None:
        listing = self.listing
        hits, wanted = listing.hits, listing.wanted
        assert hits is not None
        column = review.group_of(hits)
        self.bar.state = {
            "view": GALLERY,
            "views": _VIEWS,
            "chip": wanted.chip,
            "chips": [
                {
                    "key": chip.key, "count": chip.count, "label": words.kind(column, chip.label),
                    "tone": words.tone(column, chip.key.partition(":")[2]) if ":" in chip.key
                    else "",
                }
                for chip in review.chips(hits, listing.verdicts)
            ],
            "order": wanted.column,
            "orders": tuple(review.ORDERS.items()),
            "reviewed": f"{listing.judged:,} of {len(hits):,} reviewed",
            "method": wanted.method,
            "methods": (ANY, *colours_by_name()),
            "peak": wanted.peak,
            "text": wanted.text,
            "on_screen": wanted.on_screen,
            "other": "",
            "others": (("", "no other method"),),
            "compared": wanted.compared,
            "comparisons": (("", "all"),),
            "comparison": "",
            "more": sum(
                (wanted.method != ANY, wanted.peak > 0, bool(wanted.text), wanted.on_screen,
                 bool(wanted.compared)),
            ),
        }  # fmt: skip

    def _show_gallery(self) -> None:
        listing, model = self.listing, self._model
        if not model.ready("stack"):
            return
        fixed = self._corrected_frame()
        key = (
            listing.hits, listing.shown, listing.verdicts, listing.chosen, listing.brushed,
            model.analysis.stack, fixed, model.display.stretch,
        )  # fmt: skip
        with self.gallery.hold_sync():
            self.gallery.panels = model.analysis.exposures.n + 2
            self.gallery.count = len(listing.shown)
            self.gallery.selected = listing.position(listing.selected)
            self.gallery.spoken = self._spoken()
        self._sent(key, self._send_again)

    def _corrected_frame(self) -> Any:
        """The corrected median, or the last one while another is computed."""
        model = self._model
        stages = [
            model.analysis.result(*stage) if model.ready(stage) else None
            for stage in (("combination", "mediancr"), ("mediancr", None))
        ]
        whole = slice(None), slice(None)
        return self._fixed(
            (model.analysis.stack, *stages), lambda: corrected(model, whole)
        )

    def _spoken(self) -> str:
        listing = self.listing
        if listing.hits is None or listing.selected < 0:
            return ""
        row = listing.hits.table[listing.selected]
        column = review.group_of(listing.hits)
        parts = ("hit", words.number(row), words.kind(column, str(row[column])))
        return f"{' '.join(parts)}, {words.strength(row)}, {listing.verdicts[listing.selected]}"

    def _send_again(self) -> None:
        self._send_cards(*self._window, fresh=True)

    def _send_cards(self, first: int, last: int, *, fresh: bool) -> None:
        """Send cards to the page, with their stamps."""
        listing = self.listing
        hits = listing.hits
        if hits is None:
            return
        rows = listing.shown[max(0, first) : last].tolist()
        cards, buffer = [], []
        pictures = self._stamps(rows)
        column = review.group_of(hits)
        for row in rows:
            at, picture = hits.table[row], pictures[row]
            cards.append({
                "name": words.number(at),
                "kind": words.kind(column, str(at[column])),
                "tone": words.tone(column, str(at[column])),
                "strength": words.strength(at),
                "place": words.place(at),
                "verdict": str(listing.verdicts[row]),
                "side": picture.shape[-1],
                "chosen": row in listing.chosen,
                "brushed": bool(listing.brushed[row]),
            })
            buffer.append(picture.tobytes())
        message = {"event": "cards", "first": max(0, first), "cards": cards, "fresh": fresh}
        self.gallery.send(message, [b"".join(buffer)])

    def _stamps(self, rows: list[int]) -> dict[int, Any]:
        """Stamps of some rows: exposures, median, corrected."""
        hits, stack = self.listing.hits, self._model.analysis.stack
        assert hits is not None
        frames = [*stack.cube, stack.median2d, self._corrected_frame()]
        halves = {row: stamps.half_side(hits.half(row)) for row in rows}
        made: dict[int, Any] = {}
        for half in set(halves.values()):
            some = [row for row in rows if halves[row] == half]
            centres = [hits.centre(row) for row in some]
            drawn = stamps.stamps(frames, centres, half, self._model.display.stretch)
            made |= dict(zip(some, drawn, strict=True))
        return made

    # Gestures ---------------------------------------------------------------------------------

    def go(self, by: int) -> None:
        """Select the hit after (1) or before (-1) the selected one, in the order shown."""
        self._select(review.step(self.listing.shown, self.listing.selected, by))

    def _select(self, row: int) -> None:
        if row >= 0 and self.listing.hits is not None:
            self.listing.choose(row)
            picking.reveal(self._state, self.listing.hits.place(row))

    def judge(self, verdict: str) -> None:
        """Give a verdict on the hits chosen, and go on to the next.

        Parameters
        ----------
        verdict : str
            "confirmed", "rejected", "ignored" (no cosmic ray in any exposure) or "unjudged".
        """
        listing = self.listing
        if listing.hits is None or not listing.chosen:
            return
        rows, p = listing.chosen, self._model.parameters
        pixels = listing.pixels()
        changes = {
            CONFIRMED: lambda: edits.confirm_hits(p, pixels, listing.hits.peaks_of(rows)),
            REJECTED: lambda: edits.reject_hits(p, pixels),
            IGNORED: lambda: edits.ignore_hits(p, pixels),
            UNJUDGED: lambda: edits.leave_undecided(p, pixels),
        }[verdict]()
        following = review.next_unjudged(listing.shown, listing.verdicts, rows)
        with self._state.together():
            self._state.update(**changes)
            self._select(following)

    def _set(self, said: dict[str, Any]) -> None:
        """Take a choice of the head."""
        name, value = said["name"], said["value"]
        if name in ("chip", "method", "text", "on_screen", "compared"):
            self.listing.want(**{name: value})
        elif name == "peak":
            self.listing.want(peak=float(value))
        elif name == "order":
            self.listing.want(column=str(value), descending=False)
        self.render(self._state.model)

    def _gallery_said(self, said: dict[str, Any]) -> None:
        event = said.get("event")
        if event == "window":
            self._window = int(said["first"]), int(said["last"])
            self._send_cards(*self._window, fresh=False)
            return
        row = self.listing.row_of(int(said["position"]))
        if row < 0:
            return
        if event == "judge":
            self._judge_one(row, str(said["verdict"]))
        elif said.get("more") or said.get("up_to"):
            self.listing.choose(row, more=bool(said["more"]), up_to=bool(said["up_to"]))
            self.render(self._state.model)
        else:
            self._select(row)

    def _judge_one(self, row: int, verdict: str) -> None:
        """Give a verdict by the button of a card; the same one again takes it back."""
        if row not in self.listing.chosen:
            self._select(row)
        same = self.listing.verdicts[row] == verdict
        self.judge(UNJUDGED if same else verdict)
