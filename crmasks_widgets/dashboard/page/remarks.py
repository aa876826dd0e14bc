"""What the package warns of, for a line of the dashboard instead of the cell below it."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator

from crmasks_widgets.errors import CrmasksWarning

PACKAGE = logging.getLogger("crmasks_widgets")
Tell = Callable[[str], object]


class RemarkHandler(logging.Handler):
    """Hands on what is logged as a warning in some thread.

    While a logger has a handler, Python itself prints nothing: what none of these handlers is
    there for is printed as it would be without them.

    Parameters
    ----------
    mine : callable
        Whether a thread, by its identifier, is one whose warnings are wanted.
    tell : callable
        Takes the text, in that thread.
    """

    def __init__(self, mine: Callable[[int], bool], tell: Tell) -> None:
        super().__init__(logging.WARNING)
        self._mine, self._tell = mine, tell

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on a record, or print it."""
        alike = [each for each in PACKAGE.handlers if isinstance(each, RemarkHandler)]
        owner = next((each for each in alike if each._mine(record.thread or 0)), None)
        others = len(alike) < len(PACKAGE.handlers) or bool(logging.getLogger().handlers)
        if owner is self:
            self._tell(record.getMessage())
        elif owner is None and self is alike[0] and not others and logging.lastResort:
            logging.lastResort.handle(record)


@contextlib.contextmanager
def remarks_told(tell: Tell) -> Iterator[None]:
    """Tell what is warned of in this thread.

    Parameters
    ----------
    tell : callable
        Takes the text of each.
    """
    here = threading.get_ident()
    handler = RemarkHandler(lambda thread: thread == here, tell)
    PACKAGE.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CrmasksWarning)
            yield
    finally:
        PACKAGE.removeHandler(handler)
    for each in caught:
        if issubclass(each.category, CrmasksWarning):
            tell(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
