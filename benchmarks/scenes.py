"""Small scenes with truth, made as real exposures differ: displaced, blurred, under another sky.

Every exposure is drawn from a light of its own, at its own place, with its own image quality, flux
and sky; nothing is resampled. What belongs to the detector (hot pixels, bad columns) stays where it
is. The same recipe can be exposed without cosmic rays, which is what tests of conservation need.

A scene is a folder with exposureK.fits.gz, params.yaml and truth.npz:

light    (n, ny, nx) float32, what each exposure would show without noise and hits, ADU above bias
cr       (n, ny, nx) float32, what cosmic rays left, ADU
flux     (n,) light of each exposure over that of the scene; it multiplies dark current too
offsets  (n, 2) dx, dy of each exposure in pixels; seeing (n,) its ratio; sky, lines (n,) factors
sources  (m, 2) x, y of stars and knots where the displacement is (0, 0), brightest first
"""

import argparse
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from astropy.io import fits
from scene_lights import (
    SIDE,
    DarkLight,
    Draw,
    EchelleLight,
    FibreLight,
    Frame,
    GalaxyLight,
    Places,
    SlitLight,
    StarLight,
    View,
)

from crmasks_widgets.simulate import THICK_CCD, Hits, cosmic_ray_images


@dataclass(frozen=True)
class Camera:
    """Gain in electrons per ADU, readout noise and bias in ADU, and defects of the sensor."""

    gain: float = 1.0
    rnoise: float = 3.4
    bias: float = 0.0
    hot: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Recipe:
    """One scene: what is drawn, how each exposure sees it, with which camera and how many hits.

    `rate` is in hits per exposure and million pixels; 400 of them touch about 1 % of all pixels.
    `flux_factor` is what the parameter file says: auto, none, or list (the true factors).
    """

    name: str
    draw: Draw
    views: tuple[View, ...]
    camera: Camera = Camera()
    rate: float = 800.0
    hits: Hits = THICK_CCD
    flux_factor: str = "auto"


def defects(rng: np.random.Generator, camera: Camera) -> tuple[Frame, Frame]:
    """Return what the sensor adds (ADU) and the share of light that it passes, both (ny, nx)."""
    added, passed = np.zeros((SIDE, SIDE)), np.ones((SIDE, SIDE))
    rows, columns = rng.integers(0, SIDE, (2, camera.hot))
    added[rows, columns] = 30 * np.exp(rng.uniform(0, 5.3, camera.hot))
    for number in range(camera.columns):
        column, start = rng.integers(0, SIDE), rng.integers(0, SIDE * 2 // 3)
        if number % 2:
            added[start:, column] += np.exp(rng.uniform(3, 6))
        else:
            passed[start:, column] = rng.uniform(0.05, 0.6)
    return added, passed


def stream(name: str, *purpose: int) -> np.random.Generator:
    """Return random numbers that depend on the scene's name and what they are for."""
    return np.random.default_rng([zlib.crc32(name.encode()), *purpose])


@dataclass(frozen=True, eq=False)
class Made:
    """A scene: exposures as read, light and hits in ADU above bias (n, ny, nx), places (m, 2)."""

    exposures: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]
    cosmic_rays: npt.NDArray[np.float32]
    sources: Places


def make(recipe: Recipe, *, with_hits: bool = True) -> Made:
    """Draw and expose a scene; without hits, everything else is the same, noise included."""
    camera, n = recipe.camera, len(recipe.views)
    added, passed = defects(stream(recipe.name, 1), camera)
    drawn = [recipe.draw(stream(recipe.name, 0), view) for view in recipe.views]
    fluxes = np.array([view.flux for view in recipe.views])[:, None, None]
    light = fluxes * (np.stack([frame for frame, _ in drawn]) * passed + added)
    rays = np.zeros(light.shape, np.float32)
    if with_hits:
        hits = replace(recipe.hits, rate=recipe.rate, double=max(4, round(recipe.rate / 100)))
        seed = int(stream(recipe.name, 2).integers(2**31))
        rays = cosmic_ray_images((SIDE, SIDE), n, hits, seed=seed) / np.float32(camera.gain)
    noise = stream(recipe.name, 3)
    exposures = noise.poisson(light * camera.gain) / camera.gain
    exposures += noise.normal(camera.bias, camera.rnoise, light.shape)
    exposures += rays
    return Made(exposures.astype(np.float32), light.astype(np.float32), rays, drawn[0][1])


