"""The program: what it says, how it ends, and what it does not load."""

import logging
import re
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import __version__, load_analysis
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.terminal import _per_cent

from .conftest import BOTH, SHAPE, digests

# What only figures and notebooks need.
HEAVY = ["matplotlib", "ipywidgets", "bqplot", "ipyvolume", "IPython"]


def python(*arguments, cwd, **options):
    """Run another interpreter; its warnings are errors of the test."""
    command = [sys.executable, "-W", "error::ResourceWarning", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120, **options
    )


@pytest.mark.process
def test_as_a_module_in_a_process_of_its_own(work):
    work.yaml()
    command = ["-m", "crmasks_widgets", "run", "params.yaml", "--no-figures", "--output-dir", "out"]
    done = python(*command, cwd=work.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "crmasks.fits" in work.products()
    work.yaml(dilation="x")
    before = digests(work.folder)
    bad = python(*command, "--overwrite", cwd=work.folder)
    assert bad.returncode == 2
    assert re.fullmatch(r"crmasks: params.yaml: dilation: found 'x', expected .*\n", bad.stderr)
    assert digests(work.folder) == before


@pytest.mark.process
def test_neither_import_nor_help_nor_a_run_without_figures_loads_matplotlib(work):
    work.yaml(**BOTH)
    code = (
        "import sys, crmasks_widgets\n"
        f"heavy = lambda *more: [name for name in {[*HEAVY]} + [*more] if name in sys.modules]\n"
        "first = heavy('numpy', 'scipy', 'astropy', 'pydantic')\n"
        "from crmasks_widgets import cli\n"
        "try:\n    cli.main(['--help'])\n"
        "except SystemExit as stop:\n    print(stop.code, first, heavy('numpy', 'astropy'))\n"
        "code = cli.main(['run', 'params.yaml', '--no-figures', '--log-level', 'ERROR'])\n"
        "print(code, heavy())\n"
    )
    done = python("-c", code, cwd=work.folder)
    assert done.stdout.splitlines()[-2:] == ["0 [] []", "0 []"], done
    assert "usage: crmasks" in done.stdout


@pytest.mark.process
def test_anything_else_ends_with_1(work):
    work.yaml()
    code = (
        "import sys\nfrom crmasks_widgets import cli, commands\n"
        "def broken(*_, **__): raise RuntimeError('a mistake of ours')\n"
        "commands.load_mosaic = broken\n"
        "sys.exit(cli.main(['run', 'params.yaml']))\n"
    )
    done = python("-c", code, cwd=work.folder)
    assert done.returncode == 1
    assert done.stderr == (
        "crmasks: unexpected RuntimeError: a mistake of ours (--log-level DEBUG says where)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["demo", "--help"], 0),
        (["run"], 2),
        (["run", "p.yaml", "--no-such-option"], 2),
        (["run", "p.yaml", "--log-level", "LOUD"], 2),
        (["demo", "--size", "many", "64"], 2),
        (["fly"], 2),
    ],
)
def test_usage(run_cli, tmp_path, arguments, code):
    result = run_cli(arguments, tmp_path)
    assert result.code == code
    assert ("usage: crmasks" in result.out) if code == 0 else ("--help" in result.err)
    assert not list(tmp_path.iterdir())


def test_version(run_cli, tmp_path):
    assert run_cli(["--version"], tmp_path).out == f"crmasks_widgets {__version__}\n"


# ---- what is said --------------------------------------------------------------------------------


