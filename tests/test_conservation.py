"""Without cosmic rays nothing may change: a source keeps its light whatever exposures differ by."""

from functools import cache

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.combination_kinds import KINDS

from .counts import LONG, cases

SHAPE, SKY, GAIN, RNOISE = (180, 200), 100.0, 1.7, 3.4
ALIKE, SEEING = (1.0, 1.0, 1.0), (1.0, 1.1, 1.25)
SMALL = (92, 96)


def add_star(light, place, flux, width):
    x, y = place
    v, u = np.ogrid[: light.shape[0], : light.shape[1]]
    light += flux / (2 * np.pi * width**2) * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 2 / width**2)


def moved(k, shift):
    return (0.0, 0.0) if k == 0 else (shift * np.cos(2 * k), shift * np.sin(2 * k))


def exposed(light, rng):
    return rng.poisson(light * GAIN) / GAIN + rng.normal(0, RNOISE, light.shape)


@cache
def field(fwhm, shift, seeing, peak=None, shape=SHAPE, changes=(1.0, 1.0, 1.0, 1.0, 1.0)):
    """Exposures of stars on a grid, or of one star, and where they are; every third may vary."""
    rng = np.random.default_rng(5)
    shape = shape if peak is None else (60, 60)
    grid = [(x, y) for x in range(14, shape[1] - 10, 22) for y in range(14, shape[0] - 10, 22)]
    places = np.array(grid if peak is None else [(30, 30)]) + rng.uniform(-0.5, 0.5, (1, 2))
    peaks = 10 ** rng.uniform(2.5, 4.2, len(places)) if peak is None else [peak]
    frames = []
    for k, ratio in enumerate(seeing):
        light, width = np.full(shape, SKY), fwhm / 2.3548
        dx, dy = moved(k, shift)
        for i, ((x, y), height) in enumerate(zip(places, peaks, strict=True)):
            flux = height * 2 * np.pi * width**2 * (1 if i % 3 else changes[k])
            add_star(light, (x + dx, y + dy), flux, width * ratio)
        frames.append(exposed(light, rng))
    return np.array(frames, np.float32), places


@cache
def fibres_with_knots(shift, seeing, width=1.1, flux=None):
    """Exposures of a few fibres along x with emission knots, and where the knots are."""
    rng = np.random.default_rng(6)
    y = np.arange(SHAPE[0])[:, None]
    knots = [(x, row) for x in range(20, 190, 30) for row in range(20, 170, 28)]
    fluxes = np.full(len(knots), 2e4)
    if flux is not None:
        knots = [tuple(place) for place in np.array(knots) + rng.uniform(-5, 5, (len(knots), 2))]
        fluxes = 10 ** rng.uniform(*flux, len(knots))
    frames = []
    for k, ratio in enumerate(seeing):
        dx, dy = moved(k, shift)
        light = np.full(SHAPE, 10.0)
        for row in range(6, SHAPE[0], 7):
            light += 150 * np.exp(-((y - row - dy) ** 2) / 2 / (1.1 * ratio) ** 2) / ratio
        for (x, row), light_of_knot in zip(knots, fluxes, strict=True):
            add_star(light, (x + dx, row + dy), light_of_knot, width * ratio)
        frames.append(exposed(light, rng))
    return np.array(frames, np.float32), np.array(knots, float)


def apertures(frame, places, radius):
    v, u = np.mgrid[: frame.shape[0], : frame.shape[1]]
    return np.array([frame[(u - x) ** 2 + (v - y) ** 2 < radius**2].sum() for x, y in places])


def check(frames, places, radius, method, **changes):
    """Fluxes of mean combinations against those of the plain mean: all together, and one by one."""
    parameters = cm.Parameters(
        gain=GAIN, rnoise=RNOISE, crmethod=method, mm_nsimulations=1, mm_seed=1, **changes
    )
    analysis = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)
    plain = {"mediancr": np.median(frames, axis=0)}
    sky = apertures(np.full(frames.shape[1:], SKY), places, radius)
    for kind in KINDS:
        made = analysis.combination(kind)
        found = apertures(made.data, places, radius)
        expected = apertures(plain.get(kind, frames.mean(axis=0)), places, radius)
        noise = np.sqrt(apertures(made.variance, places, radius))
        assert abs(found.sum() - expected.sum()) < 0.002 * (expected - sky).sum(), kind
        assert (np.abs(found - expected) < 4 * noise + 0.002 * (expected - sky)).all(), kind
        # No pixel of it is made of nothing.
        assert (made.map > 0).all(), kind


