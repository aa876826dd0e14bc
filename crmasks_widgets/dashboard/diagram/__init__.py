"""The diagrams: Median-Minimum, and in units of sigma; their boundary and thresholds."""
