"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420); the page to read first is `stages`."""

from crmasks_widgets.core.lacosmic.library import LacosmicResult, LacosmicSettings, detect_cosmics

__all__ = ["LacosmicResult", "LacosmicSettings", "detect_cosmics"]
