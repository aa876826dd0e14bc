"""Lines drawn on pixels: a light one on a dark one, of which one is seen on any colour."""

from typing import Final

UNDER: Final = "#000000"
"""Lies under a line, and is seen beside it."""
LINE: Final = "#F0E442"
"""Around what is selected."""
RING: Final = "#56B4E9"
"""Around every hit of the image."""
