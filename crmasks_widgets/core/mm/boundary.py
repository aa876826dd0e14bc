"""The detection boundary of the Median-Minimum diagram."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline
from scipy.linalg import qr, solve_triangular
from scipy.optimize import nnls

from crmasks_widgets.core.typing import Float64Array
from crmasks_widgets.errors import InputError

FixedPoint = tuple[float, float, float]

DEGREE = 3
# The spline must rise at this many abscissae, and by at least this slope.
N_SLOPES = 100
MIN_SLOPE = 1e-6
# Weight of smoothness, relative to the data: decides only what the points leave undetermined.
RIDGE = 1e-10


@dataclass(frozen=True)
class Boundary:
    """A curve b(x) in the diagram; the same call draws it and detects with it.

    Beyond its first and last knot the curve keeps its end values.

    Attributes
    ----------
    kind : {"spline", "piecewise", "exact"}
        How it was made: fitted; through fixed points; from order statistics (straight lines
        between close points).
    knots : (k,) float64
        Abscissae of the knots, ADU, rising.
    values : (k,) float64
        Heights at the knots, ADU.
    spline : BSpline or None
        The cubic spline; None for straight lines.
    """

    kind: Literal["spline", "piecewise", "exact"]
    knots: Float64Array
    values: Float64Array
    spline: BSpline | None = None

    def __call__(self, x: npt.ArrayLike) -> Float64Array:
        """Height of the boundary.

        Parameters
        ----------
        x : array_like
            min2d - bias, ADU.

        Returns
        -------
        ndarray of float64
            ADU, shaped like `x`; NaN where `x` is NaN.
        """
        x = np.asarray(x)
        if self.spline is None:
            heights = np.interp(x, self.knots, self.values)
        else:
            heights = self.spline(np.clip(x, self.knots[0], self.knots[-1]))
        return np.asarray(heights, dtype=np.float64)

    @property
    def floor(self) -> float:
        """A height, ADU, that the curve is nowhere below.

        A spline stays inside the range of its coefficients, straight lines in that of their ends.
        """
        return float(np.min(self.values if self.spline is None else self.spline.c))

    def lowest(self, x_min: float, x_max: float) -> float:
        """Lowest height between two abscissae.

        Parameters
        ----------
        x_min, x_max : float
            Range of the diagram, ADU.

        Returns
        -------
        float
            ADU.
        """
        return float(self._between(x_min, x_max).min())

    def highest(self, x_min: float, x_max: float) -> float:
        """Highest height between two abscissae, ADU; see `lowest`."""
        return float(self._between(x_min, x_max).max())

    def _between(self, x_min: float, x_max: float) -> Float64Array:
        x = np.concatenate([np.linspace(x_min, x_max, 1001), self.knots])
        return self(x[(x >= x_min) & (x <= x_max)])


@dataclass(frozen=True)
class BoundaryFit:
    """A boundary and the way to it.

    Attributes
    ----------
    boundary : Boundary
        The one to detect with.
    iterations : tuple of Boundary
        Initial fit and every extension; the last one is `boundary`. One item if piecewise.
    """

    boundary: Boundary
    iterations: tuple[Boundary, ...]


def piecewise_boundary(points: tuple[FixedPoint, ...]) -> Boundary:
    """Straight lines through the fixed points (docs/method.md, The Median–Minimum diagram).

    Parameters
    ----------
    points : tuple of (x, y, weight)
        At least two, with distinct x, ADU; weights do not matter.

    Returns
    -------
    Boundary
        Constant to the left of the first and to the right of the last point.
    """
    ordered = np.array(sorted(points), dtype=np.float64)
    return Boundary("piecewise", ordered[:, 0], ordered[:, 1])


def fit_rising_spline(
    x: Float64Array, y: Float64Array, weights: Float64Array, n_knots: int
) -> Boundary:
    """Weighted least-squares cubic spline that rises everywhere.

    Minimises the sum of w (y - s(x))^2 subject to s' >= 1e-6 at 100 equally spaced abscissae
    (docs/method.md, The Median–Minimum diagram).
    The constrained problem is solved exactly: a QR factorisation turns it into the search for the
    point of least distance, which is a non-negative least-squares problem (Lawson & Hanson 1974,
    chapter 23).

    Parameters
    ----------
    x, y : (m,) float64
        Points, ADU.
    weights : (m,) float64
        Positive weights of the squared distances.
    n_knots : int
        Number of knots from the smallest to the largest x, both included, at least 2.

    Returns
    -------
    Boundary
        The spline.

    Raises
    ------
    InputError
        If there is no point, if all x are equal, or if the solver does not converge.
    """
    if not x.size:
        msg = (
            "mm_boundary_fit: spline: found no point of the expected diagram, expected some: "
            "an exposure has no light, or mm_ydiag_max is too low (0 takes what the noise needs)"
        )
        raise InputError(msg)
    span = float(np.ptp(x))
    if span <= 0:
        msg = (
            f"mm_boundary_fit: spline: found points of the diagram at x = {x[0]:g} only, "
            "expected two or more x (piecewise takes the boundary from fixed points instead)"
        )
        raise InputError(msg)
    # Solved in units in which the points fill the unit square: weights span many decades already.
    origin, height = float(x.min()), float(np.ptp(y)) or max(abs(float(y[0])), 1.0)
    u, level = (x - origin) / span, float(y.min())
    knots = np.linspace(0.0, 1.0, n_knots)
    padded = np.concatenate([np.zeros(DEGREE), knots, np.ones(DEGREE)])
    slope = _slope_matrix(padded)
    coefficients = _constrained_least_squares(
        BSpline.design_matrix(u, padded, DEGREE).toarray(),
        (y - level) / height,
        weights / weights.max(),
        slope,
        np.full(len(slope), MIN_SLOPE * span / height),
    )
    spline = BSpline(origin + span * padded, level + height * coefficients, DEGREE)
    real_knots = origin + span * knots
    return Boundary("spline", real_knots, np.asarray(spline(real_knots)), spline)


def _slope_matrix(padded: Float64Array) -> Float64Array:
    size = len(padded) - DEGREE - 1
    basis = BSpline(padded, np.eye(size), DEGREE).derivative()
    return np.asarray(basis(np.linspace(0.0, 1.0, N_SLOPES)), dtype=np.float64)


def _constrained_least_squares(
    design: Float64Array,
    target: Float64Array,
    weights: Float64Array,
    slopes: Float64Array,
    lower: Float64Array,
) -> Float64Array:
    """Minimise sum w (design c - target)^2 subject to slopes c >= lower."""
    size = design.shape[1]
    scale = np.sqrt(weights)[:, None]
    bending = np.diff(np.eye(size), n=2, axis=0)
    # Heavy rows first: with weights over many decades the factorisation is accurate in this order.
    rows = np.vstack([(scale * design)[np.argsort(-weights)], np.sqrt(RIDGE) * bending])
    values = np.concatenate([(scale[:, 0] * target)[np.argsort(-weights)], np.zeros(len(bending))])
    q, r = qr(rows, mode="economic")
    free = q.T @ values
    # With z = r c - free the sum is |z|^2, to be minimised subject to g z >= h.
    g = _through_triangle(slopes, r)
    h = lower - g @ free
    if np.all(h <= 0):
        return np.asarray(solve_triangular(r, free), dtype=np.float64)
    z = _least_distance(g, h)
    return np.asarray(solve_triangular(r, free + z), dtype=np.float64)


def _through_triangle(slopes: Float64Array, r: Float64Array) -> Float64Array:
    """Solve g r = slopes by substitution.

    With so many right-hand sides the library would wake its threads, which then wait busily: 20 ms
    of processor time for less than 1 ms of work.
    """
    g = np.empty_like(slopes)
    for j in range(len(r)):
        g[:, j] = (slopes[:, j] - g[:, :j] @ r[:j, j]) / r[j, j]
    return g


def _least_distance(g: Float64Array, h: Float64Array) -> Float64Array:
    """Shortest z with g z >= h."""
    norm = float(np.linalg.norm(h)) or 1.0
    system = np.vstack([g.T, h[None, :] / norm])
    wanted = np.zeros(len(system))
    wanted[-1] = 1.0
    try:
        dual, _ = nnls(system, wanted, maxiter=100 * len(h))
    except RuntimeError as error:
        msg = (
            "mm_boundary_fit: spline: the fit did not converge, expected smaller "
            "mm_weight_boundary_extension or weights of the fixed points"
        )
        raise InputError(msg) from error
    residual = system @ dual - wanted
    return np.asarray(-residual[:-1] / residual[-1] * norm, dtype=np.float64)


def spline_boundary(
    cross_x: Float64Array,
    cross_y: Float64Array,
    fixed: tuple[FixedPoint, ...] = (),
    *,
    n_knots: int = 3,
    n_extensions: int = 3,
    extension_weight: float = 10.0,
) -> BoundaryFit:
    """Fit the crosses, then lift the curve above them step by step.

    How often, and by which weights: docs/method.md, The Median–Minimum diagram.

    Parameters
    ----------
    cross_x, cross_y : (k,) float64
        Red crosses, ADU.
    fixed : tuple of (x, y, weight)
        Points the curve is drawn to.
    n_knots : int
        Knots, both ends included.
    n_extensions : int
        Iterations after the first fit.
    extension_weight : float
        In iteration j the crosses above the previous curve weigh this to the power j.

    Returns
    -------
    BoundaryFit
        Every iteration.
    """
    fixed_x, fixed_y, fixed_w = (np.array(column, float) for column in _columns(fixed))
    x, y = np.concatenate([cross_x, fixed_x]), np.concatenate([cross_y, fixed_y])
    cross_weights = np.ones(len(cross_x))
    curves: list[Boundary] = []
    for iteration in range(n_extensions + 1):
        if curves:
            above = cross_y > curves[-1](cross_x)
            cross_weights = np.where(above, extension_weight**iteration, 1.0)
        # A fixed point always weighs more than any cross, by its own weight.
        weights = np.concatenate([cross_weights, fixed_w * cross_weights.max(initial=1.0)])
        curves.append(fit_rising_spline(x, y, weights, n_knots))
    return BoundaryFit(curves[-1], tuple(curves))


def _columns(
    points: tuple[FixedPoint, ...],
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    if not points:
        return (), (), ()
    x, y, w = zip(*points, strict=True)
    return x, y, w
