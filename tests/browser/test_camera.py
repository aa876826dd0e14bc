"""Several detectors, chosen on the page."""

from functools import partial

import numpy as np
from astropy.io import fits

from crmasks_widgets import cli

from ..test_mosaics import write_camera, write_yaml
from .test_diagram import drag, points

CODE = """
import crmasks_widgets as cm
dashboard = cm.Dashboard(cm.load_mosaic({path!r}))
dashboard
"""


def masked(screen):
    """Numbers of masked pixels of each detector, as the kernel has them."""
    return screen.kernel.ask("[int(each.mediancr.sum()) for each in dashboard.mosaic]")


def test_a_drag_on_one_detector_is_saved_with_what_the_other_has(open_dashboard, tmp_path):
    write_camera(tmp_path)
    screen = open_dashboard(CODE.format(path=str(write_yaml(tmp_path, [1, 3]))))
    first = screen.wait_for_results()
    choice = screen.dashboard.get_by_role("combobox", name="Detector", exact=True)
    assert choice.locator("option").all_text_contents() == ["CCD1", "CCD3"]
    before = points(screen)
    choice.select_option("CCD3")
    second = screen.changed(first)
    # There and back: what is dragged is a picture that was on the page before.
    choice.select_option("CCD1")
    assert screen.changed(second) == first
    choice.select_option("CCD3")
    assert screen.changed(first) == second
    assert choice.input_value() == "1"
    start, end = (screen.data_point("observed", 500.0, y) for y in (110.0, 600.0))
    drag(screen, start, end)
    screen.page.mouse.up()
    screen.changed(second)
    screen.kernel.finish()
    dragged = points(screen)
    assert dragged != before
    choice.select_option("CCD1")
    screen.until(lambda: screen.counts() == first, "the counts of the first detector")
    assert points(screen) == before
    screen.kernel.run(f"import os; os.chdir({str(tmp_path)!r})")
    screen.dashboard.locator(".crmasks-top .crmasks-icon-save").click()
    screen.dashboard.get_by_role("menuitem", name="Parameters (YAML)", exact=True).click()
    screen.dashboard.get_by_text("wrote").wait_for()
    out = tmp_path / "out"
    run = ["run", str(tmp_path / "session.yaml"), "--output-dir", str(out), "--no-figures"]
    assert cli.main(run) == 0
    with fits.open(out / "crmasks.fits") as hdus:
        found = [int(np.count_nonzero(hdus["MEDIANCR", k].data)) for k in (1, 2)]
    assert found == masked(screen)


DILATION = "dashboard.state.model.parameters.dilation"
STATE = f"(dashboard.session.place.number, {DILATION})"


def test_keys_are_for_the_detector_that_was_just_chosen(open_dashboard, tmp_path):
    write_camera(tmp_path)
    screen = open_dashboard(CODE.format(path=str(write_yaml(tmp_path, [1, 3]))))
    screen.wait_for_results()
    before = screen.kernel.ask(DILATION)
    screen.kernel.run(f"dashboard.state.update(dilation={before + 1})")
    screen.kernel.run("dashboard.choose(2)\ndashboard.choose(1)")
    screen.kernel.run(f"dashboard.state.update(dilation={before + 2})")
    screen.kernel.finish()
    notebook, page = screen.notebook(), screen.page
    # What all share comes to the other detector as a step of undo.
    listed = screen.dashboard.get_by_role("combobox", name="Detector", exact=True)
    for key in ("ArrowDown", "ArrowUp", "ArrowDown"):
        # The kernel may be there before the page is: the list of a page that goes takes no key.
        there = str(int(key == "ArrowUp"))
        page.locator(".crmasks-dashboard:not([aria-busy])").wait_for()
        screen.until(lambda there=there: listed.input_value() == there, "the detector on the page")
        listed.focus()
        page.keyboard.press(key)
        page.keyboard.press("Control+z")
        wanted = f"{STATE} == ({int(key == 'ArrowDown')}, {before + 1})"
        screen.until(partial(screen.kernel.ask, wanted), f"after {key} and Ctrl+Z: {wanted}")
        screen.kernel.run(f"dashboard.state.update(dilation={before + 2})")
    page.wait_for_function(
        "document.querySelector('.crmasks-dashboard') === document.activeElement"
    )
    for key in "dd":  # deletes a cell where the notebook hears it
        page.keyboard.press(key)
    assert screen.notebook() == notebook
