"""Real exposures, which are not part of the project: tests on them say where they looked."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("CRMASKS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

needs_real_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"{DATA} is absent: set CRMASKS_TEST_DATA to the folder of real exposures",
)
