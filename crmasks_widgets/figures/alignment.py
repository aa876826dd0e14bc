"""How offsets and flux factors were found."""

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.core.alignment import MIN_SIGNAL_TO_NOISE, shifted
from crmasks_widgets.core.codes import INVALID_COLOUR
from crmasks_widgets.core.regions import region_mask, region_slices
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.core.typing import FloatArray
from crmasks_widgets.figures.images import (
    BOUNDARY_COLOUR,
    block_mean,
    colour_bar,
    fit_panel,
    panel_pixels,
    paper_grey,
)
from crmasks_widgets.figures.jobs import new_figure
from crmasks_widgets.limits import colour_limits

N_RATIO_BINS: Final = 101
N_SIGNAL_BINS: Final = 120
# Half the height of the ratio diagram, at least.
LEAST_HALF_HEIGHT: Final = 0.25
# Of the absolute differences, in per cent: hits must not set the colour scale.
DIFFERENCE_PERCENTILE: Final = 99.0


def offset_figure(analysis: Analysis, number: int) -> Figure:
    """Draw an exposure against the median, before and after it is shifted back.

    Parameters
    ----------
    analysis : Analysis
        One whose offsets were measured in `mm_crosscorr_region`.
    number : int
        Of the exposure, from 1.

    Returns
    -------
    Figure
        Median, exposure, their difference, and the difference after shifting back.
    """
    region = analysis.parameters.mm_crosscorr_region or (1, *analysis.exposures.shape[::-1], 1)
    here = region_slices(region, analysis.exposures.shape, "mm_crosscorr_region")
    dx, dy = analysis.alignment.offsets[number - 1]
    median, exposure = analysis.stack.median2d[here], analysis.stack.cube[number - 1][here]
    filled = np.where(np.isfinite(exposure), exposure, np.nanmedian(exposure))
    before, after = median - exposure, median - shifted(filled, -dx, -dy)
    grey = colour_limits(median, "zscale")
    most, unit = _typical_extreme(before), analysis.exposures.unit
    panels = (
        ("(a) median", median, grey, f"median ({unit})"),
        (f"(b) exposure {number}", exposure, grey, f"exposure {number} ({unit})"),
        (f"(c) median − exposure {number}; scatter {_scatter(before):.3g} {unit}",
         before, (-most, most), f"difference ({unit})"),
        (f"(d) the same, shifted back; scatter {_scatter(after):.3g} {unit}",
         after, (-most, most), f"difference ({unit})"),
    )  # fmt: skip
    figure = new_figure(11.0, 9.0)
    figure.subplots_adjust(0.075, 0.065, 0.92, 0.9, wspace=0.36, hspace=0.24)
    figure.suptitle(
        f"exposure {number}: scene displaced by dx = {dx:+z.2f}, dy = {dy:+z.2f} pixel".replace(
            "-", "−"
        ),
        fontsize=11,
    )
    diverging = colormaps["PuOr"].with_extremes(bad=INVALID_COLOUR)
    extent = (region[0] - 0.5, region[1] + 0.5, region[2] - 0.5, region[3] + 0.5)
    axes = figure.subplots(2, 2).ravel()
    for panel, (title, frame, limits, label) in zip(axes, panels, strict=True):
        fit_panel(panel, frame.shape, extent)
        reduced, (_, width, _, height) = block_mean(frame, panel_pixels(panel))
        image = panel.imshow(
            reduced, origin="lower", interpolation="nearest", aspect=panel.get_aspect(),
            extent=(extent[0], extent[0] + width - 0.5, extent[2], extent[2] + height - 0.5),
            vmin=limits[0], vmax=limits[1], cmap=paper_grey() if limits is grey else diverging,
        )  # fmt: skip
        panel.set(xlim=extent[:2], ylim=extent[2:], title=title)
        colour_bar(figure, panel, image, label, extend="both")
    return figure


def _typical_extreme(values: FloatArray) -> float:
    sizes = np.abs(values[np.isfinite(values)])
    return float(np.percentile(sizes, DIFFERENCE_PERCENTILE)) or 1.0 if sizes.size else 1.0


def _scatter(values: FloatArray) -> float:
    """Standard deviation as the median of the absolute values tells it."""
    sizes = np.abs(values[np.isfinite(values)])
    return float(1.4826 * np.median(sizes)) if sizes.size else 0.0


