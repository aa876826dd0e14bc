"""Mistakes made on purpose are noticed: the tests of masks, boundary and combinations can fail."""

import pytest

from .counts import LONG
from .mutants import MODULES, mutants, noticed, source_of, tried

KILLED = 0.85


def test_what_is_right_is_not_called_a_mistake():
    assert not noticed("masks", source_of("masks"), ["core/test_{}.py"])


@pytest.mark.parametrize("module", MODULES)
def test_a_mistake_is_noticed(module):
    source = source_of(module)
    mutant = next(text for _, said, text in mutants(source) if said == "Sub")
    assert noticed(module, mutant, ["core/test_{}.py"])


def test_most_mistakes_are_noticed():
    results = list(tried(0, 1 if LONG else 177))
    missed = [result[:3] for result in results if not result[3]]
    assert len(missed) <= max(1, (1 - KILLED) * len(results)), missed
