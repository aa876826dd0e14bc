"""The compiled part of L.A.Cosmic: no shape and no accepted parameter kills the process."""

import subprocess
import sys

import pytest

from ..counts import count

# Many to a process, which says each pair before it tries it: the last one said is the culprit.
PROGRAM = """
import sys
import numpy as np
from crmasks_widgets.core.lacosmic import engine as lacosmic_engine
from crmasks_widgets.core.lacosmic import library as lacosmic

seed, n = map(int, sys.argv[1:])
rng = np.random.default_rng(seed)

def positive(low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))

def settings():
    return lacosmic.LacosmicSettings(
        sigclip=positive(1e-6, 1e6), sigfrac=positive(1e-6, 1e3), objlim=positive(1e-6, 1e6),
        satlevel=positive(1e-3, 1e9), niter=int(rng.integers(1, 6)), sepmed=bool(rng.integers(2)),
        cleantype=str(rng.choice(["median", "medmask", "meanmask", "idw"])),
        fsmode=str(rng.choice(["median", "convolve"])),
        psfmodel=str(rng.choice(["gauss", "moffat", "gaussx", "gaussy", "gaussxy"])),
        psffwhm_x=positive(1e-3, 1e3), psffwhm_y=positive(1e-3, 1e3),
        psfsize=int(2 * rng.integers(1, 20) + 1), psfbeta=positive(1e-3, 100),
        padwidth=int(rng.choice([0, 0, 1, 7])),
    )

def frame(shape):
    values = rng.normal(positive(1e-3, 1e5), positive(1e-3, 1e4), shape)
    values[rng.random(shape) < 0.05] += positive(1, 1e30)
    if rng.random() < 0.1:
        values[:] = values.flat[0]
    return values.astype(np.float32)

for _ in range(n):
    shape = tuple(int(side) for side in rng.integers(1, rng.choice([4, 20, 60]) + 1, 2))
    given = settings()
    valid = None if rng.random() < 0.5 else rng.random(shape) < rng.choice([0.02, 0.5, 0.98])
    data = frame(shape)
    if valid is not None:
        data[~valid] = np.nan
    before = data.tobytes()
    noise = {"gain": positive(1e-3, 1e3), "rnoise": float(rng.choice([0.0, positive(1e-3, 1e3)]))}
    for engine in (lacosmic, lacosmic_engine):
        print(engine.__name__, shape, given, noise, valid is not None, flush=True)
        with np.errstate(all="ignore"):
            found = engine.detect_cosmics(data, given, valid=valid, **noise)
        assert found.mask.shape == found.cleaned.shape == shape
        assert found.mask.dtype == bool
        assert found.filled.shape == (np.count_nonzero(found.mask),)
        assert valid is None or not found.mask[~valid].any()
        assert data.tobytes() == before
print("done")
"""
PROCESSES = count(2, 20)
PAIRS = count(150, 500)


@pytest.mark.process
@pytest.mark.parametrize("seed", range(PROCESSES))
def test_no_shape_and_no_parameter_kills_the_process(seed):
    command = [sys.executable, "-c", PROGRAM, str(seed), str(PAIRS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    *_, last = done.stdout.splitlines() or ["nothing"]
    assert (done.returncode, last) == (0, "done"), (last, done.stderr[-2000:])
