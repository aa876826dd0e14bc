"""From FITS files alone to a parameter file, or to the dashboard."""
