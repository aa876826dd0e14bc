"""A notebook with a dashboard, opened again without the kernel that made it."""

import base64
import io

import numpy as np
from nbconvert import HTMLExporter
from nbformat import from_dict
from PIL import Image

from crmasks_widgets.dashboard.still import HIT

from .harness import NOTEBOOK, small_demo, watched_page

OUTPUTS = f"{NOTEBOOK}.content.model.toJSON().cells[0].outputs"
STILL = ".jp-OutputArea-child > .jp-RenderedImage img"


def pixels_marked(outputs):
    """Pixels of the mark in the picture of the last output."""
    png = base64.b64decode(outputs[-1]["data"]["image/png"])
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., :3]
    return int((picture == HIT).all(axis=-1).sum())


def saved_notebook(lab, browser):
    """A notebook as JupyterLab would save it, once the dashboard rests."""
    with lab.dashboard(browser, small_demo()) as screen:
        screen.wait_for_results()
        text = f"{OUTPUTS}.at(-1).data['text/plain']"
        screen.until(lambda: "hits" in screen.page.evaluate(text), "hits in the notebook")
        assert screen.page.locator(STILL).count() == 1
        assert not screen.page.locator(STILL).is_visible()
        masked = screen.kernel.ask("int(dashboard.analysis.mediancr.sum())")
        saved = screen.page.evaluate(f"{NOTEBOOK}.content.model.toJSON()")
    assert pixels_marked(saved["cells"][0]["outputs"]) == masked > 0
    return saved


def test_it_shows_a_still_picture(browser, lab):
    notebook = saved_notebook(lab, browser)
    for trusted in (True, False):
        for cell in notebook["cells"]:
            cell["metadata"]["trusted"] = trusted
        content = {"type": "notebook", "format": "json", "content": notebook}
        lab.ask("PUT", f"api/contents/trusted-{trusted}.ipynb", content)
        # The manager of widgets complains that it knows no such widget.
        with watched_page(browser, lab.port, complaints=[]) as page:
            page.goto(lab.address(f"doc/tree/trusted-{trusted}.ipynb") + "&reset")
            if trusted:
                page.get_by_text("Error displaying widget").wait_for()
            picture = page.locator(STILL)
            picture.wait_for()
            assert picture.evaluate("image => image.naturalWidth") == 2 * 250 + 8
            assert not page.locator(".crmasks-dashboard").count()
    page_without_widgets, _ = HTMLExporter().from_notebook_node(from_dict(notebook))
    png = notebook["cells"][0]["outputs"][-1]["data"]["image/png"]
    assert png.strip()[:200] in page_without_widgets
