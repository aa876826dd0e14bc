"""A dashboard that is used for hours stays as small as it was."""

import threading
from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances as live_widgets

import crmasks_widgets as cm
from crmasks_widgets.machine import release

from ..conftest import LEVELS, QUICK, small_scene
from ..counts import count

N_FIRST = 25  # turns, of two changes of parameters each, in which things are made on first use
N_TURNS = count(50, 250)
MOST_GROWTH = 20 / 225  # MiB a turn


def make_analysis():
    settings = QUICK | {"crmethod": "mm_lacosmic", "la_niter": 1}
    settings["mm_fixed_points_in_boundary"] = tuple(
        map(tuple, QUICK["mm_fixed_points_in_boundary"])
    )
    exposures = cm.ExposureSet.from_arrays(list(small_scene().exposures))
    return cm.Analysis(exposures, cm.Parameters(**LEVELS, **settings))


def use(dashboard, turn):
    """Change what a user changes: a threshold, a point, the display, the selection; undo."""
    state = dashboard.state
    state.update(la_sigclip=4.0 + turn % 7)
    points = ((0, 25 + turn % 5), (500, 110), (5000, 350))
    state.update(mm_fixed_points_in_boundary=points)
    state.show(frame=("median", "mean", "1")[turn % 3], numbers=bool(turn % 2))
    state.show(image=(0.0, 40.0 + turn % 11, 0.0, 30.0), target=("median", "mean", 1)[turn % 3])
    state.select(pixel=(turn % 60, turn % 70), outline=())
    if turn % 4 == 0:
        state.undo()
    assert dashboard.wait(30)


def resident():
    """Memory of this process, MiB, once what was freed is given back."""
    release()
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x]
    return int(line.split()[1]) / 1024


@pytest.mark.slow
def test_neither_widgets_nor_memory_pile_up_and_no_thread_is_left():
    """Two changes of parameters a turn, and as many of the display and the selection."""
    threads, widgets = set(threading.enumerate()), set(live_widgets)
    dashboard = cm.Dashboard(make_analysis())
    assert dashboard.wait(30)
    for turn in range(N_FIRST):
        use(dashboard, turn)
    used, before = set(live_widgets), resident()
    assert len(used) > len(widgets)
    for turn in range(N_FIRST, N_TURNS):
        use(dashboard, turn)
    assert set(live_widgets) == used
    assert resident() - before <= MOST_GROWTH * (N_TURNS - N_FIRST)
    dashboard.close()
    assert set(threading.enumerate()) <= threads


def test_a_closed_dashboard_leaves_no_widget():
    widgets = set(live_widgets)
    dashboard = cm.Dashboard(make_analysis())
    assert dashboard.wait(30)
    dashboard.close()
    assert set(live_widgets) <= widgets
