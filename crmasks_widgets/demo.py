"""Demo exposures on disk: a fibre spectrograph with cosmic rays whose truth is known."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from astropy.io import fits
from scipy import ndimage

from crmasks_widgets._atomic import (
    Product,
    check_writable,
    refuse_existing,
    text_product,
    write_products,
)
from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.simulate import Detector, Fibres, Hits, Scene, fibre_spectrograph

YAML_NAME = "params.yaml"
TRUTH_NAME = "truth.fits"
DETECTOR = Detector(gain=1.7, rnoise=3.4, bias=1000.0)
EXPOSURE_TIME = 1200.0
# Two coincidences for every 100 000 pixels, so that a small demo has some to find.
DOUBLE_HITS_PER_PIXEL = 2e-5
# A mask is allowed to miss the truth by this much before a group of it counts as false.
NEAR = 2


@dataclass(frozen=True)
class Score:
    """How masks compare with the truth of a simulated scene.

    Attributes
    ----------
    true_pixels, found_pixels : int
        Pixels hit by more than 3 sigma in more than half of the exposures, and those in MEDIANCR.
    true_groups, found_groups : int
        Their 8-connected groups, and those of which at least one pixel is in MEDIANCR.
    false_groups : int
        Groups of MEDIANCR without such a pixel within 2 pixels.
    """

    true_pixels: int
    found_pixels: int
    true_groups: int
    found_groups: int
    false_groups: int


def demo_scene(shape: tuple[int, int] = (800, 1000), *, seed: int = 20260101) -> Scene:
    """Simulate the demo exposures: MEGARA-like, 3 x 1200 s.

    Parameters
    ----------
    shape : (ny, nx)
        Frame.
    seed : int
        Everything random follows from it.

    Returns
    -------
    Scene
        Exposures in ADU and their truth.
    """
    doubles = max(5, round(DOUBLE_HITS_PER_PIXEL * shape[0] * shape[1]))
    return fibre_spectrograph(
        shape,
        seed=seed,
        detector=DETECTOR,
        hits=Hits(double=doubles),
        fibres=Fibres(dark=3, clear=20.0),
    )


def demo_analysis(shape: tuple[int, int] = (800, 1000), *, seed: int = 20260101) -> Analysis:
    """Make the analysis of demo exposures, in memory.

    Parameters
    ----------
    shape : (ny, nx)
        Frame.
    seed : int
        Everything random follows from it.

    Returns
    -------
    Analysis
        With default parameters; nothing is computed yet.
    """
    scene = demo_scene(shape, seed=seed)
    exposures = ExposureSet.from_arrays(list(scene.exposures))
    parameters = Parameters(gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=seed)
    return Analysis(exposures, parameters)


def write_demo(
    folder: str | Path,
    shape: tuple[int, int] = (800, 1000),
    *,
    seed: int = 20260101,
    overwrite: bool = False,
) -> Scene:
    """Write demo exposures, their truth and a parameter file.

    Parameters
    ----------
    folder : path
        Created if need be.
    shape : (ny, nx)
        Frame.
    seed : int
        Everything random follows from it.
    overwrite : bool
        Replace the files of an earlier demo.

    Returns
    -------
    Scene
        What was written.

    Raises
    ------
    ProductExistsError
        A file is in the way.
    OutputError
        The folder cannot be written to.
    """
    folder = Path(folder)
    scene = demo_scene(shape, seed=seed)
    names = [f"exposure{i}.fits" for i in range(1, scene.n + 1)]
    if not overwrite:
        wanted = [folder / name for name in (*names, TRUTH_NAME, YAML_NAME)]
        refuse_existing([path for path in wanted if path.exists()])
    check_writable(folder)
    parameters = Parameters(
        images=tuple(names),
        gain=scene.gain,
        rnoise=scene.rnoise,
        bias=scene.bias,
        interactive=False,
        mm_seed=seed,
    )
    products = [
        Product(name, "exposure", partial(_write_exposure, scene, i))
        for i, name in enumerate(names)
    ]
    products.append(Product(TRUTH_NAME, "truth", partial(_write_truth, scene)))
    text = parameters.to_yaml()
    products.append(text_product(YAML_NAME, "parameters", text))
    write_products(products, folder)
    return scene


def _write_exposure(scene: Scene, i: int, path: Path) -> None:
    """Write unsigned 16-bit integers, as a camera writes them."""
    counts = np.clip(np.rint(scene.exposures[i]), 0, 65535).astype(np.uint16)
    hdu = fits.PrimaryHDU(counts)
    hdu.header["OBJECT"] = ("demo fibre spectrograph", "simulated")
    hdu.header["EXPTIME"] = (EXPOSURE_TIME, "[s]")
    hdu.header["GAIN"] = (scene.gain, "[electron/adu]")
    hdu.header["RDNOISE"] = (scene.rnoise, "[adu]")
    hdu.header["BIASLEV"] = (scene.bias, "[adu]")
    hdu.header["BUNIT"] = "adu"
    hdu.header["ORIGIN"] = f"crmasks_widgets {__version__}"
    hdu.writeto(path)


def _write_truth(scene: Scene, path: Path) -> None:
    scene_hdu = fits.ImageHDU(scene.mean_truth, name="SCENE")
    rays = fits.ImageHDU(scene.cosmic_rays, name="COSMICS")
    hot = fits.ImageHDU(scene.hot_pixels.astype(np.uint8), name="HOT")
    for hdu in (scene_hdu, rays):
        hdu.header["BUNIT"] = "adu"
    fits.HDUList([fits.PrimaryHDU(), scene_hdu, rays, hot]).writeto(path)


def score(analysis: Analysis, scene: Scene) -> Score:
    """Compare MEDIANCR with the truth.

    Parameters
    ----------
    analysis : Analysis
        Of the exposures of the scene.
    scene : Scene
        Knows what was hit.

    Returns
    -------
    Score
        Found and false.
    """
    truth, found = scene.double_hits, analysis.masks["MEDIANCR"]
    square = np.ones((3, 3), dtype=bool)
    groups, n_true = ndimage.label(truth, structure=square)
    hit_groups = np.unique(groups[found & truth])
    near_truth = ndimage.binary_dilation(truth, structure=square, iterations=NEAR)
    n_hits = int(analysis.labels.max(initial=0))
    good = np.unique(analysis.labels[near_truth & found])
    return Score(
        true_pixels=int(np.count_nonzero(truth)),
        found_pixels=int(np.count_nonzero(truth & found)),
        true_groups=int(n_true),
        found_groups=int(np.count_nonzero(hit_groups)),
        false_groups=n_hits - int(np.count_nonzero(good)),
    )
