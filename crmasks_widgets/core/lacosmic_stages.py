"""The documented name of `crmasks_widgets.core.lacosmic.stages` before detectors had folders."""

from crmasks_widgets.core.lacosmic.stages import lacosmic_stages

__all__ = ["lacosmic_stages"]
