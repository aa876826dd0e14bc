"""Write the badges and the links to Binder in the README, from what pyproject.toml says.

    python docs/make_links.py

Binder opens what is published at ``[project.urls] Repository``; where that changes, the links do.
Badges are pictures of this repository: they say what holds, also without a network.
"""

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).parents[1]
NOTEBOOK = "notebooks/01_quickstart.ipynb"
LESSON = "notebooks/05_why_the_median_fails.ipynb"
BEGIN, END = "<!-- links: make docs writes them -->\n", "<!-- end of links -->\n"


IMAGES = ROOT / "docs" / "images"
GLYPH, GAP = 6.6, 10  # px, of the letters of a badge


def project() -> dict[str, Any]:
    """Return the table [project] of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["project"])


def repository() -> str:
    """Return the address that pyproject.toml gives."""
    return str(project()["urls"]["Repository"])


def badge(name: str, value: str, colour: str = "#1f6f8b") -> str:
    """Return a badge as SVG.

    Parameters
    ----------
    name, value : str
        What it says.
    colour : str
        Behind the value.
    """
    left, right = (round(len(text) * GLYPH + 2 * GAP) for text in (name, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{name}: {value}"><title>{name}: {value}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
        f'font-size="11"><text x="{left / 2}" y="14">{name}</text>'
        f'<text x="{left + right / 2}" y="14">{value}</text></g></svg>\n'
    )


def badges() -> dict[str, str]:
    """Return the badges by the name of their file."""
    said = project()
    python = said["requires-python"].replace(">=", "≥ ")
    return {
        "badge_python.svg": badge("Python", python),
        "badge_licence.svg": badge("licence", said["license"]),
        "badge_typed.svg": badge("typed", "mypy --strict"),
    }


def binder(address: str) -> str:
    """Return what the address of anything on Binder begins with; a quoted path follows.

    Parameters
    ----------
    address : str
        Of the repository on GitHub.
    """
    owner_and_name = urlsplit(address).path.strip("/")
    return f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath="


def links(address: str) -> str:
    """Return the badge and the links to Binder as Markdown.

    Parameters
    ----------
    address : str
        Of the repository on GitHub.
    """
    start = binder(address)
    voila = "?voila-template=crmasks"
    quickstart, lesson = (
        start + quote(f"voila/render/{notebook}{voila}") for notebook in (NOTEBOOK, LESSON)
    )
    return (
        f"[![Binder](https://mybinder.org/badge_logo.svg)]({start}{quote(f'lab/tree/{NOTEBOOK}')})\n"
        "opens the quickstart in JupyterLab. Without any code, as pages of Voila:\n"
        f"[the quickstart]({quickstart}) and\n"
        f"[the lesson on medians]({lesson}).\n"
    )


def with_links(readme: str) -> str:
    """Return the README with its current links."""
    before, _, rest = readme.partition(BEGIN)
    return before + BEGIN + links(repository()) + END + rest.partition(END)[2]


if __name__ == "__main__":
    path = ROOT / "README.md"
    for name, picture in badges().items():
        (IMAGES / name).write_text(picture, encoding="utf-8")
    path.write_text(with_links(path.read_text(encoding="utf-8")), encoding="utf-8")
