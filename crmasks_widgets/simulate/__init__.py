"""Demo exposures whose truth is known: light, noise, defects of the sensor and cosmic rays.

``fibre_light`` draws a spectrum like those of MEGARA, ``long_slit_light`` one with sky lines and
the trace of an object, ``star_light`` an image of stars; ``displaced`` draws them where exposures
do not point at quite the same place. ``expose`` turns these, and any other noise-free image of
light, into exposures (``fibre_spectrograph`` does both). Nothing is read or written, and all
randomness comes from the seed that is passed in.
"""

from crmasks_widgets.simulate.cosmic_rays import THICK_CCD, THIN_CCD, Hits, cosmic_ray_images
from crmasks_widgets.simulate.detector import Detector, Scene, displaced, expose
from crmasks_widgets.simulate.fibres import Fibres, fibre_light, fibre_spectrograph
from crmasks_widgets.simulate.long_slit import LongSlit, long_slit_light
from crmasks_widgets.simulate.star_field import StarField, star_light

__all__ = [
    "THICK_CCD",
    "THIN_CCD",
    "Detector",
    "Fibres",
    "Hits",
    "LongSlit",
    "Scene",
    "StarField",
    "cosmic_ray_images",
    "displaced",
    "expose",
    "fibre_light",
    "fibre_spectrograph",
    "long_slit_light",
    "star_light",
]
