"""The exposures' own differences tell gain, readout noise, brightness and displacement."""

import numpy as np
import pytest

from crmasks_widgets.core import noise_check, noise_remarks
from crmasks_widgets.core.common_ground import find_common_ground
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures


def checked(given, scenes, gain=1.5, rnoise=3.0, seed=1):
    rng = np.random.default_rng(seed)
    cube = [
        rng.poisson(np.maximum(s, 0) * gain) / gain + rng.normal(0, rnoise, s.shape) for s in scenes
    ]
    cube[0][rng.random(cube[0].shape) < 0.02] += 500  # cosmic rays do not count
    stack = stack_exposures(np.asarray(cube, np.float32))
    check = noise_check.check_noise(stack, given, (1.0, 1.0, 1.0))
    return check, {remark.parameter for remark in noise_remarks.remarks_on(check, given, ())}


def smooth(shape=(300, 320)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return 500 * (1.02 + np.sin(x / 9.0) * np.sin(y / 11.0))


def test_right_values_need_no_remark():
    check, remarks = checked(Noise(1.5, 3.0), [smooth()] * 3)
    assert remarks == set()
    assert check.gain == pytest.approx(1.5, rel=0.03)
    assert check.rnoise == pytest.approx(3.0, rel=0.15)
    assert check.excess == pytest.approx(1.0, abs=0.03)


def test_wrong_gain_and_readout_noise_are_named():
    assert "gain" in checked(Noise(1.0, 3.0), [smooth()] * 3)[1]
    assert checked(Noise(1.5, 8.0), [smooth() / 20] * 3)[1] == {"rnoise"}
    assert checked(Noise(1.5, 4.0), [np.full((200, 200), 2.0)] * 3)[1] == {"rnoise"}


def test_dark_pixels_without_readout_noise_do_not_outweigh_all_others():
    """A level of 0 there has no photon noise either."""
    y, x = np.mgrid[:120, :140]
    star = 3000 * np.exp(-((x - 70) ** 2 + (y - 60) ** 2) / 800)
    check, remarks = checked(Noise(1.5, 0.0), [star - 20] * 3)
    assert np.isfinite(check.flux).all()
    assert "rnoise" in remarks


def test_flux_and_displacement_are_named():
    scene = smooth()
    check, remarks = checked(Noise(1.5, 3.0), [scene, scene * 1.04, scene])
    assert remarks == {"flux_factor"}
    assert check.flux[1][0] == pytest.approx(0.04, abs=0.003)
    assert texts(check, Noise(1.5, 3.0))["flux_factor"].endswith("4.0 % brighter than the others")
    fainter, _ = checked(Noise(1.5, 3.0), [scene, scene * 0.95, scene])
    said = noise_remarks.remarks_on(fainter, Noise(1.5, 3.0), {"flux_factor"})
    assert "exposure 2 is 5.0 % fainter than the others although" in said[0].text
    assert check.white_excess == pytest.approx(1.0, abs=0.03)
    moved = smooth((300, 321))
    shifted = 0.7 * moved[:, 1:] + 0.3 * moved[:, :-1]
    check, remarks = checked(Noise(1.5, 3.0), [moved[:, 1:], moved[:, 1:], shifted])
    assert remarks == {"mm_xy_offsets"}
    assert check.offsets[2][0] == pytest.approx(0.3, abs=0.03)
    assert noise_remarks.remarks_on(check, Noise(1.5, 3.0), {"mm_xy_offsets"}) == ()


def check_with(offsets=((0.0, 0.0, 0.01),) * 3, **fitted):
    """A check of two levels, whose noise is as predicted."""
    classes = tuple(noise_check.LevelClass(level, 5000, 5.0, 5.0, 5.0) for level in (20.0, 400.0))
    values = {"gain": 1.0, "gain_error": 0.01, "rnoise": 3.0, "rnoise_error": 0.05} | fitted
    return noise_check.NoiseCheck(classes, **values, flux=((0.0, 0.001),) * 3, offsets=offsets)


def test_displacements_that_were_given_are_doubted_where_others_are_seen():
    check = check_with(((0.0, 0.0, 0.01), (0.3, 0.0, 0.01), (0.0, -0.8, 0.01)))

    def said(offsets):
        return noise_remarks.remarks_on(
            check, Noise(1.0, 3.0), {"mm_xy_offsets"}, in_electrons=True, offsets=offsets
        )

    right = [(0.0, 0.0), (0.3, 0.0), (0.0, -0.8)]
    # One that all have in common displaces none from another.
    assert said(right) == said([(dx + 5, dy - 2) for dx, dy in right]) == ()
    (remark,) = said([(0.0, 0.0), (0.3, 0.0), (0.0, 0.8)])
    assert remark.parameter == "mm_xy_offsets"
    assert "exposure 3 lies +0.00, -0.80 pixels" in remark.text
    assert remark.text.endswith("mm_xy_offsets say +0.00, +0.80")
    left = noise_remarks.left_by(check, [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0)])
    np.testing.assert_allclose(left, check.offsets)


