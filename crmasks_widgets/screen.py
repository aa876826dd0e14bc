"""The terminal as it is: full, closed, poor in characters, and not to be steered by what is shown.

What a run says is never a reason not to compute it: a stream that takes no more is left alone.
"""

import contextlib
import io
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from crmasks_widgets.errors import on_one_line, printable

logger = logging.getLogger("crmasks_widgets")


def _without_odd_sizes(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables without a width or height that is none: on a width of 0 rich shows nothing."""
    sizes = ("COLUMNS", "LINES")
    return {
        name: value for name, value in environment.items()
        if name not in sizes or re.fullmatch("0*[1-9][0-9]{0,4}", value)
    }  # fmt: skip


class PlainConsole(Console):
    """A console on which text is shown as it is: no markup, no emoji, no escape sequences in it.

    Parameters
    ----------
    **options : object
        As of `rich.console.Console`.
    """

    def __init__(self, **options: Any) -> None:
        given = {"soft_wrap": True, "markup": False, "emoji": False, "highlight": False, **options}
        super().__init__(_environ=_without_odd_sizes(os.environ), **given)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Make segments of what is to be shown, characters that steer a terminal made visible."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = segment.text.split("\n")
                yield Segment("\n".join(map(printable, lines)), segment.style)


class _Lasting(io.TextIOBase):
    """A stream that goes quiet once it cannot be written to."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream, name
        self._over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of the stream itself."""
        return str(getattr(self._stream, "encoding", None) or "ascii")

    def isatty(self) -> bool:
        """Whether somebody is looking."""
        return bool(self._stream.isatty())

    def fileno(self) -> int:
        """Of the stream itself."""
        return int(self._stream.fileno())

    def write(self, text: str) -> int:
        """Write, as long as that is possible."""
        if not self._over:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self._end(error)
        return len(text)

    def flush(self) -> None:
        """Flush, as long as that is possible."""
        if not self._over:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._end(error)

    def _end(self, error: OSError | ValueError) -> None:
        self._over = True
        with contextlib.suppress(OSError, ValueError):  # or Python tries once more when it ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        if self._name == "stdout" and not isinstance(error, BrokenPipeError):
            reason = getattr(error, "strerror", None) or error
            print_line = getattr(sys.stderr, "write", None)
            if print_line is not None:
                print_line(f"warning: stdout: not writable ({reason}); the run goes on\n")


def _occupy_descriptors() -> None:
    """Let no file of the run be opened as standard output, where libraries write to."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """Let stdout and stderr take everything while the context lasts.

    What an encoding does not know is written as an escape; a pipe that is closed and a disk that is
    full end what is shown there, not the run.
    """
    _occupy_descriptors()
    before = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    errors = {}
    for name, stream in before.items():
        if stream is None:
            continue
        if hasattr(stream, "reconfigure"):
            errors[name] = stream.errors
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, _Lasting(stream, name))
    try:
        yield
    finally:
        for name, stream in before.items():
            if stream is not None:
                getattr(sys, name).flush()
                setattr(sys, name, stream)
            if name in errors:
                with contextlib.suppress(OSError, ValueError):
                    stream.reconfigure(errors=errors[name])


class _ConsoleHandler(logging.Handler):
    """Log records as single lines: what is done, and apart from it what is wrong."""

    def __init__(self, console: Console, errors: Console) -> None:
        super().__init__()
        self._console, self._errors = console, errors

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record.

        Parameters
        ----------
        record : logging.LogRecord
            Warnings and worse are prefixed by their level.
        """
        text = on_one_line(record.getMessage())
        loud = record.levelno >= logging.WARNING
        prefix = f"{record.levelname.lower()}: " if loud else ""
        console = self._errors if loud else self._console
        style = "yellow" if loud else ""
        console.print(prefix + text, style=style)
        if record.exc_info is not None:
            for part in traceback.format_exception(*record.exc_info):
                for line in part.splitlines():
                    console.print(line)


@contextlib.contextmanager
def logging_to(console: Console, errors: Console, level: str) -> Iterator[None]:
    """Log to the terminal, warnings of Python included, and leave everything as it was.

    Parameters
    ----------
    console, errors : rich.console.Console
        Where to say what is done, and what is wrong.
    level : str
        From which on.
    """
    handler, before = _ConsoleHandler(console, errors), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    show = warnings.showwarning
    # The line of code that a warning comes from does not help a user.
    warnings.showwarning = lambda message, *_, **__: logger.warning("%s", message)
    try:
        yield
    finally:
        warnings.showwarning = show
        logger.setLevel(before)
        logger.removeHandler(handler)
