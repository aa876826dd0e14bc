"""What matching does to the significance: scenes with truth, whose exposures differ.

For every scene of the folders (as `scenes.py` writes them), with match_exposures off and auto:

found    pixels hit above 5 sigma in so many exposures that the median shifts, that are in MEDIANCR
false    groups of MEDIANCR with no pixel within 2 pixels of one hit above 1 sigma in two exposures
single   groups of a CRMASK far from all above 0.5 sigma in its exposure, all exposures together
left     what the noise-free exposures differ by from their mean after what was taken away from each
         is taken from them: the highest of 1000 pixels, in sigma (before -> after)
s        time of the matching
"""

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from rich.console import Console
from rich.table import Table
from scipy import ndimage

import crmasks_widgets as cm

SQUARE = np.ones((3, 3), dtype=bool)
NEAR, STRONG, WEAK, TRACE = 2, 5.0, 1.0, 0.5
Mask = npt.NDArray[np.bool_]


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="holds scenes")
    parser.add_argument("--scene", action="append", metavar="NAME", help="only this one")
    return parser


def far_groups(mask: Mask, hit: Mask) -> int:
    """Groups of a mask that are not near a hit."""
    labels, number = ndimage.label(mask, SQUARE)
    near = ndimage.binary_dilation(hit, SQUARE, iterations=NEAR)
    return number - np.count_nonzero(np.unique(labels[near]))


def analyse(scene: Path, matching: str) -> cm.Analysis:
    given = yaml.safe_load((scene / "params.yaml").read_text(encoding="utf-8"))
    exposures = cm.read_exposures([scene / name for name in given["images"]], extnum=0)
    parameters = cm.Parameters(
        gain=given["gain"], rnoise=given["rnoise"], bias=given["bias"], flux_factor="auto",
        apply_flux_factor_to="original", crmethod="significance", match_exposures=matching,
    )  # fmt: skip
    return cm.Analysis(exposures, parameters)


def cells(analysis: cm.Analysis, truth: dict[str, npt.NDArray[np.floating]]) -> list[str]:
    """Found, false and single."""
    factors = np.array(analysis.alignment.flux_factors)[:, None, None]
    light, rays = truth["light"] / factors, truth["cr"] / factors
    sigma = analysis.calibration.noise.sigma(light.mean(axis=0))
    n = len(rays)
    double = (rays > STRONG * sigma).sum(axis=0) >= (2 if n <= 4 else n // 2)
    found = np.count_nonzero(analysis.mediancr & double)
    false = far_groups(analysis.mediancr, (rays > WEAK * sigma).sum(axis=0) >= 2)
    single = sum(
        far_groups(analysis.mask(k), ray > TRACE * sigma) for k, ray in enumerate(rays, start=1)
    )
    return [f"{found}/{np.count_nonzero(double)}", str(false), str(single)]


def left_over(analysis: cm.Analysis, light: npt.NDArray[np.floating]) -> float:
    """What noise-free exposures differ by, the highest of 1000 pixels, in sigma."""
    factors = np.array(analysis.alignment.flux_factors)[:, None, None]
    sigma = analysis.calibration.noise.sigma((light / factors).mean(axis=0))
    rest = light / factors - (analysis.result("scaled").cube - analysis.matching.cube)
    return float(np.quantile(np.abs(rest - rest.mean(axis=0)) / sigma, 0.999))


def main() -> None:
    arguments = build_parser().parse_args()
    table = Table(title="significance, exposures as they are -> matched")
    for name in ("scene", "found", "false", "single", "left", "s"):
        table.add_column(name, justify="left" if name == "scene" else "right")
    for scene in sorted(p.parent for f in arguments.folders for p in f.glob("*/truth.npz")):
        if arguments.scene and scene.name not in arguments.scene:
            continue
        with np.load(scene / "truth.npz") as file:
            truth = {name: file[name] for name in ("light", "cr")}
        plain, matched = analyse(scene, "off"), analyse(scene, "auto")
        matched.result("scaled")
        start = time.perf_counter()
        _ = matched.matching
        seconds = time.perf_counter() - start
        before, after = cells(plain, truth), cells(matched, truth)
        left = [left_over(analysis, truth["light"]) for analysis in (plain, matched)]
        table.add_row(
            scene.name,
            *(f"{a} -> {b}" for a, b in zip(before, after, strict=True)),
            f"{left[0]:.2f} -> {left[1]:.2f}", f"{seconds:.2f}",
        )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
