"""Check the site that was made: every link leads somewhere, every picture has words.

    python docs/check_site.py FOLDER

Links to other sites are only checked for https; the test suite and this need no network.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page names: its anchors, its links, its pictures.

    Attributes
    ----------
    anchors : set of str
        Places in the page.
    links : list of str
        Where it leads, and files that it shows.
    wordless : list of str
        Pictures without words, or with the name of a file for words.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.wordless: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "img":
            words = given.get("alt", "").strip()
            if not words or words.endswith((".png", ".svg", ".jpg")):
                self.wordless.append(given.get("src", "")[:80])
        self.links += [given[name] for name in ("href", "src") if given.get(name)]


def complaints(folder: Path) -> list[str]:
    """Return one line for each link that leads nowhere and each picture without words."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
        if "_static" not in path.parts  # templates of the theme
    }
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        found += [f"{name}: found a picture without words: {picture}" for picture in page.wordless]
        found += [
            f"{name}: found a link to {link}, expected something there"
            for link in page.links
            if not _leads_somewhere(link, path, pages)
        ]
    return found


def _leads_somewhere(link: str, path: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return parts.scheme in ("https", "data", "mailto")
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target not in pages or anchor in pages[target].anchors


if __name__ == "__main__":
    lines = complaints(Path(sys.argv[1]))
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
