"""How three exposures are combined today, and what stays of pixels that two of them lost.

Every rule is given the same exposures, in electrons, divided by their known flux factors (this
package divides them itself), and the noise of each value where it wants one, sqrt(value +
rnoise^2). What it leaves is averaged without weights. Counted are pixels in which cosmic rays left
more than 3 sigma of a single exposure in two or more exposures, and whose combined value is more
than 5 sigma from the true scene; beside them pixels with one hit, and with none.

The rules are those that documents and papers give for N = 3, written anew here, except ccdproc's
and astropy's own functions:

plain                 mean, median, minimum
ccdproc sigma clip    `Combiner.sigma_clipping`, 3 sigma about the median, sigma by the MAD
ccdproc clip_extrema  `Combiner.clip_extrema`, one lowest and one highest left out
PypeIt                astropy's sigma clip about the median, MAD, at 1.1 sigma: its level for three
DRAGONS varclip       left out beyond 3 sigma of a value's own variance from the median
DRAGONS sigclip       left out beyond 3 standard deviations of the three from the median
SWarp clipped         Gruen et al. (2014): beyond 4 sigma + 0.3 |median| from the median
stcal                 derivative test of jwst: 5 sigma + 1.2 derivative of the median, and 4 sigma
                      + 0.7 derivative beside what that flags
drizzlepac            the same with 3.5, 3.0 sigma; and with its minmed in place of the median
                      (the minimum where the median is 4 sigma above it)
DESI chi2             where chi2 of the values about their mean is above 16 (N - 1), the value
                      farthest from the mean is left out, until it is not or two are left
naive                 left out above minimum + 4 sqrt(2) sigma of the minimum
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence

import ccdproc
import numpy as np
import semireal
from _frames import Frame, Frames, Mask, semireal_frames
from astropy import units
from astropy.nddata import CCDData
from astropy.stats import mad_std, sigma_clip
from rich.console import Console
from rich.table import Table
from scipy import ndimage

import crmasks_widgets as cm

BAD = 5.0
PYPEIT_OF_THREE = 1.1
SQUARE = np.ones((3, 3), bool)
Combine = Callable[[Frames], Frame]


def mean_of(cube: Frame, out: Mask) -> Frame:
    """Mean of what is not left out; the median where all is."""
    kept = ~out
    n = kept.sum(axis=0)
    mean = np.where(kept, cube, 0).sum(axis=0) / np.maximum(n, 1)
    return np.where(n > 0, mean, np.median(cube, axis=0))


def combiner(frames: Frames) -> ccdproc.Combiner:
    return ccdproc.Combiner([CCDData(image, unit=units.electron) for image in frames.cube])


def ccdproc_sigma(frames: Frames) -> Frame:
    made = combiner(frames)
    made.sigma_clipping(3, 3, func=np.ma.median, dev_func=mad_std)
    combined = made.average_combine()
    median = np.median(frames.cube, axis=0)
    return (
        np.where(combined.mask, median, combined.data)
        if combined.mask is not None
        else (combined.data)
    )


def ccdproc_extrema(frames: Frames) -> Frame:
    made = combiner(frames)
    made.clip_extrema(nlow=1, nhigh=1)
    return made.average_combine().data


def pypeit(frames: Frames) -> Frame:
    clipped = sigma_clip(
        frames.cube, PYPEIT_OF_THREE, axis=0, cenfunc="median", stdfunc=mad_std, masked=True
    )
    return mean_of(frames.cube, np.ma.getmaskarray(clipped))


def varclip(frames: Frames) -> Frame:
    cube = frames.cube
    far = np.abs(cube - np.median(cube, axis=0))
    return mean_of(cube, far > 3 * frames.noise(cube))


def sigclip(frames: Frames) -> Frame:
    cube = frames.cube
    return mean_of(cube, np.abs(cube - np.median(cube, axis=0)) > 3 * cube.std(axis=0))


def swarp(frames: Frames) -> Frame:
    cube, median = frames.cube, np.median(frames.cube, axis=0)
    limit = 4 * frames.noise(median) + 0.3 * np.abs(median)
    return mean_of(cube, np.abs(cube - median) > limit)


def derivative(image: Frame) -> Frame:
    """Largest difference from the four neighbours."""
    padded = np.pad(image, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return np.max([np.abs(image - other) for other in around], axis=0)


def derivative_test(frames: Frames, model: Frame, first: float, second: float) -> Frame:
    slope, far = derivative(model), np.abs(frames.cube - model)
    noise = frames.noise(model)
    peaks = far > first * noise + 1.2 * slope
    beside = np.array([ndimage.binary_dilation(mask, SQUARE) for mask in peaks])
    return mean_of(frames.cube, peaks | (beside & (far > second * noise + 0.7 * slope)))


def stcal(frames: Frames) -> Frame:
    return derivative_test(frames, np.median(frames.cube, axis=0), 5.0, 4.0)


def drizzlepac(frames: Frames) -> Frame:
    return derivative_test(frames, np.median(frames.cube, axis=0), 3.5, 3.0)


def drizzlepac_minmed(frames: Frames) -> Frame:
    low, median = frames.cube.min(axis=0), np.median(frames.cube, axis=0)
    model = np.where(median - low > 4 * frames.noise(low), low, median)
    return derivative_test(frames, model, 3.5, 3.0)


def desi(frames: Frames) -> Frame:
    cube = frames.cube
    out, weight = np.zeros(cube.shape, bool), 1 / frames.noise(np.median(cube, axis=0)) ** 2
    for left in range(len(cube), 2, -1):
        far = np.where(out, 0, (cube - mean_of(cube, out)) ** 2)
        bad = (far * weight).sum(axis=0) > 16 * (left - 1)
        out |= bad & (np.arange(len(cube))[:, None, None] == far.argmax(axis=0))
    return mean_of(cube, out)


def naive(frames: Frames) -> Frame:
    low = frames.cube.min(axis=0)
    return mean_of(frames.cube, frames.cube > low + 4 * np.sqrt(2) * frames.noise(low))


def ours(method: str, kind: str) -> Combine:
    def combine(frames: Frames) -> Frame:
        parameters = cm.Parameters(
            rnoise=frames.rnoise, crmethod=method, mm_seed=semireal.SEED, interactive=False,
            flux_factor=frames.factors, apply_flux_factor_to="original",
        )  # fmt: skip
        return cm.Analysis(frames.exposures, parameters).combination(kind).data

    return combine


RULES: Mapping[str, Combine] = {
    "plain mean": lambda frames: frames.cube.mean(axis=0),
    "plain median": lambda frames: np.median(frames.cube, axis=0),
    "plain minimum": lambda frames: frames.cube.min(axis=0),
    "ccdproc sigma clip, 3 MAD": ccdproc_sigma,
    "ccdproc clip_extrema 1, 1": ccdproc_extrema,
    "PypeIt, 1.1 sigma": pypeit,
    "DRAGONS varclip, 3": varclip,
    "DRAGONS sigclip, 3": sigclip,
    "SWarp clipped, 4 sigma + 0.3": swarp,
    "stcal derivative test": stcal,
    "drizzlepac, median": drizzlepac,
    "drizzlepac, minmed": drizzlepac_minmed,
    "DESI chi2, 4 sigma": desi,
    "naive: minimum + 4√2 σ": naive,
    "mm_lacosmic, meancr": ours("mm_lacosmic", "meancr"),
    "significance, meancr": ours("significance", "meancr"),
    "significance, mediancr": ours("significance", "mediancr"),
}


def print_frames(frames: Frames, console: Console) -> None:
    """Print the table of a set."""
    hits = frames.hits(3)
    where = (hits >= 2, hits == 1, hits == 0)
    table = Table(title=f"{frames.name}: pixels beyond {BAD:g} sigma")
    table.add_column("rule")
    for name, pixels in zip(("2 or 3 hits", "1 hit", "no hit"), where, strict=True):
        table.add_column(f"{name}, of {np.count_nonzero(pixels)}", justify="right")
    table.add_column("rms, no hit", justify="right")
    for name, combine in RULES.items():
        error = (combine(frames) - frames.scene) / frames.sigma
        far = [str(np.count_nonzero(np.abs(error[pixels]) > BAD)) for pixels in where]
        table.add_row(name, *far, f"{np.sqrt(np.mean(error[where[2]] ** 2)):.3f}")
    console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = semireal.parser_with_data(__doc__.splitlines()[0]).parse_args(argv)
    warnings.simplefilter("ignore")
    console = Console(highlight=False)
    console.width = max(console.width, 110)
    for name in semireal.SETS:
        print_frames(semireal_frames(arguments.data, name), console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
