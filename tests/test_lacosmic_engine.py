"""The engine against astroscrappy: the same masks, pixel by pixel, however a result is reached.

astroscrappy's published builds round the last bits in their own way. Where masks differ, this
module computes the statistics again in double precision and accepts only pixels for which one of
them lies within 1e-5 of its threshold, and what follows from such pixels.
"""

import tracemalloc
from dataclasses import replace

import astroscrappy
import numpy as np
import pytest
from astropy.io import fits
from astroscrappy import astroscrappy as library
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from crmasks_widgets.core.lacosmic import engine, fine_structure, iterations, medians
from crmasks_widgets.core.lacosmic import library as lacosmic
from crmasks_widgets.core.lacosmic.library import LacosmicSettings
from crmasks_widgets.core.lacosmic.preparation import _terms
from crmasks_widgets.errors import Cancelled
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.simulate import fibre_spectrograph

from . import golden_cases
from .counts import LONG, count
from .real_data import DATA, needs_real_data

CLOSE = 1e-5
MODES = {
    "default": {},
    "square medians": {"sepmed": False, "psfmodel": "moffat"},
    "median structure": {"fsmode": "median"},
    "all square": {"sepmed": False, "fsmode": "median", "cleantype": "medmask"},
    "idw": {"cleantype": "idw", "psfmodel": "gaussx", "psffwhm_x": 3.0},
    "lenient": {"sigclip": 3.0, "sigfrac": 0.2, "objlim": 2.0, "cleantype": "medmask"},
    "saturated": {"satlevel": 2000.0, "psfmodel": "gauss", "psfsize": 7},
}


def oracle(frame, chosen, gain=1.0, rnoise=4.0, masked=None):
    """Mask, and cleaned frame in ADU."""
    return astroscrappy.detect_cosmics(
        frame, inmask=masked, gain=gain, readnoise=rnoise * gain, satlevel=chosen.satlevel * gain,
        **{
            name: getattr(chosen, name)
            for name in (
                "sigclip", "sigfrac", "objlim", "niter", "sepmed", "cleantype", "fsmode",
                "psfsize", "psfbeta",
            )
        },
        **lacosmic._point_spread(chosen),
    )  # fmt: skip


def statistics(prepared, cleaned):
    """S' and its contrast to the fine structure in double precision, by another way."""
    chosen = prepared.settings
    frame = cleaned.astype(float)
    padded = np.pad(frame, 1)
    sides = [padded[:-2, 1:-1], padded[2:, 1:-1]], [padded[1:-1, :-2], padded[1:-1, 2:]]
    laplacian = sum(np.maximum(2 * frame - v - h, 0) for v in sides[0] for h in sides[1]) / 4

    def median(image, width):
        half, out = width // 2, image.copy()
        sizes = [(1, width), (width, 1)] if chosen.sepmed else [(width, width)]
        filtered = image
        for size in sizes:
            filtered = ndimage.median_filter(filtered, size)
        out[half:-half, half:-half] = filtered[half:-half, half:-half]
        return out

    widths = prepared.widths
    noise = np.sqrt(np.maximum(median(frame + prepared.read_variance, widths.noise), 1e-5))
    significance = laplacian / (2 * noise)
    excess = significance - median(significance, widths.significance)
    if chosen.fsmode == "median":
        structure = median(frame, widths.structure)
    else:
        kernel = sum(np.outer(t.column, t.row) for t in _terms(chosen)).astype(float)
        structure = ndimage.correlate(frame / noise**2, kernel, mode="constant")
        structure /= ndimage.correlate(1 / noise**2, kernel, mode="constant")
    fine = (structure - median(structure, widths.surroundings)) / noise
    return excess, excess / np.maximum(fine, 0.01)


def agree(frame, chosen, gain=1.0, rnoise=4.0, masked=None):
    """Compare with the library; return the number of pixels it flags."""
    prepared = engine.prepare(frame, chosen, gain=gain, rnoise=rnoise, masked=masked)
    found = engine.detect(prepared, chosen)
    mask, cleaned = oracle(frame, chosen, gain, rnoise, masked)
    if (found.mask == mask).all():
        np.testing.assert_allclose(found.cleaned / np.float32(gain), cleaned, rtol=1e-5, atol=1e-4)
    else:
        explain(frame, prepared, chosen, gain, rnoise, masked)
    return np.count_nonzero(mask)


