"""What parameter files of numina-crmasks 0.37 to 0.40 say otherwise than those of 0.36."""

from collections.abc import Mapping
from typing import Final

from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters.values import shown

PAIRS: Final = ("la_sigclip", "la_sigfrac", "la_objlim")
"""Keys whose value may be a pair, one for each of two runs of L.A.Cosmic."""


def pairs_apart(named: Mapping[str, object]) -> dict[str, object]:
    """Give each value of a pair a parameter of its own.

    Parameters
    ----------
    named : mapping
        Values by parameter name; those of `PAIRS` may be lists of two.

    Returns
    -------
    dict
        The same without pairs: ``la_sigclip: [5, 3]`` is ``la_sigclip`` 5 and
        ``la_sigclip_second`` 3, and a second value like the first is null.

    Raises
    ------
    ParameterError
        A list is no pair, or its second value is given by name too.
    """
    apart = dict(named)
    for name in PAIRS:
        value = apart.get(name)
        if not isinstance(value, list | tuple):
            continue
        if len(value) != 2:
            raise ParameterError(
                f"{name}: found {shown(value)}, expected a number, or two for two runs"
            )
        second = f"{name}_second"
        if apart.get(second) is not None:
            raise ParameterError(f"{name}: found a pair with {second}, expected one of them")
        apart[name] = value[0]
        apart[second] = None if value[1] == value[0] else value[1]
    return apart
