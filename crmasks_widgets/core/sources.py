"""Differences between exposures that a source's own light explains: no hits, and no lost light.

A source that varies, or is seen with another width, differs from itself by what its own image
predicts: a part of it, its slopes and its curvatures. A source that is displaced by more than that
describes has lost in one pixel what it gains beside. A hit adds light to single pixels, a cold
pixel loses it, and nothing of that can be told from the pixels beside.
"""

import numpy as np

from crmasks_widgets.core.typing import BoolArray, Float64Array, FloatArray, Pixels

# Half width of the window that is compared; how far its middle, the source, is looked for.
_HALF, _REACH = 4, 2
# The light of a source has fallen at the border of the window to so much of its peak.
_POINT = 0.4
# The image of a source is no better known than by this part of it.
_MODEL = 0.03
# Of the squares of the differences, so much is left at most beyond noise; pixels that are needed;
# a prediction is one beyond so many of its errors.
_LEFT, _LEAST, _CERTAIN = 0.3, 40, 2.0
# Light that is missing counts beyond so many sigma.
_MISSING = 4.0
_AT_ONCE = 2048


def predicted_by_sources(
    difference: FloatArray, reference: FloatArray, sigma: FloatArray, pixels: Pixels
) -> Float64Array:
    """Predict differences in some pixels from those around, as a change of the source there.

    In 9 x 9 pixels around the brightest near a pixel, the difference is fitted by the reference,
    its two slopes and a constant; the pixel itself and the four beside it are left out.

    Parameters
    ----------
    difference : (ny, nx) ndarray
        An exposure, the mean or the median, less the reference, ADU.
    reference : (ny, nx) ndarray
        What the exposures have in common, ADU.
    sigma : (ny, nx) ndarray
        Noise of the difference, ADU.
    pixels : (k,) int64
        Flat indices.

    Returns
    -------
    (k,) float64
        ADU. 0 where the prediction is less than two of its errors, where the fit leaves more than
        0.3 of the squares beyond noise, where the difference exceeds the light of the source, where
        the reference is no source (what is bright at the border of the window as well goes on), or
        where fewer than 40 pixels are known.
    """
    parts = [
        _predicted(difference, reference, sigma, pixels[start : start + _AT_ONCE])
        for start in range(0, len(pixels), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def missing_beside(
    exposure: FloatArray, others: FloatArray, sigma: FloatArray, pixels: Pixels
) -> Float64Array:
    """Light that an exposure has too little around some pixels.

    Parameters
    ----------
    exposure : (ny, nx) ndarray
        ADU.
    others : (m, ny, nx) ndarray
        The other exposures, or one frame that stands for them, ADU.
    sigma : (ny, nx) ndarray
        Noise of an exposure, ADU.
    pixels : (k,) int64
        Flat indices.

    Returns
    -------
    (k,) float64
        Sum over 5 x 5 pixels, where it lies below the lowest of the others by more than 4 sigma
        and by more than the two lowest of these lie from each other, ADU.
    """
    ny, nx = exposure.shape
    total = np.zeros(len(pixels))
    y, x = np.divmod(pixels, nx)
    for dy in range(-_REACH, _REACH + 1):
        for dx in range(-_REACH, _REACH + 1):
            v, u = y + dy, x + dx
            inside = (v >= 0) & (v < ny) & (u >= 0) & (u < nx)
            v, u = np.where(inside, v, 0), np.where(inside, u, 0)
            low = np.sort(others[:, v, u], axis=0)[:2]
            lost, apart = low[0] - exposure[v, u], np.nan_to_num(low[-1] - low[0])
            counts = inside & (lost > _MISSING * sigma[v, u]) & (lost > apart)
            total += np.where(counts, lost, 0)
    return total


def _predicted(
    difference: FloatArray, reference: FloatArray, sigma: FloatArray, pixels: Pixels
) -> Float64Array:
    y, x = np.divmod(pixels, difference.shape[1])
    middle_y, middle_x = _brightest_near(reference, y, x)
    d = _windows(difference, middle_y, middle_x, _HALF)
    s = _windows(sigma, middle_y, middle_x, _HALF)
    image, terms = _terms(_windows(reference, middle_y, middle_x, _HALF + 1))
    known = np.isfinite(d) & np.isfinite(s) & np.isfinite(terms).all(axis=-1)
    away_y, away_x = (
        np.arange(-_HALF, _HALF + 1) - (place - middle)[:, None]
        for place, middle in ((y, middle_y), (x, middle_x))
    )
    apart = np.abs(away_y[:, :, None]) + np.abs(away_x[:, None, :])
    used = known & (apart.reshape(d.shape) > 1)
    weight = np.where(used, 1 / np.hypot(s, _MODEL * np.abs(image)), 0)
    terms = np.where(known[..., None], terms, 0)
    target = np.where(used, d, 0) * weight
    # Terms of one size, and a little of what nothing tells, keep the solution finite.
    terms = terms / (np.sqrt(np.square(terms).sum(axis=1, keepdims=True)) + np.finfo(float).tiny)
    rows = terms * weight[..., None]
    normal = np.einsum("kpi,kpj->kij", rows, rows)
    scale = np.einsum("kii->k", normal)[:, None, None]
    inverse = np.linalg.inv(
        normal + (1e-9 * scale + np.finfo(float).tiny) * np.eye(normal.shape[1])
    )
    fit = np.einsum("kij,kpj,kp->ki", inverse, rows, target)
    left = target - np.einsum("kpi,ki->kp", rows, fit)
    each = np.arange(len(pixels)), np.argmin(apart.reshape(d.shape), axis=1)
    own = terms[each]
    predicted = np.einsum("ki,ki->k", own, fit)
    error = np.sqrt(np.einsum("ki,kij,kj->k", own, inverse, own))
    unexplained = np.square(left).sum(axis=1) - used.sum(axis=1)
    fits = unexplained < _LEFT * np.square(target).sum(axis=1)
    fits &= known[each] & (used.sum(axis=1) >= _LEAST) & _ends(image)
    fits &= (np.abs(d[each]) < image[each]) & (np.abs(predicted) > _CERTAIN * error)
    return np.where(fits, predicted, 0.0)


def _ends(image: Float64Array) -> BoolArray:
    """Whether the light in a window ends within it."""
    side = 2 * _HALF + 1
    square = image.reshape(-1, side, side)
    border = np.concatenate(
        [square[:, 0], square[:, -1], square[:, 1:-1, 0], square[:, 1:-1, -1]], axis=1
    )
    # A neighbour may reach in.
    typical = np.nanquantile(np.where(np.isfinite(border), border, 0), 0.85, axis=1)
    return np.asarray(typical < _POINT * square[:, _HALF, _HALF])


def _brightest_near(frame: FloatArray, y: Pixels, x: Pixels) -> tuple[Pixels, Pixels]:
    values = np.nan_to_num(_windows(frame, y, x, _REACH), nan=-np.inf)
    dy, dx = np.divmod(values.argmax(axis=1), 2 * _REACH + 1)
    return y + dy - _REACH, x + dx - _REACH


def _windows(frame: FloatArray, y: Pixels, x: Pixels, half: int) -> Float64Array:
    """Values (k, side squared) around some pixels; beyond the border, NaN."""
    ny, nx = frame.shape
    steps = np.arange(-half, half + 1)
    y, x = y[:, None, None] + steps[:, None], x[:, None, None] + steps
    inside = (y >= 0) & (y < ny) & (x >= 0) & (x < nx)
    values = np.where(inside, frame[np.where(inside, y, 0), np.where(inside, x, 0)], np.nan)
    return np.asarray(values.reshape(len(values), -1), np.float64)


def _terms(windows: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Image above its ground (k, p), and with it its slopes and 1: (k, p, 4)."""
    side = 2 * _HALF + 3
    image = windows.reshape(-1, side, side)
    image = image - np.nanquantile(image, 0.25, axis=(1, 2), keepdims=True)
    inner = image[:, 1:-1, 1:-1]
    slopes = (image[:, 1:-1, 2:] - image[:, 1:-1, :-2], image[:, 2:, 1:-1] - image[:, :-2, 1:-1])
    terms = [term.reshape(len(image), -1) for term in (inner, *slopes, np.ones_like(inner))]
    return terms[0], np.stack(terms, axis=-1)
