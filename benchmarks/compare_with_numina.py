"""Time and memory of `crmasks run` and of numina-crmasks 0.36.0 on the same exposures.

A simulated scene of the size of MEGARA's frames is written to a temporary folder, with bias 0 and
gain 1, where the reference is right. Both programs run on it as whole processes, in turn; ours
without a seed, when order statistics replace the simulations, and with one, when it simulates as
the reference does. Peak memory is the largest resident size of a process or of one of its children,
as the kernel reports.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import _reference
from _measure import Measurement, best, measure
from rich.console import Console
from rich.table import Table

OURS, SEEDED = "crmasks run", "crmasks run, with a seed"
FULL_SIZE = (2016, 1596)
# Two cores, the full size: what a run that takes a quarter of an hour gave.
EARLIER_FIGURES = Measurement(875.0, float("nan"), 3.0 * 1024, float("nan"))
PARAMETERS, UNSEEDED = "params.yaml", "unseeded.yaml"
SEED = 20260101
# The tables need this much, whatever a pipe pretends.
WIDTH = 110
# A child's peak memory starts at that of its parent: everything large is done in other processes.
MAKE_SCENE = f"""
import sys
from pathlib import Path
from astropy.io import fits
from crmasks_widgets.demo import DOUBLE_HITS_PER_PIXEL
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.simulate import Detector, Hits, fibre_spectrograph

folder, nx, ny = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
doubles = max(5, round(DOUBLE_HITS_PER_PIXEL * nx * ny))
scene = fibre_spectrograph(
    (ny, nx), seed={SEED}, detector=Detector(gain=1.0, rnoise=3.4, bias=0.0),
    hits=Hits(double=doubles),
)
names = [f"exposure{{i}}.fits" for i in range(1, scene.n + 1)]
for name, exposure in zip(names, scene.exposures, strict=True):
    fits.PrimaryHDU(exposure).writeto(folder / name)
parameters = Parameters(
    images=tuple(str(folder / name) for name in names), gain=scene.gain, rnoise=scene.rnoise,
    bias=scene.bias, interactive=False, mm_seed={SEED},
)
(folder / "{PARAMETERS}").write_text(parameters.to_yaml())
(folder / "{UNSEEDED}").write_text(parameters.replace(mm_seed=None).to_yaml())
"""
COMPARE_MASKS = """
import sys
import numpy as np
from astropy.io import fits

with fits.open(sys.argv[1]) as ours, fits.open(sys.argv[2]) as theirs:
    for hdu in ours:
        if hdu.data is not None and hdu.data.dtype == np.uint8:
            a, b = hdu.data != 0, theirs[hdu.name].data != 0
            print(hdu.name, np.count_nonzero(a), np.count_nonzero(b), np.count_nonzero(a != b))
