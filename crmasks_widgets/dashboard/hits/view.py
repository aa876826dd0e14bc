"""The hits: a list to go through with one key each, and the selected one large."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ipywidgets import HBox, VBox

from crmasks_widgets.core.codes import colours_by_name
from crmasks_widgets.core.verdicts import CONFIRMED, IGNORED, REJECTED, UNDECIDED
from crmasks_widgets.dashboard.drawing import stamps, stretches
from crmasks_widgets.dashboard.hits import words
from crmasks_widgets.dashboard.hits.bar import HitBar
from crmasks_widgets.dashboard.hits.comparison import Comparison, Remark
from crmasks_widgets.dashboard.hits.gallery import Gallery
from crmasks_widgets.dashboard.hits.large import COLOURS, LargeHit
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.hits.solid import PLOT as SOLID_PLOT
from crmasks_widgets.dashboard.hits.table_rows import TableRows
from crmasks_widgets.dashboard.image import picking
from crmasks_widgets.dashboard.image.frames import corrected
from crmasks_widgets.dashboard.model import edits, review
from crmasks_widgets.dashboard.model.history import Places
from crmasks_widgets.dashboard.model.hit_rows import ANY
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Memo, Shortcut

PLOT: Final = "hit"
GALLERY, TABLE = "gallery", "table"
_VIEWS: Final = ((GALLERY, "Gallery"), (TABLE, "Table"))
_COMPARED: Final = (("", "all"), ("also", "found by both"), ("not", "not found by the other"))
_ALL: Final = {
    "method": ANY, "peak": 0.0, "text": "", "on_screen": False, "compared": "", "chip": review.ALL,
}  # fmt: skip
_NOT_YET, _NONE = "Hits are shown here once they are computed", "No hits to show"
_FIRST_WINDOW: Final = (0, 24)


class HitsView:
    """All hits to be judged, one key each, and the selected one large beside them.

    Parameters
    ----------
    context : Context
        What a view works with.
    remark, settle : callable, optional
        As of `Comparison`.
    """

    def __init__(
        self,
        context: Context,
        remark: Remark = lambda *_: None,
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        self._state, self._model = context.state, context.state.model
        self.plots: tuple[str, ...] = (PLOT, SOLID_PLOT)
        self.listing = Listing()
        self.large = LargeHit(context, self.listing, self.judge, self._again)
        self._window, self._view = _FIRST_WINDOW, GALLERY
        self._fixed, self._sent, self._chips, self._begun = Memo(), Memo(), Memo(), False
        self.bar = HitBar()
        self.gallery = Gallery(empty=_NOT_YET, palette=stretches.colour_palette(COLOURS).tobytes())
        self.gallery.add_class("crmasks-gallery-host")
        for part, action in ((self.bar, self._set), (self.gallery, self._gallery_said)):
            part.on_msg(context.dispatcher.handler(lambda _w, said, _b, do=action: do(said)))
        self.comparison = Comparison(context, self.listing, self._again, remark, settle)
        self.table = TableRows(context, self.listing, self._choose, self._again)
        self.table.widget.layout.display = "none"
        self.list = VBox([self.bar, self.gallery, self.table.widget])
        self.list.add_class("crmasks-hit-list")
        self.widget = HBox([self.list, self.large.widget])
        self.widget.add_class("crmasks-pane").add_class("crmasks-hits")
        self.keys: Mapping[str, Shortcut] = self._make_keys()
        self._state.when_returned(self._return_to)

    def _make_keys(self) -> dict[str, Shortcut]:
        on = Shortcut("next hit", partial(self.go, 1))
        back = Shortcut("previous hit", partial(self.go, -1))
        return {
            "y": Shortcut("confirm, then the next", partial(self.judge, CONFIRMED)),
            "n": Shortcut("reject, then the next", partial(self.judge, REJECTED)),
            "u": Shortcut("undecided, then the next", partial(self.judge, UNDECIDED)),
            "N": Shortcut("no cosmic ray in any exposure", partial(self.judge, IGNORED)),
            "j": on,
            "ArrowRight": on,
            "k": back,
            "ArrowLeft": back,
            "c": Shortcut("hit: in 3-D, or flat again", self.large.toggle_solid),
            "+": Shortcut("hit: larger", partial(self.large.resize, -3)),
            "-": Shortcut("hit: more around it", partial(self.large.resize, 3)),
            "s": Shortcut("hit: save as PNG", self.large.save),
        }

    # Drawing ----------------------------------------------------------------------------------

    def render(self, model: ViewModel) -> None:
        """Show the hits once they are known; keep showing the last ones until then."""
        self._model = model
        self.listing.follow(model)
        self.large.render(model)
        if not self.listing.known:
            return
        self.comparison.follow(model.analysis)
        self._show_bar()
        if self._view == TABLE:
            self.table.render()
        else:
            self._show_gallery()

    def _show_bar(self) -> None:
        listing = self.listing
        hits, wanted = listing.hits, listing.wanted
        beside = review.not_hits(hits)
        self.bar.state = {
            "view": self._view,
            "views": _VIEWS,
            "chip": wanted.chip,
            "chips": self._chips((hits, listing.verdicts, wanted.chip), self._count_chips),
            "order": wanted.column,
            "orders": (*review.ORDERS.items(), *self._column_order()),
            # What has no number has a verdict: it would only be in the way of counting.
            "reviewed": f"{listing.judged - beside:,} of {len(hits) - beside:,}",
            "method": wanted.method,
            "methods": (ANY, *colours_by_name()),
            "peak": wanted.peak,
            "unit": self._model.analysis.exposures.unit,
            "text": wanted.text,
            "on_screen": wanted.on_screen,
            "other": self.comparison.method,
            "others": self.comparison.choices(self._model.analysis),
            "compared": wanted.compared,
            "comparisons": _COMPARED,
            "comparison": self.comparison.text if self.comparison.method else "",
            "n_others": self.comparison.n_others,
            "more": sum(
                (wanted.method != ANY, wanted.peak > 0, bool(wanted.text), wanted.on_screen,
                 bool(wanted.compared)),
            ),
        }  # fmt: skip

    def _count_chips(self) -> list[dict[str, Any]]:
        listing, column = self.listing, self.listing.hits.kind_column
        return [
            {
                "key": chip.key, "count": chip.count, "beside": chip.beside,
                "label": words.kind(column, chip.label),
                "tone": words.tone(column, chip.key.partition(":")[2]) if ":" in chip.key else "",
            }
            for chip in review.chips(listing.hits, listing.verdicts, listing.wanted.chip)
        ]  # fmt: skip

    def _column_order(self) -> tuple[tuple[str, str], ...]:
        """The order that a header of the table asks for, in words."""
        wanted = self.listing.wanted
        if wanted.column in review.ORDERS:
            return ()
        labels = {column.name: column.label for column in self.listing.columns}
        arrow = "▼" if wanted.descending else "▲"
        return ((wanted.column, f"{labels.get(wanted.column, wanted.column)} {arrow}"),)

    def _show_gallery(self) -> None:
        listing, model = self.listing, self._model
        if not model.ready("stack"):
            return
        fixed = self._corrected_frame()
        key = (
            listing.hits, listing.shown, listing.verdicts, listing.chosen, listing.brushed,
            model.analysis.stack, fixed, self.large.stretch,
        )  # fmt: skip
        with self.gallery.hold_sync():
            self.gallery.empty = _NONE
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
        return self._fixed((model.analysis.stack, *stages), lambda: corrected(model, whole))

    def _spoken(self) -> str:
        listing = self.listing
        if listing.selected < 0:
            return ""
        row = listing.hits.table[listing.selected]
        column = listing.hits.kind_column
        parts = ("hit", words.number(row), words.kind(column, str(row[column])))
        return f"{' '.join(parts)}, {words.strength(row)}, {listing.verdicts[listing.selected]}"

    def _send_again(self) -> None:
        self._send_cards(*self._window, fresh=True)

    def _send_cards(self, first: int, last: int, *, fresh: bool) -> None:
        """Send cards to the page, with their stamps."""
        listing = self.listing
        hits = listing.hits
        rows = listing.shown[max(0, first) : last].tolist()
        cards, buffer = [], []
        pictures = self._stamps(rows)
        column = hits.kind_column
        for row in rows:
            at, picture = hits.table[row], pictures[row]
            cards.append(
                {
                    "at": int(hits.peak[row]),
                    "name": words.number(at),
                    "kind": words.kind(column, str(at[column])),
                    "tone": words.tone(column, str(at[column])),
                    "strength": words.strength(at),
                    "place": words.place(at),
                    "verdict": str(listing.verdicts[row]),
                    "side": picture.shape[-1],
                    "chosen": row in listing.chosen,
                    "brushed": bool(listing.brushed[row]),
                }
            )
            buffer.append(picture.tobytes())
        message = {"event": "cards", "first": max(0, first), "cards": cards, "fresh": fresh}
        self.gallery.send(message, [b"".join(buffer)])

    def _stamps(self, rows: list[int]) -> dict[int, Any]:
        """Stamps of some rows: exposures, median, corrected."""
        hits, stack = self.listing.hits, self._model.analysis.stack
        frames = [*stack.cube, stack.median2d, self._corrected_frame()]
        halves = {row: stamps.half_side(hits.half(row)) for row in rows}
        made: dict[int, Any] = {}
        for half in set(halves.values()):
            some = [row for row in rows if halves[row] == half]
            centres = [self.large.centre(row, half) for row in some]
            middles = [self.large.middle(row) for row in some]
            drawn = stamps.stamps(frames, centres, middles, half, self.large.stretch)
            made |= dict(zip(some, drawn, strict=True))
        return made

    def close(self) -> None:
        """Stop what is computed for a comparison."""
        self.comparison.close()

    # Gestures ---------------------------------------------------------------------------------

    def go(self, by: int) -> None:
        """Select the hit after (1) or before (-1) the selected one, in the order shown."""
        self._select(review.step(self.listing.shown, self.listing.selected, by))

    def begin(self) -> None:
        """Select the first hit to be judged, once hits are known, unless the user was quicker.

        The image stays as it is: nobody has asked yet to look closer.
        """
        listing = self.listing
        if self._begun or not listing.known:
            return
        self._begun = True
        row = review.next_undecided(listing.shown, listing.verdicts, ())
        if self._model.selection.pixel is None and row >= 0:
            self._state.select(pixel=listing.hits.place(row))

    def _select(self, row: int, *, among: bool = False) -> None:
        if row >= 0:
            if not among:
                self.listing.choose(row)
            picking.reveal(self._state, self.listing.hits.place(row))

    def _choose(self, row: int, *, more: bool = False, up_to: bool = False) -> None:
        """Select a row, or choose it beside others; what is selected is among those chosen."""
        listing = self.listing
        if not (more or up_to):
            self._select(row)
            return
        listing.choose(row, more=more, up_to=up_to)
        if listing.selected not in listing.chosen:
            self._select(listing.chosen[-1], among=True)
        self._again()

    def _step(self, by: int, *, up_to: bool) -> None:
        """Go so many cards on, or back, not beyond the ends."""
        listing = self.listing
        if len(listing.shown):
            start = listing.position(listing.end if up_to else listing.selected)
            to = min(len(listing.shown) - 1, max(0, start + by))
            self._choose(listing.row_of(to), up_to=up_to)

    def judge(self, verdict: str) -> None:
        """Give a verdict on the hits chosen, and go on to the next.

        Parameters
        ----------
        verdict : str
            "confirmed", "rejected", "ignored" (no cosmic ray in any exposure) or "undecided".
        """
        listing = self.listing
        if not listing.chosen:
            return
        rows, p = listing.chosen, self._model.parameters
        pixels = listing.pixels()
        changes = {
            CONFIRMED: lambda: edits.confirm_hits(p, pixels, listing.hits.peaks_of(rows)),
            REJECTED: lambda: edits.reject_hits(p, pixels),
            IGNORED: lambda: edits.ignore_hits(p, pixels),
            UNDECIDED: lambda: edits.leave_undecided(p, pixels),
        }[verdict]()
        following = review.next_undecided(listing.shown, listing.verdicts, rows)
        about = tuple(listing.hits.place(row) for row in rows)
        with self._state.together():
            self._state.update(about=about, **changes)
            self._select(following)

    def _return_to(self, places: Places) -> None:
        """Choose the hits again whose verdicts were undone, or given again."""
        rows = [row for row in map(self.listing.hits.row_at, places) if row >= 0]
        if rows:
            self.listing.chosen = tuple(rows)
            self._select(rows[0], among=True)

    def _set(self, said: dict[str, Any]) -> None:
        """Take a choice of the head."""
        name, value = said["name"], said["value"]
        if name in ("chip", "method", "text", "on_screen", "compared"):
            self.listing.want(**{name: value})
        elif name == "peak":
            self.listing.want(peak=float(value))
        elif name == "order":
            self.listing.want(column=str(value), descending=False)
        elif name == "other":
            self.comparison.ask(self._model.analysis, str(value))
        elif name == "next_other":
            self._show_other()
        elif name == "clear":
            self.listing.want(**_ALL)
        elif name == "view":
            self._turn_to(str(value))
        self._again()

    def _show_other(self) -> None:
        """Go to the next hit that only the method compared with finds."""
        place = self.comparison.next_other()
        if place is not None:
            picking.reveal(self._state, place)

    def _turn_to(self, view: str) -> None:
        """Show the gallery or the table."""
        self._view = view
        self.gallery.layout.display = "" if view == GALLERY else "none"
        self.table.widget.layout.display = "" if view == TABLE else "none"
        self._sent = Memo()

    def _again(self) -> None:
        self.render(self._state.model)

    def _gallery_said(self, said: dict[str, Any]) -> None:
        event = said.get("event")
        if event == "window":
            self._window = int(said["first"]), int(said["last"])
            self._send_cards(*self._window, fresh=False)
            return
        if event == "step":
            self._step(int(said["by"]), up_to=bool(said["up_to"]))
            return
        row = self.listing.row_with(int(said["at"]))
        if row < 0:  # it went before the page knew
            return
        if event == "judge":
            self._judge_one(row, str(said["verdict"]))
        else:
            self._choose(row, more=bool(said["more"]), up_to=bool(said["up_to"]))

    def _judge_one(self, row: int, verdict: str) -> None:
        """Give a verdict by the button of a card."""
        if row not in self.listing.chosen:
            self._select(row)
        self.judge(verdict)
