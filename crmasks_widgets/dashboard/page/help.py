"""What the dashboard shows, and what each key and each gesture does."""

from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import traitlets

from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.context import Context, Shortcut
from crmasks_widgets.dashboard.page.part import Part
from crmasks_widgets.dashboard.page.scripts import script, style

_TWO: Final = (
    "Two equivalent exposures of one field are compared. Their median is their mean: a cosmic ray "
    "in either of them lifts it by half of its charge, so that every hit is looked for here. The "
    "height in the diagram is half their difference."
)
_MORE: Final = (
    "Equivalent exposures of one field are compared. Where a cosmic ray has hit fewer than half of "
    "them, their median is right; where it has hit two of three, the median is wrong, and those "
    "pixels are looked for here."
)
_TEXTS: Final = (
    "The diagram counts the pixels of the frame: to the right how bright their minimum over the "
    "exposures is, upwards by how much the median exceeds it. Equivalent exposures differ by noise "
    "only, which fills the lower part: pixels above the boundary are flagged. L.A.Cosmic flags, in "
    "the median itself, what is sharper than the sky and the optics allow.",
    "Colours say which method flagged a pixel: L.A.Cosmic only, the diagram (MM) only, "
    "their local significance only, or two methods, both; "
    "grey pixels were added around them by dilation. Click a flagged pixel, or a row of the table, "
    "to see its hit in every view. All changes can be undone; nothing is written until you save.",
)
POINTER: Final = (
    ("drag", "the boundary, or a point of it"),
    ("double-click", "in the diagram: adds a point of the boundary"),
    ("click", "a point: its exact numbers; what is flagged, or a card: selects its hit"),
    ("Alt-click", "a point of the boundary: removes it"),
    ("wheel", "over diagram and image: zooms"),
    ("right-drag", "over the image: shifts and widens the contrast"),
    ("Shift-click", "on the button of a frame: takes it into those that blink, or out of them"),
    ("Shift-, Ctrl-click", "on cards and rows: more hits for one verdict"),
)
"""Gestures, and what they do."""
_NAMES: Final = MappingProxyType({
    "ArrowLeft": "←", "ArrowRight": "→", "ArrowUp": "↑", "ArrowDown": "↓", "Escape": "Esc",
    " ": "Space",
})  # fmt: skip


class HelpPanel(Part):
    """A text and the list of keys, over all of the dashboard while it is shown.

    Attributes
    ----------
    shown : bool
        Whether it is; the page makes it when it first is.
    texts : list of str
        Paragraphs.
    sections : list of dict
        "title" and "keys", pairs of a key, or a gesture, and what it does.

    Notes
    -----
    Message (`on_msg`): ``{"close": true}``, by its button or by a click beside it.
    """

    _esm = script(__file__, "help_panel.js")
    _css = style(__file__, "help_panel.css")
    shown = traitlets.Bool(False).tag(sync=True)
    texts: Any = traitlets.List().tag(sync=True)
    sections: Any = traitlets.List().tag(sync=True)


class HelpView:
    """What is on screen, and the list of keys: on `?` or by its button.

    Parameters
    ----------
    context : Context
        What a view works with.
    told : callable
        Told whether it is shown.
    keys : mapping
        Keys of the other views, by a title for each.
    """

    def __init__(
        self,
        context: Context,
        told: Callable[[bool], object],
        keys: Mapping[str, Mapping[str, Shortcut]],
    ) -> None:
        self.plots: tuple[str, ...] = ()
        self._told = told
        self.keys = {"?": Shortcut("open or close this list", self.toggle)}
        titled = {**keys, "Help": self.keys}
        several = " ".join(map(name_of, keys_of_several(keys)))
        over = [["over a pane", f"{several}: for that pane"]] if several else []
        self.widget = HelpPanel(
            texts=texts_for(context.state.model.analysis.exposures.n),
            sections=[
                {"title": "Pointer", "keys": [*over, *(list(row) for row in POINTER)]},
                *(
                    {
                        "title": title,
                        "keys": [[name_of(key), help_below(title, of[key].help)] for key in of],
                    }
                    for title, of in titled.items()
                    if of
                ),
            ],
        )
        self.widget.on_msg(context.dispatcher.handler(lambda *_: self.close_panel()))

    def toggle(self) -> None:
        """Open it, or close it."""
        self._show(not self.widget.shown)

    def close_panel(self) -> bool:
        """Close it; tell whether it was open."""
        was = self.widget.shown
        self._show(False)
        return was

    def _show(self, shown: bool) -> None:
        if shown != self.widget.shown:
            self.widget.shown = shown
            self._told(shown)

    def render(self, model: ViewModel) -> None:
        """Nothing of a view model is shown here."""


def texts_for(n: int) -> list[str]:
    """What is said of so many exposures."""
    return [_TWO if n == 2 else _MORE, *_TEXTS]


def keys_of_several(keys: Mapping[str, Mapping[str, Shortcut]]) -> list[str]:
    """Keys that are for the pane under the pointer: those that several have.

    Parameters
    ----------
    keys : mapping
        Keys of the views, by a title for each.

    Returns
    -------
    list of str
        In the order of the views.
    """
    found = Counter(key for of in keys.values() for key in of)
    return [key for key, views in found.items() if views > 1]


def help_below(title: str, text: str) -> str:
    """Leave out of what a key does what the title above it says."""
    return text.removeprefix(f"{title.lower().removesuffix('s')}: ")


def name_of(key: str) -> str:
    """What is printed on a key, or how several are written together."""
    *held, last = key.split("+") if len(key) > 1 else [key]
    return "+".join([*held, _NAMES.get(last, last.upper() if held else last)])
