"""The package as it is installed tells a type checker its types."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
CLIENT = """\
import crmasks_widgets as cm
reveal_type(cm.load_analysis("params.yaml").masks["MEDIANCR"])
cm.load_analysis(3)
"""


def program(*arguments, cwd):
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """An environment in which the package is installed from its wheel; of what it needs, numpy."""
    folder = tmp_path_factory.mktemp("installed")
    offline = ("--quiet", "--no-deps", "--no-index")
    made = program("pip", "wheel", *offline, "--no-build-isolation", ROOT, cwd=folder)
    assert made.returncode == 0, made.stderr
    made = program("venv", "--without-pip", "environment", cwd=folder)
    assert made.returncode == 0, made.stderr
    python = folder / "environment" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    made = program("pip", "--python", python, "install", *offline, wheel, cwd=folder)
    assert made.returncode == 0, made.stderr
    (installed,) = (folder / "environment").glob("lib/python*/site-packages")
    (installed / "numpy").symlink_to(Path(np.__file__).parent)
    return python


@pytest.mark.process
def test_a_type_checker_sees_the_types_of_the_installed_package(environment, tmp_path):
    (tmp_path / "client.py").write_text(CLIENT)
    done = program(
        "mypy", "--strict", "--python-executable", environment, "client.py", cwd=tmp_path
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout
    revealed, refused, count = lines
    assert revealed.startswith("client.py:2: note: Revealed type is")
    assert "numpy.ndarray[" in revealed
    assert "numpy.bool" in revealed
    assert refused.startswith('client.py:3: error: Argument 1 to "load_analysis" has incompatible')
    assert count.startswith("Found 1 error in 1 file")
