"""Demo exposures on disk: three kinds of scene with cosmic rays whose truth is known."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from astropy.io import fits
from scipy import ndimage

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.stack import MIN_EXPOSURES
from crmasks_widgets.demo_scenes import DEMO_SCENES, SEED
from crmasks_widgets.errors import CrmasksError, ParameterError, ProductExistsError
from crmasks_widgets.exposures import ExposureSet
from crmasks_widgets.files.reading import open_fits
from crmasks_widgets.files.writing import (
    Product,
    check_writable,
    refuse_existing,
    text_product,
    write_products,
)
from crmasks_widgets.machine import LIMIT_VARIABLE, Beyond, available_memory, memory_needed
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.types import method_for
from crmasks_widgets.regular_files import read_head
from crmasks_widgets.simulate import (
    THICK_CCD,
    THIN_CCD,
    Detector,
    Fibres,
    Hits,
    Scene,
    expose,
    fibre_spectrograph,
    long_slit_light,
    star_light,
)

YAML_NAME = "params.yaml"
TRUTH_NAME = "truth.fits"
DETECTOR = Detector(gain=1.7, rnoise=3.4, bias=1000.0)
_ORIGIN = "crmasks_widgets "
_YAML_HEAD = "# Written by crmasks demo, which replaces no file that begins otherwise."
SIZE = (800, 1000)
EXPOSURE_TIME = 1200.0
# Two coincidences for every 100 000 pixels, so that a small demo has some to find.
DOUBLE_HITS_PER_PIXEL = 2e-5
HOT_PIXELS = 20
# Frames that simulating takes beyond 8 an exposure; 24 for 3 exposures, 52 for 10 were measured.
_SIMULATED = 12.0
# A mask is allowed to miss the truth by this much before a group of it counts as false.
NEAR = 2


@dataclass(frozen=True)
class Score:
    """How masks compare with the truth of a simulated scene.

    Attributes
    ----------
    true_pixels, found_pixels : int
        Pixels hit by more than 3 sigma where the median fails (`Scene.double_hits`), and those in
        MEDIANCR.
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


def _fibres(shape: tuple[int, int], n: int, seed: int, doubles: int) -> Scene:
    return fibre_spectrograph(
        shape,
        n,
        seed=seed,
        detector=DETECTOR,
        hits=Hits(double=doubles),
        fibres=Fibres(dark=3, clear=20.0),
    )


def _long_slit(shape: tuple[int, int], n: int, seed: int, doubles: int) -> Scene:
    detector = replace(DETECTOR, saturation=65535.0, bad_columns=2)
    hits = replace(THICK_CCD, double=doubles)
    light = long_slit_light(shape, seed=seed)
    return expose(light, n, seed=seed, detector=detector, hits=hits, hot_pixels=HOT_PIXELS)


def _star_field(shape: tuple[int, int], n: int, seed: int, doubles: int) -> Scene:
    detector = replace(DETECTOR, saturation=15000.0, bad_columns=2)
    hits = replace(THIN_CCD, double=doubles)
    light = star_light(shape, seed=seed)
    return expose(light, n, seed=seed, detector=detector, hits=hits, hot_pixels=HOT_PIXELS)


@dataclass(frozen=True)
class SceneKind:
    """A kind of demo scene.

    Attributes
    ----------
    title : str
        What the header of an exposure calls it.
    make : callable
        Makes it from shape, number of exposures, seed and number of deliberate coincidences.
    """

    title: str
    make: Callable[[tuple[int, int], int, int, int], Scene]


SCENE_KINDS: Mapping[str, SceneKind] = MappingProxyType(
    {
        "fibres": SceneKind(DEMO_SCENES["fibres"], _fibres),
        "longslit": SceneKind(DEMO_SCENES["longslit"], _long_slit),
        "stars": SceneKind(DEMO_SCENES["stars"], _star_field),
    }
)


def demo_scene(
    shape: tuple[int, int] = SIZE,
    *,
    seed: int = SEED,
    kind: str = "fibres",
    n_exposures: int = 3,
) -> Scene:
    """Simulate the demo exposures, 1200 s each.

    Parameters
    ----------
    shape : (ny, nx)
        Frame.
    seed : int
        Everything random follows from it.
    kind : {"fibres", "longslit", "stars"}
        A MEGARA-like fibre spectrograph; a long slit on a thick CCD, whose hits are many and long;
        a star field on a thin one. The last two have two bad columns, and can saturate.
    n_exposures : int
        At least 2.

    Returns
    -------
    Scene
        Exposures in ADU and their truth.

    Raises
    ------
    ParameterError
        If a value is not usable.
    """
    if kind not in SCENE_KINDS:
        raise ParameterError(f"kind: found {kind!r}, expected one of {', '.join(SCENE_KINDS)}")
    if n_exposures < MIN_EXPOSURES:
        msg = f"n_exposures: found {n_exposures}, expected at least {MIN_EXPOSURES}"
        raise ParameterError(msg)
    _check_memory(shape, n_exposures)
    doubles = max(5, round(DOUBLE_HITS_PER_PIXEL * shape[0] * shape[1]))
    return SCENE_KINDS[kind].make(shape, n_exposures, seed, doubles)


def _check_memory(shape: tuple[int, int], n_exposures: int) -> None:
    needed = memory_needed(n_exposures, shape, Beyond(_SIMULATED))
    free = available_memory()
    if needed > free:
        msg = (
            f"size: found {shape[1]} x {shape[0]} pixels: {n_exposures} such exposures need "
            f"{math.ceil(needed)} MiB of memory, expected at most {math.floor(free)} MiB "
            f"(what is free, or {LIMIT_VARIABLE})"
        )
        raise ParameterError(msg)