def test_a_known_gain_leaves_the_readout_noise_of_dark_pixels():
    # The line 9.4 + level / 0.8 is 14.4 + 20 / 1 at a level of 20.
    fitted = check_with(gain=0.8, dark_variance=9.4, dark_variance_error=0.6)
    known = noise_check.with_known_gain(fitted, 1.0)
    assert (known.gain, known.gain_error, known.gain_unknown) == (1.0, 0.0, "")
    assert known.dark_variance == pytest.approx(14.4)
    assert known.rnoise == pytest.approx(14.4**0.5)
    assert known.rnoise_error == pytest.approx(0.6 / (2 * 14.4**0.5))
    assert known.rnoise_unknown == ""
    # Photons at this gain alone scatter more than these pixels do.
    fitted = check_with(gain=1.25, dark_variance=3.0, dark_variance_error=0.6)
    known = noise_check.with_known_gain(fitted, 1.0)
    assert np.isnan(known.rnoise)
    assert known.rnoise_unknown == "no level is dark enough"
    # Without a line, nothing is known that was not known before.
    known = noise_check.with_known_gain(check_with(gain=np.nan, rnoise=2.5), 1.0)
    assert (known.gain, known.rnoise) == (1.0, 2.5)


def texts(check, given):
    return {r.parameter: r.text for r in noise_remarks.remarks_on(check, given, ())}


def stars(dx=0.0, dy=0.0, shape=(220, 240), sky=60.0):
    rng = np.random.default_rng(8)
    y, x = np.mgrid[: shape[0], : shape[1]]
    scene = np.full(shape, sky)
    for _ in range(150):
        u, v, peak = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(300, 9000)
        scene += peak * np.exp(-((x - u - dx) ** 2 + (y - v - dy) ** 2) / 3)
    return scene


def test_much_light_is_much_light():
    given = Noise(1.5, 3.0)
    check, remarks = checked(given, [smooth(), smooth(), 3 * smooth()])
    assert remarks == {"flux_factor"}
    assert check.flux[2][0] == pytest.approx(2.0, abs=0.01)
    assert [c for c, _ in check.flux[:2]] == pytest.approx([0, 0], abs=0.005)
    assert check.gain == pytest.approx(1.5, rel=0.05)
    assert "exposure 3 is 3 times as bright as the others" in texts(check, given)["flux_factor"]


def test_pixels_of_displacement_are_pixels():
    given = Noise(1.5, 3.0)
    check, remarks = checked(given, [stars(), stars(), stars(4, -2.25)])
    assert remarks == {"images"}
    assert check.offsets[2][:2] == pytest.approx((4, -2.25), abs=0.1)
    assert np.hypot(*check.offsets[0][:2]) < 0.05
    assert "exposure 3 lies +4.0" in texts(check, given)["images"]
    assert "dithered" in texts(check, given)["images"]


def test_common_ground_shows_the_same_pixels():
    rng = np.random.default_rng(2)
    wide = stars(shape=(240, 260)) + rng.normal(0, 1, (240, 260))
    places = ((5, 3), (0, 0), (9, 12))
    cube = np.stack([wide[12 - dy : 232 - dy, 12 - dx : 252 - dx] for dx, dy in places])
    cube[1] *= 2
    ground = find_common_ground(cube, Noise(1.0, 3.0))
    assert ground.shifts == ((0, 0), (-5, -3), (4, 9))
    assert ground.ratios == pytest.approx((1, 2, 1), rel=1e-3)
    assert ground.cube.shape == (3, 208, 231)
    np.testing.assert_allclose(ground.cube[0], ground.cube[1], rtol=1e-3)
    np.testing.assert_allclose(ground.cube[0], ground.cube[2], rtol=1e-3)


