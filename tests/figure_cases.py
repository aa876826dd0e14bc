"""Analyses whose figures the tests look at, and how they draw them."""

from functools import cache
from pathlib import Path

import numpy as np

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.figures import FigureJob, all_figures
from crmasks_widgets.parameters import Parameters

UUID = "0f5ae2a8-4d0b-5a3e-9f2e-8f6c5e0d1a11"
METADATA = {"UUID": UUID}
PIECEWISE = {"mm_boundary_fit": "piecewise", "mm_fixed_points_in_boundary": ((0, 40), (100, 60))}


def exposures(n=3, shape=(48, 60), seed=1):
    """Gradient and noise; double hits at corners, borders and inside; a spot masked everywhere."""
    rng = np.random.default_rng(seed)
    ny, nx = shape
    light = 20 + 200 * np.linspace(0, 1, nx)[None, :] * np.ones((ny, 1))
    cube = rng.poisson(light, (n, ny, nx)) + rng.normal(0, 3, (n, ny, nx))
    for k, (y, x) in enumerate([(0, 0), (ny - 1, nx - 1), (0, nx // 2), (ny // 2, 0), (9, 9)]):
        cube[: n // 2 + 1, y, x] += 900 + 100 * k
    for k in range(n):  # three neighbours, of which each exposure lacks one: masks meet by dilation
        spared = k % 3
        for column in {0, 1, 2} - {spared}:
            cube[k, ny - 9, nx // 2 + column] += 4000
    return cube.astype(np.float32)


@cache
def analysis(n=3, shape=(48, 60), **changes):
    given = {"gain": 1.0, "rnoise": 3.0, "mm_seed": 7, "mm_nsimulations": 2} | changes
    return Analysis(ExposureSet.from_arrays(list(exposures(n, shape))), Parameters(**given))


def draw(job: FigureJob, folder: Path) -> Path:
    path = folder / job.name
    job.draw(path, METADATA)
    return path


def names(made: Analysis) -> list[str]:
    return [job.name for job in all_figures(made)]


def job_of(made: Analysis, name: str) -> FigureJob:
    return next(job for job in all_figures(made) if job.name == name)