def demo_analysis(
    shape: tuple[int, int] = SIZE, *, seed: int = SEED, kind: str = "fibres"
) -> Analysis:
    """Make the analysis of demo exposures, in memory.

    Parameters
    ----------
    shape : (ny, nx)
        Frame.
    seed : int
        Everything random follows from it.
    kind : {"fibres", "longslit", "stars"}
        As in `demo_scene`.

    Returns
    -------
    Analysis
        With default parameters; nothing is computed yet.

    Raises
    ------
    ParameterError
        If a value is not usable.
    """
    scene = demo_scene(shape, seed=seed, kind=kind)
    header = _header(scene, SCENE_KINDS[kind].title)
    exposures = ExposureSet.from_arrays(list(scene.exposures), headers=[header] * scene.n)
    parameters = Parameters(gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=seed)
    return Analysis(exposures, parameters)


def write_demo(
    folder: str | Path,
    shape: tuple[int, int] = SIZE,
    *,
    seed: int = SEED,
    kind: str = "fibres",
    n_exposures: int = 3,
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
    kind, n_exposures
        As in `demo_scene`.
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
    ParameterError
        A value is not usable.
    """
    folder = Path(folder)
    scene = demo_scene(shape, seed=seed, kind=kind, n_exposures=n_exposures)
    names = [f"exposure{i}.fits" for i in range(1, scene.n + 1)]
    wanted = [folder / name for name in (*names, TRUTH_NAME, YAML_NAME)]
    existing = [path for path in wanted if os.path.lexists(path)]
    if not overwrite:
        refuse_existing(existing)
    _refuse_foreign(existing)
    check_writable(folder)
    parameters = Parameters(
        images=tuple(names),
        gain=scene.gain,
        rnoise=scene.rnoise,
        bias=scene.bias,
        interactive=False,
        mm_seed=seed,
    )
    if needed := method_for(scene.n):
        parameters = parameters.replace(crmethod=needed)
    products = [
        Product(name, "exposure", partial(_write_exposure, scene, i, SCENE_KINDS[kind].title))
        for i, name in enumerate(names)
    ]
    products.append(Product(TRUTH_NAME, "truth", partial(_write_truth, scene)))
    text = f"{_YAML_HEAD}\n{parameters.to_yaml()}"
    products.append(text_product(YAML_NAME, "parameters", text))
    write_products(products, folder, replace=overwrite)
    return scene


def _refuse_foreign(existing: Sequence[Path]) -> None:
    """Refuse to replace what no demo has written: the names are those of anybody's exposures."""
    for path in existing:
        if not _is_of_a_demo(path):
            msg = f"{path}: found a file that crmasks demo did not write, expected another folder"
            raise ProductExistsError(msg)


def _is_of_a_demo(path: Path) -> bool:
    try:
        if path.suffix == ".yaml":
            head = _YAML_HEAD.encode()
            return read_head(path, len(head)) == head
        with open_fits(path) as (hdus, _):
            header = hdus[0].header
            return str(header.get("ORIGIN")).startswith(_ORIGIN) and "demo" in str(
                header.get("OBJECT")
            )
    except (OSError, CrmasksError):
        return False


def _write_exposure(scene: Scene, i: int, title: str, path: Path) -> None:
    """Write unsigned 16-bit integers, as a camera writes them."""
    counts = np.clip(np.rint(scene.exposures[i]), 0, 65535).astype(np.uint16)
    hdu = fits.PrimaryHDU(counts)
    hdu.header.update(_header(scene, title))
    hdu.writeto(path)


def _header(scene: Scene, title: str) -> fits.Header:
    """What a camera says about an exposure."""
    header = fits.Header()
    header["OBJECT"] = (title, "simulated")
    header["EXPTIME"] = (EXPOSURE_TIME, "[s]")
    header["GAIN"] = (scene.gain, "[electron/adu]")
    header["RDNOISE"] = (scene.rnoise, "[adu]")
    header["BIASLEV"] = (scene.bias, "[adu]")
    if scene.detector.saturation is not None:
        header["SATURATE"] = (scene.detector.saturation, "[adu] with the bias")
    header["BUNIT"] = "adu"
    header["ORIGIN"] = f"{_ORIGIN}{__version__}"
    return header


def _write_truth(scene: Scene, path: Path) -> None:
    scene_hdu = fits.ImageHDU(scene.mean_truth, name="SCENE")
    rays = fits.ImageHDU(scene.cosmic_rays, name="COSMICS")
    hot = fits.ImageHDU(scene.hot_pixels.astype(np.uint8), name="HOT")
    columns = fits.ImageHDU(scene.bad_columns.astype(np.uint8), name="COLUMNS")
    for hdu in (scene_hdu, rays):
        hdu.header["BUNIT"] = "adu"
    primary = fits.PrimaryHDU()
    primary.header["OBJECT"] = ("demo truth", "simulated")
    primary.header["ORIGIN"] = f"{_ORIGIN}{__version__}"
    fits.HDUList([primary, scene_hdu, rays, hot, columns]).writeto(path)


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
    n_hits = analysis.n_hits
    good = np.unique(analysis.labels[near_truth & found])
    return Score(
        true_pixels=int(np.count_nonzero(truth)),
        found_pixels=int(np.count_nonzero(truth & found)),
        true_groups=int(n_true),
        found_groups=int(np.count_nonzero(hit_groups)),
        false_groups=n_hits - int(np.count_nonzero(good)),
    )
