"""The diagram that is expected of an analysis, exact or simulated, and the boundary it gives."""

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.core.mm.exact import ExactDiagram

from .analysis_cases import BASE, OFFSETS


def test_the_exact_diagram_needs_no_seed_and_gives_every_hit_its_probability(exposures):
    analysis = cm.Analysis(exposures, BASE.replace(mm_simulation="exact"))
    crosses = analysis.expected.cross_y
    monte_carlo = analysis.replace(mm_simulation="montecarlo", mm_nsimulations=50)
    total = monte_carlo.expected.histogram.sum()
    assert analysis.expected.histogram.sum() == pytest.approx(total, rel=1e-3)
    assert len(crosses) > 5
    hits = analysis.hits
    assert "noise_probability" not in monte_carlo.hits.colnames
    assert ((hits["noise_probability"] >= 0) & (hits["noise_probability"] <= 1)).all()
    found = hits[hits["n_mm"] + hits["n_both"] > 0]
    assert len(found) > 3
    # A hit in the median lifts the level that the noise is expected of, but rarely by enough.
    assert np.median(found["noise_probability"]) < 1e-6


def test_without_a_seed_order_statistics_do(exposures):
    unseeded = cm.Analysis(exposures, BASE.replace(mm_seed=None))
    assert isinstance(unseeded.expected, ExactDiagram)
    exact = unseeded.replace(mm_simulation="exact")
    np.testing.assert_array_equal(exact.expected.histogram, unseeded.expected.histogram)
    # A seed asks for the reference's draws.
    seeded = unseeded.replace(mm_seed=3)
    assert not isinstance(seeded.expected, ExactDiagram)
    drawn = seeded.replace(mm_simulation="montecarlo").expected
    np.testing.assert_array_equal(drawn.histogram, seeded.expected.histogram)
    assert cm.Analysis(exposures, BASE.replace(mm_seed=None)).uuid == unseeded.uuid


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mm_xy_offsets": OFFSETS}, "exposures displaced"),
        ({"rnoise": 0.1}, "found a readout noise of 0.15 e-"),
    ],
)
def test_where_there_is_no_exact_law_simulations_do_with_a_fixed_seed(
    exposures, change, why, caplog
):
    unseeded = cm.Analysis(exposures, BASE.replace(mm_seed=None, **change))
    with caplog.at_level("INFO", "crmasks_widgets"):
        histogram = unseeded.expected.histogram
    assert f"mm_simulation: auto: {why}" in caplog.text
    assert "simulations, with seed 0" in caplog.text
    seeded = unseeded.replace(mm_seed=0)
    np.testing.assert_array_equal(seeded.expected.histogram, histogram)


def test_displaced_exposures_have_no_exact_diagram(exposures):
    parameters = BASE.replace(mm_simulation="exact", mm_xy_offsets=OFFSETS)
    with pytest.raises(cm.ParameterError, match="exact: found exposures displaced"):
        _ = cm.Analysis(exposures, parameters).expected


def test_the_boundary_can_be_asked_for_by_its_false_pixels(exposures):
    asked = [
        cm.Analysis(exposures, BASE.replace(crmethod="mmcosmic", mm_expected_false=m))
        for m in (0.1, 100.0)
    ]
    strict, lenient = (a.boundary.boundary for a in asked)
    assert strict.kind == "exact"
    x = np.linspace(0, 500, 50)
    assert (strict(x) > lenient(x)).all()
    counts = [a.flags("median").counts()["either"] for a in asked]
    assert counts[0] + 30 < counts[1] < counts[0] + 300
    assert ("expected", None) not in asked[0].computed()


def test_the_measured_scatter_lifts_the_boundary_as_the_shape_it_names():
    rng = np.random.default_rng(2)
    electrons = np.tile(np.linspace(20, 900, 200), (150, 1))
    drawn = rng.negative_binomial(90, 90 / (90 + electrons), (3, *electrons.shape))
    frames = (drawn + rng.normal(0, 3.4, drawn.shape)).astype(np.float32)
    exposures = cm.ExposureSet.from_arrays(list(frames))
    plain = cm.Analysis(exposures, cm.Parameters(rnoise=3.4, crmethod="mmcosmic"))
    measured = plain.replace(mm_photon_distribution="measured")
    shape, _ = plain.dispersions.plain.shape
    assert shape == pytest.approx(90, rel=0.1)
    same = plain.replace(mm_photon_distribution="nbinom", mm_nbinom_shape=shape)
    flagged = [np.count_nonzero(a.flags("median").either) for a in (plain, measured, same)]
    assert flagged[0] > 100
    assert max(flagged[1:]) < 20
    x = np.array([300.0, 600.0])
    heights = [a.boundary.boundary(x) for a in (plain, measured, same)]
    assert (heights[1] > 1.5 * heights[0]).all()
    np.testing.assert_allclose(heights[1], heights[2], rtol=0.15)
    assert "matching" not in {stage for stage, _ in measured.replace(rnoise=3.5).computed()}
