"""Remove the cosmic rays that survive a median of a few long exposures.

The public names stand in ``__init__.pyi``. Each is imported when it is first used: what is behind
them takes a second to import, and the dashboard several.
"""

from crmasks_widgets import _apart as _apart  # before anything that might lie beside the data

import lazy_loader  # isort: skip

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
