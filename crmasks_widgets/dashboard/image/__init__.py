"""The frames, what is flagged over them, and what is done to single pixels."""

from crmasks_widgets.dashboard.plots.without_pandas import load_bqplot

load_bqplot()
