"""numina-crmasks 0.36.0 as a black box: installed from the package index, run as a program."""

import os
import subprocess
import sys
from pathlib import Path

REQUIREMENT = "numina==0.36.0"
NAME = "numina-crmasks 0.36.0"
DEFAULT_ENV = Path.home() / ".cache" / "crmasks-widgets" / "numina-0.36.0"

# The program has no switch for figures. With this, matplotlib does not draw: the most favourable
# treatment that leaves the program itself alone. The YAML's maxplots is to be 0 besides, since the
# panels of a page for each hit take minutes even when nothing is drawn in them.
WITHOUT_FIGURES = """
import runpy
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.axes
import matplotlib.figure
import matplotlib.text
from matplotlib.backends import backend_agg, backend_pdf


def nothing(*arguments, **keywords):
    return None


matplotlib.figure.Figure.savefig = nothing
matplotlib.figure.Figure.tight_layout = nothing
backend_agg.FigureCanvasAgg.draw = nothing
backend_pdf.PdfPages.savefig = nothing
label = matplotlib.text.Text()
matplotlib.axes.Axes.text = lambda *arguments, **keywords: label
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def ensure_environment(folder: Path) -> None:
    """Install the reference into a virtual environment of its own, unless it is there."""
    if (folder / "bin" / "numina-crmasks").exists():
        return
    print(f"installing {REQUIREMENT} from the package index into {folder}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*pip, REQUIREMENT], check=True, env=environment())


def command(folder: Path, parameters: Path, *, figures: bool) -> list[str]:
    """Command line that runs the reference on a parameter file."""
    program = str(folder / "bin" / "numina-crmasks")
    if figures:
        return [program, str(parameters)]
    python = str(folder / "bin" / "python")
    return [python, "-c", WITHOUT_FIGURES, program, str(parameters)]


def environment() -> dict[str, str]:
    """Environment variables of this process without what would change the reference's Python."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return kept | {"MPLBACKEND": "Agg"}
