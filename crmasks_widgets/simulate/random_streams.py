"""Random streams: each purpose has numbers of its own, which nothing else changes."""

from enum import IntEnum

import numpy as np

from crmasks_widgets.simulate.checks import check_whole


class Stream(IntEnum):
    """What a random stream is for; its number is part of what a seed means: never change one."""

    LIGHT = 0
    HOT_PIXELS = 1
    COINCIDENCES = 2
    HITS = 3
    NOISE = 4
    HOT_NOISE = 5
    BAD_COLUMNS = 6
    COLUMN_NOISE = 7


def random_stream(seed: int, stream: Stream, *index: int) -> np.random.Generator:
    """Return the generator of one purpose (and exposure).

    Every purpose has a stream of its own, so that, for example, more hot pixels leave the noise as
    it was, and the first three of five exposures are the three that the same seed makes alone.

    Parameters
    ----------
    seed : int
        The seed of the whole simulation, >= 0.
    stream : Stream
        What the numbers are for.
    *index : int
        The number of the exposure (from 0) or of the coincidence, where there is one.

    Returns
    -------
    numpy.random.Generator
        A generator that depends on the arguments alone.

    Raises
    ------
    ParameterError
        If the seed is not a whole number >= 0.
    """
    check_whole("seed", seed, 0)
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(stream, *index)))
