"""Remove the cosmic rays that survive a median of three or more long exposures.

The public names stand in ``__init__.pyi``. Each is imported when it is first used: what is behind
them takes a second to import, and the dashboard several.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
