"""What another method finds of the hits: computed beside the dashboard's own work, when asked."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.hits.listing import Listing
from crmasks_widgets.dashboard.model.engine import Engine, Snapshot
from crmasks_widgets.dashboard.model.hit_list import HitList
from crmasks_widgets.dashboard.page.context import Context
from crmasks_widgets.parameters.types import METHODS

_LABELS: Final = ("labels", None)


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
    """

    def __init__(self, context: Context, listing: Listing, again: Callable[[], object]) -> None:
        self._dispatcher, self._listing, self._again = context.dispatcher, listing, again
        self.engine: Engine | None = None
        self._asked: tuple[HitList, str] = listing.hits, ""
        self.text = ""

    @property
    def method(self) -> str:
        """Method compared with, as `crmethod` has it; empty for none, or once hits changed."""
        hits, method = self._asked
        # Verdicts change nothing about where hits are.
        return method if np.array_equal(hits.pixels, self._listing.hits.pixels) else ""

    def choices(self, analysis: Analysis) -> tuple[tuple[str, str], ...]:
        """Methods to compare with, and what they are called."""
        own = analysis.parameters.crmethod
        others = ((name, name.replace("_", " + ")) for name in METHODS if name != own)
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
        self.text = f"computing {method}…" if method else ""
        if self.engine is not None:
            self.engine.start_from(analysis)
        if not method:
            return
        changes: dict[str, Any] = {"crmethod": method}
        if "lacosmic" not in METHODS[method]:
            changes["use_lamedian"] = False  # which no hit depends on
        if self.engine is None:
            self.engine = Engine(
                analysis, self._took, loop=self._dispatcher.loop, order=(_LABELS,),
                on_error=self._failed,
            )  # fmt: skip
        self.engine.submit(analysis.parameters.replace(**changes))

    def _took(self, snapshot: Snapshot) -> None:
        self._dispatcher.call(partial(self._compare, snapshot.analysis))

    def _compare(self, other: Analysis) -> None:
        hits = self._listing.hits
        if self.method != other.parameters.crmethod:
            return
        labels = other.labels
        seen = labels.ravel()[hits.pixels] > 0
        found = np.bincount(hits.row[seen], minlength=len(hits)) > 0
        met = np.unique(labels.ravel()[hits.pixels[seen]])
        more = other.n_hits - len(met)
        n_found = int(np.count_nonzero(found))
        self.text = f"finds {n_found:,} of these {len(hits):,}, and {more:,} others"
        self._listing.found_too = found
        self._again()

    def _failed(self, error: Exception) -> None:
        self._dispatcher.call(partial(self._give_up, error))

    def _give_up(self, error: Exception) -> None:
        self._asked, self.text = (self._listing.hits, ""), ""
        self._again()
        raise error

    def close(self) -> None:
        """Stop computing."""
        if self.engine is not None:
            self.engine.close()
