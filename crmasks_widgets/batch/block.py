"""One observing block from its exposures to its products, or to the proof that they are there."""

import contextlib
import json
import logging
import time
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.analysis.schedule import compute_all
from crmasks_widgets.batch.blocks import Block
from crmasks_widgets.batch.record import RECORD_NAME, Record, read_record
from crmasks_widgets.errors import CrmasksError, InputError, on_one_line, what_was_wrong
from crmasks_widgets.files.reading import sha256_of
from crmasks_widgets.files.writing import text_product, write_products
from crmasks_widgets.loading import read_analysis, read_mosaic
from crmasks_widgets.parameters import parameter_table
from crmasks_widgets.parameters.several import values_of
from crmasks_widgets.running import Destination, occupying

State = Literal["waiting", "done", "verified", "failed"]

logger = logging.getLogger("crmasks_widgets")


@dataclass(frozen=True)
class Task:
    """A block to be run, and how.

    Attributes
    ----------
    block : Block
        What.
    folder : Path
        Where its products go, a whole path.
    figures, overwrite : bool
        Draw figures; replace products that were made of something else.
    threads : int
        Stages that may run at once.
    version : str
        Of this package where the task was made.
    """

    block: Block
    folder: Path
    figures: bool = True
    overwrite: bool = False
    threads: int = 1
    version: str = __version__


@dataclass(frozen=True)
class Outcome:
    """What became of a block.

    Attributes
    ----------
    name : str
        Of the block.
    state : {"waiting", "done", "verified", "failed"}
        "verified": an earlier batch made the products, which are what they were then.
    record : mapping
        Version, inputs, parameters, counts, warnings and products, as in the block's folder.
    seconds : float or None
        That it took.
    attempts : int
        Worker processes that were given the block.
    error : str
        Why it failed.
    """

    name: str
    state: State = "waiting"
    record: Record = field(default_factory=dict)
    seconds: float | None = None
    attempts: int = 1
    error: str = ""

    @property
    def warnings(self) -> list[str]:
        """What was warned of."""
        return list(self.record.get("warnings", ()))


def run_block(task: Task) -> Outcome:
    """Run a block, unless its products are there already.

    Parameters
    ----------
    task : Task
        What to run.

    Returns
    -------
    Outcome
        "done", "verified" or "failed".
    """
    started = time.monotonic()
    remarks: deque[str] = deque(task.block.remarks)
    with _remarks_to(remarks):
        try:
            state, record = _run(task, remarks)
        except CrmasksError as error:
            record, state, fault = {"warnings": _once(remarks)}, "failed", what_was_wrong(error)
        # The other broad guard: whatever is wrong with one block must not stop the others.
        except Exception as error:
            logger.debug("%s", task.block.name, exc_info=True)
            record, state = {"warnings": _once(remarks)}, "failed"
            fault = what_was_wrong(error)
        else:
            fault = ""
    return Outcome(task.block.name, state, record, time.monotonic() - started, error=fault)


def _run(task: Task, remarks: deque[str]) -> tuple[State, Record]:
    block = task.block
    if task.version != __version__:
        raise InputError(f"worker: found crmasks_widgets {__version__}, expected {task.version}")
    mosaic = _read(block, figures=task.figures)
    known, wanted = read_record(task.folder), _request(mosaic, figures=task.figures)
    same = known.get("request") == wanted
    if same and _intact(task.folder, known.get("products")):
        return "verified", {**known, **_request_in_words(mosaic)}
    to = Destination(
        task.folder, block.sources, task.figures, task.overwrite or same, reproducible=True,
        report=task.figures,
    )  # fmt: skip
    with occupying(mosaic, to) as folder:
        # Should this run be ended, the next one knows that what is there was to be replaced.
        _write_record(task.folder, {"request": wanted})
        for analysis in mosaic:
            deque(compute_all(analysis, task.threads), maxlen=0)
        written = folder.save()
        record = {
            "request": wanted,
            **_record(mosaic),
            "warnings": _once(remarks),
            "products": {item.path.name: _fingerprint(item.path) for item in written},
        }
        _write_record(task.folder, record)
    return "done", record


def _read(block: Block, *, figures: bool) -> Mosaic:
    if block.parameters is None:
        raise InputError(block.error)
    if block.several is not None:
        return read_mosaic(block.several, block.folders, figures=figures)
    analysis = read_analysis(block.parameters, block.folders, figures=figures)
    return Mosaic((str(block.parameters.extnum),), (analysis,), several=False)


def _request(mosaic: Mosaic, *, figures: bool) -> dict[str, Any]:
    """What the products follow from: equal requests make equal products."""
    return {"uuid": mosaic.uuid, "figures": figures}


def _request_in_words(mosaic: Mosaic) -> dict[str, Any]:
    """Tell what was asked for, whatever the record of an earlier batch says of it."""
    inputs: dict[str, str] = {}
    for analysis in mosaic:
        exposures, calibration = analysis.exposures, analysis.calibration
        inputs |= dict(zip(exposures.names, exposures.checksums, strict=True))
        inputs |= {
            f"{name} map {calibration.paths[name].name}": checksum
            for name, checksum in sorted(calibration.checksums.items())
        }
    return {"inputs": inputs, "parameters": _parameters(mosaic)}


def _record(mosaic: Mosaic) -> dict[str, Any]:
    """What was run and found; counts are those of all detectors."""
    counts: Counter[str] = Counter()
    for analysis in mosaic:
        counts["hits"] += analysis.n_hits
        for name, mask in analysis.masks.items():
            counts[name] += int(np.count_nonzero(mask))
        counts["masked in every exposure"] += int(np.count_nonzero(analysis.problematic))
    return {
        "version": __version__,
        **_request_in_words(mosaic),
        "counts": dict(counts),
    }


def _parameters(mosaic: Mosaic) -> dict[str, Any]:
    """Return the parameters that are not their defaults; JSON knows lists only."""
    values = values_of([analysis.parameters for analysis in mosaic])
    changed = {
        info.name: values[info.name] for info in parameter_table()
        if info.name != "images" and values[info.name] != info.default
    }  # fmt: skip
    return dict(json.loads(json.dumps(changed)))


def _write_record(folder: Path, record: Record) -> None:
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    write_products([text_product(RECORD_NAME, "what was run", text)], folder)


def _intact(folder: Path, products: Any) -> bool:
    """Whether all products are what they were when they were made."""
    if not isinstance(products, dict) or not products:
        return False
    try:
        return all(_fingerprint(folder / Path(name).name) == was for name, was in products.items())
    except OSError:
        return False


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _once(remarks: deque[str]) -> list[str]:
    return list(dict.fromkeys(remarks))


class _Collector(logging.Handler):
    def __init__(self, remarks: deque[str]) -> None:
        super().__init__(logging.WARNING)
        self._remarks = remarks

    def emit(self, record: logging.LogRecord) -> None:
        self._remarks.append(on_one_line(record.getMessage()))


@contextlib.contextmanager
def _remarks_to(remarks: deque[str]) -> Iterator[None]:
    """Collect what is warned of, by logging and by Python."""
    handler = _Collector(remarks)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = lambda message, *_, **__: remarks.append(on_one_line(message))
            yield
    finally:
        logger.removeHandler(handler)
