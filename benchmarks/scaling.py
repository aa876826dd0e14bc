"""Time and peak memory of `crmasks run` against frame size and number of exposures.

Simulated exposures (bias 1000, gain 1.7, 16-bit integers as a camera writes them) are written to a
temporary folder, and the program runs on them as a whole process, imports included. 1 Mpx is
1024 x 1024 pixels. Cost has to be linear: processor time per pixel of the largest case at most 1.3
times the median over the cases, both as it is and without what a run on 64 x 64 pixels takes, which
is the start. Memory is compared with 8 times the cube (n x ny x nx x 4 bytes) and 250 MiB. The exit
status is 1 if a run fails, cost is not linear, or memory exceeds its budget.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from _measure import Measurement, best, measure
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

MIB = 1 << 20
SIZES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
EXPOSURES = tuple(range(3, 10))
EXPOSURES_SIZE = 1.0
SIMULATIONS = 5
LIMIT = 1.3
START_SIZE = 64 * 64 / MIB
CUBES, REST = 8, 250
# The largest frame, 3 x 4096 x 4096, has a limit of its own: 2 GB.
LARGEST_SIZE, LARGEST_LIMIT = 16.0, 2e9 / MIB
SEED = 20260101
# The tables need this much, whatever a pipe pretends.
WIDTH = 110
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "scaling.png"
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#595959"  # Okabe & Ito, as in the package
# A child's peak memory starts at that of its parent: everything large is done in other processes.
MAKE_SCENE = f"""
import sys
from pathlib import Path
import numpy as np
from astropy.io import fits
from crmasks_widgets.demo import DETECTOR, DOUBLE_HITS_PER_PIXEL
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.simulate import Fibres, Hits, fibre_spectrograph

folder, (ny, nx, n) = Path(sys.argv[1]), map(int, sys.argv[2:])
doubles = max(5, round(DOUBLE_HITS_PER_PIXEL * nx * ny))
scene = fibre_spectrograph(
    (ny, nx), n, seed={SEED}, detector=DETECTOR, hits=Hits(double=doubles),
    fibres=Fibres(dark=3, clear=20.0),
)
names = [f"exposure{{i}}.fits" for i in range(1, n + 1)]
for name, exposure in zip(names, scene.exposures, strict=True):
    counts = np.clip(np.rint(exposure), 0, 65535).astype(np.uint16)
    fits.PrimaryHDU(counts).writeto(folder / name)
