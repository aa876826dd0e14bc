"""Analyses of which all is known, and no thread that outlives its test."""

import threading

import pytest

import crmasks_widgets as cm
from crmasks_widgets.dashboard.model.engine import default_order

from ..analysis_cases import BASE


@pytest.fixture(scope="session")
def finished(exposures):
    """An analysis with every result, so that most tests compute next to nothing."""
    analysis = cm.Analysis(exposures, BASE)
    for key in default_order(analysis):
        analysis.result(*key)
    return analysis


@pytest.fixture(autouse=True)
def no_thread_left():
    yield
    assert not [t.name for t in threading.enumerate() if t.name == "crmasks"]
