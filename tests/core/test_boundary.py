"""Boundaries: exact, rising, and the same where they are drawn and where they detect."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from scipy.optimize import minimize, nnls

from crmasks_widgets.core.mm.boundary import (
    N_SLOPES,
    fit_rising_spline,
    piecewise_boundary,
    spline_boundary,
)
from crmasks_widgets.errors import InputError

from ..counts import count


def crosses(seed, n=90, span=2400.0, height=180.0):
    rng = np.random.default_rng(seed)
    x = np.linspace(-20, span, n)
    y = 20 + height * np.sqrt(np.clip(x, 0, None) / span) + rng.normal(0, 12, n)
    return x, np.round(y / 4.4) * 4.4


def independent_optimum(x, y, w, n_knots):
    """The same problem handed to a general solver, in units of its own."""
    a, b, scale = x.min(), x.max(), np.abs(y).max()
    t = np.concatenate([[a] * 3, np.linspace(a, b, n_knots), [b] * 3])
    design = BSpline.design_matrix(x, t, 3).toarray()
    grid = np.linspace(a, b, N_SLOPES)
    slopes = np.array([BSpline(t, c, 3).derivative()(grid) for c in np.eye(n_knots + 2)]).T
    h = design.T @ (w[:, None] / w.sum() * design)
    g = design.T @ (w / w.sum() * y / scale)
    best = minimize(
        lambda c: 0.5 * c @ h @ c - g @ c,
        np.linspace(y.min(), y.max(), n_knots + 2) / scale,
        jac=lambda c: h @ c - g,
        method="SLSQP",
        constraints={
            "type": "ineq",
            "fun": lambda c: (slopes @ c - 1e-6 / scale) * (b - a),
            "jac": lambda c: slopes * (b - a),
        },
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    return BSpline(t, best.x * scale, 3), design, slopes


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_knots", [2, 3, 6])
def test_the_fit_is_the_constrained_optimum(seed, n_knots):
    x, y = crosses(seed)
    w = np.where(np.arange(len(x)) % 3 == 0, 100.0, 1.0)
    fit = fit_rising_spline(x, y, w, n_knots)
    other, design, slopes = independent_optimum(x, y, w, n_knots)
    found = fit.spline.c
    assert (slopes @ found).min() >= 1e-6 - 1e-9
    # Optimality (Karush, Kuhn, Tucker): only slopes at their limit hold the sum of squares up.
    gradient = design.T @ (w * (design @ found - y))
    active = slopes[slopes @ found < 2e-6]
    _, unexplained = nnls(active.T, gradient) if len(active) else (None, np.abs(gradient).max())
    assert unexplained < 1e-6 * np.abs(design.T @ (w * y)).max()
    np.testing.assert_allclose(fit(x), other(x), atol=0.01)


def test_where_nothing_forbids_it_the_fit_is_plain_least_squares():
    x, y = crosses(3, height=2000.0)
    fit = fit_rising_spline(x, y + x, np.ones_like(x), 3)
    t = fit.spline.t
    design = BSpline.design_matrix(x, t, 3).toarray()
    plain = np.linalg.lstsq(design, y + x, rcond=None)[0]
    np.testing.assert_allclose(fit(x), design @ plain, atol=1e-6)


@settings(max_examples=count(40, 200))
@given(
    st.integers(0, 10**6),
    st.integers(5, 100),
    st.integers(2, 10),
    st.sampled_from([1.0, 10.0, 1000.0]),
    st.integers(0, 10),
)
def test_every_iteration_rises_whatever_the_weights(seed, n, n_knots, weight, extensions):
    """Weights of 1000 to the tenth power made the reference's solver fail silently."""
    x, y = crosses(seed, n)
    fixed = (x[n // 2], y.max() + 5, 10000.0)
    fit = spline_boundary(
        x,
        y,
        (fixed,),
        n_knots=n_knots,
        n_extensions=extensions,
        extension_weight=weight,
    )
    assert len(fit.iterations) == extensions + 1
    all_x, all_y, lighter = np.append(x, fixed[0]), np.append(y, fixed[1]), np.ones(n)
    for iteration, curve in enumerate(fit.iterations):
        if iteration:
            lighter = np.where(y > fit.iterations[iteration - 1](x), weight**iteration, 1.0)
        w = np.append(lighter, fixed[2] * lighter.max())
        slopes = curve.spline.derivative()(np.linspace(x[0], x[-1], N_SLOPES))
        assert slopes.min() > 1e-6 - 1e-5 * y.max() / 100
        # No worse than a straight line that rises; smoothness may cost 1e-9 of the heaviest point.
        line = np.polynomial.Polynomial.fit(all_x, all_y, 1, w=np.sqrt(w)).convert()
        rise = max(line.coef[1], 1e-6)
        straight = np.average(all_y - rise * all_x, weights=w) + rise * all_x
        sums = [(w * (all_y - heights) ** 2).sum() for heights in (curve(all_x), straight)]
        assert sums[0] <= sums[1] * (1 + 1e-9) + 1e-9 * w.max() * np.ptp(all_y) ** 2
    assert fit.boundary is fit.iterations[-1]


def test_the_curve_climbs_over_the_crosses_step_by_step():
    x, y = crosses(11)
    fit = spline_boundary(x, y, n_extensions=5)
    above = [np.count_nonzero(y > curve(x)) for curve in fit.iterations]
    assert above[0] > 20
    assert above == sorted(above, reverse=True)
    assert above[-1] < above[0] / 3


def test_a_heavy_fixed_point_is_reached():
    x, y = crosses(5)
    fit = spline_boundary(x, y, ((1000.0, 400.0, 10000.0),))
    assert fit.boundary(1000.0) == pytest.approx(400.0, abs=1.0)
    light = spline_boundary(x, y, ((1000.0, 400.0, 1e-6),))
    assert light.boundary(1000.0) < 300.0


def test_a_far_fixed_point_stretches_the_knots():
    x, y = crosses(5)
    fit = spline_boundary(x, y, ((5000.0, 400.0, 1.0),))
    np.testing.assert_allclose(fit.boundary.knots, [-20, 2490, 5000])


@pytest.mark.parametrize(
    "boundary",
    [
        spline_boundary(*crosses(2)).boundary,
        piecewise_boundary(((0.0, 40.0, 1.0), (150.0, 80.0, 1.0), (50.0, 60.0, 1.0))),
    ],
)
def test_beyond_its_knots_a_boundary_keeps_its_end_values(boundary):
    first, last = boundary.knots[[0, -1]]
    assert boundary(first - 1e4) == boundary(first)
    assert boundary(last + 1e4) == boundary(last)
    np.testing.assert_allclose(boundary(boundary.knots), boundary.values, rtol=1e-12)
    assert np.isnan(boundary(np.array([np.nan]))[0])


def test_piecewise_runs_straight_between_sorted_points():
    boundary = piecewise_boundary(((150.0, 80.0, 1.0), (0.0, 40.0, 1.0), (50.0, 60.0, 1.0)))
    np.testing.assert_allclose(
        boundary([-5, 0, 25, 50, 100, 150, 900]), [40, 40, 50, 60, 70, 80, 80]
    )


def test_lowest_value_over_the_diagram():
    dip = piecewise_boundary(((0.0, 40.0, 1.0), (50.0, 10.0, 1.0), (150.0, 80.0, 1.0)))
    assert dip.lowest(-10.0, 200.0) == 10.0
    assert dip.lowest(60.0, 200.0) == pytest.approx(17.0)


@pytest.mark.parametrize("seed", range(5))
def test_no_curve_is_below_its_floor(seed):
    fit = spline_boundary(*crosses(seed), ((500.0, 5.0, 10.0),), n_knots=7)
    for curve in fit.iterations:
        assert curve(np.linspace(-100, 3000, 5000)).min() >= curve.floor - 1e-9
    assert piecewise_boundary(((0.0, 40.0, 1.0), (5.0, 10.0, 1.0))).floor == 10.0


def test_points_at_one_x_are_refused():
    with pytest.raises(InputError, match="at x = 3 only, expected two or more"):
        spline_boundary(np.array([3.0]), np.array([5.0]))


def test_few_points_give_a_smooth_curve_through_them():
    fit = spline_boundary(np.array([0.0, 100.0]), np.array([10.0, 30.0]), n_knots=5)
    np.testing.assert_allclose(fit.boundary([0, 50, 100]), [10, 20, 30], atol=0.1)


def test_a_diagram_less_than_an_adu_wide_has_a_boundary():
    fit = spline_boundary(np.array([0.0, 0.5]), np.array([10.0, 30.0]), n_knots=5)
    np.testing.assert_allclose(fit.boundary([0, 0.25, 0.5]), [10, 20, 30], atol=0.1)
