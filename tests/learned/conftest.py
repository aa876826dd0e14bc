"""These tests belong to an extra; where it is not installed they are none of its."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("deepCR") and find_spec("torch") else ["test_*.py"]
