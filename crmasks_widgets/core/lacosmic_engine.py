"""The documented name of `crmasks_widgets.core.lacosmic.engine` before detectors had folders."""

from crmasks_widgets.core.lacosmic.engine import detect, prepare

__all__ = ["detect", "prepare"]
