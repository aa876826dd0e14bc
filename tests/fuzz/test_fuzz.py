"""Hostile input: what once did harm does none, and neither does what is made at random."""

import tempfile
from pathlib import Path

import pytest

from ..counts import count
from . import cases, corpus, trial

CORPUS = corpus.stored()
# Everyday and long counts; a whole run takes longer than a refusal.
COUNTS = {"parameters": (30, 8000), "texts": (60, 6000), "frames": (40, 8000),
          "folders": (35, 6000), "environments": (30, 4000)}  # fmt: skip


@pytest.mark.parametrize("name", CORPUS)
def test_what_did_harm_once_does_none(tmp_path, name):
    assert trial.faults(CORPUS[name], tmp_path) == []


@pytest.mark.parametrize("generator", cases.GENERATORS)
def test_what_is_made_at_random_does_no_harm(tmp_path, generator):
    found = {}
    for number in range(count(*COUNTS[generator])):
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            faults = trial.faults(cases.make(generator, number), Path(folder))
        if faults:
            found[number] = faults
    assert found == {}, f"python -m tests.fuzz.campaign {generator} NUMBER NUMBER+1 tells more"
