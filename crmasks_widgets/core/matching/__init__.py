"""Matching: what displacement, seeing, flux and sky make of an exposure is taken away.

Read `match` first. `reference` makes the clean frame that exposures are predicted from, `kernels`
convolves it, `sky` holds what runs along rows and columns, `samples` chooses the pixels that the
fit sees, `fit` solves it, `description` says in pixels and parts what a kernel does, and `removal`
takes the predicted differences away where the exposures bear them out.
"""