parameters = Parameters(
    images=tuple(str(folder / name) for name in names), gain=scene.gain, rnoise=scene.rnoise,
    bias=scene.bias, interactive=False, mm_seed={SEED}, mm_nsimulations={SIMULATIONS},
)
(folder / "params.yaml").write_text(parameters.to_yaml())
"""


@dataclass(frozen=True)
class Case:
    """Exposures of one size, and what a run on them took."""

    ny: int
    nx: int
    n: int
    took: Measurement

    @property
    def mpx(self) -> float:
        """Of one frame."""
        return self.ny * self.nx / MIB

    @property
    def pixels(self) -> float:
        """Of all exposures, in Mpx."""
        return self.mpx * self.n

    @property
    def budget(self) -> float:
        """MiB."""
        return CUBES * 4 * self.pixels + REST

    @property
    def limit(self) -> float:
        """MiB; that of the largest frame is 2 GB where this is less than the budget."""
        largest = self.mpx == LARGEST_SIZE and self.n == EXPOSURES[0]
        return min(self.budget, LARGEST_LIMIT) if largest else self.budget


def shape_of(mpx: float) -> tuple[int, int]:
    """Rows and columns of a frame of 2**k x 2**k or 2**k x 2**(k + 1) pixels."""
    exponent = round(mpx * MIB).bit_length() - 1
    if mpx * MIB != 1 << exponent or exponent < 8:
        msg = f"{mpx:g} is no power of two of at least 0.000244 Mpx"
        raise argparse.ArgumentTypeError(msg)
    return 1 << exponent // 2, 1 << (exponent + 1) // 2


def size(text: str) -> float:
    mpx = float(text)
    shape_of(mpx)
    return mpx


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", nargs="*", type=size, default=SIZES, metavar="MPX",
        help="frames in Mpx, powers of two (default: 0.25 to 16)",
    )  # fmt: skip
    parser.add_argument(
        "--exposures",
        nargs="*",
        type=int,
        default=EXPOSURES,
        metavar="N",
        help=f"numbers of exposures at {EXPOSURES_SIZE:g} Mpx (default: 3 to 9)",
    )
    parser.add_argument(
        "--runs", type=int, default=1, help="runs of each; the quickest counts (default: 1)"
    )
    parser.add_argument("--figures", action="store_true", help="let the runs draw their figures")
    parser.add_argument(
        "--plot", nargs="?", type=Path, const=PICTURE, metavar="PNG",
        help="draw the figures too (default: docs/images/scaling.png)",
    )  # fmt: skip
    return parser


def own_environment() -> dict[str, str]:
    """Environment in which this clone is the package that is imported."""
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run_case(mpx: float, n: int, runs: int, *, figures: bool) -> Case:
    """Make exposures, and run the program on them."""
    ny, nx = shape_of(mpx)
    environment = own_environment()
    took = []
    with tempfile.TemporaryDirectory(prefix="crmasks-scaling-") as name:
        folder = Path(name)
        make = [sys.executable, "-c", MAKE_SCENE, name, str(ny), str(nx), str(n)]
        subprocess.run(make, check=True, env=environment)
        command = [
            sys.executable, "-m", "crmasks_widgets", "run", "params.yaml",
            "--output-dir", "out", "--figures" if figures else "--no-figures", "--overwrite",
        ]  # fmt: skip
        for _ in range(runs):
            took.append(measure(command, folder, environment, folder / "log"))
    return Case(ny, nx, n, best(took))


def table_of(title: str, cases: Sequence[Case]) -> Table:
    table = Table(title=title)
    table.add_column("frame")
    for heading in (
        "n", "Mpx", "wall s", "CPU s", "CPU s / (n Mpx)", "peak MiB", "limit MiB",
        "of it", "load",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for case in cases:
        took = case.took
        share = f"{100 * took.peak / case.limit:.0f}%"
        table.add_row(
            f"{case.nx} x {case.ny}", str(case.n), f"{case.mpx:g}", f"{took.wall:.1f}",
            f"{took.cpu:.1f}", f"{took.cpu / case.pixels:.2f}", f"{took.peak:.0f}",
            f"{case.limit:.0f}", share, f"{took.load:.1f}",
            style="bold red" if took.peak > case.limit else "",
        )  # fmt: skip
    return table


def is_linear(what: str, cases: Sequence[Case], start: Case, console: Console) -> bool:
    """Whether a pixel of the largest case costs about as much as in the others; says so."""
    if len(cases) < 3:
        console.print(f"{what}: too few cases to tell how cost grows")
        return True
    whole = growth(cases, "cpu", 0.0), growth(cases, "cpu", start.took.cpu)
    wall = growth(cases, "wall", 0.0), growth(cases, "wall", start.took.wall)
    linear = max(whole) <= LIMIT
    console.print(
        f"{what}: a pixel of the largest costs {whole[0]:.2f} times the median, {whole[1]:.2f} "
        f"without the start (wall time {wall[0]:.2f}, {wall[1]:.2f}); at most {LIMIT}: "
        f"{'linear' if linear else 'NOT LINEAR'}"
    )
    return linear


def growth(cases: Sequence[Case], clock: str, start: float) -> float:
    """Seconds per pixel of the largest case, relative to the median of all."""
    per_pixel = {case.pixels: (getattr(case.took, clock) - start) / case.pixels for case in cases}
    return per_pixel[max(per_pixel)] / median(per_pixel.values())


def within_budget(cases: Sequence[Case], console: Console) -> bool:
    """Whether all peaks are below their limit; names those that are not."""
    above = [case for case in cases if case.took.peak > case.limit]
    for case in above:
        console.print(
            f"{case.n} x {case.ny} x {case.nx}: {case.took.peak:.0f} MiB, "
            f"{case.took.peak - case.limit:.0f} more than its limit",
            style="red",
        )
    if not above:
        console.print(f"memory: every case within {CUBES} x cube + {REST} MiB")
    return not above


def draw(series: Sequence[Sequence[Case]], path: Path) -> None:
    """Write the picture: CPU seconds, which others disturb least, and MiB against pixels."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    styles = (("o", BLUE, "3 exposures, 0.25 to 16 Mpx"), ("s", ORANGE, "1 Mpx, 3 to 9 exposures"))
    for cases, (marker, colour, label) in zip(series, styles, strict=True):
        x = [case.pixels for case in cases]
        look = {"marker": marker, "color": colour, "label": label, "linewidth": 1.3}
        seconds.plot(x, [case.took.cpu for case in cases], **look)
        memory.plot(x, [case.took.peak for case in cases], **look)
    cases = sorted((case for cases in series for case in cases), key=lambda case: case.pixels)
    memory.plot(
        [case.pixels for case in cases], [case.budget for case in cases],
        color="black", linestyle="--", linewidth=1.3, label=f"{CUBES} × cube + {REST} MiB",
    )  # fmt: skip
    finish(seconds, "CPU time of all threads (s)", "Time of crmasks run")
    finish(memory, "largest resident memory (MiB)", "Memory of crmasks run")
    figure.savefig(path, dpi=130)


