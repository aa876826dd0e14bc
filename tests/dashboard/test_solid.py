"""The 3-D view: surfaces, and what happens where they cannot be drawn."""

from pathlib import Path

import numpy as np
import pytest

from crmasks_widgets.dashboard.drawing import surfaces
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.dashboard.page import page

from .bench import FIRST, SECOND, Bench


@pytest.fixture
def bench():
    return Bench.of(HitsView, semiwindow=3)


def solid(bench):
    return bench.view.large.solid


def mesh_of(bench):
    return solid(bench).box.children[0].meshes[0]


def test_surfaces_stand_side_by_side_on_one_scale():
    frames = [np.full((3, 4), 5.0), np.full((3, 4), 9.0)]
    frames[1][2, 0] = 15.0
    frames[0][1, 1] = np.nan
    hit = np.zeros((3, 4), dtype=bool)
    made = surfaces.side_by_side(frames, "gray", hit)
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


def test_pixels_of_the_hit_are_marked_in_every_surface():
    frames = [np.full((3, 4), 5.0), np.arange(12.0).reshape(3, 4)]
    hit = np.zeros((3, 4), dtype=bool)
    hit[1, 2] = True
    plain = surfaces.side_by_side(frames, "gray", ~hit & hit).colours.reshape(2, 3, 4, 3)
    marked = surfaces.side_by_side(frames, "gray", hit).colours.reshape(2, 3, 4, 3)
    changed = (plain != marked).any(axis=-1)
    assert (changed == hit).all()
    assert (marked[0, 1, 2] == marked[1, 1, 2]).all()
    assert np.ptp(marked[0, 1, 2]) > 0.5  # no grey


def test_nothing_is_loaded_before_it_is_asked_for(bench):
    bench.state.select(pixel=SECOND[0])
    assert solid(bench).box.children == ()
    assert solid(bench).widget.layout.display == "none"
    bench.press("c")
    assert len(solid(bench).box.children) == 1
    assert solid(bench).widget.layout.display == ""
    assert bench.view.large.detail.state["solid"]
    assert "1 to 3, median, corrected" in solid(bench).message.value
    figure = solid(bench).box.children[0]
    assert (figure.xlabel, figure.ylabel, figure.zlabel) == ("x (pixel)", "ADU", "y (pixel)")
    assert not bench.errors


def test_one_figure_is_used_for_every_hit(bench):
    bench.press("c")
    bench.state.select(pixel=SECOND[0])
    (figure,) = solid(bench).box.children
    (mesh,) = figure.meshes
    before = mesh.y.copy()
    bench.state.select(pixel=FIRST[0])
    assert solid(bench).box.children == (figure,)
    assert figure.meshes == [mesh]
    assert not np.array_equal(mesh.y, before)
    stack, part = bench.model.analysis.stack, bench.view.large._spot().part
    assert mesh.y.max() == stack.cube[(slice(None), *part)].max()
    assert figure.ylim == (mesh.y.min(), mesh.y.max())
    bench.press("c")
    shown = mesh.y.copy()
    bench.state.select(pixel=SECOND[0])
    assert np.array_equal(mesh.y, shown)
    assert solid(bench).widget.layout.display == "none"


def test_a_hit_at_the_border_has_a_smaller_surface(bench):
    bench.press("c")
    bench.state.select(pixel=SECOND[0])
    mesh = mesh_of(bench)
    faces = len(mesh.triangles)
    bench.state.select(pixel=(0, 0))
    assert len(mesh.x) == 5 * 7 * 7
    assert len(mesh.triangles) < faces
    assert mesh.triangles.max() == len(mesh.x) - 1


def test_the_surface_follows_the_mask(bench):
    bench.press("c")
    bench.state.select(pixel=SECOND[0])
    before = mesh_of(bench).y.copy()
    bench.state.update(pixels_to_be_flagged_as_cr=((19, 41),))
    assert not np.array_equal(mesh_of(bench).y, before)


def test_the_figure_lies_on_the_stage_of_the_other_pictures_in_both_themes(bench):
    bench.press("c")
    bench.state.select(pixel=SECOND[0])
    (figure,) = solid(bench).box.children
    stage = Path(page.__file__).with_name("page.css").read_text("utf-8")
    for dark in (True, False):
        bench.page.dark = dark
        assert f"--crmasks-stage: {figure.style['background-color']};" in stage


def test_without_webgl_or_ipyvolume_it_says_so(bench, monkeypatch):
    bench.press("c")
    bench.page.webgl = False
    bench.state.select(pixel=SECOND[0])
    assert "no WebGL" in solid(bench).message.value
    assert solid(bench).box.children == ()

    def missing(name, *_):
        raise ImportError(f"No module named {name}", name="ipython_genutils")

    monkeypatch.setattr("importlib.import_module", missing)
    bench.page.webgl = True
    assert "ipyvolume cannot be imported (ipython_genutils)" in solid(bench).message.value
    assert not bench.errors


def test_the_picture_goes_to_the_pages_download(bench):
    bench.press("c")
    bench.state.select(pixel=SECOND[0])
    figure, asked = solid(bench).box.children[0], []
    figure.send = lambda content, buffers=None: asked.append(content)
    bench.press("s")
    assert asked[0]["msg"] == "screenshot"
    figure._handle_custom_msg({"event": "screenshot", "data": "data:image/png;base64,aGl0"}, [])
    assert bench.messages == [
        {"event": "download", "name": "crmasks_surfaces.png", "mime": "image/png", "base64": "aGl0"}
    ]
    figure._handle_custom_msg({"event": "screenshot", "data": "data:,"}, [])
    assert "no PNG" in solid(bench).message.value
    assert len(bench.messages) == 1
