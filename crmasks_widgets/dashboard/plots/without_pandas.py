"""bqplot without pandas, which it imports for dates and tables: nothing here draws such."""

import importlib
import sys
from types import ModuleType
from typing import Any, Final

_NAME: Final = "pandas"


def _pandas() -> ModuleType:
    return importlib.import_module(_NAME)


class _Table:
    """Stands for `pandas.DataFrame` where bqplot defines its radar chart, which nobody has yet."""

    def __new__(cls, *content: Any, **more: Any) -> Any:
        """A real table, but for the empty one that each chart begins with."""
        if not content:
            return super().__new__(cls)
        return _pandas().DataFrame(*(() if isinstance(content[0], cls) else content), **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(_pandas().DataFrame(), name)


class _Later(ModuleType):
    """Stands for pandas, which is imported when something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(_NAME) is self:  # bqplot is being imported
            if name == "DataFrame":
                return _Table
            del sys.modules[_NAME]
        return getattr(_pandas(), name)


def load_bqplot() -> None:
    """Import bqplot, and pandas only when it is needed: in bqplot, or by whoever imports it.

    Loading pandas takes a quarter of a second and 28 MiB in the kernel of every dashboard.
    """
    if "bqplot" in sys.modules or _NAME in sys.modules:
        return
    stand_in = _Later(_NAME)
    sys.modules[_NAME] = stand_in
    try:
        importlib.import_module("bqplot")
    finally:
        if sys.modules.get(_NAME) is stand_in:
            del sys.modules[_NAME]