def parameters(recipe: Recipe) -> dict[str, object]:
    """Return the content of params.yaml."""
    camera, n = recipe.camera, len(recipe.views)
    listed = [float(view.flux) for view in recipe.views]
    requirements = {
        "flux_factor": listed if recipe.flux_factor == "list" else recipe.flux_factor,
        "apply_flux_factor_to": "original",
        "dilation": 1,
        "mm_seed": 1234,
        "mm_nsimulations": 5,
        "crmethod": "mm_lacosmic",
    }
    return {
        "images": [f"exposure{k + 1}.fits.gz" for k in range(n)],
        "extnum": 0,
        "gain": camera.gain,
        "rnoise": camera.rnoise,
        "bias": camera.bias,
        "requirements": requirements,
    }


def write(recipe: Recipe, folder: Path, *, with_hits: bool = True) -> None:
    """Write a scene into a folder of its name."""
    made, place = make(recipe, with_hits=with_hits), folder / recipe.name
    place.mkdir(parents=True, exist_ok=True)
    for k, exposure in enumerate(made.exposures):
        buffer = io.BytesIO()
        fits.PrimaryHDU(exposure).writeto(buffer)
        packed = gzip.compress(buffer.getvalue(), mtime=0)
        (place / f"exposure{k + 1}.fits.gz").write_bytes(packed)
    text = yaml.safe_dump(parameters(recipe), sort_keys=False)
    (place / "params.yaml").write_text(text, encoding="utf-8")
    views = recipe.views
    np.savez_compressed(
        place / "truth.npz",
        light=made.light,
        cr=made.cosmic_rays,
        flux=np.array([view.flux for view in views]),
        offsets=np.array([(view.dx, view.dy) for view in views]),
        seeing=np.array([view.seeing for view in views]),
        sky=np.array([view.sky for view in views]),
        lines=np.array([view.lines for view in views]),
        sources=made.sources,
    )


def same(n: int = 3) -> tuple[View, ...]:
    """Return exposures that do not differ."""
    return (View(),) * n


def views(
    offsets: Sequence[tuple[float, float]] | None = None,
    *,
    seeing: Sequence[float] | None = None,
    flux: Sequence[float] | None = None,
    sky: Sequence[float] | None = None,
    lines: Sequence[float] | None = None,
) -> tuple[View, ...]:
    """Return exposures that differ in what is given; all lists are of one length."""
    n = next(len(given) for given in (offsets, seeing, flux, sky, lines) if given)
    ones = (1.0,) * n
    columns = (offsets or ((0.0, 0.0),) * n, *(g or ones for g in (seeing, flux, sky, lines)))
    return tuple(View(*place, *rest) for place, *rest in zip(*columns, strict=True))


THIN = replace(THICK_CCD, thickness=2.0, diffusion=0.25, charge=900.0, electron_length=6.0)
POINTS = replace(THICK_CCD, muons=0.3, electrons=0.2, spots=0.5, thickness=1.5, diffusion=0.2)

