"""pandas is loaded for whoever needs it, and not for the dashboard."""

import subprocess
import sys

import pytest

DASHBOARD = """
import sys
import crmasks_widgets as cm
from crmasks_widgets.demo import demo_analysis
dashboard = cm.Dashboard(demo_analysis((120, 160)))
assert dashboard.wait(120)
states = [widget.get_state() for widget in dashboard.session._made]
dashboard.close()
print(len(states) > 100, "bqplot" in sys.modules, "pandas" in sys.modules)
"""
BQPLOT = """
import sys
import numpy as np
from crmasks_widgets.dashboard.plots.without_pandas import load_bqplot
load_bqplot()
before = "pandas" in sys.modules
import bqplot
class Chart(bqplot.Figure):
    data = bqplot.Radar.data
table = Chart().data
import pandas as pd
dates = bqplot.traits.convert_to_date(["2026-11-28"])
chart = bqplot.Radar(data=pd.DataFrame({"a": [1.0, 2.0]}))
print(before, type(table) is pd.DataFrame, type(chart.data) is pd.DataFrame, [*chart.data["a"]])
print(bqplot.traits.pd.DataFrame is pd.DataFrame, dates[0] == pd.Timestamp("2026-11-28"))
"""
GIVEN = """
import pandas as pd
from crmasks_widgets.dashboard.plots.without_pandas import load_bqplot
load_bqplot()
import bqplot
print(bqplot.traits.pd is pd)
"""


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (DASHBOARD, "True True False\n"),
        (BQPLOT, "False True True [1.0, 2.0]\nTrue True\n"),
        (GIVEN, "True\n"),
    ],
    ids=["dashboard", "bqplot", "given"],
)
def test_pandas_is_loaded_only_when_it_is_asked_for(program, said):
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, said), done.stderr
