"""Real scene, real tracks, exact truth: hits found, false groups, and errors of the combinations.

For every set of exposures (x1: the natural rate of hits, x5: five times as many), and every method:
double hits found, false groups, and how far the combinations are from the true scene, beside the
plain median, the plain mean and, if asked, numina-crmasks 0.36.0.

The exposures differ in brightness by factors that are known (FLUXFAC in their headers). All runs
divide the exposures by them (apply_flux_factor_to: original), which is what an observer does who
wants the scene back; mm_lacosmic is also run with "simulated", the default, where the factors only
enter the simulations. In either case the combinations are made of exposures divided by their
factors, here and in the reference; so are the plain median and mean. (With "simulated" the
reference divides its simulations by the factors instead of multiplying them.)

Sigma is the noise of a single exposure, sqrt(scene / gain + rnoise^2). A pixel is a double hit if
cosmic rays left more than 3 sigma in it in two or more exposures. It is found if it is in MEDIANCR.
A false group is an 8-connected group of MEDIANCR with no pixel within 2 pixels of a double hit.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import _reference
import numpy as np
import numpy.typing as npt
from astropy.io import fits
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.exposures import ExposureSet, read_exposures
from crmasks_widgets.parameters import Parameters

DATA = Path(os.environ.get("CRMASKS_TEST_DATA", "../shared/data"))
SETS = ("x1", "x5")
N = 3
GAIN, RNOISE = 1.0, 4.4
SEED = 1234
RUNS = (
    ("lacosmic", "original"), ("mmcosmic", "original"), ("mm_lacosmic", "original"),
    ("mm_lacosmic", "simulated"),
)  # fmt: skip
NEAR, BAD = 2, 5.0
SQUARE = np.ones((3, 3), dtype=bool)
WIDTH = 130
Frame = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What is known of a set: scene (ny, nx) and deposits (n, ny, nx) in electrons, factors."""

    scene: Frame
    deposits: Frame
    factors: tuple[float, ...]

    @property
    def sigma(self) -> Frame:
        """Noise of one exposure, (ny, nx)."""
        return np.sqrt(np.maximum(self.scene, 0) / GAIN + RNOISE**2)

    def hits(self, least: float) -> npt.NDArray[np.int64]:
        """Number of exposures in which each pixel is hit by more than `least` sigma."""
        return np.count_nonzero(self.deposits > least * self.sigma, axis=0)