def test_what_is_not_known_says_why():
    dark = [np.full((120, 130), 2.0)] * 3
    check, _ = checked(Noise(1.5, 3.0), dark)
    assert np.isnan(check.flux).all()
    assert np.isnan(check.offsets).all()
    assert "0 pixels valid in all exposures are brighter than 5 sigma" in check.flux_unknown
    assert "exposures 1 and 2 has no peak above its noise" in check.offsets_unknown
    assert check.gain_unknown == check.rnoise_unknown == "pixels have 1 levels, 3 are needed"
    # Another field has sources enough, and none in common.
    other = stars()[::-1, ::-1]
    check, _ = checked(Noise(1.5, 3.0), [stars(), stars(), other])
    assert "exposures 1 and 3" in check.offsets_unknown
    far = np.roll(stars(), (110, 110), (0, 1))
    apart = find_common_ground(np.stack([stars(), stars(), far]), Noise(1.0, 3.0))
    assert apart.unknown == "exposures are displaced by 110 pixels and have little in common"
    assert apart.shifts == ((0, 0),) * 3


@pytest.mark.parametrize("scene", [smooth(), np.full((200, 200), 40.0)])
def test_a_forgotten_bias_is_named(scene):
    rng, given = np.random.default_rng(3), Noise(1.5, 3.0)
    frames = [rng.poisson(scene * 1.5) / 1.5 + rng.normal(0, 3, scene.shape) for _ in range(3)]
    stack = stack_exposures(np.asarray(frames, np.float32) + np.float32(1000))
    found = texts(noise_check.check_noise(stack, given, (1.0,) * 3), given)
    assert "rnoise" not in found
    left = float(found["bias"].split()[1])
    assert left == pytest.approx(1000, rel=0.1)
    stack = stack_exposures(np.asarray(frames, np.float32) - np.float32(1500))
    found = texts(noise_check.check_noise(stack, given, (1.0,) * 3), given)
    assert "too much was subtracted" in found["bias"]


def test_readout_noise_in_electrons_is_named():
    given = Noise(2.5, 10.0)
    check, remarks = checked(given, [smooth()] * 3, gain=2.5, rnoise=4.0)
    assert remarks == {"rnoise"}
    assert "10 e- would be 4.01 ADU" in texts(check, given)["rnoise"]
    check, _ = checked(given, [smooth()] * 3, gain=2.5, rnoise=6.0)
    assert "e-" not in texts(check, given)["rnoise"]


def test_data_in_electrons_are_named():
    given = Noise(2.5, 4.0)
    check, remarks = checked(given, [smooth()] * 3, gain=1.0, rnoise=4.0)
    assert remarks == {"gain"}
    assert "data in electrons have gain 1" in texts(check, given)["gain"]
    check, _ = checked(given, [smooth()] * 3, gain=1.5, rnoise=4.0)
    assert "electrons" not in texts(check, given)["gain"]


def on_a_flat_sky(given, in_electrons=False, sky=100.0, gain=1.7, rnoise=3.4):
    rng = np.random.default_rng(4)
    shape = (3, 200, 220)
    cube = rng.poisson(np.full(shape, sky) * gain) / gain + rng.normal(0, rnoise, shape)
    cube *= gain if in_electrons else 1
    stack = stack_exposures(np.asarray(cube, np.float32))
    return texts(noise_check.check_noise(stack, given, (1.0, 1.0, 1.0)), given)


@pytest.mark.parametrize("sky", [20.0, 50.0, 100.0])
def test_readout_noise_in_electrons_is_no_bias(sky):
    found = on_a_flat_sky(Noise(1.7, 3.4 * 1.7), sky=sky)
    assert set(found) == {"rnoise"}
    assert "5.78 e- would be 3.4 ADU" in found["rnoise"]


@pytest.mark.parametrize("gain", [0.5, 1.7, 2.5])
@pytest.mark.parametrize("of_electrons", [True, False])
def test_data_in_electrons_are_named_on_a_flat_sky(gain, of_electrons):
    given = Noise(gain, 3.4 * gain if of_electrons else 3.4)
    found = on_a_flat_sky(given, in_electrons=True, sky=300.0, gain=gain)
    assert set(found) == {"gain"}
    assert "data in electrons have gain 1" in found["gain"]
