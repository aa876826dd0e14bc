"""What another method finds of the hits: computed beside the dashboard's own work, when asked."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crmasks_widgets import detectors
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.model.engine import Engine, Snapshot
from crmasks_widgets.dashboard.model.hit_list import HitList
from crmasks_widgets.dashboard.model.selection import Pixels
from crmasks_widgets.dashboard.page.context import Context
from crmasks_widgets.dashboard.page.remarks import PACKAGE, RemarkHandler
from crmasks_widgets.parameters.types import METHODS, methods_where

_LABELS: Final = ("labels", None)
Remark = Callable[[str, Callable[[Analysis], bool]], object]


class Comparison:
    """Asks for the hits of another method, which share all that the methods have in common.

    Parameters
    ----------
    context : Context
        Gives results their turn.
    listing : Listing
        The hits that are compared; told which of them the other method finds.
    again : callable
        Draws the hits anew.
    remark : callable
        Takes what the computation warns of, and what tells whether that is true of an analysis.
    settle : callable
        Called when what was warned of may be true no more.
    """

    def __init__(
        self,
        context: Context,
        listing: Listing,
        again: Callable[[], object],
        remark: Remark,
        settle: Callable[[], object],
    ) -> None:
        self._dispatcher, self._listing, self._again = context.dispatcher, listing, again
        self._remark, self._settle = remark, settle
        self._warned = RemarkHandler(self._computes_in, self._warn)
        self.engine: Engine | None = None
        self._asked: tuple[HitList, str] = listing.hits, ""
        self.text = ""
        self._others: tuple[tuple[int, int], ...] = ()
        self._at = -1

    @property
    def method(self) -> str:
        """Method compared with, as `crmethod` has it; empty for none, or once hits changed."""
        hits, method = self._asked
        # Verdicts change nothing about where hits are.
        return method if np.array_equal(hits.pixels, self._listing.hits.pixels) else ""

    def choices(self, analysis: Analysis) -> tuple[tuple[str, str], ...]:
        """Methods to compare with, and what they are called."""
        own = analysis.parameters.crmethod
        others = ((name, _in_words(keys)) for name, keys in METHODS.items() if name != own)
        return (("", "no other method"), *others)

    def ask(self, analysis: Analysis, method: str) -> None:
        """Compute the hits of another method in the background.

        Parameters
        ----------
        analysis : Analysis
            Of the hits on screen.
        method : str
            Key of `METHODS`; empty to compare no more.
        """
        self._asked, self._listing.found_too = (self._listing.hits, method), None
        self._listing.want(compared="")
        self.text = f"computing {_in_words(METHODS[method])}…" if method else ""
        self._others, self._at = (), -1
        if self.engine is not None:
            self.engine.start_from(analysis)
        self._settle()
        if not method:
            return
        changes: dict[str, Any] = {"crmethod": method}
        if method not in methods_where(lambda row: row.cleans):
            changes["use_lamedian"] = False  # which no hit depends on
        if self.engine is None:
            self.engine = Engine(
                analysis, self._took, loop=self._dispatcher.loop, order=(_LABELS,),
                on_error=self._failed,
            )  # fmt: skip
            PACKAGE.addHandler(self._warned)
        self.engine.submit(analysis.parameters.replace(**changes))

    def follow(self, analysis: Analysis) -> None:
        """Let go of what the other method found, once the hits are others.

        Parameters
        ----------
        analysis : Analysis
            Of the hits on screen.
        """
        if self._asked[1] and not self.method:
            self.ask(analysis, "")

    def _took(self, snapshot: Snapshot) -> None:
        self._dispatcher.call(partial(self._compare, snapshot.analysis))

    def _compare(self, other: Analysis) -> None:
        hits = self._listing.hits
        if self.method != other.parameters.crmethod:
            return
        labels = other.labels
        seen = labels.ravel()[hits.pixels] > 0
        found = np.bincount(hits.row[seen], minlength=len(hits)) > 0
        self._others = _places_of_others(labels, hits.pixels[seen])
        n_found = int(np.count_nonzero(found))
        self.text = f"finds {n_found:,} of these {len(hits):,}, and {len(self._others):,} others"
        self._listing.found_too = found
        self._again()

    def _computes_in(self, thread: int) -> bool:
        return self.engine is not None and self.engine.computes_in(thread)

    def _warn(self, text: str) -> None:
        # In the thread that computes, while it computes what is warned of.
        if self.engine is not None:
            self._dispatcher.call(partial(self._say, text, self.engine.holds()))

    def _say(self, text: str, part_of: Callable[[Analysis], bool]) -> None:
        """Say what is warned of as long as its result is compared with, or is on screen, too."""

        def compared() -> bool:
            return self.engine is not None and self.method != "" and part_of(self.engine.requested)

        if compared():
            words = _in_words(METHODS[self.method])
            self._remark(f"compared with {words}: {text}", lambda _: compared())
        else:
            self._remark(text, part_of)
        self._settle()

    @property
    def n_others(self) -> int:
        """How many hits only the method compared with finds."""
        return len(self._others) if self.method else 0

    def next_other(self) -> tuple[int, int] | None:
        """Array index (y, x) of the next hit that only the other method finds; None for none."""
        if not self.n_others:
            return None
        self._at = (self._at + 1) % len(self._others)
        return self._others[self._at]

    def _failed(self, error: Exception, _: Analysis) -> None:
        self._dispatcher.call(partial(self._give_up, error))

    def _give_up(self, error: Exception) -> None:
        self._asked, self.text = (self._listing.hits, ""), ""
        self._settle()
        self._again()
        raise error

    def close(self) -> None:
        """Stop computing."""
        PACKAGE.removeHandler(self._warned)
        if self.engine is not None:
            self.engine.close()


def _in_words(keys: tuple[str, ...]) -> str:
    return " + ".join(row.name for row in detectors.rows(keys))


def _places_of_others(labels: npt.NDArray[np.int32], shared: Pixels) -> tuple[tuple[int, int], ...]:
    """First pixel (y, x) of each hit that has none of the shared pixels."""
    pixels = np.flatnonzero(labels)
    number = labels.ravel()[pixels]
    numbers, first = np.unique(number, return_index=True)
    only = ~np.isin(numbers, labels.ravel()[shared])
    ys, xs = np.divmod(pixels[first[only]], labels.shape[1])
    return tuple((int(y), int(x)) for y, x in zip(ys, xs, strict=True))
