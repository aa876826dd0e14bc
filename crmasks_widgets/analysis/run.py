"""One computation of the stages: how it is followed, stopped, and what it keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmasks_widgets.analysis.graph import Checkpoint, Inputs, Reader, Results, Target
from crmasks_widgets.analysis.table import STAGES


@dataclass(frozen=True)
class Run:
    """How stages are computed; which results follow does not depend on it.

    Attributes
    ----------
    checkpoint : callable or None
        Called with the fraction done of a long step; may raise `Cancelled`.
    begins : callable or None
        Called with a stage and its target where they are asked for; may raise `Cancelled`.
    once : bool
        Save memory: keep nothing for a later change of thresholds.
    """

    checkpoint: Checkpoint | None = None
    begins: Callable[[str, Target | None], object] | None = None
    once: bool = False

    def result(
        self,
        inputs: Inputs,
        results: Results,
        stage: str,
        target: Target | None = None,
        *,
        keep: bool = True,
    ) -> Any:
        """Result of a stage and, before it, of all that it reads and that is not known yet.

        Parameters
        ----------
        inputs : Inputs
            Of the analysis.
        results : Results
            What is known; what is computed is added.
        stage : str
            Key of the table.
        target : str or int, optional
            For stages that have one.
        keep : bool
            False to forget this stage's result afterwards, unless it was known before.

        Returns
        -------
        object
            What the stage makes.
        """
        if self.begins is not None:
            self.begins(stage, target)

        def read(stage: str, target: Target | None, keep: bool) -> Any:
            return self.result(inputs, results, stage, target, keep=keep)

        def compute() -> Any:
            row = STAGES[stage]
            reader = Reader(row, inputs, read, self.checkpoint, once=self.once)
            return row.compute(reader) if target is None else row.compute(reader, target)

        return results.get((stage, target), compute, keep=keep)
