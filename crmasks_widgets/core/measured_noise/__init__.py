"""Measured noise: what the exposures' differences show, level by level, for significance to go by.

Read `measure` first. `blocks` chooses the pixels of a large frame, `sums` takes their differences,
`levels` gathers those of similar level without hits and sources, `scatter` is what their width is
measured by, and `terms` fits readout, photons and excess to the variances.
"""
