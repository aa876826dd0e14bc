"""Parts that the figures of bqplot share: axes, pictures that are swapped."""
