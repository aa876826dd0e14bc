"""Demo exposures whose truth is known: light, noise, hot pixels and cosmic rays.

``fibre_spectrograph`` makes a scene like those of MEGARA; ``expose`` turns any noise-free image of
light into exposures, so that other scenes need only draw their light. Nothing is read or written,
and all randomness comes from the seed that is passed in.
"""

from crmasks_widgets.simulate.cosmic_rays import Hits, cosmic_ray_images
from crmasks_widgets.simulate.detector import Detector, Scene, expose
from crmasks_widgets.simulate.fibres import Fibres, fibre_light, fibre_spectrograph

__all__ = [
    "Detector",
    "Fibres",
    "Hits",
    "Scene",
    "cosmic_ray_images",
    "expose",
    "fibre_light",
    "fibre_spectrograph",
]
