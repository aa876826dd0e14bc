"""What the package warns of, for a line of the dashboard instead of the cell below it."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

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
    """Tell what is warned of in this thread, at once; what other packages warn of goes on as ever.

    Filters and the printing of warnings are the process's: meanwhile warnings of this package are
    shown in other threads, too, each time.

    Parameters
    ----------
    tell : callable
        Takes the text of each.
    """
    here = threading.get_ident()
    on = True
    handler = RemarkHandler(lambda thread: thread == here, tell)
    PACKAGE.addHandler(handler)
    print_it = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        # Another thread that did the same meanwhile may leave this function behind.
        if on and threading.get_ident() == here and issubclass(category, CrmasksWarning):
            tell(str(message))
        else:
            print_it(message, category, *place, **more)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", CrmasksWarning)
            warnings.showwarning = show
            yield
    finally:
        on = False
        PACKAGE.removeHandler(handler)
