"""The dashboard: what a person sees of an `Analysis`, and the worker that keeps it up to date."""
