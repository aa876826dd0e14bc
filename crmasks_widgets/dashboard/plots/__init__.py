"""Parts that the figures of bqplot share: axes, pictures that are swapped."""

from crmasks_widgets.dashboard.plots.without_pandas import load_bqplot

load_bqplot()
