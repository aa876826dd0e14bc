"""The one family of errors that the package raises for mistakes a user can mend.

Each message is one line: what is wrong (file, key or pixel), what was found, what was expected. Its
text stands beside the check that finds the mistake: for parameters in `parameters.model` (the rules
after ``expected=``) and `parameters.values` (the line), for FITS files in `files.reading`.
"""


class CrmasksError(ValueError):
    """Anything that the user can put right."""


class ParameterError(CrmasksError):
    """A parameter, or the YAML file that holds it, is not usable."""


class InputError(CrmasksError):
    """An exposure, a calibration map or a masks file is not usable."""


class OutputError(CrmasksError):
    """A product cannot be written."""


class ProductExistsError(OutputError):
    """A product of an earlier run is in the way."""


class StartError(CrmasksError):
    """A program that shows the dashboard did not start."""


class Cancelled(CrmasksError):  # noqa: N818 - an answer to a request, not a fault
    """The computation was stopped on request."""


class CrmasksWarning(UserWarning):
    """A setting or an input is usable, but not in the way one might think."""


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
