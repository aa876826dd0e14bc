"""Icons: what is named somewhere is drawn."""

import re
from pathlib import Path

import crmasks_widgets.dashboard as package
from crmasks_widgets.dashboard.image.tools import _TOOLS
from crmasks_widgets.dashboard.page.buttons import icon_tools
from crmasks_widgets.dashboard.page.icons import icon_styles

FOLDER = Path(package.__file__).parent


def test_a_tool_is_named_in_words():
    tools = icon_tools(_TOOLS)
    names = [name for name, _ in tools.options]
    assert names == ["Pan", "Zoom box", "Paint", "Erase", "Local median", "Regions"]
    assert [value for _, value in tools.options] == list(_TOOLS)
    # What a local median does not look like: a box that is drawn on the image.
    assert tools.options[4][1] == "neighbours"


def test_every_icon_that_is_named_is_drawn():
    texts = [
        p.read_text(encoding="utf-8") for p in FOLDER.rglob("*.*") if p.suffix in (".py", ".js")
    ]
    named = {name for text in texts for name in re.findall(r"crmasks-icon-([a-z]+)", text)}
    named |= {
        name for text in texts for name in re.findall(r'icon_button\(\s*\w+, "([a-z]+)"', text)
    }
    assert {"cross", "reset"} <= named
    styles = icon_styles()
    for name in named | set(_TOOLS):
        assert f".crmasks-icon-{name}{{" in styles, name
