"""The list of keys."""

from crmasks_widgets.dashboard.page.context import Shortcut
from crmasks_widgets.dashboard.page.help import POINTER, HelpView, name_of, texts_for

from .bench import Bench, small_analysis


def test_keys_of_all_views_are_listed_and_a_key_asks_for_the_list():
    bench = Bench(small_analysis())
    keys = {
        "Image": {"b": Shortcut("image: blink", list), "ArrowLeft": Shortcut("last <hit>", list)},
        "Table": {},
        "Status": {"Ctrl+z": Shortcut("undo", list), "b": Shortcut("more", list)},
    }
    asked = []
    view = bench.add(HelpView(bench.context, asked.append, keys))
    assert view.widget.sections == [
        {
            "title": "Pointer",
            "keys": [["over a pane", "b: for that pane"], *(list(row) for row in POINTER)],
        },
        {"title": "Image", "keys": [["b", "blink"], ["←", "last <hit>"]]},
        {"title": "Status", "keys": [["Ctrl+Z", "undo"], ["b", "more"]]},
        {"title": "Help", "keys": [["?", "open or close this list"]]},
    ]
    view.keys["?"].action()
    assert (asked, view.widget.shown) == ([True], True)
    view.widget._handle_custom_msg({"close": True}, [])
    assert (asked, view.close_panel()) == ([True, False], False)
    assert all(len(text) > 80 for text in view.widget.texts)


def test_gestures_that_no_button_tells_of_are_listed():
    """Those of the documentation, beside the keys."""
    listed = {gesture for gesture, _ in POINTER}
    assert {"Alt-click", "right-drag", "Shift-click", "double-click", "wheel", "drag"} <= listed
    assert all(len(words) < 80 for _, words in POINTER)


def test_names_of_keys():
    names = [name_of(key) for key in ("a", "A", "Escape", "Ctrl+ArrowUp", " ", "Ctrl+y", "?")]
    assert names == ["a", "A", "Esc", "Ctrl+↑", "Space", "Ctrl+Y", "?"]


def test_of_two_exposures_it_says_what_their_median_is():
    assert "half their difference" in texts_for(2)[0]
    assert "two of three" in texts_for(3)[0]
    assert texts_for(2)[1:] == texts_for(3)[1:]
