"""Tracks of simulated cosmic rays beside those of real exposures: lengths, charges, rates.

Real: three 600 s exposures of a thick red CCD and three 1200 s exposures of a thin blue one (KAST
at the Shane telescope). Simulated: the corrected median of the same exposures is exposed again,
with the same flux factors, gain and readout noise, and the hits `THICK_CCD` or `THIN_CCD`. Both go
through the same measurement, so that scene, thresholds and borders act alike on both.

A track is an 8-connected group of pixels in one exposure that exceed the median of all by 4 sigma
(of a single exposure, photons and readout), with one pixel above 10 sigma. Its extent is the
diagonal of its box in pixels, its charge the sum of the excess in electrons. Tracks whose brightest
pixel lies on bright light, where exposures differ by more than their noise, are left out. What the
same measurement finds in the negative excess, where there are no cosmic rays, is counted as false.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from rich.console import Console
from rich.table import Table
from scipy import ndimage, stats

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.exposures import ExposureSet, read_exposures
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.simulate import THICK_CCD, THIN_CCD, Detector, Hits, expose

DATA = Path(os.environ.get("CRMASKS_TEST_DATA", "../shared/data"))
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "tracks.png"
SEED, PEAK, EDGE = 1, 10.0, 4.0
# Simulated sets for every real one: their scatter is then small beside that of the real frames.
REPEATS = 5
# Light is bright where the noise is above this many times its median over the frame.
BRIGHT = 1.6
SQUARE = np.ones((3, 3), dtype=bool)
MEASURES = ("extent", "pixels", "charge", "charge per extent")
UNITS = {"extent": "pixel", "pixels": "number", "charge": "e-", "charge per extent": "e-/pixel"}
REAL, SIMULATED = "#000000", "#D55E00"
Frame = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Setup:
    """A set of real exposures: where they are, their readout noise (e-), time (s), and hits."""

    title: str
    pattern: str
    rnoise: float
    seconds: float
    hits: Hits


SETUPS = (
    Setup("thick CCD", "kast_red_2018gdg/kast_red_e_*.fits.gz", 4.4, 600.0, THICK_CCD),
    Setup("thin CCD", "kast_blue_J1217/kast_blue_e_*.fits.gz", 3.8, 1200.0, THIN_CCD),
)


@dataclass(frozen=True)
class Tracks:
    """What was measured in exposures: one value a track, rate and false rate per Mpx and 1000 s."""

    values: Mapping[str, Frame]
    rate: float
    false_rate: float
    share: float

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.values["extent"])


def measured(excess: Frame, sigma: Frame, dim: npt.NDArray[np.bool_]) -> dict[str, Frame]:
    """Measure the tracks of one exposure: extent, pixels, charge, charge per extent."""
    labels, n = ndimage.label(excess > EDGE * sigma, structure=SQUARE)
    index = np.arange(1, n + 1)
    places = ndimage.maximum_position(excess / sigma, labels, index)
    rows, columns = (np.array(places, dtype=int).reshape(-1, 2)).T
    kept = (excess / sigma)[rows, columns] > PEAK
    kept &= dim[rows, columns]
    boxes = [box for box, keep in zip(ndimage.find_objects(labels), kept, strict=True) if keep]
    sides = np.array([[side.stop - side.start for side in box] for box in boxes]).reshape(-1, 2)
    extent, charge = np.hypot(*sides.T), ndimage.sum(excess, labels, index[kept])
    pixels = np.bincount(labels.ravel(), minlength=n + 1)[index[kept]].astype(float)
    return dict(zip(MEASURES, (extent, pixels, charge, charge / extent), strict=True))


def measure(cube: Frame, rnoise: float, seconds: float) -> Tracks:
    """Measure all exposures of a set, in electrons, divided by their flux factors."""
    median = np.median(cube, axis=0)
    light = ndimage.median_filter(median, 5)
    sigma = np.sqrt(np.maximum(light, 0) + rnoise**2)
    dim = ndimage.minimum_filter(sigma < BRIGHT * np.median(sigma), 9)
    found = [measured(frame - median, sigma, dim) for frame in cube]
    false = [measured(median - frame, sigma, dim) for frame in cube]
    watched = len(cube) * np.count_nonzero(dim) / 1e6 * seconds / 1000
    values = {name: np.concatenate([one[name] for one in found]) for name in MEASURES}
    return Tracks(
        values,
        len(values["extent"]) / watched,
        sum(len(one["extent"]) for one in false) / watched,
        float(values["pixels"].sum() / len(cube) / np.count_nonzero(dim)),
    )


def corrected(exposures: ExposureSet, rnoise: float) -> tuple[Frame, tuple[float, ...]]:
    """Return the corrected median of real exposures, and their flux factors."""
    parameters = Parameters(
        rnoise=rnoise, flux_factor="auto", apply_flux_factor_to="original", mm_seed=SEED
    )
    analysis = Analysis(exposures, parameters)
    return analysis.combination("mediancr").data, analysis.alignment.flux_factors


def joined(parts: Sequence[Tracks]) -> Tracks:
    """Take several sets of the same kind together."""
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in MEASURES}
    rates = [np.mean([getattr(part, name) for part in parts]) for name in ("rate", "false_rate")]
    return Tracks(values, *map(float, rates), float(np.mean([part.share for part in parts])))


def compare(folder: Path, setup: Setup) -> dict[str, Tracks]:
    """Measure a real set and its simulated counterparts."""
    exposures = read_exposures(sorted(folder.glob(setup.pattern)))
    light, factors = corrected(exposures, setup.rnoise)
    divisor = np.reshape(factors, (-1, 1, 1))
    hits = replace(setup.hits, rate=setup.hits.rate * setup.seconds / 1200)
    sets = [
        expose(
            np.maximum(light, 0), exposures.n, seed=SEED + i, detector=Detector(1, setup.rnoise),
            hits=hits, flux_factors=factors,
        ).exposures
        for i in range(REPEATS)
    ]  # fmt: skip
    sim = [measure(cube / divisor, setup.rnoise, setup.seconds) for cube in sets]
    real = measure(exposures.data / divisor, setup.rnoise, setup.seconds)
    return {"real": real, "simulated": joined(sim)}


def distances(both: Mapping[str, Tracks]) -> dict[str, tuple[float, float]]:
    """Kolmogorov-Smirnov distance of each measure, and its chance if all is equal."""
    results = {
        name: stats.ks_2samp(both["real"].values[name], both["simulated"].values[name])
        for name in MEASURES
    }
    return {name: (float(one.statistic), float(one.pvalue)) for name, one in results.items()}


def add_rows(table: Table, setup: Setup, both: Mapping[str, Tracks]) -> None:
    """Add a row for the real frames, one for the simulated ones, and one for their distances."""
    for name, tracks in both.items():
        cells = [
            " / ".join(f"{q:.0f}" if name != "extent" else f"{q:.1f}" for q in quantiles)
            for name, values in tracks.values.items()
            for quantiles in [np.percentile(values, [25, 50, 75, 90])]
        ]
        rates = f"{tracks.rate:.0f}", f"{tracks.false_rate:.0f}", f"{100 * tracks.share:.2f}"
        table.add_row(f"{setup.title}, {name}", str(tracks.n), *rates, *cells)
    cells = [f"{distance:.2f} ({chance:.2g})" for distance, chance in distances(both).values()]
    table.add_row("KS distance (chance)", "", "", "", "", *cells)


def picture(results: Mapping[str, Mapping[str, Tracks]]) -> Figure:
    """Draw cumulative distributions: a row for each CCD, a column for each measure."""
    figure = Figure(figsize=(12, 5.6), layout="constrained")
    grid = figure.subplots(len(results), len(MEASURES), sharey=True, squeeze=False)
    for row, (title, both) in zip(grid, results.items(), strict=True):
        for axis, name in zip(row, MEASURES, strict=True):
            for label, colour, style in (("simulated", SIMULATED, "--"), ("real", REAL, "-")):
                text = f"{label}, {both[label].n} tracks"
                axis.ecdf(both[label].values[name], color=colour, linestyle=style, label=text)
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_xlabel(f"{name} ({UNITS[name]})", fontsize=9)
            axis.tick_params(labelsize=8)
        row[0].set_ylabel(f"{title}: share below", fontsize=9)
        row[0].legend(fontsize=8, loc="lower right")
    return figure


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR",
        help="folder of the real exposures (default: $CRMASKS_TEST_DATA or ../shared/data)",
    )  # fmt: skip
    parser.add_argument(
        "--plot", type=Path, nargs="?", const=PICTURE, metavar="PNG",
        help="draw the distributions (default: docs/images/tracks.png)",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    console = Console(highlight=False, width=160)
    table = Table(title="tracks: quartiles and 90 %; rates per Mpx and 1000 s")
    for heading in ("", "tracks", "rate", "false", "% hit", *MEASURES):
        table.add_column(heading, justify="left" if not heading else "right")
    results = {}
    for setup in SETUPS:
        if not list(arguments.data.glob(setup.pattern)):
            console.print(f"{arguments.data / setup.pattern}: not found (--data DIR)")
            return 2
        results[setup.title] = compare(arguments.data, setup)
        add_rows(table, setup, results[setup.title])
    console.print(table)
    if arguments.plot is not None:
        picture(results).savefig(arguments.plot, dpi=110)
        console.print(f"written: {arguments.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
