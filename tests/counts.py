"""How often tests are repeated, and on how many cases: `make test-long` asks for all."""

import os

LONG = os.environ.get("CRMASKS_TEST_LONG") == "1"


def count(reduced, full):
    """Return the count of this run."""
    return full if LONG else reduced


def cases(chosen, every):
    """Return all cases, or those of an everyday run, each of which is one of all."""
    chosen, every = list(chosen), list(every)
    strangers = [case for case in chosen if case not in every]
    if strangers:
        raise ValueError(f"{strangers}: not among the cases of {every}")
    return every if LONG else chosen
