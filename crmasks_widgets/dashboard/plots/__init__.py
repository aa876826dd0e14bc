"""Parts that the figures of bqplot share: axes, colour bars, pictures that are swapped."""
