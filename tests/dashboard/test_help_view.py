"""The list of keys."""

from ipywidgets import Tab

from crmasks_widgets.dashboard.app import Dashboard
from crmasks_widgets.dashboard.page.context import Shortcut
from crmasks_widgets.dashboard.page.help import HelpView, name_of

from .bench import Bench, small_analysis


def test_keys_of_all_views_are_listed_and_the_panel_opens():
    bench = Bench(small_analysis())
    keys = {
        "Image": {"b": Shortcut("blink", list), "ArrowLeft": Shortcut("last <hit>", list)},
        "Table": {},
        "Status": {"Ctrl+z": Shortcut("undo", list), "+": Shortcut("more", list)},
    }
    view = bench.add(HelpView(bench.context, keys))
    assert view.widget.sections == [
        {"title": "Image", "keys": [["b", "blink"], ["←", "last <hit>"]]},
        {"title": "Status", "keys": [["Ctrl+Z", "undo"], ["+", "more"]]},
        {"title": "Help", "keys": [["?", "open or close this list"]]},
    ]
    assert not view.widget.opened
    view.keys["?"].action()
    assert view.widget.opened
    view.keys["?"].action()
    assert not view.widget.opened
    assert all(len(text) > 80 for text in view.widget.texts)


def test_names_of_keys():
    names = [name_of(key) for key in ("a", "A", "Escape", "Ctrl+ArrowUp", " ", "Ctrl+y", "?")]
    assert names == ["a", "A", "Esc", "Ctrl+↑", "Space", "Ctrl+Y", "?"]


def test_help_opens_its_tab_and_closing_it_goes_back():
    dashboard = Dashboard(small_analysis())
    try:
        session = dashboard.session
        columns = session.widgets[2].children[0].children
        tabs = next(part for part in columns if isinstance(part, Tab))
        files, help_tab = tabs.titles.index("Files"), tabs.titles.index("Help")
        tabs.selected_index = files
        message = {"event": "key", "key": "?", "control": False}
        session.page._handle_custom_msg(message, [])
        assert (tabs.selected_index, session.help.widget.opened) == (help_tab, True)
        session.page._handle_custom_msg(message, [])
        assert (tabs.selected_index, session.help.widget.opened) == (files, False)
        tabs.selected_index = help_tab
        assert session.help.widget.opened
        tabs.selected_index = 0
        assert not session.help.widget.opened
        assert tabs.selected_index == 0
    finally:
        dashboard.close()
