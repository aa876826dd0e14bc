"""The Median-Minimum diagram: what equivalent exposures would give, and where hits stand out."""