def explain(frame, prepared, chosen, gain, rnoise, masked):
    """Go to the first iteration that differs: every difference must be one of rounding."""
    before = prepared.electrons
    for niter in range(1, chosen.niter + 1):
        here = replace(chosen, niter=niter)
        ours, theirs = engine.detect(prepared, here), oracle(frame, here, gain, rnoise, masked)[0]
        if (ours.mask != theirs).any():
            break
        before = ours.cleaned
    excess, contrast = statistics(prepared, before)
    low = float(np.float32(chosen.sigfrac) * np.float32(chosen.sigclip))
    near = np.zeros(frame.shape, bool)
    for values, level in ((excess, chosen.sigclip), (excess, low), (contrast, chosen.objlim)):
        near |= np.abs(values - level) <= CLOSE * level
    # A pixel makes its neighbours eligible, and those theirs.
    reached = ndimage.binary_dilation(near, np.ones((5, 5)))
    assert not ((ours.mask != theirs) & ~reached).any()


def scene(shape, seed, level=100.0, n_hits=40, whole=True):
    """Fibres, noise, hits of one or a few pixels, and a saturated star."""
    rng = np.random.default_rng(seed)
    profile = np.exp(-0.5 * ((np.arange(shape[0]) % 8 - 4) / 1.3) ** 2)
    light = level * (1 + 5 * rng.random() * profile[:, None] * np.ones(shape))
    frame = rng.poisson(light) + rng.normal(0, 4, shape)
    y, x = (rng.integers(0, side, n_hits) for side in shape)
    frame[y, x] += level * 10 ** rng.uniform(-1, 2, n_hits)
    frame[y[::2], (x[::2] + 1) % shape[1]] += level * 10 ** rng.uniform(-1, 1, n_hits)[::2]
    top, left = (rng.integers(0, side) for side in shape)
    frame[top : top + 6, left : left + 6] = 65000
    return (np.round(frame) if whole else frame).astype(np.float32)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_masks_of_the_demo_scene(mode, gain):
    chosen = LacosmicSettings(**MODES[mode])
    frames = fibre_spectrograph((150, 200), seed=4).exposures
    assert agree(frames[0], chosen, gain) > 0
    assert agree(np.median(frames, axis=0), chosen, gain) > 0


@pytest.mark.parametrize("name", golden_cases.names())
def test_masks_of_the_golden_scenes(name):
    case = golden_cases.load(name)
    parameters = Parameters.from_yaml_text(case.yaml)
    names = LacosmicSettings.__dataclass_fields__
    chosen = LacosmicSettings(**{key: getattr(parameters, f"la_{key}") for key in names})
    if chosen.cleantype == "median":
        assert not engine.supports(chosen)
        chosen = replace(chosen, niter=1, cleantype="meanmask")  # the fill is never looked at
    exposures = case.exposures[: count(1, None)]
    for frame in (*exposures, np.median(case.exposures, axis=0)):
        agree(frame, chosen, parameters.gain, parameters.rnoise)


@needs_real_data
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["kast_red_2018gdg/kast_red_e_1", "kast_blue_J1217/kast_blue_e_1"])
def test_masks_of_the_kast_frames(name, mode):
    frame = fits.getdata(DATA / f"{name}.fits.gz").astype(np.float32)
    if not LONG:  # the middle of it
        middle, half = frame.shape[0] // 2, frame.shape[1] // 2
        frame = np.ascontiguousarray(frame[max(0, middle - 100) : middle + 100, :half])
    assert agree(frame, LacosmicSettings(**MODES[mode]), rnoise=4.4) > 0


