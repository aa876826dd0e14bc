"""Icons of the dashboard, drawn here: the fonts of other pages are not there without a network."""

from types import MappingProxyType
from typing import Final
from urllib.parse import quote

# Strokes in a square of 16 units, drawn with a pen of 1.5.
_STROKES: Final = MappingProxyType({
    "undo": "M5.5 2.5 2.5 5.5l3 3M3 5.5h6.5a4 4 0 0 1 0 8H5",
    "redo": "M10.5 2.5l3 3-3 3M13 5.5H6.5a4 4 0 0 0 0 8H11",
    "save": "M2.5 2.5h8.5l2.5 2.5v8.5h-11zM5 2.5v3.5h5v-3.5M4.5 13.5v-4.5h7v4.5",
    "open": "M1.5 12.5v-9h4.5l1.5 2h5.5v2M1.5 12.5l2.5-5h11l-2.5 5z",
    "settings": (
        "M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 2.7a1.8 1.8 0 1 0 .01 0z"
        "M6 9.7a1.8 1.8 0 1 0 .01 0z"
    ),
    "help": "M5.5 5.7a2.5 2.5 0 1 1 3.7 2.2c-.8.5-1.2.9-1.2 1.9M8 12.6v.4",
    "pan": "M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2",
    "box": (
        "M2.5 4.5v-2h2M11.5 2.5h2v2M13.5 11.5v2h-2M4.5 13.5h-2v-2M6.5 2.5h3"
        "M6.5 13.5h3M2.5 6.5v3M13.5 6.5v3"
    ),
    "zoom": "M7 2.5a4.5 4.5 0 1 0 .01 0zM10.3 10.3l3.7 3.7M5 7h4M7 5v4",
    "lasso": (
        "M8 2.5c3.6 0 6 1.7 6 4s-2.4 4-6 4-6-1.7-6-4 2.4-4 6-4z"
        "M4 9.8c-1.3 1-1.3 2.7.2 3 1 .2 1.3 1 .8 1.7"
    ),
    "home": "M2 8l6-5.5 6 5.5M3.8 6.8v6.7h3v-4h2.4v4h3v-6.7",
    "layers": "M8 2l6 3.2-6 3.2-6-3.2zM2 8l6 3.2 6-3.2M2 10.8l6 3.2 6-3.2",
    "camera": "M1.5 4.5h3l1.2-2h4.6l1.2 2h3v9h-13zM8 6.3a2.6 2.6 0 1 0 .01 0z",
    "paint": "M2.5 13.5l.8-3.2 7.7-7.7 2.4 2.4-7.7 7.7zM9.3 4.3l2.4 2.4",
    "erase": "M2.3 10.2l7-7 4.2 4.2-6 6h-2.4zM5.8 6.7l4.2 4.2M8 13.5h5.5",
    "play": "M4.5 2.5l8 5.5-8 5.5z",
    "pause": "M5 2.5v11M11 2.5v11",
    "contrast": "M8 2a6 6 0 1 0 .01 0zM8 2v12M8 5h4.5M8 8h5.9M8 11h4.5",
    "cube": "M8 1.8l5.5 3v6.4l-5.5 3-5.5-3V4.8zM2.5 4.8l5.5 3 5.5-3M8 7.8v6.4",
    "check": "M2.5 8.5l3.5 3.5 7.5-8",
    "cross": "M3.5 3.5l9 9M12.5 3.5l-9 9",
    "previous": "M10 3l-5 5 5 5",
    "next": "M6 3l5 5-5 5",
    "up": "M3 10l5-5 5 5",
    "down": "M3 6l5 5 5-5",
    "search": "M7 2.5a4.5 4.5 0 1 0 .01 0zM10.3 10.3l3.7 3.7",
    "lock": "M3.5 7h9v6.5h-9zM5.5 7v-2a2.5 2.5 0 0 1 5 0v2",
    "boundary": "M1.5 11.5c4 0 5.5-1 7-3.5s3-3.5 6-3.5M6.7 6.2h3.6v3.6H6.7z",
    "reset": "M3 3v3.5h3.5M3.3 6.3a5.2 5.2 0 1 1-.5 3.2",
    "turn": "M4 2.5v11M1.5 11l2.5 2.5 2.5-2.5M8 6.5h6M8 10h6M8 3h6",
    "more": "M3 8h.01M8 8h.01M13 8h.01",
    "regions": (
        "M5.5 3.5h5M5.5 12.5h5M3.5 5.5v5M12.5 5.5v5M2 2h3v3h-3zM11 2h3v3h-3z"
        "M2 11h3v3h-3zM11 11h3v3h-3z"
    ),
    "neighbours": (
        "M3 3h.01M8 3h.01M13 3h.01M3 8h.01M13 8h.01M3 13h.01M8 13h.01M13 13h.01"
        "M6.2 6.2h3.6v3.6h-3.6z"
    ),
})  # fmt: skip


def icon_styles() -> str:
    """Style sheet in which an element of class "crmasks-icon-NAME" shows that icon.

    Returns
    -------
    str
        CSS; the icons have the colour of the text, so that they follow the theme.
    """
    rules = (
        f".crmasks-icon-{name}{{--crmasks-icon:url('{_as_url(path)}')}}"
        for name, path in _STROKES.items()
    )
    return "\n".join(rules)


def _as_url(path: str) -> str:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#000" '
        'stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">'
        f'<path d="{path}"/></svg>'
    )
    return "data:image/svg+xml," + quote(drawing)
