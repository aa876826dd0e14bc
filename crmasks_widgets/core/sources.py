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
    predicted = np.zeros(len(pixels))
    for start in range(0, len(pixels), _AT_ONCE):
        some = pixels[start : start + _AT_ONCE]
        y, x = np.divmod(some, difference.shape[1])
        middle = _brightest_near(reference, y, x)
        # Most lie on no source, which is cheap to see.
        image = _image(_windows(reference, *middle, _HALF + 1))
        light = image[np.arange(len(some)), 1 + y - middle[0] + _HALF, 1 + x - middle[1] + _HALF]
        likely = _ends(image[:, 1:-1, 1:-1]) & (np.abs(difference[y, x]) < light)
        if likely.any():
            at = [place[likely] for place in (y, x, *middle)]
            predicted[start : start + _AT_ONCE][likely] = _predicted(
                difference, image[likely], sigma, *at
            )
    return predicted


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
    difference: FloatArray,
    images: Float64Array,
    sigma: FloatArray,
    y: Pixels,
    x: Pixels,
    middle_y: Pixels,
    middle_x: Pixels,
) -> Float64Array:
    """Predictions for pixels on sources whose images are known; 0 where the fit is no good."""
    d, s = (_windows(frame, middle_y, middle_x, _HALF) for frame in (difference, sigma))
    image, terms = _terms(images)
    away_y, away_x = (
        np.abs(np.arange(-_HALF, _HALF + 1) - (place - middle)[:, None])
        for place, middle in ((y, middle_y), (x, middle_x))
    )
    apart = (away_y[:, :, None] + away_x[:, None, :]).reshape(d.shape)
    known = np.isfinite(d) & np.isfinite(s) & np.isfinite(terms).all(axis=-1)
    terms = np.where(known[..., None], terms, 0)
    # Terms of one size keep the solution finite.
    terms = terms / (np.sqrt(np.square(terms).sum(axis=1, keepdims=True)) + np.finfo(float).tiny)
    used = known & (apart > 1)
    weight = np.where(used, 1 / np.hypot(s, _MODEL * np.abs(image)), 0)
    each = np.arange(len(y)), np.argmin(apart, axis=1)
    predicted, error, left, target = _fitted(terms, np.where(used, d, 0), weight, terms[each])
    unexplained = np.square(left).sum(axis=1) - used.sum(axis=1)
    fits = unexplained < _LEFT * np.square(target).sum(axis=1)
    fits &= known[each] & (used.sum(axis=1) >= _LEAST) & (np.abs(predicted) > _CERTAIN * error)
    return np.where(fits, predicted, 0.0)


def _fitted(
    terms: Float64Array, values: Float64Array, weight: Float64Array, wanted: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Fit at the terms wanted with its error, and residuals and values in units of their noise."""
    rows, target = terms * weight[..., None], values * weight
    turned = rows.transpose(0, 2, 1)
    normal = turned @ rows
    scale = np.einsum("kii->k", normal)[:, None, None]
    # A little of what nothing tells.
    little = (1e-9 * scale + np.finfo(float).tiny) * np.eye(normal.shape[-1])
    inverse = np.linalg.inv(normal + little)
    fit = inverse @ (turned @ target[..., None])
    left = target - (rows @ fit)[..., 0]
    error = np.sqrt(np.einsum("ki,kij,kj->k", wanted, inverse, wanted))
    return np.einsum("ki,ki->k", wanted, fit[..., 0]), error, left, target


def _ends(image: Float64Array) -> BoolArray:
    """Whether the light in a window ends within it."""
    border = np.concatenate(
        [image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], axis=1
    )
    # A neighbour may reach in, over 0.15 of the border.
    border = np.sort(np.nan_to_num(border), axis=1)
    typical = border[:, int(0.85 * border.shape[1])]
    return np.asarray(typical < _POINT * image[:, _HALF, _HALF])


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
    return np.asarray(values.reshape(len(values), len(steps) ** 2), np.float64)


def _image(windows: Float64Array) -> Float64Array:
    """Windows (k, p) as images above their ground (k, side, side): above the lowest quarter."""
    side = int(np.sqrt(windows.shape[1]))
    rank = windows.shape[1] // 4
    ground = np.partition(windows, rank, axis=1)[:, rank]  # NaN comes last
    return windows.reshape(-1, side, side) - ground[:, None, None]


def _terms(image: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Image (k, p) without the pixels at its border, and with it its slopes and 1: (k, p, 4)."""
    inner = image[:, 1:-1, 1:-1]
    slopes = (image[:, 1:-1, 2:] - image[:, 1:-1, :-2], image[:, 2:, 1:-1] - image[:, :-2, 1:-1])
    terms = [term.reshape(len(image), -1) for term in (inner, *slopes, np.ones_like(inner))]
    return terms[0], np.stack(terms, axis=-1)