SHIFTS = (0.0, 0.05, 0.1, 0.3)
DIFFERENCES = [(shift, seeing) for shift in SHIFTS for seeing in (ALIKE, (1, 1.05, 1.1), SEEING)]
# What takes long is tried where exposures differ least and most.
FEW = DIFFERENCES if LONG else [DIFFERENCES[0], DIFFERENCES[-1]]


@pytest.mark.parametrize("method", ["significance", "significance_lacosmic", "lacosmic"])
@pytest.mark.parametrize(("shift", "seeing"), cases(DIFFERENCES[::2], DIFFERENCES))
def test_stars_keep_their_light_in_every_method_that_can(shift, seeing, method):
    frames, places = field(2.2, shift, seeing, shape=SMALL)
    check(frames, places, 7.0, method)


@pytest.mark.parametrize("matching", ["auto", "off"])
@pytest.mark.parametrize(("shift", "seeing"), FEW)
@pytest.mark.parametrize("fwhm", [1.6, 3.0])
def test_stars_keep_their_light(fwhm, shift, seeing, matching):
    frames, places = field(fwhm, shift, seeing)
    check(frames, places, 2.5 * fwhm + 1, "significance", match_exposures=matching)


@pytest.mark.parametrize("matching", ["auto", "off"])
@pytest.mark.parametrize(("shift", "seeing"), FEW)
def test_knots_on_fibres_keep_their_light(shift, seeing, matching):
    frames, places = fibres_with_knots(shift, seeing)
    check(frames, places, 4.0, "significance", match_exposures=matching)


@pytest.mark.parametrize(("shift", "seeing"), [(0.0, (1, 1)), (0.1, (1, 1.1)), (0.3, (1, 1))])
@pytest.mark.slow
def test_sources_of_two_exposures_keep_their_light(shift, seeing):
    check(*field(2.2, shift, seeing), 7.0, "significance")
    check(*field(2.2, shift, seeing, changes=(1.0, 1.2)), 7.0, "significance")
    check(*fibres_with_knots(shift, seeing), 4.0, "significance")


@pytest.mark.parametrize("n", [4, 5])
@pytest.mark.slow
def test_sharp_knots_keep_their_lowest_exposure(n):
    # Displaced and seen with another width at once, they differ by more than matching takes away.
    seeing = tuple(np.linspace(1, 1.2, n))
    frames, places = fibres_with_knots(0.3, seeing, width=0.68, flux=(3.3, 4.6))
    check(frames, places, 4.0, "significance")


@pytest.mark.parametrize("seeing", [ALIKE, (1.0, 1.03, 1.05, 1.07, 1.1)])
def test_stars_that_vary_keep_their_light(seeing):
    changes = (1.0, 1.2, 0.8, 1.1, 0.9)
    frames, places = field(2.2, 0.1, seeing, changes=changes)
    check(frames, places, 7.0, "significance")


@pytest.mark.parametrize("method", ["significance", "significance_lacosmic", "lacosmic"])
@pytest.mark.parametrize("shift", cases([0.0, 0.3], SHIFTS))
def test_a_single_star_keeps_its_light(method, shift):
    frames, places = field(1.6, shift, ALIKE, 9000.0)
    check(frames, places, 5.0, method)


@pytest.mark.parametrize("method", ["mmcosmic", "mm_lacosmic"])
def test_where_the_reference_fills_with_the_minimum_equivalent_exposures_keep_their_light(method):
    check(*field(3.0, 0.0, ALIKE), 8.5, method)


@pytest.mark.parametrize("method", ["mmcosmic", "mm_lacosmic"])
@pytest.mark.parametrize(("shift", "seeing"), [(0.1, ALIKE), (0.3, ALIKE), (0.0, SEEING)])
def test_where_the_reference_fills_with_the_minimum_others_lose_light(method, shift, seeing):
    # By definition: what exceeds the boundary, as one side of a displaced star does, is filled so.
    frames, places = field(2.2, shift, seeing, shape=SMALL)
    with pytest.raises(AssertionError, match="mediancr"):
        check(frames, places, 7.0, method)
