"""The demo: exposures with known truth, and an honest count of what was found."""

import re

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage

from crmasks_widgets import Analysis, ExposureSet, Parameters, ProductExistsError, load_analysis
from crmasks_widgets.demo import DETECTOR, SCENE_KINDS, demo_scene, score, write_demo

from .conftest import digests

SIZE = ["--size", "96", "64"]
OWN = {"exposure1.fits", "exposure2.fits", "exposure3.fits", "truth.fits", "params.yaml"}


def found_line(result):
    (line,) = [line for line in result.out.splitlines() if line.startswith("true double hits")]
    return [int(number) for number in re.findall(r"(?<!than )\b\d+\b(?! sigma)", line)]


def count_from_files(folder):
    """What was hit and what was found, from the products alone: groups, pixels, false groups."""
    with fits.open(folder / "truth.fits") as hdus:
        light, rays = hdus["SCENE"].data, hdus["COSMICS"].data
    mask = fits.getdata(folder / "crmasks.fits", "MEDIANCR").astype(bool)
    sigma = np.sqrt(light / DETECTOR.gain + DETECTOR.rnoise**2)
    truth = np.count_nonzero(rays > 3 * sigma, axis=0) > len(rays) // 2
    square = np.ones((3, 3))
    true_groups, n_true = ndimage.label(truth, square)
    masked_groups, n_masked = ndimage.label(mask, square)
    near = ndimage.binary_dilation(truth, np.ones((5, 5)))
    n_found = sum((mask & (true_groups == i)).any() for i in range(1, n_true + 1))
    n_false = sum(not (near & (masked_groups == i)).any() for i in range(1, n_masked + 1))
    return [n_found, n_true, (truth & mask).sum(), truth.sum(), n_false]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Folder and output of a demo, run where other exposures of the same names lie."""
    from crmasks_widgets import cli

    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_demo(folder, (40, 40), seed=1)
        arguments = ["demo", "made", *SIZE, "--seed", "8", "--no-figures"]
        assert cli.main(arguments) == 0
    return folder / "made"


def test_demo_prints_how_many_true_double_hits_were_found(tmp_path, run_cli, demo):
    # The exposures beside it, of the same names, are not those of the demo.
    result = run_cli(["demo", "again", *SIZE, "--seed", "8", "--no-figures"], demo.parent)
    assert (result.code, result.err) == (0, "")
    numbers = found_line(result)
    n_found, n_true = numbers[:2]
    assert n_true >= 5
    assert n_found >= 0.7 * n_true
    expected = count_from_files(demo.parent / "again")
    assert [n_found, n_true, *numbers[2:4], numbers[-1]] == expected
    # The seed says it all.
    first, again = digests(demo), digests(demo.parent / "again")
    assert {name: first[name] for name in OWN} == {name: again[name] for name in OWN}
    for i in range(1, 6):
        one, other = (fits.getdata(f / "crmasks.fits", i) for f in (demo, demo.parent / "again"))
        np.testing.assert_array_equal(one, other)


def test_demo_leaves_exposures_truth_parameters_and_products(demo):
    names = {path.name for path in demo.iterdir()}
    assert names >= OWN | {"crmasks.fits", "combined_mediancr.fits", "hits.ecsv"}
    scene = demo_scene((64, 96), seed=8)
    for i, exposure in enumerate(scene.exposures, start=1):
        with fits.open(demo / f"exposure{i}.fits") as hdus:
            assert hdus[0].header["BITPIX"] == 16
            assert hdus[0].header["BZERO"] == 32768
            np.testing.assert_array_equal(hdus[0].data, np.clip(np.rint(exposure), 0, 65535))
    with fits.open(demo / "truth.fits") as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCENE", "COSMICS", "HOT", "COLUMNS"]
        np.testing.assert_array_equal(hdus["SCENE"].data, scene.mean_truth)
        np.testing.assert_array_equal(hdus["COSMICS"].data, scene.cosmic_rays)
        np.testing.assert_array_equal(hdus["HOT"].data != 0, scene.hot_pixels)
        assert not hdus["COLUMNS"].data.any()
    parameters = Parameters.from_yaml(demo / "params.yaml")
    assert (parameters.gain, parameters.rnoise, parameters.bias) == (1.7, 3.4, 1000.0)
    assert parameters.mm_seed == 8
    assert not parameters.interactive


@pytest.mark.parametrize(("kind", "n"), [("longslit", 4), ("stars", 3)])
def test_demo_of_other_scenes_and_numbers(tmp_path, run_cli, kind, n):
    arguments = ["demo", "d", *SIZE, "--scene", kind, "--exposures", n, "--no-figures"]
    result = run_cli(arguments, tmp_path)
    assert (result.code, result.err) == (0, "")
    expected = count_from_files(tmp_path / "d")
    numbers = found_line(result)
    assert [*numbers[:4], numbers[-1]] == expected
    assert numbers[0] >= 0.5 * numbers[1]
    header = fits.getheader(tmp_path / "d" / f"exposure{n}.fits")
    assert header["OBJECT"] == SCENE_KINDS[kind].title
    assert header["SATURATE"] > 10000
    with fits.open(tmp_path / "d" / "truth.fits") as hdus:
        assert len(hdus["COSMICS"].data) == n
        assert np.count_nonzero(hdus["COLUMNS"].data.any(axis=0)) == 2


def test_demo_is_run_again_by_its_parameter_file(demo, tmp_path, run_cli):
    arguments = ["run", demo / "params.yaml", "--output-dir", tmp_path / "out", "--no-figures"]
    assert run_cli(arguments, demo).code == 0
    for name in ("MEDIANCR", "CRMASK2"):
        one, other = (fits.getdata(f / "crmasks.fits", name) for f in (demo, tmp_path / "out"))
        np.testing.assert_array_equal(one, other)


def test_demo_refuses_what_is_in_the_way(demo, run_cli):
    before = digests(demo)
    again = ["demo", "made", *SIZE, "--no-figures"]
    assert run_cli(again, demo.parent).code == 4
    assert digests(demo) == before


@pytest.mark.parametrize("name", sorted(OWN))
def test_demo_refuses_to_replace_own_files(tmp_path, run_cli, name):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_text("mine")
    result = run_cli(["demo", "d", *SIZE, "--no-figures"], tmp_path)
    assert result.code == 4
    assert result.err.startswith(f"crmasks: d/{name}: found")
    assert digests(tmp_path) == {"d": "folder", f"d/{name}": digests(tmp_path)[f"d/{name}"]}
    assert (tmp_path / "d" / name).read_text() == "mine"
    with pytest.raises(ProductExistsError):
        write_demo(tmp_path / "d", (32, 32))
    with pytest.raises(ProductExistsError, match="found a file that crmasks demo did not write"):
        write_demo(tmp_path / "d", (32, 32), overwrite=True)
    assert {path.name for path in (tmp_path / "d").iterdir()} == {name}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "4", "4"], "shape"),
        (["--size", "-5", "64"], "shape"),
        (["--seed", "-1"], "seed"),
        (["--exposures", "1"], "n_exposures"),
    ],
)
def test_demo_of_impossible_size_or_seed(tmp_path, run_cli, arguments, said):
    result = run_cli(["demo", "d", *arguments, "--no-figures"], tmp_path)
    assert result.code == 2, result
    assert len(result.err.splitlines()) == 1
    assert said in result.err
    assert not list(tmp_path.iterdir())


def test_demo_where_a_file_is_in_the_way(tmp_path, run_cli):
    (tmp_path / "d").write_text("in the way")
    result = run_cli(["demo", "d", *SIZE], tmp_path)
    assert result.code == 2
    assert "d: not writable (" in result.err
    assert (tmp_path / "d").read_text() == "in the way"


def test_other_seeds_make_other_demos(tmp_path):
    one, other = (write_demo(tmp_path / str(seed), (32, 40), seed=seed) for seed in (1, 2))
    assert (one.exposures != other.exposures).any()
    assert load_analysis(tmp_path / "1" / "params.yaml", folders=[tmp_path / "1"]).exposures.n == 3


def test_score_of_a_mask_that_is_known():
    scene = demo_scene((48, 64), seed=3)
    truth = scene.double_hits
    labels, n = ndimage.label(truth, np.ones((3, 3)))
    exposures = ExposureSet.from_arrays(list(scene.exposures))
    far = np.argwhere(~ndimage.binary_dilation(truth, np.ones((9, 9))))[0]
    lost = int(np.argmax(np.bincount(labels[truth])))
    kept = truth & (labels != lost)
    pixels = [(int(x) + 1, int(y) + 1) for y, x in [*np.argwhere(kept), far]]
    ny, nx = scene.shape
    parameters = Parameters(
        crmethod="mmcosmic", dilation=0, mm_boundary_fit="piecewise", mm_seed=1,
        mm_fixed_points_in_boundary=((0, 1e9), (1, 1e9)),
        pixels_to_be_flagged_as_cr=tuple(pixels),
    )  # fmt: skip
    analysis = Analysis(exposures, parameters)
    assert analysis.masks["MEDIANCR"].sum() == len(pixels)
    found = score(analysis, scene)
    assert (found.true_groups, found.found_groups, found.false_groups) == (n, n - 1, 1)
    assert (found.true_pixels, found.found_pixels) == (truth.sum(), kept.sum())
    assert (ny, nx) == (48, 64)
