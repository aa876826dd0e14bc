"""Where a session stands among those of the other detectors of a camera."""

from collections.abc import Callable
from dataclasses import dataclass

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic


@dataclass(frozen=True)
class Place:
    """The place of one session.

    Attributes
    ----------
    names : tuple of str
        Of all detectors.
    number : int
        Of this one, from 0.
    choose : callable
        Takes the number of the detector that is to be shown from now on.
    whole : callable
        Takes the analysis of this detector; returns what is saved: the same, or that of all.
    changed : callable
        Called when all that was asked for has been computed, or values become other colours.
    """

    names: tuple[str, ...]
    number: int
    choose: Callable[[int], object]
    whole: Callable[[Analysis], Analysis | Mosaic]
    changed: Callable[[], object] = lambda: None

    @property
    def several(self) -> bool:
        """Whether there is another detector."""
        return len(self.names) > 1
