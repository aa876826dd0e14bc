"""The diagrams: Median-Minimum, and in units of sigma; their boundary and thresholds."""

from crmasks_widgets.dashboard.plots.without_pandas import load_bqplot

load_bqplot()
