"""Scatter of the spline boundary over its seeds: this package beside numina-crmasks 0.36.0.

The boundary follows from random draws, so that the number of pixels it flags depends on the seed.
"""

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from crmasks_widgets.loading import load_analysis

COUNTS = Path(__file__).parent / "data" / "numina_kast_spline_counts.csv"
DATA = Path(os.environ.get("CRMASKS_TEST_DATA", "../shared/data"))
PARAMETERS = Path("kast_red_2018gdg", "params_spline.yaml")
# What must hold: medians this close to each other, and ranges that overlap.
TOLERANCE = 0.1


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR",
        help="folder that holds kast_red_2018gdg (default: $CRMASKS_TEST_DATA or ../shared/data)",
    )  # fmt: skip
    return parser


def reference_counts() -> dict[int, int]:
    """Pixels of the median that the reference's MM method flags, by seed."""
    lines = [line for line in COUNTS.read_text().splitlines() if not line.startswith("#")]
    return {int(row["seed"]): int(row["mm"]) for row in csv.DictReader(lines)}


def own_counts(path: Path, seeds: Sequence[int]) -> dict[int, int]:
    """Pixels of the median that this package's MM method flags, by seed."""
    # L.A.Cosmic has no seed, and is not counted.
    analysis = load_analysis(path).replace(crmethod="mmcosmic")
    _ = analysis.stack
    return {
        seed: int(np.count_nonzero(analysis.replace(mm_seed=seed).flags("median").by("mm")))
        for seed in seeds
    }


def report(ours: dict[int, int], theirs: dict[int, int], console: Console) -> bool:
    """Print the counts; tell whether medians and ranges agree."""
    table = Table(title="pixels of the median flagged by the MM method, spline boundary, KAST red")
    for heading in ("seed", "crmasks_widgets", "numina-crmasks 0.36.0", "equal"):
        table.add_column(heading, justify="right")
    for seed, count in ours.items():
        table.add_row(
            str(seed), str(count), str(theirs[seed]), "yes" if count == theirs[seed] else "no"
        )
    a, b = list(ours.values()), list(theirs.values())
    table.add_section()
    table.add_row("median", f"{np.median(a):g}", f"{np.median(b):g}")
    table.add_row("range", f"{min(a)}-{max(a)}", f"{min(b)}-{max(b)}")
    console.print(table)
    difference = abs(float(np.median(a) / np.median(b)) - 1)
    overlap = max(min(a), min(b)) <= min(max(a), max(b))
    equal = sum(ours[seed] == theirs[seed] for seed in ours)
    console.print(
        f"equal for {equal} of {len(ours)} seeds; medians differ by {difference:.1%} "
        f"(allowed: {TOLERANCE:.0%}); ranges {'overlap' if overlap else 'do not overlap'}",
        highlight=False,
    )
    return difference <= TOLERANCE and overlap


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    console = Console()
    path = arguments.data / PARAMETERS
    if not path.exists():
        console.print(f"{path}: not found; this benchmark needs the KAST red frames (--data DIR)")
        return 2
    theirs = reference_counts()
    return 0 if report(own_counts(path, sorted(theirs)), theirs, console) else 1


if __name__ == "__main__":
    sys.exit(main())
