"""The description of the package: the README with absolute links, since an index shows it alone.

The address that they begin with is the one in pyproject.toml; hatchling asks at build time.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# A link or picture of Markdown that leads to a file of the repository: no address, no place within.
RELATIVE = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


def absolute(text: str, address: str) -> str:
    """Return Markdown whose links to files of the repository lead to its published address.

    Parameters
    ----------
    text : str
        Markdown with links relative to the root of the repository.
    address : str
        Of the repository on GitHub.
    """

    def whole(found: re.Match[str]) -> str:
        kind = "raw" if found[1].endswith((".png", ".svg", ".webp")) else "blob"
        return f"]({address}/{kind}/main/{found[1]})"

    return RELATIVE.sub(whole, text)


class PublishedMetadata(MetadataHookInterface):
    """Called by hatchling, as ``[tool.hatch.metadata.hooks.custom]`` says."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the description to what pyproject.toml says."""
        address = metadata["urls"]["Repository"]
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": absolute(text, address),
        }
