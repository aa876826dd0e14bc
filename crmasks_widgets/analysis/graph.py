"""The machinery of an `Analysis`: what a stage may read, and when its result can be shared."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.noise_of_variance import noise_of_variance
from crmasks_widgets.core.stack import stack_exposures
from crmasks_widgets.core.typing import Checkpoint as Checkpoint
from crmasks_widgets.core.typing import Target as Target
from crmasks_widgets.exposures import Calibration, ExposureSet
from crmasks_widgets.parameters import Parameters

Key = tuple[str, Target | None]


class MasksFile(NamedTuple):
    """Where masks come from that were not computed.

    Attributes
    ----------
    checksum : str
        SHA-256.
    path : Path or None
        None if they are in no file.
    """

    checksum: str
    path: Path | None


@dataclass(frozen=True)
class Stage:
    """One row of the stage table.

    Attributes
    ----------
    compute : callable
        Called with a `Reader`, and with the target where the stage has one; returns the result.
    parameters : tuple of str
        Names of the parameters it reads; `la_*` means all that begin so. Who declares gain, rnoise
        or bias may read their calibration, numbers or maps.
    needs : tuple of str
        Stages it reads; `flagged_*` means all that begin so.
    """

    compute: Callable[..., Any]
    parameters: tuple[str, ...] = ()
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
        return _listed(name, self.parameters)

    def needs_stage(self, name: str) -> bool:
        """Tell whether a stage is declared.

        Parameters
        ----------
        name : str
            Key of the table.

        Returns
        -------
        bool
            True if the result may depend on that of the stage.
        """
        return _listed(name, self.needs)


def _listed(name: str, declared: tuple[str, ...]) -> bool:
    return any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in declared)


@dataclass(frozen=True, eq=False)
class Inputs:
    """What an analysis is made from.

    Attributes
    ----------
    exposures : ExposureSet
        Equivalent exposures.
    parameters : Parameters
        How to look at them.
    calibration : Calibration
        Gain, readout noise and bias.
    written : (str, Parameters), optional
        Text of the parameter file that these began with, and what it said: a file that is saved
        keeps its comments on what has not changed.
    """

    exposures: ExposureSet
    parameters: Parameters
    calibration: Calibration
    written: tuple[str, Parameters] | None = None

    @cached_property
    def noise(self) -> Noise:
        """Noise of an exposure: by gain and readout noise, or as the files of the exposures say."""
        variance = self.exposures.variance
        if variance is None:
            return self.calibration.noise
        bias, valid = self.calibration.bias, self.exposures.valid
        low = stack_exposures(self.exposures.data, bias, None, valid).min2d
        gain = self.calibration.typical_gain
        return noise_of_variance(variance, low, self.exposures.n, gain)


class UndeclaredError(AttributeError):
    """A stage reads what its row of the table does not declare: a mistake in the code."""


class Declared:
    """The parameters that a stage may read; any other name is a mistake in its row."""

    __slots__ = ("_parameters", "_stage")

    def __init__(self, parameters: Parameters, stage: Stage) -> None:
        self._parameters = parameters
        self._stage = stage

    def __getattr__(self, name: str) -> Any:
        if not self._stage.reads(name):
            raise UndeclaredError(f"the stage table does not declare that {name} is read here")
        return getattr(self._parameters, name)


class Reader:
    """What a stage's function is given: what its row declares, and nothing else.

    Parameters
    ----------
    stage : Stage
        The row.
    inputs : Inputs
        Of the analysis.
    result : callable
        Called with a stage, a target and whether the result is to be kept; returns the result.
    checkpoint : callable or None
        To be called with the fraction done of a long step; may raise `Cancelled`.
    once : bool
        True where nothing need be kept for a later change of thresholds.

    Attributes
    ----------
    p : Declared
        The declared parameters.
    exposures : ExposureSet
        The exposures.
    checkpoint, once
        As above.
    """

    __slots__ = ("_inputs", "_result", "_stage", "checkpoint", "exposures", "once", "p")

    def __init__(
        self,
        stage: Stage,
        inputs: Inputs,
        result: Callable[[str, Target | None, bool], Any],
        checkpoint: Checkpoint | None = None,
        *,
        once: bool = False,
    ) -> None:
        self._stage, self._result, self._inputs = stage, result, inputs
        self.exposures, self.checkpoint, self.once = inputs.exposures, checkpoint, once
        self.p: Final = Declared(inputs.parameters, stage)

    def __call__(self, stage: str, target: Target | None = None, *, keep: bool = True) -> Any:
        """Result of a stage that this one needs.

        Parameters
        ----------
        stage : str
            Key of the table.
        target : str or int, optional
            For stages that have one.
        keep : bool
            False to compute it again when it is read again, unless it is known already.

        Returns
        -------
        object
            What that stage makes.

        Raises
        ------
        UndeclaredError
            The row does not name the stage.
        """
        if not self._stage.needs_stage(stage):
            raise UndeclaredError(f"the stage table does not declare that {stage} is needed here")
        return self._result(stage, target, keep)

    @property
    def noise(self) -> Noise:
        """Gain and readout noise, numbers or maps."""
        self._declares("gain", "rnoise")
        return self._inputs.noise

    @property
    def rnoise(self) -> Any:
        """Readout noise, ADU, a number or (ny, nx) float32."""
        self._declares("rnoise")
        return self._inputs.noise.rnoise

    @property
    def bias(self) -> Any:
        """Bias, ADU, a number or (ny, nx) float32."""
        self._declares("bias")
        return self._inputs.calibration.bias

    def _declares(self, *names: str) -> None:
        for name in names:
            if not self._stage.reads(name):
                raise UndeclaredError(f"the stage table does not declare that {name} is read here")


def stages_changed_by(
    names: set[str], table: Mapping[str, Stage], unaffected: Iterable[str] = ()
) -> set[str]:
    """Stages that have to be computed again when these parameters change.

    Parameters
    ----------
    names : set of str
        Parameter names.
    table : mapping
        Stages by name, in the order of computation.
    unaffected : iterable of str
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
        if any(map(stage.reads, names)) or any(map(stage.needs_stage, changed)):
            changed.add(name)
    return changed


