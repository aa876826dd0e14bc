"""The first iteration of L.A.Cosmic as whole images: the page to read first.

Each stage is an image here, in the order of the paper: the noise from a median-filtered frame, the
Laplacian, its excess over the noise, the fine structure that the sky and the optics allow, and the
pixels in which both thresholds are passed. Where each is computed:

- `library`: the settings and the result, and astroscrappy's own implementation, which defines them;
- `preparation`: what no threshold touches, once for each frame;
- `statistics`: Laplacian, excess, fine structure and contrast, for rows or for single pixels;
- `medians` and `fine_structure`: the filters that these need;
- `engine`: all iterations, where most images are computed only in the few pixels that matter;
- `iterations` and `cleaning`: one iteration after the other, and what fills pixels in between.

The pixels flagged here are those of the engine's first iteration.
"""

from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.lacosmic import statistics
from crmasks_widgets.core.lacosmic.library import LacosmicSettings
from crmasks_widgets.core.lacosmic.medians import interior
from crmasks_widgets.core.lacosmic.preparation import prepare
from crmasks_widgets.core.masks import grow
from crmasks_widgets.core.typing import BoolArray, Float32Array


@dataclass(frozen=True)
class LacosmicStages:
    """What the first iteration computes on its way from a frame to flags; all (ny, nx).

    Attributes
    ----------
    noise : float32
        N, from the median-filtered frame, electrons.
    laplacian : float32
        L+, electrons.
    excess : float32
        S' = S - median(S), S = L+ / 2N; in sigma. 0 near the border.
    fine_structure : float32
        F, in sigma; at least 0.01, and 0.01 near the border.
    contrast : float32
        S' / F. 0 near the border.
    sharp : bool
        S' > sigclip.
    seeds : bool
        Those with S' / F > objlim.
    flagged : bool
        And their neighbours: beside a seed S' > sigclip is enough, and beside those S' > sigfrac
        sigclip.
    """

    noise: Float32Array
    laplacian: Float32Array
    excess: Float32Array
    fine_structure: Float32Array
    contrast: Float32Array
    sharp: BoolArray
    seeds: BoolArray
    flagged: BoolArray


def lacosmic_stages(
    frame: Float32Array, settings: LacosmicSettings, *, gain: float, rnoise: float
) -> LacosmicStages:
    """Compute the stages of the first iteration.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, without bias; finite, sides at least 16.
    settings : LacosmicSettings
        ``niter`` does not matter.
    gain : float
        e-/ADU, positive.
    rnoise : float
        ADU.

    Returns
    -------
    LacosmicStages
        Their `flagged` is the mask of `engine.detect` with ``niter=1``.
    """
    ready = prepare(frame, settings, gain=gain, rnoise=rnoise)
    shape = (frame.shape[0], frame.shape[1])
    points = np.arange(frame.size)
    within = points[interior(points, shape, ready.widths.significance // 2)]
    excess, contrast = (np.zeros(shape, np.float32) for _ in range(2))
    fine = np.full(shape, statistics.LOWEST_FINE_STRUCTURE)

    def over_fine_structure(values: Float32Array) -> Float32Array:
        return statistics.contrast_at(ready.structure, ready.noise, within, values, ready.widths)

    excess.ravel()[within] = statistics.excess_at(ready.significance, within, ready.widths)
    contrast.ravel()[within] = over_fine_structure(excess.ravel()[within])
    fine.ravel()[within] = 1 / over_fine_structure(np.ones(within.size, np.float32))
    good = np.ones(shape, bool) if ready.bad is None else ~ready.bad
    sharp = (excess > np.float32(settings.sigclip)) & good
    seeds = sharp & (contrast > np.float32(settings.objlim))
    low = np.float32(settings.sigfrac) * np.float32(settings.sigclip)
    beside = grow(grow(seeds, 1) & sharp, 1)
    return LacosmicStages(
        ready.noise,
        statistics.laplacian_rows(ready.electrons, slice(0, shape[0])),
        excess,
        fine,
        contrast,
        sharp,
        seeds,
        beside & (excess > low) & good,
    )
