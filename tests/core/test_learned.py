"""Networks in tiles: the parts fit together whatever the network is; here one of ten lines."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets.core.learned import deepcr
from crmasks_widgets.core.learned.cleaning import flag_probable
from crmasks_widgets.core.learned.tiles import SIDE, Network, hit_probability
from crmasks_widgets.errors import Cancelled, ParameterError


class Contrast:
    """Stands for a network: compares each square of 2 x 2 with what lies 4 pixels around it."""

    def __init__(self):
        self.shapes = []

    def __call__(self, tile):
        assert tile.dtype == np.float32
        assert tile.flags.c_contiguous
        self.shapes.append(tile.shape)
        ny, nx = tile.shape
        coarse = tile.reshape(ny // 2, 2, nx // 2, 2).max(axis=(1, 3))
        around = ndimage.median_filter(coarse, 5, mode="constant")
        excess = np.kron(coarse - around, np.ones((2, 2), np.float32))
        return (1 / (1 + np.exp(-(excess - 50) / 10))).astype(np.float32)


def network(**changes):
    made = Network("stand-in", Contrast(), halo=6, step=2)
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(4)
    light = rng.normal(100, 5, (SIDE + 45, SIDE + 31))
    light[rng.random(light.shape) < 0.02] += 300
    return light.astype(np.float32)


def test_tiles_join_without_seams_at_any_size(frame):
    whole = network(probability=Contrast(), halo=6)
    mirrored = np.pad(frame, [(6, 6 + side % 2) for side in frame.shape], mode="symmetric")
    expected = whole.probability(mirrored)[6:, 6:][: frame.shape[0], : frame.shape[1]]
    assert np.array_equal(hit_probability(frame, whole, gain=1.0), expected)
    assert len(whole.probability.shapes) == 1 + 4
    # A halo that is too small would show at the seams.
    near = hit_probability(frame, network(halo=2), gain=1.0)
    assert not np.array_equal(near, expected)


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (16, 16), (3, 300)])
def test_small_frames_are_mirrored(shape):
    found = hit_probability(np.full(shape, 7, np.float32), network(), gain=1.0)
    assert found.shape == shape
    assert (found < 0.01).all()


def test_networks_see_electrons_or_what_they_were_trained_on(frame):
    twice = hit_probability(frame, network(), gain=2.0)
    assert np.array_equal(twice, hit_probability(frame * 2, network(), gain=1.0))
    seen = []

    def watch(tile):
        seen.append(tile.copy())
        return np.zeros_like(tile)

    hit_probability(frame, network(probability=watch, standardises=True), gain=3.0)
    inner = seen[0][6:-6, 6:-6]
    np.testing.assert_allclose(inner, ((frame - frame.mean()) / frame.std())[:SIDE, :SIDE], 0, 1e-3)
    constant = np.full((20, 20), 5, np.float32)
    hit_probability(constant, network(probability=watch, standardises=True), gain=1.0)
    assert (seen[-1] == 0).all()


def test_invalid_pixels_are_filled_for_the_network_and_have_no_probability(frame):
    valid = np.ones(frame.shape, bool)
    valid[40:44] = False
    broken = np.where(valid, frame, np.float32(np.nan))
    found = hit_probability(broken, network(), gain=1.0, valid=valid)
    assert np.isfinite(found).all()
    assert (found[~valid] == 0).all()
    far = np.abs(np.arange(frame.shape[0]) - 42) > 12
    assert np.array_equal(found[far], hit_probability(frame, network(), gain=1.0)[far])


def test_only_tiles_of_interest_are_computed(frame):
    where = np.zeros(frame.shape, bool)
    where[3, SIDE + 2] = True
    made = network(probability=Contrast())
    found = hit_probability(frame, made, gain=1.0, where=where)
    assert len(made.probability.shapes) == 1
    assert found[3, SIDE + 2] == hit_probability(frame, network(), gain=1.0)[3, SIDE + 2]
    assert hit_probability(frame, made, gain=1.0, where=where & False).max() == 0


def test_each_tile_tells_progress_and_may_be_the_last(frame):
    told = []
    hit_probability(frame, network(), gain=1.0, checkpoint=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    made = network(probability=Contrast())

    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        hit_probability(frame, made, gain=1.0, checkpoint=stop)
    assert len(made.probability.shapes) == 1


def test_what_is_probable_is_flagged_and_filled_with_the_median_around():
    frame = np.arange(400, dtype=np.float32).reshape(20, 20)
    probability = np.zeros((20, 20), np.float32)
    probability[[0, 9, 9], [0, 9, 10]] = [0.6, 0.9, 0.5]
    result = flag_probable(frame, probability, 0.5)
    assert np.argwhere(result.mask).tolist() == [[0, 0], [9, 9]]
    around = np.delete(frame[7:12, 7:12].ravel(), 12)
    assert result.filled[1] == np.sort(around)[11]
    everything = flag_probable(frame, np.ones_like(frame), 0.5)
    assert (everything.filled == 0).all()
    valid = np.ones(frame.shape, bool)
    valid[9, 9] = False
    assert flag_probable(frame, probability, 0.5, valid).mask.sum() == 1
    assert not flag_probable(frame, probability, 0.5, np.zeros_like(valid)).mask.any()


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr("crmasks_widgets.analysis.stages.learned.load_deepcr", lambda _: network())


def test_the_stages_flag_what_the_network_finds_probable(frame, stand_in):
    hits = np.zeros(frame.shape, bool)
    hits[20:280:20, 30:250:20] = True
    cube = [np.where(hits, 500, 100) + frame / 100 for _ in range(2)] + [100 + frame / 100]
    exposures = cm.ExposureSet.from_arrays([np.asarray(x, np.float32) for x in cube])
    made = cm.Analysis(exposures, cm.Parameters(rnoise=3, crmethod="deepcr", dilation=0))
    at = np.argwhere(hits)
    assert made.mediancr[hits].all()
    # As coarse as the stand-in is.
    squares = np.kron(
        made.mediancr[:300, :286].reshape(150, 2, 143, 2).any(axis=(1, 3)), np.ones((2, 2))
    )
    assert squares.sum() == made.mediancr.sum() == 4 * len(at)
    assert set(made.hits["method"]) == {"deepCR only"}
    kept = made.replace(dc_threshold=0.9)
    assert ("probability", "median") in kept.computed()
    assert ("deepcr", "median") not in kept.computed()
    cleaned = made.replace(use_lamedian=True).combination("mediancr").data
    assert (np.abs(cleaned[hits] - 100) < 10).all()


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ParameterError, match=r"pip install 'crmasks-widgets\[deepcr\]'") as caught:
        deepcr.load_deepcr("ACS-WFC")
    assert "\n" not in str(caught.value)