def flux_factor_figure(analysis: Analysis, number: int) -> Figure:
    """Draw the ratio of an exposure to the median against the signal, and the factor found.

    Parameters
    ----------
    analysis : Analysis
        One with ``flux_factor: auto``.
    number : int
        Of the exposure, from 1.

    Returns
    -------
    Figure
        A 2-D histogram of the pixels in the flux factor regions.
    """
    median, exposure = _undivided(analysis, number)
    p = analysis.parameters
    if p.flux_factor_regions:
        inside = region_mask(p.flux_factor_regions, median.shape, "flux_factor_regions")
        median, exposure = median[inside], exposure[inside]
    signal, ratio = _positive_ratio(median, exposure)
    factor = analysis.alignment.flux_factors[number - 1]
    unit = analysis.exposures.unit
    half = max(LEAST_HALF_HEIGHT, 1.5 * abs(factor - 1) + 0.1)
    bright = _bright_limit(analysis.calibration.typical_gain, analysis.calibration.typical_rnoise)
    figure = new_figure(8.5, 5.4)
    axes = figure.subplots()
    figure.subplots_adjust(0.09, 0.1, 0.9, 0.83)
    _ratio_histogram(figure, signal, ratio, (1 - half, 1 + half), bright)
    axes.axhline(1, color="0.4", lw=1, ls=":", label="ratio 1")
    axes.axhline(factor, color=BOUNDARY_COLOUR, lw=2, label=f"flux factor {factor:.4f}")
    if bright > 0:
        axes.axvline(
            bright, color="black", lw=1.2, ls="--",
            label=f"bright from {bright:.4g} {unit} ({MIN_SIGNAL_TO_NOISE:g} sigma)",
        )  # fmt: skip
    axes.set_xlabel(f"median ({unit})")
    axes.set_ylabel(f"exposure {number} / median")
    n_bright = analysis.alignment.n_bright
    where = "in the flux factor regions" if p.flux_factor_regions else "in the frame"
    axes.set_title(f"{n_bright} bright pixels {where} tell the factor", loc="center")
    figure.suptitle(f"exposure {number}: level against the median", fontsize=11)
    figure.legend(loc="upper center", bbox_to_anchor=(0.5, 0.95), ncols=3, frameon=False)
    return figure


def _undivided(analysis: Analysis, number: int) -> tuple[FloatArray, FloatArray]:
    """Median and exposure as they are before any division by flux factors."""
    stack = analysis.stack
    if analysis.parameters.apply_flux_factor_to == "original":
        exposures = analysis.exposures
        stack = stack_exposures(exposures.data, analysis.calibration.bias, valid=exposures.valid)
    return stack.median2d, stack.cube[number - 1]


def _positive_ratio(median: FloatArray, exposure: FloatArray) -> tuple[FloatArray, FloatArray]:
    usable = (median > 0) & np.isfinite(exposure)
    signal = median[usable]
    return signal, exposure[usable] / signal


def _bright_limit(gain: float, rnoise: float) -> float:
    """Signal that stands `MIN_SIGNAL_TO_NOISE` above its own noise, ADU."""
    photon = MIN_SIGNAL_TO_NOISE**2 / gain
    return 0.5 * (photon + float(np.sqrt(photon**2 + 4 * (MIN_SIGNAL_TO_NOISE * rnoise) ** 2)))


def _ratio_histogram(
    figure: Figure,
    signal: FloatArray,
    ratio: FloatArray,
    heights: tuple[float, float],
    bright: float,
) -> None:
    """Counts on a logarithmic signal axis that begins well below the bright limit."""
    axes = figure.axes[0]
    top = max(float(signal.max(initial=0.0)), 2 * bright, 1.0)
    low = max(min(bright / 30, top / 100), 1e-3 * top)
    x = np.geomspace(low, top, N_SIGNAL_BINS + 1)
    y = np.linspace(*heights, N_RATIO_BINS + 1)
    # Logarithms in equal bins: numpy finds the bin of equal ones without a search.
    counts, _, _ = np.histogram2d(
        np.log(np.maximum(signal, low / 10)),
        ratio,
        bins=(N_SIGNAL_BINS, N_RATIO_BINS),
        range=((float(np.log(low)), float(np.log(top))), heights),
    )
    mesh = axes.pcolormesh(
        x, y, np.where(counts > 0, counts, np.nan).T, norm=LogNorm(1, max(10.0, counts.max())),
        cmap="viridis", rasterized=True,
    )  # fmt: skip
    axes.set(xscale="log", xlim=(low, top), ylim=heights)
    box = axes.get_position()
    bar = figure.add_axes((box.x1 + 0.012, box.y0, 0.018, box.height))
    figure.colorbar(mesh, cax=bar, label="pixels per bin").minorticks_off()
