"""JavaScript of widgets, read from the files beside their Python."""

from pathlib import Path
from typing import Final

SHARED: Final = tuple(map(Path(__file__).with_name, ("element.js", "hearing.js")))


def script(beside: str, *names: str) -> str:
    """Read modules that make one: a page gets each widget's JavaScript as one text.

    Parameters
    ----------
    beside : str
        File in whose folder they are: the ``__file__`` of a widget's module.
    *names : str
        Of the files; each may use what those before it define, and all may use `element.js`
        and `hearing.js`.

    Returns
    -------
    str
        An ECMAScript module.
    """
    folder = Path(beside).parent
    return "\n".join(
        path.read_text(encoding="utf-8") for path in (*SHARED, *map(folder.joinpath, names))
    )


def style(beside: str, *names: str) -> str:
    """Read style sheets that make one; arguments as of `script`."""
    return "\n".join(Path(beside).with_name(name).read_text(encoding="utf-8") for name in names)