def test_progress_counts_and_products_are_reported(work):
    path = work.yaml(**BOTH)
    result = work.run()
    assert (result.code, result.err) == (0, "")
    analysis = load_analysis(path)
    lines = result.out.splitlines()
    stages = [line.split(" s  ")[1] for line in lines if re.match(r" *\d+\.\d s  ", line)]
    assert stages[0] == "stack of 3 exposures, 80 x 64 pixels, flux factors 1.0000, 1.0000, 1.0000"
    assert stages[1] == "boundary of the MM diagram: piecewise, 3 knots"
    n_flagged = [int(analysis.lacosmic(target).mask.sum()) for target in analysis.targets]
    names = ["median", "mean", "exposure 1", "exposure 2", "exposure 3"]
    assert stages[2:7] == [
        f"L.A.Cosmic on {name}: {n} pixels" for name, n in zip(names, n_flagged, strict=True)
    ]
    assert "masks" in stages[7]
    for name, target in zip(names, analysis.targets, strict=True):
        (row,) = [line for line in lines if re.match(rf" *{name}  ", line)]
        counts = [int(cell) for cell in re.findall(r" (\d+)(?= |$)", row.replace(name, ""))]
        found = analysis.detections(target).counts()
        expected = [found[key] for key in ("either", "lacosmic only", "mm only", "both")]
        assert counts == [*expected, analysis.mask(target).sum()]
    n_lost = int(analysis.problematic.sum())
    assert (
        f"hits of the median: {analysis.labels.max()}; pixels masked in every exposure: {n_lost}"
        in lines
    )
    assert f"products in {work.out}" in lines
    for name in work.products():
        size = (work.out / name).stat().st_size / 1024
        assert any(name in line and f"{size:.1f}" in line for line in lines)
    assert re.fullmatch(r"done in \d+\.\d s", lines[-2])
    assert lines[-1].startswith("next: crmasks report params.yaml")
    assert max(map(len, lines)) <= max(80, len(f"products in {work.out}"), 2 * len(str(work.out)))


@pytest.mark.parametrize(
    ("level", "said", "unsaid"),
    [
        ("DEBUG", ["e1.fits is read from", "stack of", "done in"], []),
        ("INFO", ["e1.fits: read from", "stack of", "done in"], ["is read from"]),
        ("info", ["stack of", "done in"], ["is read from"]),
    ],
)
def test_log_levels(work, level, said, unsaid):
    work.yaml()
    result = work.run("--log-level", level)
    assert (result.code, result.err) == (0, "")
    assert all(text in result.out for text in said)
    assert not any(text in result.out for text in unsaid)


@pytest.mark.parametrize(("level", "warned"), [("WARNING", True), ("ERROR", False)])
def test_quiet_log_levels(work, level, warned):
    fits.PrimaryHDU(np.full(SHAPE, 1.5, np.float32)).writeto(work.folder / "gain.fits")
    work.yaml(top={"gain": "gain.fits"}, **BOTH)
    result = work.run("--log-level", level)
    assert (result.code, result.out) == (0, "")
    warning = "warning: gain: L.A.Cosmic takes the median of the map\n"
    assert result.err == (warning if warned else "")


@pytest.mark.parametrize(("level", "warned"), [("WARNING", True), ("ERROR", False)])
def test_warnings_are_one_line_without_code(work, level, warned):
    work.yaml(pc_verbose=True)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = work.run("--log-level", level)
    assert (result.code, result.out) == (0, "")
    text = "warning: params.yaml: without effect here: pc_verbose\n"
    assert result.err == (text if warned else "")


@pytest.mark.parametrize("key", ["interactive", "verify_cr"])
def test_interactive_files_run_unattended_and_say_so(work, key):
    work.yaml(**{key: True})
    result = work.run()
    assert (result.code, result.err) == (0, "")
    (line,) = [line for line in result.out.splitlines() if "dashboard" in line]
    assert line.startswith(f"{key}: true: this run is unattended")
    assert "params.yaml" in line


def test_other_files_say_nothing_of_the_dashboard(work):
    work.yaml()
    assert "dashboard" not in work.run().out


def test_logging_is_left_as_it_was(work):
    work.yaml()
    logger, show = logging.getLogger("crmasks_widgets"), warnings.showwarning
    before = (logger.level, list(logger.handlers))
    assert work.run("--log-level", "DEBUG").code == 0
    work.yaml(dilation=-1)
    assert work.run("--log-level", "ERROR").code == 2
    assert (logger.level, list(logger.handlers)) == before
    assert warnings.showwarning is show