RECIPES = (
    Recipe(
        "fibres_pitch5", FibreLight(pitch=5, fwhm=2.4, knots=30), same(3), Camera(gain=1.5),
        rate=300,
    ),
    Recipe(
        "fibres_pitch10_moved", FibreLight(pitch=10, fwhm=4.0, bow=4.0),
        views([(0, 0), (0.25, -0.2), (-0.15, 0.3)]), Camera(gain=2.0, rnoise=2.5, bias=300.0),
    ),
    Recipe(
        "stars_crowded_moved", StarLight(number=700, fwhm=2.2, brightest=1e5),
        views([(0, 0), (0.1, 0.05), (-0.1, 0.1)]), Camera(gain=1.7),
    ),
    Recipe(
        "slit_lines_drift", SlitLight(),
        views(flux=[1, 0.7, 1.3], sky=[1, 1.15, 0.9], lines=[1, 1.2, 0.85]),
        Camera(gain=1.2, rnoise=4.0, bias=1000.0, hot=40, columns=3), flux_factor="list",
    ),
    Recipe(
        "fibres_pitch4_seven", FibreLight(pitch=4, fwhm=1.9, lines=20, knots=40), same(7),
        Camera(gain=0.5, rnoise=8.0, bias=1500.0), rate=1500,
    ),
    Recipe(
        "fibres_pitch12_four", FibreLight(pitch=12, fwhm=3.5, knots=15, knot_flux=8000),
        views([(0, 0), (0.1, 0.1), (0.05, -0.1), (-0.1, 0.05)], flux=[1, 0.95, 1.05, 0.9]),
        Camera(gain=1.0, rnoise=3.0, bias=200.0, hot=60), hits=THIN, rate=2500,
    ),
    Recipe(
        "echelle", EchelleLight(), same(3), Camera(gain=1.3, rnoise=2.8, bias=100.0, columns=2),
        rate=400,
    ),
    Recipe(
        "echelle_moved", EchelleLight(distance=16, width=6, fwhm=2.2, curve=14, lines=14),
        views([(0, 0), (0.15, 0.3), (0.1, -0.2)], seeing=[1, 1.06, 1.12], flux=[1, 0.9, 0.8]),
        Camera(gain=0.9, rnoise=3.4, bias=400.0),
    ),
    Recipe(
        "echelle_arc", EchelleLight(source=0.0, sky=2.0, lines=25, line_flux=600),
        views([(0, 0), (0.05, 0.0), (0.1, 0.02), (0.16, 0.05), (0.2, 0.05)]),
        Camera(gain=2.5, rnoise=2.0), rate=1500,
    ),
    Recipe(
        "stars_sharp15", StarLight(number=150, fwhm=1.5, brightest=1.5e5), same(4),
        Camera(gain=1.0, rnoise=5.0, bias=500.0, hot=50), hits=POINTS,
    ),
    Recipe(
        "stars_half_pixel", StarLight(number=80, fwhm=2.8, faintest=3000.0, brightest=4e5),
        views([(0, 0), (0.5, -0.3), (-0.4, 0.5)]), Camera(gain=1.0, rnoise=4.0),
    ),
    Recipe(
        "stars_seeing_five", StarLight(number=120, fwhm=3.2, brightest=3e5, sky=250.0),
        views([(0, 0), (0.1, 0), (0, 0.2), (-0.2, 0.1), (0.15, 0.15)],
              seeing=[1, 1.05, 1.12, 1.18, 1.25], sky=[1, 1.1, 1.2, 1.3, 1.45]),
        Camera(gain=4.0, rnoise=2.0, bias=2000.0), rate=2500, flux_factor="none",
    ),
    Recipe(
        "stars_sparse_faint", StarLight(number=12, fwhm=4.0, brightest=4e4, sky=12.0),
        views([(0, 0), (0.3, 0.1), (-0.2, 0.2)], seeing=[1, 1.1, 1.0]),
        Camera(gain=1.0, rnoise=10.0, bias=50.0), rate=300,
    ),
    Recipe(
        "slit_moved_crowd", SlitLight(tilt=-8.0, fwhm=3.0, lines=22, source=3000.0),
        views([(0, 0), (0.05, 0.25), (-0.05, -0.25)], seeing=[1, 1.15, 1.05]),
        Camera(gain=1.0, rnoise=3.4, bias=0.0, hot=80, columns=4), rate=2000,
    ),
    Recipe(
        "galaxies", GalaxyLight(),
        views([(0, 0), (0.2, 0.1), (-0.1, 0.3)], seeing=[1, 1.1, 1.2], sky=[1, 1.05, 1.1]),
        Camera(gain=1.5, rnoise=4.0, bias=800.0, hot=30), flux_factor="none",
    ),
    Recipe(
        "dark", DarkLight(), same(5), Camera(gain=1.0, rnoise=3.0, bias=250.0, hot=150, columns=3),
        flux_factor="none", rate=1200,
    ),
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the folders of the scenes are written")
    parser.add_argument("names", nargs="*", help="only these scenes (default: all)")
    parser.add_argument("--no-hits", action="store_true", help="without any cosmic ray")
    return parser


def main() -> None:
    arguments = build_parser().parse_args()
    for recipe in RECIPES:
        if not arguments.names or recipe.name in arguments.names:
            write(recipe, arguments.folder, with_hits=not arguments.no_hits)
            print(recipe.name, flush=True)


if __name__ == "__main__":
    main()