class Slot:
    """Result of one stage; several analyses may share it."""

    __slots__ = ("__weakref__", "known", "lock", "value")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.known = False
        self.value: Any = None

    @classmethod
    def of(cls, value: Any) -> "Slot":
        """Make a slot whose value is known."""
        slot = cls()
        slot.value, slot.known = value, True
        return slot

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


class Results:
    """Results by (stage, target), each computed once whichever thread asks first."""

    __slots__ = ("_guard", "_slots")

    def __init__(self, slots: Mapping[Key, Slot] | None = None) -> None:
        self._slots: dict[Key, Slot] = dict(slots or {})
        self._guard = threading.Lock()

    def get(self, key: Key, compute: Callable[[], Any], *, keep: bool = True) -> Any:
        """Return a result, computed by `compute` unless it is known.

        Parameters
        ----------
        key : tuple
            Stage and target.
        compute : callable
            Makes the result.
        keep : bool
            False to forget it afterwards, unless it was known before.

        Returns
        -------
        object
            The result.
        """
        with self._guard:
            slot = self._slots.setdefault(key, Slot())
            known = slot.known
        value = slot.get(compute)
        if not keep and not known:
            with self._guard:
                self._slots.pop(key, None)
        return value

    def known(self) -> frozenset[Key]:
        """Keys of the results that are known."""
        with self._guard:
            return frozenset(key for key, slot in self._slots.items() if slot.known)

    def slot(self, key: Key) -> Slot | None:
        """Slot of a result that is known or being computed."""
        with self._guard:
            return self._slots.get(key)

    def without(self, stages: set[str]) -> "Results":
        """Results that share the slots of all but some stages."""
        with self._guard:
            return Results({key: slot for key, slot in self._slots.items() if key[0] not in stages})

    def __len__(self) -> int:
        return len(self._slots)
