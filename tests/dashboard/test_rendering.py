"""A change is checked once, and each view is drawn once for it and once for what comes of it."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.dashboard.diagram.painter import Painter
from crmasks_widgets.dashboard.model import review
from crmasks_widgets.dashboard.model.hit_list import HitList
from crmasks_widgets.dashboard.page import status
from crmasks_widgets.dashboard.page.context import Memo
from crmasks_widgets.parameters import Parameters

from .conftest import POINTS


@pytest.fixture
def drawn(dashboard, monkeypatch):
    """What each view was given to draw, in order."""
    seen = {}
    for number, view in enumerate(dashboard.session.views):
        noted = seen[f"{number} {type(view).__name__}"] = []
        monkeypatch.setattr(view, "render", noting(view.render, noted))
    return seen


@pytest.fixture
def checked(monkeypatch):
    """What was asked of `Parameters.replace`."""
    asked, replace = [], Parameters.replace

    def counted(self, **changes):
        asked.append(changes)
        return replace(self, **changes)

    monkeypatch.setattr(Parameters, "replace", counted)
    return asked


def noting(render, seen):
    def noted(model):
        seen.append(model)
        render(model)

    return noted


def drop_a_point(dashboard):
    hand = dashboard.session.diagram.panels["observed"].hand
    for event in ("grasp", "drop"):
        was = hand.scene["points"][1]
        meant = {"index": 1, "was": was, "count": len(hand.scene["points"])}
        content = {"event": event, "gesture": "one", "x": 480.123, "y": 90.0, **meant}
        hand._handle_custom_msg(content, [])


def select(dashboard, pixels):
    """Select a place beside a hit, in an image that shows another part of the frame."""
    y, x = pixels[0]
    dashboard.state.show(image=(0.0, 3.0, 0.0, 3.0))
    dashboard.state.select(pixel=(int(y), int(x)))


GESTURES = {
    "slider": lambda d: d.session.quick.widget._handle_custom_msg(
        {"drop": "la_sigclip", "value": 7.0, "gesture": "1"}, []
    ),
    "field": lambda d: d.session.parameters.widget._handle_custom_msg(
        {"set": "la_sigclip", "text": "6.5"}, []
    ),
    "drop": drop_a_point,
    "program": lambda d: d.state.update(mm_fixed_points_in_boundary=POINTS[:2]),
    "undo": lambda d: d.state.undo(),
    "reject": lambda d: d.session.hits.judge("rejected"),
}


@pytest.mark.parametrize("gesture", GESTURES)
def test_each_view_is_drawn_once_for_a_change_and_once_for_its_results(
    dashboard, drawn, checked, gesture
):
    select(dashboard, np.argwhere(dashboard.analysis.labels == 1))
    dashboard.state.update(dilation=2)
    assert dashboard.wait(60)
    for seen in (*drawn.values(), checked):
        seen.clear()
    GESTURES[gesture](dashboard)
    assert {view: len(seen) for view, seen in drawn.items()} == dict.fromkeys(drawn, 1)
    assert len(checked) == (0 if gesture == "undo" else 1)
    assert dashboard.wait(60)
    assert {view: len(seen) for view, seen in drawn.items()} == dict.fromkeys(drawn, 2)
    assert dashboard.analysis.parameters == dashboard.state.model.parameters


def test_the_next_hit_is_revealed_in_one_step(dashboard, drawn):
    select(dashboard, np.argwhere(dashboard.analysis.labels == 1))
    for seen in drawn.values():
        seen.clear()
    dashboard.session.hits.go(1)
    assert dashboard.state.model.display.image != (0.0, 3.0, 0.0, 3.0)
    assert {view: len(seen) for view, seen in drawn.items()} == dict.fromkeys(drawn, 1)


def test_on_a_loop_no_view_is_given_the_same_twice(analysis, monkeypatch):
    async def session():
        shown = cm.Dashboard(analysis)
        try:
            assert await asyncio.to_thread(shown.wait, 60)
            await asyncio.sleep(0.1)
            seen = []
            monkeypatch.setattr(shown.session.image, "render", noting(lambda _: None, seen))
            shown.state.update(la_sigclip=6.0)
            assert len(seen) == 1
            # Nobody waits for the results: who does holds up the drawing.
            async with asyncio.timeout(60):
                while shown.analysis.parameters != shown.state.model.parameters:
                    await asyncio.sleep(0.01)
            return seen
        finally:
            shown.close()

    seen = asyncio.run(session())
    assert len(seen) > 1
    for one, other in pairwise(seen):
        assert one.analysis is not other.analysis or one.known < other.known


def test_bytes_are_compared_by_what_they_are():
    memo, made = Memo(), []
    for part in (b"one", bytes([*b"one"]), b"two"):
        memo((part,), lambda: made.append(1))
    assert len(made) == 2


@pytest.fixture
def counted_over(monkeypatch):
    """How often what looks at every hit was called, by name."""
    calls = {}
    for owner, name in (
        (review, "chips"), (status, "standing_and_out"), (HitList, "row_at"), (Painter, "_number"),
    ):  # fmt: skip
        noted, real = calls.setdefault(name, []), getattr(owner, name)

        def counted(*given, noted=noted, real=real, **more):
            noted.append(given)
            return real(*given, **more)

        monkeypatch.setattr(owner, name, counted)
    return lambda: {name: len(noted) for name, noted in calls.items()}


def test_what_looks_at_every_hit_is_done_once_for_what_it_follows_from(dashboard, counted_over):
    """With 10 000 hits each took milliseconds whatever was moved: another slider, the pointer."""
    state = dashboard.state
    nothing = dict.fromkeys(("chips", "standing_and_out", "row_at", "_number"), 0)
    state.refresh()
    state.update(color_scale="zscale")
    state.show(image=(0.0, 30.0, 0.0, 30.0))
    assert counted_over() == nothing
    select(dashboard, np.argwhere(dashboard.analysis.labels == 2))
    assert counted_over() == nothing | {"row_at": 1}
    state.show(numbers=True)
    assert counted_over() == nothing | {"row_at": 1, "_number": 1}
    assert len(dashboard.session.diagram.panels["observed"].numbers.text) > 1
    state.show(numbers=False)
    assert len(dashboard.session.diagram.panels["observed"].numbers.text) == 0
    dashboard.session.hits.judge("rejected")
    assert dashboard.session.hits.bar.state["chips"][3]["count"] == 1
    assert counted_over()["chips"] == 1
    assert dashboard.wait(60)
    now = counted_over()
    assert now["standing_and_out"] == 1
    state.refresh()
    assert counted_over() == now
