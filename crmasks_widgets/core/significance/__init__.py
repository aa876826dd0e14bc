"""Local significance: each target tested by the law of its own statistic (docs/significance.md)."""
