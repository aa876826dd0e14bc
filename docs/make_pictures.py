"""Draw the pictures of the README and the docs from the demo exposures."""

from functools import partial
from pathlib import Path

import numpy as np
from astropy.table import Row
from matplotlib.figure import Figure

import crmasks_widgets as cm
from crmasks_widgets.demo import demo_scene
from crmasks_widgets.figures import all_figures
from crmasks_widgets.simulate import Detector, Hits, StarField, displaced, expose, star_light

IMAGES = Path(__file__).parent / "images"
HALF = 20


def demo_analysis() -> cm.Analysis:
    """Return the analysis that `crmasks demo` makes."""
    scene = demo_scene()
    parameters = cm.Parameters(
        gain=scene.gain, rnoise=scene.rnoise, bias=scene.bias, mm_seed=scene.seed
    )
    return cm.Analysis(cm.ExposureSet.from_arrays(list(np.rint(scene.exposures))), parameters)


def window_of(hit: Row) -> tuple[slice, slice]:
    """Return the rows and columns around a hit."""
    x, y = round(hit["x"]), round(hit["y"])
    return slice(max(0, y - 1 - HALF), y + HALF), slice(max(0, x - 1 - HALF), x + HALF)


def visibility(hit: Row, corrected: np.ndarray) -> float:
    """Return how well a hit stands out: its pixels, if its height is that of its surroundings."""
    height = hit["max_median_minus_min"] / np.percentile(corrected[window_of(hit)], 99)
    return float((hit["n_mm"] + hit["n_both"]) * min(1.0, height))


def result_picture(analysis: cm.Analysis) -> Figure:
    """Return the clearest hit: exposures, median, corrected median."""
    corrected = analysis.combination("mediancr").data
    hit = max(analysis.hits, key=lambda row: visibility(row, corrected))
    rows, columns = window = window_of(hit)
    panels = {f"exposure {i}": analysis.stack.cube[i - 1] for i in (1, 2, 3)}
    panels |= {"median": analysis.stack.median2d, "corrected median": corrected}
    low, high = np.percentile(corrected[window], [1, 99.5])
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    extent = (columns.start + 0.5, columns.stop + 0.5, rows.start + 0.5, rows.stop + 0.5)
    for axis, (title, frame) in zip(axes, panels.items(), strict=True):
        image = axis.imshow(
            frame[window], origin="lower", extent=extent, cmap="gray_r",
            vmin=low, vmax=1.5 * high, interpolation="nearest",
        )  # fmt: skip
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("x (FITS pixel)", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("y (FITS pixel)", fontsize=8)
    bar = figure.colorbar(image, ax=axes[-1], extend="max")
    bar.set_label("ADU", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def displaced_stars() -> cm.Analysis:
    """Return exposures of a star field, the second and third displaced by 0.3 pixels."""
    stars = StarField(density=6000.0, faintest=2000.0, brightest=6e4, fwhm=2.2)
    places = ((0.0, 0.0), (0.3, -0.1), (-0.1, 0.3))
    light = displaced(partial(star_light, (120, 160), stars, seed=3), places)
    detector = Detector(gain=1.5, rnoise=3.0, bias=0.0)
    scene = expose(light, seed=3, detector=detector, hits=Hits(rate=1500.0, double=4))
    parameters = cm.Parameters(gain=1.5, rnoise=3.0, bias=0.0, crmethod="significance", mm_seed=1)
    return cm.Analysis(cm.ExposureSet.from_arrays(list(scene.exposures)), parameters)


def matching_picture(analysis: cm.Analysis) -> Figure:
    """Return what differs before and after matching, in units of the noise."""
    scaled, matched = analysis.stack, analysis.matching.cube
    sigma = analysis.calibration.noise.sigma(scaled.median2d)
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    for row, (cube, words) in zip(
        axes, ((scaled.cube, "as it is"), (matched, "matched")), strict=True
    ):
        middle = np.median(cube, axis=0)
        for number, (axis, exposure) in enumerate(zip(row, cube, strict=True), start=1):
            image = axis.imshow(
                (exposure - middle) / sigma, origin="lower", cmap="RdBu_r", vmin=-12, vmax=12,
                extent=(0.5, sigma.shape[1] + 0.5, 0.5, sigma.shape[0] + 0.5),
                interpolation="nearest",
            )  # fmt: skip
            axis.set_title(f"exposure {number} {words}, less the median", fontsize=9)
            axis.tick_params(labelsize=7)
    for axis in axes[1]:
        axis.set_xlabel("x (FITS pixel)", fontsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel("y (FITS pixel)", fontsize=8)
    bar = figure.colorbar(image, ax=axes, extend="both")
    bar.set_label("noise of one exposure", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def main() -> None:
    """Write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    analysis = demo_analysis()
    result_picture(analysis).savefig(IMAGES / "result.png", dpi=130)
    matching_picture(displaced_stars()).savefig(IMAGES / "matching.png", dpi=110)
    wanted = {"diagnostic_histogram2d.png", "diagnostic_mediancr.png"}
    for job in all_figures(analysis):
        if job.name in wanted:
            job.draw(IMAGES / job.name, {})


if __name__ == "__main__":
    main()
