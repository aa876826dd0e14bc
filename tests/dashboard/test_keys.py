"""Keys mean one thing everywhere: bindings are read from the views and from the page's files."""

import re
from collections import defaultdict
from pathlib import Path

import crmasks_widgets
from crmasks_widgets.dashboard.page.help import POINTER, help_below, name_of

ROOT = Path(__file__).parents[2]
DASHBOARD = Path(crmasks_widgets.__file__).parent / "dashboard"
# What keys of the page that are no letters mean, wherever a control has a use for them.
MOVE = frozenset({
    "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Tab",
})  # fmt: skip
MEANINGS = {
    **dict.fromkeys(MOVE, "to what is beside"),
    "Enter": "do it", " ": "do it", "Escape": "back", "Delete": "remove", "Backspace": "remove",
}  # fmt: skip
# In the dialog of files, which has the keys alone, as in every dialog of files.
DIALOG = {"opening/rows.js": {"a", "Backspace"}}
NAMED = re.compile(
    r"\bkey (?:===|!==) \"([^\"]+)\"|\b(Arrow\w+|Page(?:Up|Down)|Home|End)\b(?=\"|:)"
)
LISTED = re.compile(r"(\[[^\[\]]*\]|\"[^\"]*\")\.includes\((?:event\.)?key\)")


def bound(text):
    """Keys that a file of the page compares with."""
    listed = {key for found in LISTED.findall(text) for key in re.findall(r"\"([^\"]*)\"", found)}
    return {key for found in NAMED.findall(text) for key in found if key} | listed


def of_views(session):
    """Keys of the kernel: what each does in which view."""
    found = defaultdict(dict)
    for view in session.views:
        for key, shortcut in view.keys.items():
            found[key][type(view).__name__] = shortcut.help
    return found


def test_keys_of_several_panes_are_those_that_the_documentation_names(dashboard):
    several = {key for key, views in of_views(dashboard.session).items() if len(views) > 1}
    words = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"Keys that several panes have\s+\(([^)]+)\)", words)
    assert several == set(re.findall(r"`([^`]+)`", said))
    assert several == set("op+-shr")
    ((gesture, listed), *_) = dashboard.session.help.widget.sections[0]["keys"]
    assert (gesture, set(listed.partition(":")[0].split())) == ("over a pane", several)


def test_a_key_of_several_panes_does_the_same_to_each(dashboard):
    """Zoom, whole, pan, save: the words that stand in the list of keys share one of these."""
    same = [{"zoom", "larger"}, {"zoom", "more"}, {"whole"}, {"pan"}, {"save"}]
    for key, views in of_views(dashboard.session).items():
        if len(views) < 2:
            continue
        texts = [re.findall(r"[a-z]+", text) for text in views.values()]
        fits = any(all(words & set(text) for text in texts) for words in same)
        assert fits, (key, views)


def test_what_the_page_does_with_keys_is_of_few_kinds_and_takes_no_letter_from_the_kernel(
    dashboard,
):
    kernel = of_views(dashboard.session)
    used = set()
    for path in DASHBOARD.rglob("*.js"):
        name = path.relative_to(DASHBOARD).as_posix()
        keys = bound(path.read_text(encoding="utf-8"))
        if name == "page/page.js":  # hands keys on: undo and redo, and those that it leaves alone
            keys -= {"Shift", "Control", "Alt", "Meta", "zyZY"}
        keys -= DIALOG.get(name, set())
        assert keys <= set(MEANINGS), (name, keys - set(MEANINGS))
        used |= keys
    assert used == set(MEANINGS)  # all that stands above is read from the files
    # Those that both have mean there what they mean here.
    both = {key: set(kernel[key].values()) for key in used & kernel.keys()}
    assert both == {
        "ArrowLeft": {"previous hit"}, "ArrowRight": {"next hit"},
        "Delete": {"delete the fixed point at the pointer"},
        "Escape": {"close what is open, or stop computing"},
    }  # fmt: skip


def test_the_list_of_keys_has_each_key_of_each_pane_as_it_is_typed(dashboard):
    sections = dashboard.session.help.widget.sections
    titles = {section["title"]: dict(section["keys"]) for section in sections}
    for title in ("Diagram", "Image", "Hits"):
        views = {type(view).__name__: view for view in dashboard.session.views}
        view = views[f"{title}View"]
        for key, shortcut in view.keys.items():
            assert titles[title][name_of(key)] == help_below(title, shortcut.help)
    assert len(titles["Pointer"]) == len(POINTER) + 1
