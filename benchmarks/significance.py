"""Local significance beside mm_lacosmic: hits found, false groups, errors, recall, false alarms.

Everything is printed that the method has to show: on the semireal sets (real scene, real tracks,
exact truth) what is found and how far the combinations are from the truth; the recall of single
hits against their peak; every residual error beyond 5 sigma; on frames without hits, the false
alarms; on the demo scenes, with hot pixels and bad columns, for 3 to 5 exposures, what is found; on
KAST red, where nobody knows the truth, the list of all groups, and a contact sheet to be looked at
(--sheet). Definitions are those of `semireal.py`; more in docs/significance.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import semireal
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.demo import demo_scene

# The boundary that was tuned by hand for KAST red; it suits the semireal sets, made of it, as well.
BY_HAND = ((-10.0, 32.0), (100.0, 60.0), (1000.0, 170.0), (5000.0, 420.0))
RUNS = {
    "mm_lacosmic, defaults": {"crmethod": "mm_lacosmic"},
    "mm_lacosmic, by hand": {
        "crmethod": "mm_lacosmic", "mm_boundary_fit": "piecewise",
        "mm_fixed_points_in_boundary": BY_HAND,
    },
    "significance": {"crmethod": "significance"},
    "significance_lacosmic": {"crmethod": "significance_lacosmic"},
}  # fmt: skip
ASKED = (1.0, 10.0)
PEAKS = (3, 5, 8, 12, 16, 20, 25, np.inf)
CUTOUT = 12
Mask = npt.NDArray[np.bool_]


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=semireal.DATA, metavar="DIR",
        help="folder that holds semireal and kast_red_2018gdg",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, default=50, help="frames of each null test")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png",
        help="write cutouts of all groups on KAST red there, and what mm_lacosmic alone flags "
        "to FILE_mm_only.png",
    )  # fmt: skip
    return parser


def parameters(truth: semireal.Truth, changes: dict[str, object]) -> cm.Parameters:
    base = semireal.parameters_for(truth, "mm_lacosmic", "original")
    return base.replace(**changes)


def print_semireal(folder: Path, name: str, console: Console) -> None:
    """Found, false groups, errors and recall on one set."""
    truth = semireal.read_truth(folder, name)
    exposures = cm.read_exposures(semireal.exposure_paths(folder, name))
    found, errors = semireal.detection_table(name), semireal.error_table(name)
    recall = Table(title=f"semireal {name}: single hits in CRMASKi, dilation 0, by peak in sigma")
    recall.add_column("run")
    for low, high in pairwise(PEAKS):
        recall.add_column(f"{low}-{high}" if np.isfinite(high) else f"> {low}", justify="right")
    for label, changes in RUNS.items():
        analysis = Analysis(exposures, parameters(truth, changes))
        found.add_row(label, *semireal.detection_cells(analysis.mediancr, truth))
        errors.add_section()
        for kind in KINDS:
            frame = analysis.combination(kind).data
            errors.add_row(label, kind, *semireal.error_cells(frame, truth))
        recall.add_row(label, *recall_cells(analysis.replace(dilation=0), truth))
        if changes["crmethod"] == "significance":
            significant = analysis
    for table in (found, errors, recall):
        console.print(table)
    print_residuals(significant, truth, console)


def recall_cells(analysis: Analysis, truth: semireal.Truth) -> Iterator[str]:
    peaks, single = truth.deposits / truth.sigma, truth.hits(3) == 1
    masks = np.array([analysis.mask(i) for i in range(1, semireal.N + 1)])
    for low, high in pairwise(PEAKS):
        hit = single & (peaks >= low) & (peaks < high)
        yield f"{100 * np.count_nonzero(masks & hit) / np.count_nonzero(hit):.1f} %"


def print_residuals(analysis: Analysis, truth: semireal.Truth, console: Console) -> None:
    """Explain every pixel of a combination that is more than 5 sigma from the truth."""
    table = Table(title="significance: residual errors beyond 5 sigma")
    for heading in ("combination", "x", "y", "error", "predicted", "true hits, sigma", "in", "why"):
        table.add_column(heading)
    for kind in KINDS:
        made = analysis.combination(kind)
        error = (made.data - truth.scene) / truth.sigma
        for y, x in np.argwhere(np.abs(error) > semireal.BAD):
            hits = ", ".join(f"{v:.1f}" for v in (truth.deposits / truth.sigma[None])[:, y, x])
            masked = [name for name, mask in analysis.masks.items() if mask[y, x]]
            predicted = np.sqrt(made.variance[y, x]) / truth.sigma[y, x]
            table.add_row(
                kind, str(x + 1), str(y + 1), f"{error[y, x]:.1f}", f"{predicted:.2f}", hits,
                " ".join(masked) or "no mask", explain(truth, analysis, y, x),
            )  # fmt: skip
    console.print(table)


@dataclass(frozen=True)
class Null:
    """Frames without hits: scene (by seed), flux factors, gain, readout noise in ADU."""

    scene: Callable[[int], npt.NDArray[np.floating]]
    factors: tuple[float, ...]
    gain: float
    rnoise: float

    def exposures(self, seed: int) -> cm.ExposureSet:
        """Exposures of a seed."""
        rng, scene = np.random.default_rng(1000 + seed), np.maximum(self.scene(seed), 0)
        counts = [rng.poisson(scene * f * self.gain) / self.gain for f in self.factors]
        frames = [frame + rng.normal(0, self.rnoise, scene.shape) for frame in counts]
        return cm.ExposureSet.from_arrays(frames)

    def parameters(self) -> cm.Parameters:
        """Parameters that fit them."""
        return cm.Parameters(
            crmethod="significance", gain=self.gain, rnoise=self.rnoise, mm_seed=semireal.SEED,
            flux_factor=self.factors, apply_flux_factor_to="original",
        )  # fmt: skip


def flat(level: float) -> Callable[[int], npt.NDArray[np.floating]]:
    return lambda _: np.full((500, 500), level)


def demo(kind: str) -> Callable[[int], npt.NDArray[np.floating]]:
    return lambda seed: demo_scene((400, 500), kind=kind, seed=seed).truth[0]


def null_kinds(folder: Path) -> dict[str, Null]:
    truth = semireal.read_truth(folder, "x1")
    unequal = (1.0, 0.9, 1.1, 1.05, 0.95)
    return {
        "dark, N=3, gain 1": Null(flat(0.0), (1.0,) * 3, 1.0, 4.0),
        "flat 50, N=3, gain 1.7": Null(flat(50.0), (1.0,) * 3, 1.7, 3.4),
        "flat 3, N=4, gain 2, 1 e-": Null(flat(3.0), (1.0,) * 4, 2.0, 0.5),
        "flat 30, N=5, gain 0.6": Null(flat(30.0), (1.0,) * 5, 0.6, 5.0),
        "fibres, N=3, gain 1.7": Null(demo("fibres"), (1.0,) * 3, 1.7, 3.4),
        "fibres, N=5, unequal flux": Null(demo("fibres"), unequal, 1.7, 3.4),
        "long slit, N=4, gain 1.2": Null(demo("longslit"), (1.0,) * 4, 1.2, 3.0),
        "stars, N=3, gain 0.8": Null(demo("stars"), (1.0,) * 3, 0.8, 4.0),
        "scene of semireal": Null(
            lambda _: truth.scene, truth.factors, semireal.GAIN, semireal.RNOISE
        ),
    }


def print_null_tests(folder: Path, seeds: int, console: Console) -> None:
    """Groups before growth where there are no hits."""
    table = Table(title=f"false alarms a frame, {seeds} frames each (standard error)")
    headings = [
        f"{target}, {m:g} asked" for m in ASKED for target in ("median", "mean", "exposure")
    ]
    for heading in ("frames", *headings):
        table.add_column(heading, justify="right")
    for name, kind in null_kinds(folder).items():
        counts: dict[str, list[int]] = {heading: [] for heading in headings}
        for seed in range(seeds):
            made = Analysis(kind.exposures(seed), kind.parameters())
            for m, target in product(ASKED, made.targets):
                began = made.replace(sg_false_alarms=m).result("significant", target).seeds
                label = target if isinstance(target, str) else "exposure"
                n_groups = ndimage.label(began, structure=semireal.SQUARE)[1]
                counts[f"{label}, {m:g} asked"].append(n_groups)
        cells = [f"{np.mean(c):.2f} ({np.sqrt(np.sum(c)) / len(c):.2f})" for c in counts.values()]
        table.add_row(name, *cells)
    console.print(table)


def print_demo_scenes(console: Console) -> None:
    """What is found on the demo scenes, which have hot pixels and bad columns."""
    table = Table(title="demo scenes, 800 x 1000: pixels hit twice above 5 sigma, groups, recall")
    for heading in ("scene", "run", "found", "groups", "false", "single hits > 12 sigma"):
        table.add_column(heading, justify="right")
    for kind, n in product(("fibres", "longslit", "stars"), (3, 4, 5)):
        scene = demo_scene(kind=kind, n_exposures=n)
        exposures = cm.ExposureSet.from_arrays(list(scene.exposures))
        base = cm.Parameters(
            gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=semireal.SEED
        )
        sigma = np.sqrt(np.maximum(scene.truth, 0) / scene.gain + scene.rnoise**2)
        peaks = scene.cosmic_rays / sigma
        hits = {least: np.count_nonzero(peaks > least, axis=0) for least in (3, 5)}
        near = ndimage.binary_dilation(hits[3] >= 2, semireal.SQUARE, iterations=semireal.NEAR)
        single = (peaks > 12) & (hits[3] == 1)
        for method in ("mm_lacosmic", "significance"):
            analysis = Analysis(exposures, base.replace(crmethod=method))
            n_true = np.count_nonzero(np.unique(analysis.labels[near]))
            bare = analysis.replace(dilation=0)
            caught = single & np.array([bare.mask(i) for i in range(1, n + 1)])
            twice = hits[5] >= 2
            table.add_row(
                f"{kind}, N={n}", method,
                f"{np.count_nonzero(analysis.mediancr & twice)}/{np.count_nonzero(twice)}",
                str(len(analysis.hits)), str(len(analysis.hits) - n_true),
                f"{100 * caught.sum() / single.sum():.1f} %",
            )  # fmt: skip
    console.print(table)


def explain(truth: semireal.Truth, analysis: Analysis, y: int, x: int) -> str:
    """What went wrong in a pixel, from the truth."""
    peaks = truth.deposits[:, y, x] / truth.sigma[y, x]
    if peaks.min() > PEAKS[0]:
        return f"hit in all, the weakest by {peaks.min():.1f}"
    if not analysis.mediancr[y, x]:
        return f"the weaker hit, of {np.sort(peaks)[-2]:.1f}, is not told from noise"
    return "noise of what is left"


def print_kast(folder: Path, sheet: Path | None, console: Console) -> None:
    """List every group on KAST red, and draw cutouts of them."""
    exposures = cm.read_exposures(sorted(folder.glob("kast_red_e_*.fits.gz")))
    base = {
        "gain": 1.0, "rnoise": 4.4, "flux_factor": "auto", "apply_flux_factor_to": "original",
        "mm_seed": semireal.SEED,
    }  # fmt: skip
    made = {
        label: Analysis(exposures, cm.Parameters(**base, **changes))
        for label, changes in RUNS.items()
    }
    for label, analysis in made.items():
        console.print(
            f"KAST red, {label}: {len(analysis.hits)} groups, "
            f"{np.count_nonzero(analysis.mediancr)} pixels",
            highlight=False,
        )
    analysis = made["significance"]
    columns = ("number", "x", "y", "npix", "max_median_minus_min", "class", "reason")
    console.print("\n".join(analysis.hits[columns].pformat(max_lines=-1, max_width=-1)))
    if sheet is None:
        return
    write_sheet(analysis, analysis.labels, sheet)
    reference = made["mm_lacosmic, defaults"]
    near = ndimage.binary_dilation(analysis.mediancr, semireal.SQUARE, iterations=semireal.NEAR)
    others = ~np.isin(reference.labels, np.unique(reference.labels[near]))
    labels, _ = ndimage.label(reference.mediancr & others, structure=semireal.SQUARE)
    write_sheet(reference, labels, sheet.with_name(f"{sheet.stem}_mm_only{sheet.suffix}"))


def write_sheet(analysis: Analysis, labels: npt.NDArray[np.integer], path: Path) -> None:
    """One row a group: exposures, median and corrected median, on one scale."""
    scaled = analysis.result("scaled")
    names = [f"exposure {i}" for i in range(1, scaled.n + 1)] + ["median", "mediancr"]
    frames = [*scaled.cube, scaled.median2d, analysis.combination("mediancr").data]
    places = ndimage.find_objects(labels)
    figure = Figure((1.5 * 2 * len(frames), 1.6 * max(1, (len(places) + 1) // 2)))
    FigureCanvasAgg(figure)
    axes = figure.subplots(max(1, (len(places) + 1) // 2), 2 * len(frames), squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for number, place in enumerate(places):
        y, x = ((part.start + part.stop) // 2 for part in place)
        rows, columns = (slice(max(0, c - CUTOUT), c + CUTOUT + 1) for c in (y, x))
        window = analysis.combination("mediancr").data[rows, columns]
        low, high = np.nanpercentile(window, (1, 99))
        spread = high - low + 4 * float(np.nanmedian(analysis.result("level").sigma[rows, columns]))
        for k, (name, frame) in enumerate(zip(names, frames, strict=True)):
            panel = axes[number // 2, (number % 2) * len(frames) + k]
            panel.imshow(
                frame[rows, columns], origin="lower", cmap="gray", vmin=low - 0.2 * spread,
                vmax=low + 1.5 * spread, interpolation="nearest",
            )  # fmt: skip
            panel.contour(labels[rows, columns] == number + 1, [0.5], colors="r", linewidths=0.5)
            place_name = f"{number + 1}: x {x + 1}, y {y + 1}; " if k == 0 else ""
            panel.set_title(place_name + name, fontsize=7, pad=1)
    figure.tight_layout(pad=0.2)
    figure.savefig(path, dpi=110)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    console = Console(highlight=False)
    console.width = max(console.width, semireal.WIDTH)
    folder = arguments.data / "semireal"
    if not folder.is_dir():
        console.print(f"{folder}: not found; this benchmark needs the semireal sets (--data DIR)")
        return 2
    for name in semireal.SETS:
        print_semireal(folder, name, console)
    print_kast(arguments.data / "kast_red_2018gdg", arguments.sheet, console)
    print_demo_scenes(console)
    print_null_tests(folder, arguments.seeds, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
