"""The 3-D view: surfaces, and what happens where they cannot be drawn."""

import numpy as np
import pytest

from crmasks_widgets.dashboard.drawing import surfaces
from crmasks_widgets.dashboard.hits.volume_view import VolumeView

from .bench import FIRST, SECOND, Bench


@pytest.fixture
def bench():
    return Bench.of(VolumeView, semiwindow=3)


def test_surfaces_stand_side_by_side_on_one_scale():
    frames = [np.full((3, 4), 5.0), np.full((3, 4), 9.0)]
    frames[1][2, 0] = 15.0
    frames[0][1, 1] = np.nan
    made = surfaces.side_by_side(frames, "gray")
    assert made.heights == (5.0, 15.0)
    assert made.x.reshape(2, 3, 4)[1].min() > made.x.reshape(2, 3, 4)[0].max() + 1
    heights = made.y.reshape(2, 3, 4)
    assert heights[1, 2, 0] == 15.0
    assert heights[0, 1, 1] == 5.0
    depth = made.z.reshape(2, 3, 4)
    assert (depth[:, 0] == 2).all()  # the first row is nearest to the viewer
    assert made.sides == (10.0, 2.0)
    assert len(made.triangles) == 2 * 2 * 2 * 3
    for corners in made.triangles:  # every face is one half of one pixel
        assert np.ptp(made.x[corners]) == np.ptp(made.z[corners]) == 1
    assert (made.colours[heights.ravel() == 15.0] == 1).all()


def test_nothing_is_loaded_before_the_view_is_shown(bench):
    bench.state.select(pixel=SECOND[0])
    assert bench.view.box.children == ()
    bench.view.shown(True)
    assert len(bench.view.box.children) == 1
    assert "exposure 3 · corrected median" in bench.view.legend.value
    assert "x 19 to 25, y 38 to 44" in bench.view.legend.value
    assert not bench.errors


def test_one_figure_is_used_for_every_hit(bench):
    bench.view.shown(True)
    bench.state.select(pixel=SECOND[0])
    (figure,) = bench.view.box.children
    (mesh,) = figure.meshes
    before = mesh.y.copy()
    bench.state.select(pixel=FIRST[0])
    assert bench.view.box.children == (figure,)
    assert figure.meshes == [mesh]
    assert not np.array_equal(mesh.y, before)
    stack = bench.model.analysis.stack
    assert mesh.y.max() == stack.cube[:, 7:15, 57:64].max()
    assert figure.ylim == (mesh.y.min(), mesh.y.max())
    bench.view.shown(False)
    shown = mesh.y.copy()
    bench.state.select(pixel=SECOND[0])
    assert np.array_equal(mesh.y, shown)


def test_a_hit_at_the_border_has_a_smaller_surface(bench):
    bench.view.shown(True)
    bench.state.select(pixel=SECOND[0])
    mesh = bench.view.box.children[0].meshes[0]
    faces = len(mesh.triangles)
    bench.state.select(pixel=(0, 0))
    assert len(mesh.x) == 4 * 4 * 4
    assert len(mesh.triangles) < faces
    assert mesh.triangles.max() == len(mesh.x) - 1


def test_the_surface_follows_the_mask(bench):
    bench.view.shown(True)
    bench.state.select(pixel=SECOND[0])
    mesh = bench.view.box.children[0].meshes[0]
    before = mesh.y.copy()
    bench.state.update(pixels_to_be_ignored_as_cr=((21, 41),))
    assert not np.array_equal(mesh.y, before)


def test_the_figure_is_dark_on_a_dark_page_and_follows_the_theme(bench):
    backgrounds = []
    bench.page.dark = True
    bench.view.shown(True)
    bench.state.select(pixel=SECOND[0])
    (figure,) = bench.view.box.children
    for dark in (True, False, True):
        bench.page.dark = dark
        backgrounds.append(figure.style["background-color"])
    assert backgrounds == ["#212121", "white", "#212121"]


def test_without_webgl_or_ipyvolume_it_says_so(bench, monkeypatch):
    bench.view.shown(True)
    bench.page.webgl = False
    bench.state.select(pixel=SECOND[0])
    assert "no WebGL" in bench.view.message.value
    assert bench.view.box.children == ()

    def missing(name, *_):
        raise ImportError(f"No module named {name}", name="ipython_genutils")

    monkeypatch.setattr("importlib.import_module", missing)
    bench.page.webgl = True
    assert "ipyvolume cannot be imported (ipython_genutils)" in bench.view.message.value
    assert not bench.errors


def test_the_picture_goes_to_the_pages_download(bench):
    bench.view.shown(True)
    bench.state.select(pixel=SECOND[0])
    figure, asked = bench.view.box.children[0], []
    figure.send = lambda content, buffers=None: asked.append(content)
    bench.press("s")
    assert asked[0]["msg"] == "screenshot"
    figure._handle_custom_msg({"event": "screenshot", "data": "data:image/png;base64,aGl0"}, [])
    assert bench.messages == [
        {"event": "download", "name": "crmasks_surfaces.png", "mime": "image/png", "base64": "aGl0"}
    ]
    figure._handle_custom_msg({"event": "screenshot", "data": "data:,"}, [])
    assert "no PNG" in bench.view.message.value
    assert len(bench.messages) == 1