def finish(axes: Axes, quantity: str, title: str) -> None:
    axes.set(xlabel="pixels of all exposures (Mpx)", ylabel=quantity)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_title(title, fontsize=11)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    console.print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"{SIMULATIONS} simulations; the quickest of {arguments.runs} runs counts, the largest "
        "peak, and the load before the quickest run"
    )
    wanted = (
        [(mpx, EXPOSURES[0]) for mpx in sorted(arguments.sizes)],
        [(EXPOSURES_SIZE, n) for n in sorted(arguments.exposures)],
    )
    measured: dict[tuple[float, int], Case] = {}
    complete = False
    # Small cases first: whoever interrupts has most of them.
    try:
        start = run_case(START_SIZE, EXPOSURES[0], arguments.runs, figures=arguments.figures)
        console.print(f"start: {start.took.wall:.1f} s, {start.took.peak:.0f} MiB")
        for mpx, n in sorted({*wanted[0], *wanted[1]}, key=lambda case: case[0] * case[1]):
            case = run_case(mpx, n, arguments.runs, figures=arguments.figures)
            measured[mpx, n] = case
            console.print(
                f"{n} x {mpx:g} Mpx: {case.took.wall:.1f} s, {case.took.cpu:.1f} s of the "
                f"processors, {case.took.peak:.0f} MiB"
            )
        complete = True
    except KeyboardInterrupt:
        console.print("interrupted: the other cases are missing")
    except RuntimeError as error:
        console.print(str(error), style="red", markup=False)
    if not measured:
        return 1
    sizes, exposures = ([measured[key] for key in keys if key in measured] for keys in wanted)
    for title, cases in (("frame size", sizes), ("number of exposures", exposures)):
        if cases:
            console.print(table_of(title, cases))
    good = [
        complete,
        is_linear("frame size", sizes, start, console),
        is_linear("number of exposures", exposures, start, console),
        within_budget(list(measured.values()), console),
    ]
    if arguments.plot:
        draw((sizes, exposures), arguments.plot)
        console.print(f"drawn: {arguments.plot}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
