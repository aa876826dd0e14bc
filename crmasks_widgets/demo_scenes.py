"""The demo scenes by name: what the command line knows of them before anything is simulated."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DEMO_SCENES: Final[Mapping[str, str]] = MappingProxyType({
    "fibres": "demo fibre spectrograph", "longslit": "demo long slit", "stars": "demo star field",
})  # fmt: skip
"""Names, and what the header of an exposure calls each."""
SEED: Final = 20260101
"""Of everything random in a demo, unless another is given."""
