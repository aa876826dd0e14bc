"""An analysis that several modules test: its parameters, its stages, all that is read of it."""

from dataclasses import replace

import numpy as np

import crmasks_widgets as cm
from crmasks_widgets.analysis import STAGES

BASE = cm.Parameters(
    rnoise=3.4, gain=1.5, bias=200.0, mm_nsimulations=1, mm_seed=3, la_niter=2, interactive=False
)
# Other values than those of BASE, for what needs a boundary of points or displaced exposures.
POINTS = ((0.0, 40.0, 1e4), (500.0, 90.0, 1e4))
OFFSETS = ((0.0, 0.0), (0.3, 0.0), (0.0, -0.2))


def everything(analysis):
    """All results that a user can read, as arrays."""
    out = dict(analysis.masks)
    out["labels"] = analysis.labels
    for target in analysis.targets:
        out[f"codes {target}"] = analysis.codes(target)
        out[f"observed {target}"] = analysis.observed(target)
    for kind in ("mediancr", "meancrt", "meancr"):
        made = analysis.result("combination", kind)
        out |= {f"{kind} {k}": v for k, v in vars(made).items()}
    if analysis.parameters.cleans:
        out["meancr2"] = analysis.combination("meancr2").data
    out["crosses"] = analysis.expected.cross_y
    out["boundary"] = analysis.boundary.boundary(np.linspace(-50, 3000, 50))
    out["problematic"] = analysis.problematic
    return out


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def replace_stage(monkeypatch, name, compute):
    """Let another function stand in a stage's row."""
    row = replace(STAGES[name], compute=compute)
    monkeypatch.setattr("crmasks_widgets.analysis.run.STAGES", {**STAGES, name: row})
