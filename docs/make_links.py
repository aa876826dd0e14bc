"""Write the links to Binder in the README, from the address of the repository in pyproject.toml.

    python docs/make_links.py

Binder opens what is published at ``[project.urls] Repository``; where that changes, the links do.
"""

import tomllib
from pathlib import Path
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).parents[1]
NOTEBOOK = "notebooks/01_quickstart.ipynb"
LESSON = "notebooks/05_why_the_median_fails.ipynb"
BEGIN, END = "<!-- links: make docs writes them -->\n", "<!-- end of links -->\n"


def repository() -> str:
    """Return the address that pyproject.toml gives."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["urls"]["Repository"])


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
    path.write_text(with_links(path.read_text(encoding="utf-8")), encoding="utf-8")
