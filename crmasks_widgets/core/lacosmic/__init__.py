"""L.A.Cosmic (van Dokkum 2001, PASP 113, 1420); the page to read first is `stages`.

It leads through the method image by image and names the modules that hold each step. Masks come
from `engine`, or from astroscrappy by `library`; they are the same.
"""

from crmasks_widgets.core.lacosmic.library import LacosmicResult, LacosmicSettings, detect_cosmics

__all__ = ["LacosmicResult", "LacosmicSettings", "detect_cosmics"]
