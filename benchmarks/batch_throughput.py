"""Throughput of `crmasks batch` against the number of workers.

Observing blocks of three simulated exposures are written to a temporary folder, and the program
runs them as a whole process, start included, into a new folder for every number of workers. The
products have to be the same, byte for byte, for all of them; the exit status is 1 if they are not.
"""

import argparse
import hashlib
import os
import platform
import sys
import tempfile
from pathlib import Path

from _measure import Measurement, measure
from rich.console import Console
from rich.table import Table

from crmasks_widgets.demo import YAML_NAME, write_demo
from crmasks_widgets.machine import available_cpus

SEED = 20260101


def write_blocks(folder: Path, n: int, size: tuple[int, int]) -> None:
    for i in range(n):
        nx, ny = size
        write_demo(folder / f"block{i:02d}", (ny, nx), seed=SEED + i)
        (folder / f"block{i:02d}" / YAML_NAME).rename(folder / f"block{i:02d}" / "block.yaml")


def checksum(folder: Path) -> str:
    """Of every product, its name included; the table, which holds times, is left out."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*/*/*")):
        total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def run_batch(folder: Path, workers: int, *, figures: bool) -> tuple[Measurement, str]:
    out = f"out{workers}"
    command = [sys.executable, "-m", "crmasks_widgets", "batch", "blocks", "--output-dir", out]
    command += ["--workers", str(workers), "--figures" if figures else "--no-figures"]
    return measure(command, folder, os.environ, folder / "log"), checksum(folder / out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--size", type=int, nargs=2, default=(1000, 800), metavar=("NX", "NY"))
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2, 4))
    parser.add_argument("--figures", action=argparse.BooleanOptionalAction, default=False)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_blocks(folder / "blocks", given.blocks, tuple(given.size))
        runs = {k: run_batch(folder, k, figures=given.figures) for k in given.workers}
    table = Table(title=f"{given.blocks} blocks of 3 x {given.size[0]} x {given.size[1]}")
    for heading in (
        "workers",
        "wall s",
        "blocks an hour",
        "speed-up",
        "processor s a block",
        "load",
    ):
        table.add_column(heading, justify="right")
    first, _ = runs[given.workers[0]]
    for workers, (took, _) in runs.items():
        table.add_row(
            str(workers), f"{took.wall:.1f}", f"{3600 * given.blocks / took.wall:.0f}",
            f"{first.wall / took.wall:.2f}", f"{took.cpu / given.blocks:.2f}", f"{took.load:.1f}",
        )  # fmt: skip
    console = Console(width=100)
    console.print(table)
    console.print(f"{platform.machine()}, {available_cpus()} processors")
    same = len({products for _, products in runs.values()}) == 1
    console.print("products: the same bytes" if same else "products: DIFFERENT")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