chosen_settings = st.builds(
    LacosmicSettings,
    sigclip=st.sampled_from([0.5, 2.0, 4.5, 5.0, 8.0]),
    sigfrac=st.sampled_from([0.05, 0.3, 0.5, 1.0, 1.5]),
    objlim=st.sampled_from([0.0, 1.0, 2.0, 5.0]),
    satlevel=st.sampled_from([1000.0, 60000.0, 1e9, np.inf]),
    niter=st.integers(1, 5),
    sepmed=st.booleans(),
    cleantype=st.sampled_from(["meanmask", "medmask", "idw"]),
    fsmode=st.sampled_from(["median", "convolve"]),
    psfmodel=st.sampled_from(["gauss", "moffat", "gaussx", "gaussy", "gaussxy"]),
    psffwhm_x=st.floats(0.5, 5),
    psffwhm_y=st.floats(0.5, 5),
    psfsize=st.sampled_from([3, 5, 11, 15]),
    psfbeta=st.floats(1.5, 6),
)
frames = st.builds(
    scene,
    shape=st.tuples(st.integers(16, 70), st.integers(16, 70)),
    seed=st.integers(0, 10**6),
    level=st.sampled_from([0.5, 30.0, 1000.0, 10000.0]),
    n_hits=st.integers(0, 60),
    whole=st.booleans(),
)


@settings(deadline=None, max_examples=count(60, 150))
@given(
    frames, chosen_settings, st.sampled_from([1.0, 2.0, 0.7]), st.sampled_from([0.0, 1.0, 5.0]),
    st.none() | st.floats(0.001, 0.4),
)  # fmt: skip
def test_masks_of_random_scenes(frame, chosen, gain, rnoise, density):
    masked = None
    if density is not None:
        masked = np.random.default_rng(int(frame.sum()) % 999).random(frame.shape) < density
    agree(frame, chosen, gain, rnoise, masked)


@settings(deadline=None, max_examples=count(20, 40))
@given(frames, chosen_settings, chosen_settings)
def test_a_prepared_frame_answers_as_a_new_one(frame, first, second):
    prepared = engine.prepare(frame, first, gain=1.0, rnoise=4.0)
    changed = replace(first, **{n: getattr(second, n) for n in ("sigclip", "sigfrac", "objlim")})
    fresh = engine.prepare(frame, changed, gain=1.0, rnoise=4.0)
    expected = engine.detect(fresh, changed)
    fewer = engine.detect(prepared, replace(changed, niter=1))
    for start in (None, fewer, engine.detect(prepared, first), expected):
        found = engine.detect(prepared, changed, start=start)
        np.testing.assert_array_equal(found.mask, expected.mask)
        np.testing.assert_array_equal(found.cleaned, expected.cleaned)
        assert found.finished == expected.finished


@pytest.mark.parametrize("mode", MODES)
def test_dense_and_sparse_structure_are_the_same_bits(mode, monkeypatch):
    frame, chosen = scene((90, 110), 5), LacosmicSettings(**MODES[mode])
    prepared = engine.prepare(frame, chosen, gain=1.0, rnoise=4.0)
    found = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(iterations, "DENSE", share)
        found.append(engine.detect(prepared, chosen))
    np.testing.assert_array_equal(found[0].mask, found[1].mask)


@pytest.mark.parametrize("gain", [1.0, 1.7])
@pytest.mark.parametrize("mode", MODES)
def test_overwriting_and_bands_of_rows_change_no_bit(mode, gain, monkeypatch):
    frame, chosen = scene((90, 110), 5), LacosmicSettings(**MODES[mode])
    # Nothing good is near some hits: they get the median of the frame as it was.
    frame[40:50, 40:50] += 5000 * np.random.default_rng(1).random((10, 10), np.float32)
    before = frame.copy()
    expected = engine.detect(engine.prepare(frame, chosen, gain=gain, rnoise=4.0), chosen)
    assert expected.iterations > 1
    monkeypatch.setattr(iterations, "BAND_PIXELS", 7 * 110)
    for overwrite in (False, True):
        prepared = engine.prepare(frame, chosen, gain=gain, rnoise=4.0)
        found = engine.detect(prepared, chosen, overwrite=overwrite)
        np.testing.assert_array_equal(found.mask, expected.mask)
        np.testing.assert_array_equal(found.cleaned, expected.cleaned)
    np.testing.assert_array_equal(frame, before)


