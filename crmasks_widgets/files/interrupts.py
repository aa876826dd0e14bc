"""Ctrl-C while files are written: it ends what goes on, and says what is complete."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crmasks_widgets.errors import Interrupted

if TYPE_CHECKING:
    from crmasks_widgets.files.writing import Written


@contextlib.contextmanager
def interrupted_afterwards() -> Iterator[None]:
    """Hold back an interrupt that comes while complete files are renamed, for some milliseconds."""
    before = signal.getsignal(signal.SIGINT)
    # Interrupts come to the main thread only, and not where another language listens for them.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    late: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: late.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if late:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def telling(written: Sequence["Written"]) -> Iterator[None]:
    """Let an interrupt say which files are complete by then.

    Parameters
    ----------
    written : sequence of Written
        Those written so far; may grow meanwhile.

    Raises
    ------
    Interrupted
        In the place of another KeyboardInterrupt, where any file is complete.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        more = interrupt.written if isinstance(interrupt, Interrupted) else ()
        paths = tuple(dict.fromkeys([*(item.path for item in written), *more]))
        if not paths:
            raise
        raise Interrupted(paths) from interrupt