def test_invalid_values_are_counted(work):
    with fits.open(work.folder / "e2.fits", mode="update") as hdus:
        hdus[0].data[3, 4:9] = np.nan
    work.yaml()
    assert ", 5 invalid values left out" in work.run().out


# ---- Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "crmasks_widgets.commands.load_mosaic",
        "crmasks_widgets.analysis.stages.masks.build_masks",
        "crmasks_widgets.products.saving.write_hits",
        "crmasks_widgets.products.saving._write_pixels",
    ],
)
def test_interrupt_ends_with_130_and_leaves_nothing(work, monkeypatch, where):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    work.yaml()
    before = digests(work.folder)
    monkeypatch.setattr(where, interrupted)
    result = work.run()
    assert result.code == 130
    assert result.err == "crmasks: interrupted; no product was written\n"
    assert digests(work.folder) == before


def test_an_interrupt_while_stages_are_started_stops_those_that_run(work, monkeypatch):
    analysis = load_analysis(work.yaml(mm_boundary_fit="spline", mm_nsimulations=20_000, **BOTH))
    submit = ThreadPoolExecutor.submit

    def interrupted(pool, *call):
        submit(pool, *call)
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(compute_all(analysis, 2))
    assert ("expected", None) not in analysis.computed()


def test_confirmed_hits_that_are_not_found_are_told_at_the_end_and_in_the_log(work):
    work.yaml(mediancr_pixels_confirmed=[[1, 1], [80, 64]])
    result = work.run()
    (line,) = [line for line in result.out.splitlines() if line.startswith("hits of the median")]
    n_hits = load_analysis(work.folder / "params.yaml").n_hits
    assert f"median: {n_hits}, 2 more confirmed and not found; pixels masked" in line
    assert "mediancr_pixels_confirmed: found no hit at 2 of its places (first [1, 1])" in result.err
    work.yaml()
    assert "not found" not in work.run("--overwrite").out


@pytest.mark.process
@pytest.mark.parametrize("earlier", [False, True])
def test_ctrl_c_ends_running_stages_and_leaves_earlier_products(work, earlier):
    work.yaml()
    if earlier:
        work.run()
    # Longer than the test waits: it ends only if the simulations are left unfinished.
    work.yaml(mm_boundary_fit="spline", mm_nsimulations=1_000_000, **BOTH)
    before = digests(work.folder)
    command = ["-m", "crmasks_widgets", "run", "params.yaml", "--no-figures", "--output-dir", "out"]
    with subprocess.Popen(
        [sys.executable, "-u", *command, "--overwrite"],
        cwd=work.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for line in process.stdout:
            if "stack of" in line:
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "crmasks: interrupted; no product was written\n"
    assert digests(work.folder) == before


@pytest.mark.process
def test_ctrl_c_does_not_wait_for_a_library_that_does_not_listen(work):
    work.yaml()
    before = digests(work.folder)
    code = (
        "import sys, threading, _thread\n"
        "from crmasks_widgets import cli, terminal\n"
        "def deaf(*_, **__):\n"
        "    print('deaf', flush=True)\n"
        "    while True:\n"
        "        try:\n            threading.Event().wait()\n"
        "        except KeyboardInterrupt:\n            pass\n"
        "terminal.compute_with_progress = deaf\n"
        "sys.exit(cli.main(['run', 'params.yaml', '--output-dir', 'out']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=work.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while process.stdout.readline() != "deaf\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "crmasks: interrupted; no product was written\n"
    assert digests(work.folder) == before


@pytest.mark.parametrize(("number", "of"), [(1, 3), (36, 582_000), (1, 795_700), (1, 4e8)])
def test_pixels_that_are_flagged_are_never_none_in_per_cent(number, of):
    said = _per_cent(number, of)
    assert float(said) == pytest.approx(100 * number / of, rel=0.5)
    assert "e" not in said
    assert _per_cent(0, of) == "0"
