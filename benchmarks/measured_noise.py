"""Frames without hits whose noise is not the given one: what significance measures, and finds.

For each kind of noise and of light, over several seeds and numbers of exposures: groups in MEDIANCR
and in each exposure where one of each is asked for, the pulls of the combinations (rms of errors
over sqrt(VARIANCE)), and the noise in use over the true one at the darkest, a middle and the
brightest level. With --given the same with `sg_measured_noise` off. --fits prints what the limits
in core/measured_noise/ come from: the reduced chi squared of what noise can be and of what it
cannot, the error that is left with many pixels, and with few.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.console import Console
from scipy import ndimage

import crmasks_widgets as cm
from crmasks_widgets.core.measured_noise import measure
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.stack import stack_exposures

Frame = npt.NDArray[np.float64]
RNOISE = 3.4
SIDE = 300
EIGHT = np.ones((3, 3))


def flat(side: int) -> Frame:
    return np.full((side, side), 300.0)


def gradient(side: int) -> Frame:
    return np.broadcast_to(np.linspace(20.0, 2000.0, side), (side, side)).copy()


def fibres(side: int) -> Frame:
    profile = np.exp(-0.5 * ((np.arange(side) % 7 - 3) / 1.2) ** 2)
    return np.broadcast_to(20 + 1500 * profile, (side, side)).copy()


LIGHTS: dict[str, Callable[[int], Frame]] = {"flat": flat, "gradient": gradient, "fibres": fibres}


@dataclass(frozen=True)
class Kind:
    """How exposures scatter, and what is said of it: gains in e-/ADU, excess over the square."""

    gain: float = 1.0
    given_gain: float = 1.0
    excess: float = 0.0
    given_rnoise: float = RNOISE

    @property
    def true(self) -> Noise:
        """Noise of an exposure."""
        return Noise(self.gain, RNOISE, self.excess)

    @property
    def given(self) -> Noise:
        """What is said of it."""
        return Noise(self.given_gain, self.given_rnoise)


KINDS = {
    "as given": Kind(),
    "gain given half": Kind(given_gain=0.5),
    "gain given double": Kind(given_gain=2.0),
    "rnoise given half": Kind(given_rnoise=RNOISE / 2),
    "rnoise given double": Kind(given_rnoise=RNOISE * 2),
    "m + m^2/50": Kind(excess=1 / 50),
    "m + m^2/200": Kind(excess=1 / 200),
    "m + m^2/1000": Kind(excess=1 / 1000),
}


def drawn(light: Frame, n: int, kind: Kind, seed: int) -> npt.NDArray[np.float32]:
    """Exposures of one light, ADU, (n, ny, nx)."""
    rng = np.random.default_rng(seed)
    electrons = np.broadcast_to(light * kind.gain, (n, *light.shape))
    if kind.excess:
        electrons = rng.gamma(1 / kind.excess, electrons * kind.excess)
    readout = rng.normal(0, RNOISE, electrons.shape)
    return (rng.poisson(electrons) / kind.gain + readout).astype(np.float32)


def groups(mask: npt.NDArray[np.bool_]) -> int:
    return int(ndimage.label(mask, EIGHT)[1])


def one_frame(light: Frame, n: int, kind: Kind, seed: int, *, measured: bool) -> list[float]:
    """Groups of the median and of an exposure, three pulls, three ratios of noise, misfit."""
    exposures = cm.ExposureSet.from_arrays(list(drawn(light, n, kind, seed)))
    analysis = cm.Analysis(exposures, cm.Parameters(
        crmethod="significance", gain=kind.given_gain, rnoise=kind.given_rnoise, bias=0.0,
        sg_measured_noise=measured, dilation=0,
    ))  # fmt: skip
    masks = analysis.masks
    own = np.mean([groups(masks[f"CRMASK{i + 1}"]) for i in range(n)])
    made = [analysis.combination(name) for name in ("mediancr", "meancrt", "meancr")]
    pulls = [np.sqrt(np.mean((each.data - light) ** 2 / each.variance)) for each in made]
    used = analysis.result("noise_in_use")
    levels = np.quantile(light, (0.0, 0.5, 1.0))
    ratios = used.sigma(levels) / kind.true.sigma(levels)
    return [groups(masks["MEDIANCR"]), own, *pulls, *ratios]


def rows(seeds: int, *, measured: bool) -> Iterator[list[str]]:
    for name, kind in KINDS.items():
        for light_name, light in LIGHTS.items():
            found = np.array([
                one_frame(light(SIDE), n, kind, 100 * n + seed, measured=measured)
                for n in (2, 3, 5) for seed in range(seeds)
            ])  # fmt: skip
            mean, pulls, ratio = found.mean(axis=0), found[:, 2:5], found[:, 5:]
            ends = ratio.min(axis=0), ratio.max(axis=0)
            yield [
                name, light_name, str(len(found)),
                f"{mean[0]:.2f} ({found[:, 0].max():.0f})",
                f"{mean[1]:.2f} ({found[:, 1].max():.0f})",
                f"{pulls.mean(axis=0).min():.2f} to {pulls.mean(axis=0).max():.2f}",
                *(f"{low:.2f} to {high:.2f}" for low, high in zip(*ends, strict=True)),
            ]  # fmt: skip


def print_nulls(console: Console, seeds: int, *, measured: bool) -> None:
    console.print(
        "measured noise in use" if measured else "given noise in use",
        ": groups of noise, mean (most), one of each asked for; noise over the true one", sep="",
    )  # fmt: skip
    columns = ("noise", "light", "frames", "MEDIANCR", "exposure", "pulls",
               "dark", "middle", "bright")  # fmt: skip
    for row in (columns, ["---"] * len(columns)):
        console.print("|", " | ".join(row), "|")
    for row in rows(seeds, measured=measured):
        console.print("|", " | ".join(row), "|")


def misfit(cube: npt.NDArray[np.float32], given: Noise) -> float:
    """Reduced chi squared of what fits best."""
    factors = (1.0,) * len(cube)
    sums = measure.take_sums(stack_exposures(cube), given, factors)
    terms = measure.GIVEN
    for _ in range(2):
        variances = measure.variances_by_level(sums, terms)
        terms, _ = measure.fit_terms(variances, measure.extreme_levels(sums, terms))
    return measure.reduced_chi_squared(variances, terms)


def print_fits(console: Console, seeds: int) -> None:
    noise, bent, clipped = [], [], []
    for seed in range(seeds):
        for light in (gradient(SIDE) * 5, fibres(SIDE) * 5):
            for kind in KINDS.values():
                noise.append(misfit(drawn(light, 3, kind, seed), kind.given))
            cube = drawn(light, 3, Kind(), seed)
            half, given = np.float32(np.median(light)), Noise(1, RNOISE)
            less = np.where(cube > half, half + (cube - half) / np.float32(1.5), cube)
            bent.append(misfit(less, given))
            clipped.append(misfit(2 * half * np.tanh(cube / half / 2), given))
    for name, values in (("noise", noise), ("bent by a third", bent), ("clipped softly", clipped)):
        low, middle, high = np.quantile(values, (0, 0.5, 1))
        console.print(f"reduced chi squared, {name}: {low:.1f}, {middle:.1f}, {high:.1f}")
    for side in (30, 50, 75, 100, 150, 300, 600):
        for name, kind in (("gain given double", KINDS["gain given double"]),
                           ("m + m^2/200", KINDS["m + m^2/200"])):  # fmt: skip
            ratios, differs = [], 0
            for seed in range(3 * seeds):
                light = gradient(side)
                found = measure.measure_noise(
                    stack_exposures(drawn(light, 3, kind, seed)), kind.given, (1.0,) * 3
                )
                differs += found.differs
                level = np.array([20.0, 500.0, 2000.0])
                if found.differs:
                    ratios.append(found.noise.sigma(level) / kind.true.sigma(level))
            spread = np.std(ratios, axis=0) if ratios else np.full(3, np.nan)
            mean = np.mean(ratios, axis=0) if ratios else np.full(3, np.nan)
            console.print(
                f"{side} x {side} x 3, {name}: measured in {differs} of {3 * seeds}; noise over "
                f"true {np.round(mean, 3)}, scatter {np.round(spread, 3)}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="of each number of exposures")
    parser.add_argument("--given", action="store_true", help="with the given noise in use")
    parser.add_argument("--fits", action="store_true", help="where limits come from")
    chosen, console = parser.parse_args(), Console(width=130)
    if chosen.fits:
        print_fits(console, chosen.seeds)
    else:
        print_nulls(console, chosen.seeds, measured=not chosen.given)


if __name__ == "__main__":
    main()
