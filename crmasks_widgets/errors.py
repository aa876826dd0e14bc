"""The one family of errors that the package raises for mistakes a user can mend.

Each message is one line: what is wrong (file, key or pixel), what was found, what was expected. Its
text stands beside the check that finds the mistake: for parameters in `parameters.model` (the rules
after ``expected=``) and `parameters.values` (the line), for FITS files in `files.reading`.
"""

from collections.abc import Sequence
from pathlib import Path


class CrmasksError(ValueError):
    """Anything that the user can put right.

    Examples
    --------
    >>> try:
    ...     cm.load_analysis("nights/params.yaml")
    ... except cm.CrmasksError as error:
    ...     print(error)
    nights/params.yaml: No such file or directory, expected a YAML parameter file (crmasks init
    makes one of FITS files)
    """


class ParameterError(CrmasksError):
    """A parameter, or the YAML file that holds it, is not usable.

    Examples
    --------
    >>> cm.Parameters(gain=-1)
    Traceback (most recent call last):
        ...
    crmasks_widgets.errors.ParameterError: gain: found -1, expected a number above 0 or ...
    """


class InputError(CrmasksError):
    """An exposure, a calibration map or a masks file is not usable.

    Examples
    --------
    >>> cm.read_exposures(["demo/exposure1.fits"])
    Traceback (most recent call last):
        ...
    crmasks_widgets.errors.InputError: images: found 1 exposures, expected at least 2
    """


class OutputError(CrmasksError):
    """A product cannot be written.

    Examples
    --------
    >>> cm.save_hits(cm.load_analysis("demo/params.yaml"), "hits.txt")
    Traceback (most recent call last):
        ...
    crmasks_widgets.errors.OutputError: hits.txt: found a name that ends in '.txt', expected ...
    """


class ProductExistsError(OutputError):
    """A product of an earlier run is in the way.

    Parameters
    ----------
    found : str
        What is where, and what was expected instead.
    these : str, optional
        "it" or "them", where what is there may be replaced on request.

    Examples
    --------
    >>> analysis = cm.load_analysis("demo/params.yaml")
    >>> written = cm.save_hits(analysis, "hits.ecsv", overwrite=True)
    >>> cm.save_hits(analysis, "hits.ecsv")
    Traceback (most recent call last):
        ...
    crmasks_widgets.errors.ProductExistsError: hits.ecsv: found a file of this name, ...
    """

    def __init__(self, found: str, these: str = "") -> None:
        super().__init__(found, these)

    def __str__(self) -> str:
        return self.asking_for("--overwrite (in Python: overwrite=True)")

    def asking_for(self, what: str) -> str:
        """Say it to a user who asks in another way for files to be replaced: by `what`."""
        found, these = self.args
        return f"{found}, or {what} to replace {these}" if these else str(found)


class StartError(CrmasksError):
    """A program that shows the dashboard did not start."""


class Cancelled(CrmasksError):  # noqa: N818 - an answer to a request, not a fault
    """The computation was stopped on request.

    Examples
    --------
    >>> from crmasks_widgets.analysis.run import Run
    >>> def stop(*stage: object) -> None:
    ...     raise cm.Cancelled("stopped by the user")
    >>> cm.load_analysis("demo/params.yaml").under(Run(begins=stop)).masks
    Traceback (most recent call last):
        ...
    crmasks_widgets.errors.Cancelled: stopped by the user
    """


class Interrupted(KeyboardInterrupt):
    """Ctrl-C was pressed when some files were complete already.

    Parameters
    ----------
    written : sequence of Path
        These files, at least one.
    """

    def __init__(self, written: Sequence[Path]) -> None:
        self.written = tuple(written)
        first, n = self.written[0], len(self.written) - 1
        verb = f"and {n} more are" if n else "is"
        super().__init__(f"interrupted; {first} {verb} written")


class CrmasksWarning(UserWarning):
    """A setting or an input is usable, but not in the way one might think."""


def what_was_wrong(error: BaseException) -> str:
    """Say on one line what an error says; of one that nobody expected, its kind, too."""
    kind = "" if isinstance(error, CrmasksError) else f"unexpected {type(error).__name__}: "
    return on_one_line(f"{kind}{error}")


def on_one_line(text: object) -> str:
    """Text, or the message of an error or a warning, without line breaks and repeated blanks.

    What would steer a terminal, or cannot be encoded, stands in it as an escape.
    """
    return printable(" ".join(str(text).split()))


def printable(text: str) -> str:
    """Text in which characters that are not printed stand as escapes, as of `repr`.

    Parameters
    ----------
    text : str
        As it came from a file or a user.

    Returns
    -------
    str
        The same if all of it is printable.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
