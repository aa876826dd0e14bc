"""How far hits exceed what is asked of them, and in which sigma: as those who find them see it."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from crmasks_widgets.dashboard.model import edits, hit_list
from crmasks_widgets.dashboard.model.hit_list import NOT_FOUND, list_hits
from crmasks_widgets.detectors import DETECTORS
from crmasks_widgets.parameters import Parameters

from .bench import Bench, small_analysis


def listed(**settings):
    bench = Bench(small_analysis(**settings))
    bench.settle()
    return bench, list_hits(bench.model)


def test_hits_of_pycosmic_alone_are_measured_by_its_own_limit():
    bench, hits = listed(crmethod="pycosmic", la_sigclip=50.0)
    limit = bench.model.parameters.pc_sigma_det
    assert len(hits) > 2
    np.testing.assert_allclose(hits.times, np.asarray(hits.table["significance"]) / limit)


def test_hits_of_a_network_alone_are_measured_by_its_probability():
    table = Table({"significance": [90.0, 20.0], "network_probability": [0.6, 0.9]})
    p = Parameters(crmethod="deepcr", gain=1.0, rnoise=1.0, dc_threshold=0.5)
    model = SimpleNamespace(analysis=SimpleNamespace(parameters=p), ready=lambda *_: False)
    none = np.zeros(0, np.int64)
    assert hit_list._times(model, table, none, none, none) == pytest.approx([1.2, 1.8])


@pytest.mark.parametrize("key", DETECTORS)
def test_every_detector_says_what_it_asks_for(key):
    row = DETECTORS[key]
    assert bool(row.limit) != (row.has_boundary or row.judges)
    if row.limit:
        assert row.limit.startswith(row.prefix)
        assert getattr(Parameters(gain=1.0, rnoise=1.0), row.limit) > 0


def test_a_hit_that_is_not_found_any_more_keeps_its_significance():
    """The given noise is half of what the exposures show: sigma is that in use."""
    bench, hits = listed(crmethod="significance", rnoise=1.0, gain=6.0, dilation=0)
    strength = np.asarray(hits.table["significance"])
    row = int(np.argmin(np.where(strength > 10, strength, np.inf)))
    p = bench.model.parameters
    limit = bench.model.analysis.significance_limits("median").start[0]
    rejected = edits.reject_hits(p, hits.pixels_of([row]))
    bench.state.update(**rejected, regions_to_be_skipped=((1, 80, 1, 64),))
    bench.settle()
    lost = list_hits(bench.model)
    assert list(lost.table["method"]) == [NOT_FOUND]
    assert strength[row] > limit
    assert float(lost.table["significance"][0]) == pytest.approx(strength[row], rel=1e-6)
