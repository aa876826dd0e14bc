"""What the page of files is made of: its lines, its names, and what it says of them."""

import html
import os
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from ipywidgets import HTML, Button, HBox, Layout, VBox

from crmasks_widgets.dashboard.settings.control_widgets import ErrorLine
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import YAML_SUFFIXES
from crmasks_widgets.files.writing import Written
from crmasks_widgets.products.names import REPORT_SUFFIXES
from crmasks_widgets.regular_files import at_home

# What can be saved in one step: the word and what it gives.
SAVED: Final = MappingProxyType({
    "yaml": ("Parameters (YAML)", "What crmasks run needs to make these masks"),
    "products": ("Products", "Masks, combinations, tables and, if wanted, figures"),
    "report": ("Report (HTML)", "One file to send"),
    "regions": ("Hits as DS9 regions", "One region a hit, coloured by class"),
    "csv": ("Hits as CSV", "The table of hits, plain"),
    "ecsv": ("Hits as ECSV", "The table of hits, with units"),
})  # fmt: skip
SUFFIXES: Final = MappingProxyType({"regions": ".reg", "csv": ".csv", "ecsv": ".ecsv"})
# How names of files may end.
ENDINGS: Final = MappingProxyType({
    "yaml": YAML_SUFFIXES, "report": REPORT_SUFFIXES,
    **{what: (suffix,) for what, suffix in SUFFIXES.items()},
})  # fmt: skip
_LONGEST: Final = 60  # characters of a path in a message


Named = Callable[[Path], Path]


class Told(Protocol):
    """What shows how it is going."""

    def say(self, text: str) -> None:
        """Show how it is going, or went; empty for nothing."""

    def fail(self, text: str) -> None:
        """Show what went wrong."""


def as_given(path: Path) -> Path:
    """Keep the name that a field says."""
    return path


class Line:
    """Fields, a button, and what became of it.

    Parameters
    ----------
    fields : sequence of Widget
        Before the button.
    button : Button
        Starts it.
    """

    def __init__(self, fields: Sequence[Any], button: Button) -> None:
        self.button = button
        self.done = HTML(layout=Layout(min_width="0"))
        self.error = ErrorLine()
        row = HBox([*fields, self.button], layout=Layout(align_items="center", min_width="0"))
        self.widget = VBox([row, self.done, self.error.widget], layout=Layout(min_width="0"))
        self.done.layout.display = "none"

    def say(self, text: str) -> None:
        """Show how it is going, or went; no error any more."""
        self.error.say("")
        self.done.value = html.escape(" ".join(text.split()))
        self.done.layout.display = "" if text else "none"

    def fail(self, text: str) -> None:
        """Show what went wrong."""
        self.say("")
        self.error.say(text)


def path_of(text: str, what: str) -> Path:
    """Make a path from what a field says.

    Parameters
    ----------
    text, what : str
        The text, and the name of the field.

    Returns
    -------
    Path
        With ``~`` expanded.

    Raises
    ------
    InputError
        The field is empty, or no file can have that name.
    """
    if not text.strip():
        raise InputError(f"{what}: found no name, expected a path")
    path = at_home(text.strip())
    _refuse_impossible(path, what)
    return path


def _refuse_impossible(path: Path, what: str) -> None:
    """Refuse what no file can be called, and what leads round in a circle."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # of these says more who writes there
    except OSError as error:
        why = error.strerror
    except ValueError:  # a character that names cannot have
        why = "a character that no name can have"
    else:
        return
    shown = ascii(str(path))[1:-1]
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    raise InputError(f"{what}: found {shown} ({why}), expected a path that can be written to")


def free_name(path: Path, *, suffix: str, replace: bool, endings: Sequence[str] = ()) -> Path:
    """Find a name under which something can be saved.

    Parameters
    ----------
    path : Path
        As a field says.
    suffix : str
        In place of that of `path`; empty to keep it.
    replace : bool
        Whether what has that name may be replaced; if not, a number is added.
    endings : sequence of str, optional
        How the names of such files end; none for a folder.

    Returns
    -------
    Path
        The name, with a number from 2 on where it is taken. What will be refused whatever its
        number, such as ``..`` or a name of another kind of file, stays as it is.

    Raises
    ------
    InputError
        With the number, or the suffix, it is too long.
    """
    if path.name in ("", ".."):
        return path
    path = path.with_suffix(suffix) if suffix else path
    of_the_kind = path.suffix.lower() in endings if endings else os.path.isdir(path)
    if not replace and of_the_kind and os.path.lexists(path):
        names = (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in count(2))
        path = next(name for name in names if not os.path.lexists(name))
    _refuse_impossible(path, "name")
    return path


def account(written: Written | Sequence[Written]) -> str:
    """Say in one line what was written, and where.

    Parameters
    ----------
    written : Written or sequence of Written
        One file, or those of one folder.

    Returns
    -------
    str
        With the full path and the size.
    """
    files = [written] if isinstance(written, Written) else written
    size = sum(item.size for item in files)
    shown = f"{size / 1e6:.3g} MB" if size >= 1e6 else f"{size / 1e3:.3g} kB"
    last = files[-1].path.resolve()
    if len(files) == 1:
        return f"wrote {last} ({shown})"
    return f"wrote {len(files)} files to {last.parent} ({shown})"
