"""The machinery of an `Analysis`: what a stage may read, and when its result can be shared."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crmasks_widgets.parameters import Parameters


@dataclass(frozen=True)
class Stage:
    """What a stage reads: parameters by name (`la_*` means all of them), and other stages."""

    parameters: tuple[str, ...]
    needs: tuple[str, ...] = ()

    def reads(self, name: str) -> bool:
        """Tell whether a parameter is declared.

        Parameters
        ----------
        name : str
            Parameter name.

        Returns
        -------
        bool
            True if the result may depend on it directly.
        """
        return any(
            name == declared or (declared.endswith("*") and name.startswith(declared[:-1]))
            for declared in self.parameters
        )


class Declared:
    """The parameters that a stage may read; any other name is a mistake in the stage table."""

    def __init__(self, parameters: Parameters, stage: Stage) -> None:
        self._parameters = parameters
        self._stage = stage

    def __getattr__(self, name: str) -> Any:
        if not self._stage.reads(name):
            msg = f"the stage table does not declare that {name} is read here"
            raise AttributeError(msg)
        return getattr(self._parameters, name)


def stages_changed_by(
    names: set[str], table: Mapping[str, Stage], unaffected: tuple[str, ...] = ()
) -> set[str]:
    """Stages that have to be computed again when these parameters change.

    Parameters
    ----------
    names : set of str
        Parameter names.
    table : mapping
        Stages by name, in the order of computation.
    unaffected : tuple of str
        Stages that would come out the same in spite of the change.

    Returns
    -------
    set of str
        Keys of the table, those that follow from others included.
    """
    changed: set[str] = set()
    for name, stage in table.items():
        if name in unaffected:
            continue
        if any(stage.reads(parameter) for parameter in names) or changed.intersection(stage.needs):
            changed.add(name)
    return changed


class Slot:
    """Result of one stage; several analyses may share it."""

    __slots__ = ("known", "lock", "value")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.known = False
        self.value: Any = None

    def get(self, compute: Callable[[], Any]) -> Any:
        """Compute the value unless it is known; a failure leaves nothing behind.

        Parameters
        ----------
        compute : callable
            Makes the value.

        Returns
        -------
        object
            The value.
        """
        with self.lock:
            if not self.known:
                self.value = compute()
                self.known = True
        return self.value
