"""A network over a frame: in tiles that overlap, so that memory stays small and a run can stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from crmasks_widgets.core.lacosmic import library
from crmasks_widgets.core.typing import BoolArray, Checkpoint, Float32Array

SIDE = 256
"""Of a tile without its halo, pixels: a fraction of a second of work, some MiB of memory."""


@dataclass(frozen=True)
class Network:
    """A network that was trained to find cosmic rays.

    Attributes
    ----------
    name : str
        As messages call it.
    probability : callable
        From (h, w) float32, as it was trained, to (h, w) float32 between 0 and 1. Sides are
        multiples of `step`.
    halo : int
        How far a pixel's probability depends on others, pixels; a multiple of `step`.
    step : int
        Pixels that the coarsest layer makes one of.
    standardises : bool
        Whether it was trained on frames less their mean, over their standard deviation; else on
        electrons.
    """

    name: str
    probability: Callable[[Float32Array], Float32Array]
    halo: int
    step: int
    standardises: bool = False


def hit_probability(
    frame: Float32Array,
    network: Network,
    *,
    gain: float,
    valid: BoolArray | None = None,
    where: BoolArray | None = None,
    checkpoint: Checkpoint | None = None,
) -> Float32Array:
    """Probability that each pixel is hit, as a network sees it.

    Parameters
    ----------
    frame : (ny, nx) float32
        ADU, without bias.
    network : Network
        Whose probability.
    gain : float
        e-/ADU, positive.
    valid : (ny, nx) bool, optional
        False for pixels to be left out; their probability is 0.
    where : (ny, nx) bool, optional
        Pixels of interest: tiles without any are left out, and 0.
    checkpoint : callable, optional
        Called with the fraction done after each tile; may raise `Cancelled`.

    Returns
    -------
    (ny, nx) float32
        Between 0 and 1. Beyond its borders the frame is mirrored.
    """
    probability = np.zeros(frame.shape, np.float32)
    wanted = np.ones(frame.shape, bool) if valid is None else valid
    wanted = wanted if where is None else wanted & where
    tiles = [tile for tile in _tiles(frame.shape, network.step) if wanted[tile].any()]
    if not tiles:
        return probability
    padded = _prepared(frame, network, gain, valid)
    for done, tile in enumerate(tiles, start=1):
        probability[tile] = _of_tile(padded, tile, network)
        if checkpoint is not None:
            checkpoint(done / len(tiles))
    if valid is not None:
        probability[~valid] = 0
    return probability


def _prepared(
    frame: Float32Array, network: Network, gain: float, valid: BoolArray | None
) -> Float32Array:
    """The frame as the network takes it, without gaps, and mirrored beyond its borders."""
    extended = library.extend(frame, valid, 0)
    values = extended.frame[extended.inner] * np.float32(gain)
    if network.standardises:
        inner = values if valid is None else values[valid]
        spread = float(inner.std())
        values = (values - np.float32(inner.mean())) / np.float32(spread if spread > 0 else 1.0)
    widths = [(network.halo, network.halo + -side % network.step) for side in frame.shape]
    return np.asarray(np.pad(values, widths, mode="symmetric"), np.float32)


def _tiles(shape: tuple[int, ...], step: int) -> Iterator[tuple[slice, slice]]:
    ny, nx = shape
    side = SIDE - SIDE % step
    for y in range(0, ny, side):
        for x in range(0, nx, side):
            yield slice(y, min(y + side, ny)), slice(x, min(x + side, nx))


def _of_tile(padded: Float32Array, tile: tuple[slice, slice], network: Network) -> Float32Array:
    """Probability in a tile, from the tile and its halo."""
    heights = [-(-(s.stop - s.start) // network.step) * network.step for s in tile]
    outer = tuple(
        slice(s.start, s.start + n + 2 * network.halo) for s, n in zip(tile, heights, strict=True)
    )
    found = network.probability(np.ascontiguousarray(padded[outer]))
    inner = tuple(slice(network.halo, network.halo + s.stop - s.start) for s in tile)
    return np.asarray(found[inner], np.float32)
