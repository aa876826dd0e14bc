"""The example of each public name runs, and gives what it says."""

import doctest

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.demo import write_demo

NAMES = [name for name in cm.__all__ if name != "__version__"]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which `crmasks demo demo --size 80 64` was run: docs/reference.md says so."""
    made = tmp_path_factory.mktemp("examples")
    write_demo(made / "demo", (64, 80))
    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_public_name_runs(folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    text = getattr(cm, name).__doc__.partition("Examples\n")[2]
    example = doctest.DocTestParser().get_doctest(text, {"cm": cm, "np": np}, name, None, None)
    assert example.examples, f"{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not said, "".join(said)
