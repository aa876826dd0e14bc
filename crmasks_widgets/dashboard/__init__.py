"""The dashboard: what the user sees of an `Analysis`, and the worker that keeps it up to date."""
