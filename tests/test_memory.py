"""What a run takes in memory is known beforehand, from its parameters."""

import os
import sys

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import Parameters
from crmasks_widgets.analysis import memory_beyond
from crmasks_widgets.errors import InputError
from crmasks_widgets.loading import read_analysis
from crmasks_widgets.machine import MIB, memory_needed

from .counts import LONG, cases, count

SHAPE = count((160, 180), (1500, 1500))
WHOLE = [1, SHAPE[1], 1, SHAPE[0]]
SETS = {
    "default": {}, "mmcosmic": {"crmethod": "mmcosmic"}, "lacosmic": {"crmethod": "lacosmic"},
    "significance": {"crmethod": "significance"},
    "significance_lacosmic": {"crmethod": "significance_lacosmic"},
    "unmatched": {"crmethod": "significance", "match_exposures": "off"},
    "predicted noise": {"crmethod": "significance", "sg_measured_noise": False},
    "library": {"crmethod": "lacosmic", "la_engine": "astroscrappy"},
    "sepmed": {"crmethod": "lacosmic", "la_engine": "astroscrappy", "la_sepmed": False},
    "sepmed, own engine": {"crmethod": "lacosmic", "la_sepmed": False},
    "correlation": {"mm_crosscorr_region": WHOLE},
    "correlation, significance": {"crmethod": "significance", "mm_crosscorr_region": WHOLE},
    "correlation of a part": {"crmethod": "mmcosmic", "mm_crosscorr_region": [2, 120, 3, 110]},
    "knots": {"crmethod": "mmcosmic", "mm_knots_splfit": 100},
    "0.1": {"crmethod": "significance", "flux_factor": [0.1, 1, 1]},
    "0.01": {"crmethod": "significance", "flux_factor": [0.01, 1, 1]},
    "0.1 of order statistics": {"crmethod": "mmcosmic", "flux_factor": [0.1, 1, 1]},
    "0.01 of order statistics": {"crmethod": "mmcosmic", "flux_factor": [0.01, 1, 1]},
    "measured factors": {"flux_factor": "auto"}, "simulations": {"mm_seed": 1},
    "many simulations": {"mm_seed": 1, "mm_nsimulations": 100},
    "kernel": {"crmethod": "lacosmic", "la_psfsize": 101},
    "margin": {"crmethod": "lacosmic", "la_padwidth": 200},
    "measured scatter": {"crmethod": "mmcosmic", "mm_photon_distribution": "measured"},
    "combinations": {"more_combinations": ["meancr2", "mean", "median", "min"]},
    "two thresholds": {"crmethod": "lacosmic", "la_sigclip": [6, 3]},
    "synthetic": {"mm_synthetic": "single"}, "dilation": {"dilation": 20},
    "figures": {"crmethod": "mmcosmic", "maxplots": 0},
    "pages": {"crmethod": "mmcosmic", "maxplots": 3},
    "local medians": {"use_lamedian": True}, "filter": {"la_fsmode": "median"},
}  # fmt: skip
SOME = ("correlation, significance", "pages")


def exposures(folder):
    rng = np.random.default_rng(1)
    names = [f"e{i}.fits" for i in (1, 2, 3)]
    for name in names:
        frame = rng.poisson(100.0, SHAPE) + rng.normal(0, 3.4, SHAPE)
        for y, x in rng.integers(0, np.array(SHAPE) - 6, (frame.size // 2000, 2)):
            frame[y : y + 2, x : x + 4] += rng.exponential(800)
        fits.PrimaryHDU(frame.astype(np.float32)).writeto(folder / name, overwrite=True)
    return names


@pytest.mark.process
@pytest.mark.parametrize("name", cases(SOME, SETS))
def test_a_run_keeps_to_the_memory_that_was_announced(tmp_path, name):
    text = {"gain": 1.0, "rnoise": 3.4, "bias": 0.0, **SETS[name]}
    pairs = {key: text.pop(key) for key in ("la_sigclip",) if isinstance(text.get(key), list)}
    parameters = Parameters(images=exposures(tmp_path), interactive=False, **text)
    written = parameters.to_yaml()
    for key, pair in pairs.items():
        written = written.replace(f"{key}: {getattr(parameters, key)}", f"{key}: {pair}")
    (tmp_path / "p.yaml").write_text(written)
    drawn = 0 if name not in ("figures", "pages") else 3
    quiet = [] if drawn else ["--no-figures"]
    command = [sys.executable, "-m", "crmasks_widgets", "run", "p.yaml", *quiet]
    # From a process of its own: a child's peak begins at that of its parent.
    watch = (
        "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ);"
        "_, status, usage = os.wait4(pid, 0);"
        "open('peak', 'w').write(f'{status} {usage.ru_maxrss}')"
    )
    arguments = [sys.executable, "-I", "-c", watch, *command, "--output-dir", "out"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    here = ["sh", "-c", 'cd "$0" && exec "$@" > log 2>&1', str(tmp_path), *arguments]
    os.waitpid(os.posix_spawn("/bin/sh", here, environment), 0)
    status, peak = map(int, (tmp_path / "peak").read_text().split())
    assert status == 0, (tmp_path / "log").read_text()
    announced = memory_needed(3, SHAPE, memory_beyond(parameters, drawn))
    assert 130 < peak * 1024 / MIB < announced
    if LONG:  # the announcement says something of the parameters
        assert announced < 2.2 * peak * 1024 / MIB


def test_what_parameters_ask_for_is_asked_before_exposures_are_read(tmp_path, monkeypatch):
    images = [str(tmp_path / name) for name in exposures(tmp_path)]
    plain = Parameters(images=images, gain=1.0, rnoise=3.4, bias=0.0)
    monkeypatch.setenv("CRMASKS_MEMORY_LIMIT", f"{memory_needed(3, SHAPE)}")
    assert read_analysis(plain).exposures.n == 3
    for more in (
        {"mm_crosscorr_region": WHOLE}, {"crmethod": "significance"}, {"flux_factor": (0.5, 1, 1)},
        {"la_engine": "astroscrappy"},
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"3 such images need \d+ MiB of memory, expected at"):
            read_analysis(plain.replace(**more))
    with pytest.raises(InputError, match="need 397 MiB of memory"):
        read_analysis(plain, figures=True)