"""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", nargs=2, type=int, default=FULL_SIZE, metavar=("NX", "NY"),
        help="frame in pixels (default: 2016 1596)",
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=int, default=3, help="runs of each; the quickest counts (default: 3)"
    )
    parser.add_argument(
        "--reference-env", type=Path, default=_reference.DEFAULT_ENV, metavar="DIR",
        help="virtual environment of the reference, made if absent (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--reference-figures", action="store_true",
        help="run the reference with its figures too, once: about 15 minutes",
    )  # fmt: skip
    parser.add_argument(
        "--figures", action=argparse.BooleanOptionalAction, default=True,
        help="run crmasks with its figures too",
    )  # fmt: skip
    return parser


def own_environment() -> dict[str, str]:
    """Environment in which this clone is the package that is imported."""
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return dict(os.environ) | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)), "MPLBACKEND": "Agg",
    }  # fmt: skip


class Bench:
    """Exposures in a folder, and runs of both programs on them."""

    def __init__(self, folder: Path, reference_env: Path) -> None:
        self.folder, self.reference_env = folder, reference_env
        self.parameters = folder / PARAMETERS

    def make_scene(self, nx: int, ny: int) -> None:
        """Write the exposures and the parameter file."""
        command = [sys.executable, "-c", MAKE_SCENE, str(self.folder), str(nx), str(ny)]
        subprocess.run(command, check=True, env=own_environment())

    def ours(self, number: int, *, figures: bool, seeded: bool = True) -> Measurement:
        """Run `crmasks run`, with the simulations that a seed asks for or without any."""
        out = self._new_folder(f"{'ours' if seeded else 'exact'}{number}{figures:d}")
        switch = "--figures" if figures else "--no-figures"
        parameters = self.parameters if seeded else self.folder / UNSEEDED
        command = [
            sys.executable, "-m", "crmasks_widgets", "run", str(parameters),
            "--output-dir", str(out), switch,
        ]  # fmt: skip
        return measure(command, self.folder, own_environment(), out / "log")

    def theirs(self, number: int, *, figures: bool) -> Measurement:
        """Run the reference; it writes to its current folder."""
        out = self._new_folder(f"theirs{number}{figures:d}")
        text = self.parameters.read_text()
        if not figures:
            text = re.sub(r"maxplots: -1\b", "maxplots: 0", text)
        path = out / PARAMETERS
        path.write_text(text)
        command = _reference.command(self.reference_env, path, figures=figures)
        return measure(command, out, _reference.environment(), out / "log")

    def mask_counts(self) -> list[tuple[str, int, int, int]]:
        """Name, pixels of ours, of theirs, and pixels that differ, of each mask."""
        files = [str(self.folder / name / "crmasks.fits") for name in ("ours00", "theirs00")]
        command = [sys.executable, "-c", COMPARE_MASKS, *files]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows = [line.split() for line in output.splitlines()]
        return [(name, int(a), int(b), int(c)) for name, a, b, c in rows]

    def _new_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder


def times_table(
    title: str, rows: Sequence[tuple[str, Measurement, str]], ratio_of: Measurement
) -> Table:
    """Rows of (name, measurement, note), each compared with the first program's."""
    table = Table(title=title)
    table.add_column("program")
    for heading in ("wall s", "CPU s", "peak MiB", "load", "times slower", "times the memory"):
        table.add_column(heading, justify="right")
    for name, run, note in rows:
        cells = [f"{run.wall:.1f}", _number(run.cpu), f"{run.peak:.0f}", _number(run.load)]
        ratios = [f"{run.wall / ratio_of.wall:.2f}", f"{run.peak / ratio_of.peak:.2f}"]
        table.add_row(f"{name} {note}".strip(), *cells, *ratios)
    return table


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.1f}"


def masks_table(counts: Sequence[tuple[str, int, int, int]]) -> Table:
    """Pixels of each mask in both programs."""
    table = Table(title="pixels in the masks")
    table.add_column("mask")
    for heading in (OURS, _reference.NAME, "differ"):
        table.add_column(heading, justify="right")
    for name, *numbers in counts:
        table.add_row(name, *map(str, numbers))
    return table


def run(bench: Bench, arguments: argparse.Namespace, console: Console) -> None:
    """Measure everything that was asked for, and print it."""
    exact, ours, theirs, drawn = [], [], [], []
    # In turn, so that a disturbance from outside does not fall on one of them alone.
    for number in range(arguments.runs):
        exact.append(bench.ours(number, figures=False, seeded=False))
        console.print(f"run {number + 1}, {OURS} --no-figures: {exact[-1].wall:.1f} s")
        ours.append(bench.ours(number, figures=False))
        console.print(f"run {number + 1}, {SEEDED}: {ours[-1].wall:.1f} s")
        theirs.append(bench.theirs(number, figures=False))
        console.print(f"run {number + 1}, {_reference.NAME}: {theirs[-1].wall:.1f} s")
    quickest = best(exact)
    rows = [(OURS, quickest, ""), (SEEDED, best(ours), ""), (_reference.NAME, best(theirs), "")]
    console.print(times_table("without figures", rows, quickest))
    if arguments.figures:
        drawn = [bench.ours(number, figures=True) for number in range(arguments.runs)]
    if drawn and arguments.reference_figures:
        reference, note = bench.theirs(0, figures=True), ""
    else:
        reference, note = EARLIER_FIGURES, "(measured earlier)"
    if drawn:
        quickest = best(drawn)
        rows = [(SEEDED, quickest, "")]
        if note == "" or tuple(arguments.size) == FULL_SIZE:
            rows.append((_reference.NAME, reference, note))
        console.print(times_table("with figures", rows, quickest))
    console.print(masks_table(bench.mask_counts()))


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    _reference.ensure_environment(arguments.reference_env)
    nx, ny = arguments.size
    console.print(
        f"{nx} x {ny} pixels x 3 exposures, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}; the quickest of {arguments.runs} runs counts, "
        "the largest peak, and the load before the quickest run"
    )
    with tempfile.TemporaryDirectory(prefix="crmasks-bench-") as name:
        bench = Bench(Path(name), arguments.reference_env)
        bench.make_scene(nx, ny)
        try:
            run(bench, arguments, console)
        except RuntimeError as error:
            console.print(str(error), style="red", markup=False)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
