"""Tests that need the extra [deepcr]: its own job of the workflow installs it."""