@settings(deadline=None, max_examples=count(30, 60))
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(0, 9999),
    st.sampled_from([1, 3, 50, 10**6]), st.sampled_from([None, 0.0, 0.3, 0.97]),
    st.sampled_from([4, 64, 10**4]),
)  # fmt: skip
def test_lower_median(shape, seed, levels, masked, sample):
    rng = np.random.default_rng(seed)
    frame = np.sort(rng.integers(0, levels, shape), axis=None).reshape(shape).astype(np.float32)
    left_out = None if masked is None else rng.random(shape) < masked
    if left_out is not None:
        left_out.ravel()[rng.integers(frame.size)] = False
    good = np.sort(frame if left_out is None else frame[~left_out], axis=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medians, "SAMPLE", sample)
        patch.setattr(medians, "SAMPLE_RANKS", 0.1)
        assert medians.lower_median(frame, left_out) == good[(good.size - 1) // 2]


def test_lower_median_needs_no_fair_sample():
    frame = np.ones((64, 64), np.float32)
    frame[:, ::2] = np.arange(64 * 32).reshape(64, 32) + 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medians, "SAMPLE", 64 * 32)
        assert medians.lower_median(frame, None) == 1
        assert medians.lower_median(frame[:, 1:], None) == 1
        assert medians.lower_median(-frame, None) == -2


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (5, 9), (15, 40), (40, 7)])
def test_small_frames_are_mirrored(shape):
    frame, chosen = scene(shape, 3, n_hits=4), LacosmicSettings(sigclip=3.0)
    margins = [(max(0, lacosmic.MIN_SIDE - side + 1) // 2,) * 2 for side in shape]
    mask, cleaned = oracle(np.pad(frame, margins, mode="reflect"), chosen)
    inner = tuple(slice(m, m + side) for (m, _), side in zip(margins, shape, strict=True))
    found = engine.detect_cosmics(frame, chosen, gain=1.0, rnoise=4.0)
    np.testing.assert_array_equal(found.mask, mask[inner])
    np.testing.assert_allclose(found.cleaned, cleaned[inner], rtol=1e-5)


@pytest.mark.parametrize("gain", [1.0, 2.5])
@pytest.mark.parametrize("mode", MODES)
def test_takes_the_place_of_the_library(gain, mode):
    frame, chosen = scene((60, 70), 8), LacosmicSettings(**MODES[mode])
    valid = np.random.default_rng(0).random(frame.shape) > 0.02
    frame[~valid] = np.nan
    expected = lacosmic.detect_cosmics(frame, chosen, gain=gain, rnoise=4.0, valid=valid)
    found = engine.detect_cosmics(frame, chosen, gain=gain, rnoise=4.0, valid=valid)
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_allclose(found.cleaned, expected.cleaned, rtol=1e-5)
    nothing = engine.detect_cosmics(
        frame, chosen, gain=gain, rnoise=4.0, valid=np.zeros(frame.shape, bool)
    )
    assert not nothing.mask.any()
    assert np.isnan(nothing.cleaned).all()


@pytest.mark.parametrize(
    "changes",
    [{"cleantype": "median"}, {"sigclip": 0.0}, {"sigfrac": -0.1}, {"psffwhm_x": 1e-30}],
)
def test_what_is_not_exact_runs_through_the_library(changes, monkeypatch):
    chosen = replace(LacosmicSettings(), **changes)
    assert not engine.supports(chosen)
    monkeypatch.setattr(lacosmic, "detect_cosmics", lambda *_, **__: "the library")
    frame = scene((20, 20), 1)
    assert engine.detect_cosmics(frame, chosen, gain=1.0, rnoise=4.0) == "the library"
    frame[3, 3] = np.inf
    defaults = LacosmicSettings()
    assert engine.detect_cosmics(frame, defaults, gain=1.0, rnoise=4.0) == "the library"


def test_a_prepared_frame_serves_thresholds_only():
    frame, chosen = scene((40, 40), 1), LacosmicSettings()
    before = frame.copy()
    prepared = engine.prepare(frame, chosen, gain=1.0, rnoise=4.0)
    assert prepared.serves(replace(chosen, sigclip=9.0, objlim=1.0, niter=2, cleantype="idw"))
    with pytest.raises(ValueError, match="other settings"):
        engine.detect(prepared, replace(chosen, sepmed=False))
    for array in (prepared.noise, prepared.significance, prepared.structure):
        assert not array.flags.writeable
    engine.detect(prepared, chosen)
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize("limit", [0.1, 0.7, 0.95, 1.0])
def test_stops_when_asked(limit):
    fractions = []

    def stop(fraction):
        fractions.append(fraction)
        if fraction > limit:
            raise Cancelled

    stopped = False
    try:
        engine.detect_cosmics(
            scene((100, 120), 2), LacosmicSettings(), gain=1.0, rnoise=4.0, checkpoint=stop
        )
    except Cancelled:
        stopped = True
    assert stopped == (limit < 1)
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0


@pytest.mark.parametrize("size", [3, 5, 11])
@pytest.mark.parametrize("fwhm", [0.3, 1.0, 2.5, 3.7])
@pytest.mark.parametrize(
    ("model", "theirs"),
    [
        ("gauss", library.gausskernel),
        ("gaussx", library.gaussxkernel),
        ("gaussy", library.gaussykernel),
    ],
)
def test_kernels_are_those_of_the_library(model, theirs, fwhm, size):
    kernel = fine_structure.model_kernel(model, fwhm, 4.765, size)
    np.testing.assert_array_equal(kernel, theirs(fwhm, size)[::-1, ::-1])
    assert len(fine_structure.separable_terms(kernel)) == 1


@settings(deadline=None, max_examples=count(30, 60))
@given(
    st.tuples(st.integers(16, 40), st.integers(16, 40)), st.integers(0, 9999),
    st.sampled_from([(3, True), (5, True), (7, True), (9, True), (3, False), (5, False)]),
)  # fmt: skip
def test_medians(shape, seed, window):
    width, separable = window
    values = np.random.default_rng(seed).integers(0, 50, shape).astype(np.float32)
    expected, half = values.copy(), width // 2
    inner = (slice(half, -half), slice(half, -half))
    square = np.lib.stride_tricks.sliding_window_view
    if separable:
        rows = np.median(square(values, width, axis=1), axis=-1)
        expected[inner] = np.median(square(rows, width, axis=0), axis=-1)
    else:
        expected[inner] = np.median(square(values, (width, width)), axis=(-2, -1))
    rows = [
        medians.median_rows(values, slice(y, min(y + 7, shape[0])), width, separable)
        for y in range(0, shape[0], 7)
    ]
    np.testing.assert_array_equal(np.vstack(rows), expected)
    everywhere = np.arange(values.size)
    found = medians.median_at(values, everywhere, width, separable)
    np.testing.assert_array_equal(found.reshape(shape), expected)


def test_memory():
    """At the peak at most nine frames of single precision beyond the input."""
    frame = fibre_spectrograph((900, 1000), seed=1).exposures[0].astype(np.float32)
    engine.detect_cosmics(frame[:100, :100], LacosmicSettings(), gain=1.0, rnoise=3.4)
    tracemalloc.start()
    try:
        engine.detect_cosmics(frame, LacosmicSettings(), gain=1.0, rnoise=3.4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 9 * frame.nbytes


def test_a_prepared_frame_keeps_three_images_and_no_copy_of_the_frame():
    frame = fibre_spectrograph((300, 400), seed=1).exposures[0].astype(np.float32)
    before = frame.copy()
    ready = engine.prepare(frame, LacosmicSettings(), gain=1.7, rnoise=3.4)
    engine.detect(ready, LacosmicSettings())
    kept = [value for value in vars(ready).values() if isinstance(value, np.ndarray)]
    own = [image for image in kept if image.shape == frame.shape and image.itemsize > 1]
    assert len([image for image in own if not np.shares_memory(image, frame)]) == 3
    np.testing.assert_array_equal(ready.electrons, frame * np.float32(1.7))
    np.testing.assert_array_equal(frame, before)
