"""How often randomised tests are repeated: `make test-long` asks for the full counts."""

import os

LONG = os.environ.get("CRMASKS_TEST_LONG") == "1"


def count(reduced, full):
    """Return the count of this run."""
    return full if LONG else reduced
