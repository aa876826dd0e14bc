"""Write docs/parameters.md from the one list of parameters that the program itself uses."""

from pathlib import Path

from crmasks_widgets import parameter_table

HEADINGS = {
    "exposures": "Exposures and detector (top level of the YAML file)",
    "general": "General (under `requirements`)",
    "lacosmic": "L.A.Cosmic (under `requirements`)",
    "mm": "Median-Minimum diagram (under `requirements`)",
    "pycosmic": "PyCosmic (under `crmasks_widgets`, and `requirements` of later files)",
    "deepcr": "deepCR (under `crmasks_widgets`, and `requirements` of later files)",
    "significance": "Local significance (under `crmasks_widgets`)",
}
INTRODUCTION = """# Parameters

The names are those of the YAML file, of `crmasks_widgets.Parameters` and of `Analysis.replace`.
Pixels and regions are FITS pixels: the first is 1, and both ends of a region belong to it. This
page is written by `make docs`.
"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [INTRODUCTION]
    for group, heading in HEADINGS.items():
        rows = [info for info in parameter_table() if info.group == group]
        parts.append(f"## {heading}\n")
        parts.append("| parameter | default | unit | allowed | meaning |\n|---|---|---|---|---|")
        for info in rows:
            cells = (f"`{info.name}`", _code(info.default), info.unit, info.expected, info.help)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("")
    return "\n".join(parts)


def _code(value: object) -> str:
    return "`null`" if value is None else f"`{str(value).lower()}`"


if __name__ == "__main__":
    Path(__file__).with_name("parameters.md").write_text(page(), encoding="utf-8")
