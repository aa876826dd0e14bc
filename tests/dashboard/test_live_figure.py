"""A figure that follows its sliders."""

import asyncio
import io

import ipywidgets as widgets
import pytest
from matplotlib.figure import Figure
from PIL import Image

from crmasks_widgets.dashboard import live_figure as module
from crmasks_widgets.dashboard.live_figure import live_figure
from crmasks_widgets.errors import ParameterError


class Drawer:
    def __init__(self):
        self.drawn = []

    def __call__(self, level, colour):
        if level > 8:
            raise ParameterError(f"level: found {level} < 9 & more")
        self.drawn.append((level, colour))
        figure = Figure(figsize=(level, 1), facecolor=colour)
        return figure, f"<{level}> of {colour}"


def parts(box):
    *controls, text, picture = box.children
    return controls, text.value, Image.open(io.BytesIO(picture.value)).convert("RGB")


@pytest.fixture
def live():
    drawer = Drawer()
    level = widgets.IntSlider(2, min=1, max=20)
    colour = widgets.Dropdown(options=["red", "blue"])
    return drawer, level, colour, lambda: live_figure(drawer, level=level, colour=colour)


def test_it_is_drawn_at_once_and_after_every_change(live):
    drawer, level, colour, make = live
    box = make()
    controls, text, picture = parts(box)
    assert controls == [level, colour]
    assert text == "<b>&lt;2&gt; of red</b>"
    assert picture.size == (2 * module.DPI, module.DPI)
    assert picture.getpixel((5, 5)) == (255, 0, 0)
    level.value, colour.value = 3, "blue"
    _, text, picture = parts(box)
    assert text == "<b>&lt;3&gt; of blue</b>"
    assert picture.size == (3 * module.DPI, module.DPI)
    assert picture.getpixel((5, 5)) == (0, 0, 255)
    assert drawer.drawn == [(2, "red"), (3, "red"), (3, "blue")]


def test_an_error_is_said_and_the_figure_stays(live):
    _, level, _, make = live
    box = make()
    level.value = 9
    _, text, picture = parts(box)
    assert text == "<b>level: found 9 &lt; 9 &amp; more</b>"
    assert picture.size[0] == 2 * module.DPI
    level.value = 4
    assert parts(box)[1] == "<b>&lt;4&gt; of red</b>"


def test_on_a_loop_only_the_last_of_quick_changes_is_drawn(live, monkeypatch):
    monkeypatch.setattr(module, "DELAY", 0.01)
    drawer, level, _, make = live

    async def session():
        box = make()
        for value in (3, 4, 5, 6):
            level.value = value
        await asyncio.sleep(0.2)
        return box

    box = asyncio.run(session())
    assert drawer.drawn == [(2, "red"), (6, "red")]
    assert parts(box)[1] == "<b>&lt;6&gt; of red</b>"
