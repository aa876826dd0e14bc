"""What finds hits of the median: detectors side by side, on the same frames.

Every detector is given the same exposures, in electrons, divided by their known flux factors (this
package divides them itself), and says which pixels of the median are hit; masks are not dilated. A
pixel is a double hit if cosmic rays left more than 3 sigma of a single exposure in it in two or
more exposures, sigma being sqrt(scene + rnoise^2).

recall           double hits that are flagged
faint            8-connected events of double hits whose second highest deposit nowhere exceeds
                 10 sigma, and those of which a pixel is flagged
far false        8-connected groups flagged of which no pixel lies within 2 of a double hit
network          groups with a double hit, and far false ones, of which deepCR gives no pixel a
                 probability of 0.5 in the median and the exposures

deepCR needs the extra [deepcr], Cosmic-CoNN its package (GPL; `pip install cosmic_conn`, PyTorch);
without them their rows are left out.
"""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec

import numpy as np
import semireal
from _frames import Frame, Frames, Mask, demo_frames, semireal_frames
from rich.console import Console
from rich.table import Table
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets.core.learned.deepcr import load_deepcr
from crmasks_widgets.core.learned.tiles import Network, highest_probability, hit_probability

SQUARE = np.ones((3, 3), bool)
NEAR, FAINT, ENOUGH = 2, 10.0, 0.5
EXCESS = 4 * np.sqrt(2)
WIDTH = 150
Detect = Callable[[Frames], Mask]
HAS_DEEPCR = find_spec("deepCR") is not None and find_spec("torch") is not None


def ours(method: str, **changes: object) -> Detect:
    """MEDIANCR of this package, not dilated."""

    def detect(frames: Frames) -> Mask:
        parameters = cm.Parameters(
            rnoise=frames.rnoise, crmethod=method, dilation=0, flux_factor=frames.factors,
            apply_flux_factor_to="original", **changes,
        )  # fmt: skip
        return cm.Analysis(frames.exposures, parameters).mediancr

    return detect


def naive(frames: Frames) -> Mask:
    """Two exposures or more above minimum + 4 sqrt(2) sigma of the minimum."""
    low = frames.cube.min(axis=0)
    return np.count_nonzero(frames.cube > low + EXCESS * frames.noise(low), axis=0) >= 2


def astroscrappy_defaults(frames: Frames) -> Mask:
    """Astroscrappy as it comes, told the readout noise: sigclip 4.5, median fine structure."""
    import astroscrappy

    median = np.median(frames.cube, axis=0).astype(np.float32)
    return np.asarray(astroscrappy.detect_cosmics(median, readnoise=frames.rnoise)[0], bool)


def conn(model: str) -> Detect:
    """Cosmic-CoNN of the median."""

    def detect(frames: Frames) -> Mask:
        from cosmic_conn import init_model

        network = init_model(model)
        median = np.median(frames.cube, axis=0).astype(np.float32)
        return np.asarray(network.detect_cr(median, ret_numpy=True)) > ENOUGH

    return detect


def detectors() -> Mapping[str, Detect]:
    """Detectors by name, those that can run here."""
    found: dict[str, Detect] = {
        "significance": ours("significance"),
        "mm_lacosmic": ours("mm_lacosmic", mm_seed=semireal.SEED),
        "mmcosmic": ours("mmcosmic", mm_seed=semireal.SEED),
        "lacosmic (numina's settings)": ours("lacosmic"),
        "lacosmic, two runs [5, 3]": ours("lacosmic", la_sigclip_second=3.0),
        "lacosmic, fsmode median": ours("lacosmic", la_fsmode="median"),
        "astroscrappy, its defaults": astroscrappy_defaults,
        "pycosmic [5, 3]": ours("pycosmic"),
        "mm_pycosmic": ours("mm_pycosmic", mm_seed=semireal.SEED),
        "naive: minimum + 4√2 σ": naive,
    }
    if HAS_DEEPCR:
        found["deepcr ACS-WFC"] = ours("deepcr")
        found["deepcr WFC3-UVIS"] = ours("deepcr", dc_mask="WFC3-UVIS")
        found["mm_deepcr"] = ours("mm_deepcr", mm_seed=semireal.SEED)
        found["significance, network_veto 0.5"] = ours("significance", network_veto=ENOUGH)
    if find_spec("cosmic_conn") is not None:
        found["conn ground_imaging"] = conn("ground_imaging")
    return found


def faint_events(frames: Frames) -> tuple[Frame, int]:
    """Label the events whose second highest deposit stays below `FAINT` sigma."""
    second = np.sort(frames.deposits / frames.sigma, axis=0)[-2]
    labels, n = ndimage.label(frames.hits(3) >= 2, SQUARE)
    peaks = ndimage.maximum(second, labels, np.arange(1, n + 1))
    faint = np.append(0, np.where(peaks < FAINT, np.arange(1, n + 1), 0))[labels]
    return faint, np.count_nonzero(np.unique(faint))


def cells(mask: Mask, frames: Frames, said: Callable[[Frame], Frame] | None) -> Iterator[str]:
    """Row of the table."""
    double = frames.hits(3) >= 2
    yield f"{np.count_nonzero(mask & double)}/{np.count_nonzero(double)}"
    faint, n_faint = faint_events(frames)
    yield f"{np.count_nonzero(np.unique(faint[mask]))}/{n_faint}"
    labels, n = ndimage.label(mask, SQUARE)
    near = ndimage.binary_dilation(double, SQUARE, iterations=NEAR)
    true = np.isin(np.arange(1, n + 1), labels[near])
    yield str(np.count_nonzero(~true))
    yield str(n)
    if said is not None:
        unseen = said(labels.astype(np.int32)) < ENOUGH
        yield f"{np.count_nonzero(unseen & true)} of {np.count_nonzero(true)}"
        yield f"{np.count_nonzero(unseen & ~true)} of {np.count_nonzero(~true)}"


def opinion(frames: Frames, network: Network) -> Callable[[Frame], Frame]:
    """Highest probability of groups, for labels, in the median and the exposures."""
    images = [np.median(frames.cube, axis=0).astype(np.float32), *frames.cube]
    known = [hit_probability(image, network, gain=1.0) for image in images]
    return lambda labels: highest_probability(labels, known)


def print_frames(frames: Frames, console: Console) -> None:
    """Print the table of a set."""
    table = Table(title=f"{frames.name}: hits of the median")
    table.add_column("detector")
    headings = ["recall", "faint", "far false", "groups"]
    if HAS_DEEPCR:
        headings += ["true, network < 0.5", "false, network < 0.5"]
    for heading in headings:
        table.add_column(heading, justify="right")
    said = opinion(frames, load_deepcr("ACS-WFC")) if HAS_DEEPCR else None
    for name, detect in detectors().items():
        table.add_row(name, *cells(detect(frames), frames, said))
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = semireal.parser_with_data(__doc__.splitlines()[0]).parse_args(argv)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    warnings.simplefilter("ignore")
    for name in semireal.SETS:
        print_frames(semireal_frames(arguments.data, name), console)
    for frames in demo_frames():
        print_frames(frames, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
