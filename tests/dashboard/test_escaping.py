"""What headers, file names and messages say is text in the page, never markup."""

import ipywidgets
import numpy as np
import pytest
from astropy.io import fits
from ipywidgets.widgets.widget import _instances as live_widgets

import crmasks_widgets as cm

from ..conftest import LEVELS, QUICK, small_scene

MARKUP = "<img src=x onerror=alert(1)>"
# Their value is shown as markup; where it is allowed in a description, that is too.
MARKED = (ipywidgets.HTML, ipywidgets.HTMLMath, ipywidgets.Label)


def strings_shown_as_markup():
    for widget in list(live_widgets.values()):
        if isinstance(widget, MARKED):
            yield widget, widget.value
        if getattr(widget, "description_allow_html", False):
            yield widget, widget.description


@pytest.fixture
def dashboard():
    headers = [fits.Header([("OBJECT", MARKUP, MARKUP), ("BUNIT", MARKUP)]) for _ in range(3)]
    for header in headers:
        header.add_history(MARKUP)
    exposures = cm.ExposureSet.from_arrays(
        list(small_scene().exposures), names=[f"{MARKUP}{i}.fits" for i in range(3)],
        headers=headers,
    )  # fmt: skip
    settings = LEVELS | QUICK | {"images": [f"{MARKUP}{i}.fits" for i in range(3)]}
    made = cm.Dashboard(cm.Analysis(exposures, cm.Parameters(**settings)))
    assert made.wait(60)
    yield made
    made.close()


@pytest.mark.slow
def test_text_of_others_is_never_markup(dashboard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labels = np.argwhere(dashboard.state.model.analysis.labels)
    dashboard.state.select(pixel=tuple(labels[0].tolist()), outline=())
    for page in ("Boundary", "Noise", "Files"):
        dashboard.session.drawer.open(page)
    fields = [w for w in live_widgets.values() if isinstance(w, ipywidgets.Text)]
    assert len(fields) > 10
    for field in fields:  # every refusal says what it found
        field.value = MARKUP
    files = dashboard.session.files
    for line in files._lines.values():
        line.button.click()
        assert files.wait(60)
    assert dashboard.wait(60)
    shown = list(strings_shown_as_markup())
    assert len(shown) > 40
    assert sum("&lt;img" in text for _, text in shown) > 5
    for widget, text in shown:
        assert "<img src" not in text, widget
