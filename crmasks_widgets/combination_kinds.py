"""The combinations by name: those of every run, and those that are made on request."""

from typing import Final, Literal

Kind = Literal["mediancr", "meancrt", "meancr", "meancr2", "mean", "median", "min"]
KINDS: Final[tuple[Kind, ...]] = ("mediancr", "meancrt", "meancr")
MORE_KINDS: Final[tuple[Kind, ...]] = ("meancr2", "mean", "median", "min")
"""Those that are made on request: meancr once more cleaned, and combinations without masks."""
