"""Build what a release hands out, and try it where nothing else is installed.

    python packaging/release_check.py [--python 3.11 ...] [--dist DIR]

Builds sdist and wheel, checks them with ``twine check --strict``, renders the recipe for
conda-forge as its builder does, installs each file in an environment of its own for every Python of
`PYTHONS` that this machine has, and runs the demo; then once more with the lowest versions of the
dependencies that pyproject.toml allows. Needs the extra ``release`` and an index of packages; the
exit status is 1 if anything fails. Environments are made by uv, which
takes its settings (an index of one's own, certificates) from its own variables and files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
SMOKE = """
import importlib.metadata, importlib.resources, sys
import crmasks_widgets as cm
import crmasks_widgets.dashboard.app
assert importlib.metadata.version("crmasks-widgets") == cm.__version__, cm.__version__
assert importlib.resources.files(cm).joinpath("py.typed").is_file()
assert "site-packages" in cm.__file__, cm.__file__
from crmasks_widgets.demo import write_demo
write_demo("small", (64, 80))
found = cm.load_analysis("small/params.yaml").masks["MEDIANCR"].sum()
assert 200 < found < 400, found
print(f"Python {sys.version.split()[0]}, {found} pixels")
"""


def run(*command: str | Path, folder: Path = ROOT) -> None:
    """Run a command; what it prints is seen, and an error ends the check."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(command, cwd=folder, env=environment, check=True)


def build(dist: Path) -> list[Path]:
    """Build wheel and sdist into an empty folder, and check what an index will say of them."""
    shutil.rmtree(dist, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", dist, ROOT)
    made = sorted(dist.iterdir())
    run(sys.executable, "-m", "twine", "check", "--strict", *made)
    return made


def render_recipe() -> None:
    """Render the recipe for conda-forge: one package, for any platform."""
    from rattler_build import RenderConfig, Stage0Recipe, VariantConfig  # no types come with it

    text = (ROOT / "packaging" / "conda-recipe" / "recipe.yaml").read_text(encoding="utf-8")
    (made,) = Stage0Recipe.from_yaml(text).render(VariantConfig(), RenderConfig())
    needs = [str(requirement) for requirement in made.recipe.requirements.run]
    sys.stdout.write(f"recipe: {made.recipe.package.name} needs {len(needs)} packages\n")


def has(python: str) -> bool:
    """Tell whether this machine has a version of Python."""
    found = subprocess.run(
        [shutil.which("uv") or "uv", "python", "find", "--no-project", python],
        capture_output=True,
        check=False,
    )
    return found.returncode == 0


def try_out(package: Path, python: str, *options: str) -> None:
    """Install a file in an environment of its own and use it, away from this folder.

    Parameters
    ----------
    package : Path
        A wheel or an sdist.
    python : str
        Version of Python.
    *options : str
        Of ``uv pip install``.
    """
    sys.stdout.write(f"--- {package.name}, Python {python} {' '.join(options)}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        binaries = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        run("uv", "venv", "--quiet", "--no-project", "--python", python, folder / "env")
        there = ("--python", binaries / "python")
        run("uv", "pip", "install", "--quiet", *there, *options, package, folder=folder)
        run(binaries / "python", "-c", SMOKE, folder=folder)
        run(binaries / "crmasks", "--help", folder=folder)
        run(binaries / "crmasks", "demo", "demo", "--size", "120", "100", folder=folder)


def main() -> None:
    """Build, and try everything out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", nargs="+", default=PYTHONS, help="versions to be tried")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where the files go")
    given = parser.parse_args()
    missing = [python for python in given.python if not has(python)]
    pythons = [python for python in given.python if python not in missing]
    if not pythons:
        parser.error(f"--python: found none of {', '.join(given.python)}, expected one at least")
    sdist_and_wheel = build(given.dist)
    render_recipe()
    for python in pythons:
        for package in sdist_and_wheel:
            try_out(package, python)
    wheel = next(path for path in sdist_and_wheel if path.suffix == ".whl")
    try_out(wheel, pythons[0], "--resolution", "lowest-direct")
    sys.stdout.write(f"Tried: Python {', '.join(pythons)}, and the lowest dependencies.\n")
    if missing:
        sys.stdout.write(f"Not tried, since they are not here: Python {', '.join(missing)}.\n")


if __name__ == "__main__":
    main()
