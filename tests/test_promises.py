"""The tests that README and the page on reliability name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
PAGES = {"README.md": 8, "docs/reliability.md": 55}


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_names_a_test_that_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if "`tests/" in line]
    assert len(rows) == PAGES[page]
    for row in rows:
        for name, test in NAMED.findall(row):
            source = (ROOT / name).read_text(encoding="utf-8")
            assert not test or f"\ndef {test}(" in source, f"{name}::{test}"
        assert NAMED.search(row), row
