"""The page computes the boundary, and what lies above it, as the kernel does."""

import base64
from pathlib import Path

import numpy as np
import pytest

from crmasks_widgets.core.mm.boundary import fit_rising_spline, piecewise_boundary
from crmasks_widgets.dashboard.diagram import hand, scene
from crmasks_widgets.dashboard.drawing.axis_scales import KINDS, AxisScale

CODE = Path(hand.__file__).with_name("curves.js").read_text(encoding="utf-8")
MODULE = "data:text/javascript;base64," + base64.b64encode(CODE.encode()).decode()
POINTS = ((400.0, 90.0, 1e4), (0.0, 30.0, 1e4), (1000.0, 250.0, 1e4))
X = np.concatenate([np.linspace(-200, 1300, 61), [0.0, 400.0, 1000.0]])


@pytest.fixture(scope="module")
def ask(browser):
    """Value of an expression of `m`, the module, and `a`, what is given."""
    page = browser.new_page()

    def answer(expression, given=None):
        code = f"async (a) => {{ const m = await import('{MODULE}'); return {expression}; }}"
        return page.evaluate(code, given)

    yield answer
    page.close()


def spline():
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(0, 1000, 60))
    return fit_rising_spline(x, 30 + 0.2 * x + rng.normal(0, 3, 60), np.ones(60), 5)


@pytest.mark.parametrize("kind", KINDS)
def test_places_along_an_axis_are_the_same(ask, kind):
    scale = AxisScale(kind, 7.0)
    values = [-300.0, -1.0, 0.0, 0.9, 50.0, 1e5]
    axis = {"kind": kind, "softening": 7.0}
    places = ask("a.values.map((v) => m.forward(a.axis, v))", {"axis": axis, "values": values})
    np.testing.assert_allclose(places, scale.forward(values), rtol=1e-12)
    back = ask("a.places.map((v) => m.backward(a.axis, v))", {"axis": axis, "places": places})
    np.testing.assert_allclose(back, scale.backward(places), rtol=1e-12)


@pytest.mark.parametrize(
    "boundary", [piecewise_boundary(POINTS), spline()], ids=["lines", "spline"]
)
def test_a_boundary_has_the_heights_of_the_kernel(ask, boundary):
    given = {"curve": scene.curve_of(boundary), "x": X.tolist()}
    np.testing.assert_allclose(
        ask("a.x.map((x) => m.height(a.curve, x))", given), boundary(X), rtol=1e-12
    )


def test_a_line_through_held_points_is_the_one_that_the_kernel_will_draw(ask):
    born = (*POINTS, (700.0, 60.0, 1e4))
    moved = (POINTS[0], (20.0, 45.0, 1e4), POINTS[2])
    given = {
        "scene": {"fit": "piecewise", "movable": True, "curve": None},
        "points": POINTS, "x": X.tolist(),
    }  # fmt: skip
    for index, points in ((3, born), (1, moved)):
        x, y, weight = points[index]
        held = f"m.withHeld(a.points, {index}, {x}, {y}, {weight})"
        heights = ask(f"a.x.map(m.lineOf(a.scene, {held}, null))", given)
        np.testing.assert_allclose(heights, piecewise_boundary(points)(X), rtol=1e-12)


def test_a_spline_passes_where_the_hand_pulls_it_and_ends_as_the_kernel_has_it(ask):
    boundary = spline()
    given = {
        "scene": {
            "fit": "spline", "movable": True, "curve": scene.curve_of(boundary),
        },
        "held": [500.0, 300.0, 1e4], "x": X.tolist(),
    }  # fmt: skip
    pulled = ask("a.x.concat([500]).map(m.lineOf(a.scene, [a.held], a.held))", given)
    assert pulled[-1] == pytest.approx(300, rel=1e-3)
    far = (X <= 0) | (X >= 1000)
    np.testing.assert_allclose(np.array(pulled[:-1])[far], boundary(X[far]), rtol=1e-9)
    settled = ask("a.x.map(m.lineOf(a.scene, [a.held], null))", given)
    np.testing.assert_allclose(settled, boundary(X), rtol=1e-12)


def test_there_is_no_line_through_one_point(ask):
    given = {"fit": "piecewise", "movable": True, "curve": {"x": [0, 1], "y": [2, 3]}}
    assert ask("m.lineOf(a, [[0, 1, 1]], null)", given) is None


def test_candidates_are_judged_by_line_threshold_and_the_other_detectors(ask):
    x, y = np.float32([0, 100, 200, 300, 400, 500]), np.float32([50, 9, 50, 50, 50, 50])
    # The last was taken out by the user.
    code, others = np.uint8([0, 0, 3, 3, 5, 255]), {"0": 2, "3": 4, "5": 2, "255": 0}
    given = {
        "bytes": list(scene.packed(x, y)), "codes": list(scene.packed(code)), "combine": others,
    }  # fmt: skip
    view = "(b) => new DataView(Uint8Array.from(b).buffer)"
    judged = (
        f"(() => {{ const v = {view}; const c = m.unpacked(v(a.bytes), v(a.codes));"
        " const { above, codes } = m.judged(c, (x) => (x === 300 ? 60 : 20), %s, a.combine);"
        " return [above, [...codes], [...c.code]]; })()"
    )
    assert ask(judged % "-Infinity", given) == [3, [2, 0, 4, 3, 2, 0], code.tolist()]
    assert ask(judged % "55", given) == [0, code.tolist(), code.tolist()]
    rest = f"(({view})(a.rest))"
    found = ask(
        f"(() => {{ const r = m.unpacked({rest}); return [[...r.x], [...r.y], [...r.code]]; }})()",
        {"rest": list(scene.packed(x, y, code))},
    )
    assert found == [x.tolist(), y.tolist(), code.tolist()]
