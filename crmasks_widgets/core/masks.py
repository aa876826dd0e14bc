"""From detections to the masks MEDIANCR, MEANCRT and CRMASK1...N."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from crmasks_widgets import detectors
from crmasks_widgets.core.codes import BOTH, DILATION, FORCED
from crmasks_widgets.core.mm.boundary import Boundary
from crmasks_widgets.core.noise import Noise, at_pixels
from crmasks_widgets.core.stack import Stack
from crmasks_widgets.core.typing import BoolArray, NumberOrMap

# With a smaller part of the frame masked, growing pixel by pixel beats a filter over the frame.
SPARSE = 2e-3
_FAR = 8
# A pixel set by hand is masked in the exposures that exceed the minimum by this many sigma.
DEVIATION_SIGMA = 3.0


@dataclass(frozen=True)
class Flags:
    """Pixels of one target flagged by each detector, before dilation.

    Attributes
    ----------
    found : mapping of (ny, nx) bool
        Pixels flagged by each detector of the method, by its key in the registry.
    """

    found: Mapping[str, BoolArray]

    def by(self, detector: str) -> BoolArray:
        """Pixels flagged by one detector.

        Parameters
        ----------
        detector : str
            Key of the registry.

        Returns
        -------
        (ny, nx) bool
            Nothing where it takes no part.
        """
        if detector in self.found:
            return self.found[detector]
        return np.zeros_like(next(iter(self.found.values())))

    @property
    def either(self) -> BoolArray:
        """Flagged by at least one detector."""
        return np.asarray(np.logical_or.reduce(list(self.found.values())), dtype=bool)

    @property
    def both(self) -> BoolArray:
        """Flagged by two detectors or more."""
        return np.asarray(sum(frame.astype(np.uint8) for frame in self.found.values()) > 1)

    def at(self, where: Any) -> "Flags":
        """Flags of some pixels.

        Parameters
        ----------
        where : index
            Of the frames.

        Returns
        -------
        Flags
            With arrays of the shape that the index gives.
        """
        return Flags({key: frame[where] for key, frame in self.found.items()})

    def inside(self, mask: BoolArray) -> "Flags":
        """Flags inside a mask.

        Parameters
        ----------
        mask : (ny, nx) bool
            Where flags count.

        Returns
        -------
        Flags
            Nothing outside.
        """
        return Flags({key: frame & mask for key, frame in self.found.items()})

    def codes(self) -> npt.NDArray[np.uint8]:
        """Which detector flagged each pixel.

        Returns
        -------
        (ny, nx) uint8
            See `codes.all_codes`; 0 where none did.
        """
        either = self.either
        codes = np.zeros(either.shape, dtype=np.uint8)
        # Few pixels are flagged: what they are is worked out for them alone.
        pixels = np.flatnonzero(either)
        code = np.zeros(len(pixels), dtype=np.uint8)
        for row in detectors.rows(self.found):
            flagged = self.found[row.key].ravel()[pixels]
            code[flagged] = np.where(code[flagged] > 0, BOTH, row.code)
        codes.ravel()[pixels] = code
        return codes

    def counts(self) -> dict[str, int]:
        """Pixels by detector.

        Returns
        -------
        dict
            Keys "either", "KEY only" of every detector of the registry, "both".
        """
        codes = self.codes()
        number = np.bincount(codes[codes > 0], minlength=256)
        counts = {f"{key} only": int(number[row.code]) for key, row in detectors.DETECTORS.items()}
        counts["both"] = int(number[BOTH])
        return {"either": sum(counts.values()), **counts}


@dataclass(frozen=True)
class HandEdits:
    """What the user decides about single pixels and regions.

    Attributes
    ----------
    allowed : (ny, nx) bool
        False for pixels that stay out of every mask.
    forced : (ny, nx) bool
        True for pixels that are in MEDIANCR and MEANCRT whatever their values.
    rejected : (ny, nx) bool
        True for pixels that stay out of MEDIANCR, and of what it adds to MEANCRT.
    """

    allowed: BoolArray
    forced: BoolArray
    rejected: BoolArray


def mm_flags(
    target: npt.NDArray[np.float32],
    stack: Stack,
    boundary: Boundary,
    threshold: NumberOrMap,
    least_maximum: NumberOrMap,
) -> BoolArray:
    """Pixels of a target above the boundary (docs/method.md, The Median–Minimum diagram).

    Parameters
    ----------
    target : (ny, nx) float32
        Median, mean or one exposure, ADU.
    stack : Stack
        Its minimum and maximum are used.
    boundary : Boundary
        Of target - min2d against min2d.
    threshold : float or (ny, nx) ndarray
        Lowest target - min2d that counts, ADU.
    least_maximum : float or (ny, nx) ndarray
        Lowest maximum that counts, ADU.

    Returns
    -------
    (ny, nx) bool
        Invalid pixels are never flagged.
    """
    excess = target - stack.min2d
    least = np.maximum(threshold, boundary.floor)
    # Few pixels are above the lowest point of the boundary: only they need a closer look.
    candidates = np.flatnonzero(excess > least)
    height, minimum = excess.ravel()[candidates], stack.min2d.ravel()[candidates]
    passed = (height > boundary(minimum)) & (height > at_pixels(threshold, candidates))
    passed &= stack.max2d.ravel()[candidates] > at_pixels(least_maximum, candidates)
    flagged = np.zeros(target.shape, dtype=bool)
    flagged.ravel()[candidates[passed]] = True
    return flagged


def grow(mask: BoolArray, dilation: int) -> BoolArray:
    """Dilate a mask by squares of side 2 * dilation + 1.

    Parameters
    ----------
    mask : (ny, nx) bool
        Pixels to grow.
    dilation : int
        Pixels in every direction, diagonals included; 0 changes nothing.

    Returns
    -------
    (ny, nx) bool
        New array.
    """
    if dilation > _FAR:
        return _grown_far(mask, dilation)
    pixels = np.flatnonzero(mask)
    if dilation > 0 and len(pixels) > SPARSE * mask.size:
        return _grown_along(_grown_along(mask, dilation, 1), dilation, 0)
    grown: BoolArray = mask.copy()
    y, x = np.divmod(pixels, mask.shape[1])
    for dy in range(-dilation, dilation + 1):
        inside = (y + dy >= 0) & (y + dy < mask.shape[0])
        for dx in range(-dilation, dilation + 1):
            kept = inside & (x + dx >= 0) & (x + dx < mask.shape[1])
            grown[y[kept] + dy, x[kept] + dx] = True
    return grown


def _grown_far(mask: BoolArray, dilation: int) -> BoolArray:
    """Dilate at a cost that does not grow with the dilation."""
    grown = mask.astype(np.uint8)
    for axis, side in enumerate(mask.shape):
        width = 2 * min(dilation, side) + 1
        grown = ndimage.maximum_filter1d(grown, width, axis=axis, mode="constant")
    return np.asarray(grown > 0)


def _grown_along(mask: BoolArray, dilation: int, axis: int) -> BoolArray:
    grown: BoolArray = mask.copy()
    before = (slice(None),) * axis
    for step in range(1, min(dilation, mask.shape[axis] - 1) + 1):
        late, early = (*before, slice(step, None)), (*before, slice(None, -step))
        grown[late] |= mask[early]
        grown[early] |= mask[late]
    return grown


@dataclass(frozen=True)
class Masks:
    """The masks made from MEDIANCR.

    Attributes
    ----------
    meancrt : (ny, nx) bool
        Pixels to be replaced in the mean.
    exposures : tuple of n (ny, nx) bool
        Pixels to be left out of each exposure.
    """

    meancrt: BoolArray
    exposures: tuple[BoolArray, ...]


def build_mediancr(flagged: BoolArray, stack: Stack, edits: HandEdits, dilation: int) -> BoolArray:
    """Make MEDIANCR: the dilated flags of the median, and the pixels set by hand.

    Formulas: docs/method.md, Masks.

    Parameters
    ----------
    flagged : (ny, nx) bool
        Flags of the median by either method.
    stack : Stack
        Tells which pixels are valid.
    edits : HandEdits
        Forced pixels are added without dilation; rejected pixels, and those that are not allowed,
        are taken out last.
    dilation : int
        Growth, pixels.

    Returns
    -------
    (ny, nx) bool
        MEDIANCR.
    """
    grown = grow(flagged & edits.allowed, dilation) & ~edits.rejected
    return (grown | edits.forced) & _allowed(edits, stack.target_valid("median"))


def build_masks(
    flags: Mapping[str | int, BoolArray],
    stack: Stack,
    edits: HandEdits,
    noise: Noise,
    dilation: int,
    *,
    nested: bool = False,
) -> Masks:
    """Make MEANCRT and the exposures' masks (docs/method.md, Masks).

    With D the dilation, MEANCRT = D(mean or D(median)) and CRMASKi = D(exposure i and MEANCRT).
    Rejected pixels are left out of D(median).
    Pixels set by hand are added without dilation: to MEANCRT, and to every exposure that exceeds
    the minimum by 3 sigma. Pixels that are not allowed, and invalid ones, are taken out last.

    Parameters
    ----------
    flags : mapping of (ny, nx) bool
        Flags by either method of "median", "mean" and 1...n.
    stack : Stack
        Its cube tells which exposures deviate.
    edits : HandEdits
        Allowed and forced pixels.
    noise : Noise
        Tells how far an exposure may be above the minimum.
    dilation : int
        Growth, pixels.
    nested : bool
        Keep CRMASK1...N inside MEANCRT, from which their dilation may lead out.

    Returns
    -------
    Masks
        MEDIANCR is a subset of MEANCRT.
    """
    forced = edits.forced & edits.allowed
    anywhere = _allowed(edits, stack.target_valid("median"))
    mediancr = grow(flags["median"] & edits.allowed, dilation) & ~edits.rejected & anywhere
    meancrt = grow((flags["mean"] & edits.allowed) | mediancr, dilation) & anywhere
    exposures = []
    for number in range(1, stack.n + 1):
        allowed = _allowed(edits, stack.target_valid(number))
        mask = grow(flags[number] & edits.allowed & meancrt, dilation) & allowed
        if nested:
            mask &= meancrt
        if forced.any():
            mask |= forced & allowed & _deviates(stack, number, noise)
        exposures.append(mask)
    return Masks(meancrt | (forced & anywhere), tuple(exposures))


def _allowed(edits: HandEdits, valid: BoolArray | None) -> BoolArray:
    return edits.allowed if valid is None else edits.allowed & valid


def _deviates(stack: Stack, number: int, noise: Noise) -> BoolArray:
    excess = stack.cube[number - 1] - stack.min2d
    return np.asarray(excess > DEVIATION_SIGMA * noise.sigma(stack.min2d), dtype=bool)


def detection_codes(flags: Flags, mask: BoolArray, edits: HandEdits) -> npt.NDArray[np.uint8]:
    """Say for every pixel of a mask why it is there.

    Parameters
    ----------
    flags : Flags
        Flags of the mask's target.
    mask : (ny, nx) bool
        The mask.
    edits : HandEdits
        Forced pixels.

    Returns
    -------
    (ny, nx) uint8
        Codes of `crmasks_widgets.core.codes`, 0 outside the mask.
    """
    pixels = np.flatnonzero(mask)
    code = flags.at(np.unravel_index(pixels, mask.shape)).codes()
    other = np.where(edits.forced.ravel()[pixels], FORCED, DILATION)
    codes = np.zeros(mask.shape, dtype=np.uint8)
    codes.ravel()[pixels] = np.where(code > 0, code, other)
    return codes