def parser_with_data(description: str) -> argparse.ArgumentParser:
    """Parser of a benchmark that needs the semireal sets: where they are."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR",
        help="folder that holds semireal (default: $CRMASKS_TEST_DATA or ../shared/data)",
    )  # fmt: skip
    return parser


def build_parser() -> argparse.ArgumentParser:
    parser = parser_with_data(__doc__.splitlines()[0])
    parser.add_argument(
        "--reference-env",
        type=Path,
        metavar="DIR",
        help="run numina-crmasks 0.36.0 as well, from this virtual environment, made if absent",
    )
    return parser


def exposure_paths(folder: Path, name: str) -> list[Path]:
    return [folder / f"semireal_{name}_{i}.fits.gz" for i in range(1, N + 1)]


def read_truth(folder: Path, name: str) -> Truth:
    """Read what is known of a set."""
    deposits = [
        fits.getdata(folder / f"semireal_{name}_{i}_truth_cr.fits.gz") for i in range(1, N + 1)
    ]
    scene = fits.getdata(folder / f"semireal_{name}_truth_scene.fits.gz")
    factors = [float(fits.getval(path, "FLUXFAC")) for path in exposure_paths(folder, name)]
    return Truth(scene.astype(float), np.array(deposits, dtype=float), tuple(factors))


def parameters_for(truth: Truth, method: str, apply_to: str) -> Parameters:
    """Parameters of a run: the defaults, and what is known of detector and exposures."""
    return Parameters(
        gain=GAIN, rnoise=RNOISE, bias=0.0, crmethod=method, flux_factor=truth.factors,
        apply_flux_factor_to=apply_to, interactive=False, maxplots=0, mm_seed=SEED,
    )  # fmt: skip


def run_ours(exposures: ExposureSet, parameters: Parameters) -> tuple[Mask, dict[str, Frame]]:
    """MEDIANCR and the combinations, from this package."""
    analysis = Analysis(exposures, parameters)
    return analysis.masks["MEDIANCR"], {k: analysis.combination(k).data for k in KINDS}


def run_reference(
    paths: Sequence[Path], parameters: Parameters, env: Path
) -> tuple[Mask, dict[str, Frame]]:
    """MEDIANCR and the combinations, from the files that numina-crmasks writes."""
    images = tuple(str(path.resolve()) for path in paths)
    with tempfile.TemporaryDirectory(prefix="crmasks-semireal-") as name:
        path = Path(name, "params.yaml")
        path.write_text(parameters.replace(images=images).to_yaml())
        subprocess.run(
            _reference.command(env, path, figures=False),
            cwd=name, check=True, capture_output=True, env=_reference.environment(),
        )  # fmt: skip
        mask = fits.getdata(Path(name, "crmasks.fits"), "MEDIANCR") != 0
        return mask, {k: fits.getdata(Path(name, f"combined_{k}.fits")) for k in KINDS}


def detection_cells(mask: Mask, truth: Truth) -> list[str]:
    """Double hits found above 3 and above 5 sigma, groups, false groups."""
    double, strong = truth.hits(3) >= 2, truth.hits(BAD) >= 2
    labels, n_groups = ndimage.label(mask, structure=SQUARE)
    near = ndimage.binary_dilation(double, structure=SQUARE, iterations=NEAR)
    n_true = np.count_nonzero(np.unique(labels[near]))
    return [
        *(f"{np.count_nonzero(mask & hit)}/{np.count_nonzero(hit)}" for hit in (double, strong)),
        str(n_groups), str(n_groups - n_true), str(np.count_nonzero(mask)),
    ]  # fmt: skip


def error_cells(frame: Frame, truth: Truth) -> list[str]:
    """Rms error in sigma where no, one and more exposures are hit; pixels beyond 5 sigma."""
    error = (frame - truth.scene) / truth.sigma
    hits = truth.hits(3)
    where = (hits == 0, hits == 1, hits >= 2)
    rms = [f"{np.sqrt(np.mean(np.square(error[pixels]))):.3f}" for pixels in where]
    return rms + [str(np.count_nonzero(np.abs(error[pixels]) > BAD)) for pixels in where]


def results(
    folder: Path, name: str, truth: Truth, env: Path | None
) -> Iterator[tuple[str, Mask, Mapping[str, Frame]]]:
    """Name, MEDIANCR and combinations of every run on a set."""
    paths = exposure_paths(folder, name)
    exposures = read_exposures(paths)
    for method, apply_to in RUNS:
        parameters = parameters_for(truth, method, apply_to)
        yield f"{method}, {apply_to}", *run_ours(exposures, parameters)
        if env is not None:
            yield f"numina {method}, {apply_to}", *run_reference(paths, parameters, env)


def detection_table(name: str) -> Table:
    """Table for rows of `detection_cells`."""
    table = Table(title=f"semireal {name}: double hits in MEDIANCR")
    table.add_column("run, flux factors on")
    for heading in ("found > 3 sigma", "found > 5 sigma", "groups", "false groups", "pixels"):
        table.add_column(heading, justify="right")
    return table


def error_table(name: str) -> Table:
    """Table for rows of `error_cells`."""
    table = Table(title=f"semireal {name}: error against the true scene, in sigma of one exposure")
    table.add_column("run, flux factors on")
    table.add_column("combination")
    for heading in ("rms no hit", "rms 1 hit", "rms 2+ hits", ">5: no hit", "1 hit", "2+ hits"):
        table.add_column(heading, justify="right")
    return table


def print_set(folder: Path, name: str, env: Path | None, console: Console) -> None:
    """Print the tables of a set."""
    truth = read_truth(folder, name)
    counts = [int(np.count_nonzero(truth.hits(3) >= k)) for k in (1, 2, 3)]
    console.print(
        f"\nsemireal {name}: pixels hit above 3 sigma in at least 1, 2, 3 exposures: "
        f"{counts[0]}, {counts[1]}, {counts[2]}; flux factors {truth.factors}"
    )
    found, errors = detection_table(name), error_table(name)
    cube = read_exposures(exposure_paths(folder, name)).data / np.reshape(truth.factors, (-1, 1, 1))
    for label, frame in (("median", np.median(cube, axis=0)), ("mean", np.mean(cube, axis=0))):
        errors.add_row("plain", label, *error_cells(frame, truth))
    for label, mask, combinations in results(folder, name, truth, env):
        found.add_row(label, *detection_cells(mask, truth))
        errors.add_section()
        for kind, frame in combinations.items():
            errors.add_row(label, kind, *error_cells(frame, truth))
    console.print(found)
    console.print(errors)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    folder = arguments.data / "semireal"
    if not folder.is_dir():
        console.print(f"{folder}: not found; this benchmark needs the semireal sets (--data DIR)")
        return 2
    if arguments.reference_env is not None:
        _reference.ensure_environment(arguments.reference_env)
    for name in SETS:
        print_set(folder, name, arguments.reference_env, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
