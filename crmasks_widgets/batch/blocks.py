"""Observing blocks: which there are, and what each is to be run with."""

import csv
import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

from astropy.io.ascii import InconsistentTableError
from astropy.table import Table

from crmasks_widgets.analysis import memory_beyond
from crmasks_widgets.errors import CrmasksError, InputError, ParameterError, on_one_line
from crmasks_widgets.exposure_names import FITS_NAME, YAML_SUFFIXES, split_plane
from crmasks_widgets.files.finding import expand_names, how_to_begin, images_in
from crmasks_widgets.files.listing import MOST_LOOKED_AT
from crmasks_widgets.files.reading import find_file, frame_shape
from crmasks_widgets.machine import memory_needed
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.info import EXPOSURE_KEYS, canonical_names
from crmasks_widgets.parameters.several import (
    ParameterFile,
    parameter_file,
    read_parameter_file,
)
from crmasks_widgets.parameters.types import FIXED_SEED
from crmasks_widgets.parameters.yaml_text import (
    MAX_BYTES,
    load_yaml,
    read_text,
)
from crmasks_widgets.regular_files import real

TABLE_SUFFIXES: Final = (".csv", ".ecsv")
SEPARATOR: Final = ";"
_KNOWN: Final = frozenset(Parameters.model_fields)
# Of one set of exposures more likely than of all.
HAND_EDITS: Final = (
    "pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr", "mediancr_pixels_rejected",
    "mediancr_pixels_confirmed",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """One observing block.

    Attributes
    ----------
    name : str
        Also the path of its products below the output folder, with "/" between folders.
    parameters : Parameters or None
        What it is run with, or its first detector; None where that could not be read.
    folders : tuple of Path
        Where its files are looked for, whole paths.
    sources : tuple of Path
        Files that it was read from.
    remarks : tuple of str
        Warnings of its parameters.
    error : str
        Why there are no parameters.
    several : ParameterFile or None
        What it is run with, where that is for several detectors.
    """

    name: str
    parameters: Parameters | None
    folders: tuple[Path, ...]
    sources: tuple[Path, ...]
    remarks: tuple[str, ...] = ()
    error: str = ""
    several: ParameterFile | None = None


def find_blocks(
    sources: Sequence[str | Path],
    parameters: str | Path | None = None,
    *,
    leave_out: str | Path | None = None,
) -> list[Block]:
    """Find the observing blocks that files, folders and tables describe.

    A parameter file is a block, and a folder holds one for each parameter file in it or below; they
    are called by their paths below the folder that all sources have in common. A table (``.csv`` or
    ``.ecsv``) has columns `block` and `images` (file names, ``;`` between them), and any further
    parameter by its name. Rows of the same block add up their images.

    Parameters
    ----------
    sources : sequence of paths
        Parameter files, folders and tables.
    parameters : path, optional
        A parameter file shared by all blocks; a table needs it. Of the blocks' own parameter files
        only what describes the exposures (images, extnum, gain, rnoise, bias) is taken then.
    leave_out : path, optional
        A folder in which no parameter file is looked for.

    Returns
    -------
    list of Block
        In the order given, folders sorted. What cannot be used of one block is its `error`.

    Raises
    ------
    ParameterError, InputError
        A source is not there, the table or the shared file cannot be read, nothing was found, or
        two blocks have one name.
    """
    paths = [Path(os.path.abspath(source)) for source in sources]
    shared = None if parameters is None else _Shared(Path(os.path.abspath(parameters)))
    base = Path(os.path.commonpath([p if os.path.isdir(p) else p.parent for p in paths]))
    blocks: list[Block] = []
    for path in paths:
        if os.path.isdir(path):
            found = _parameter_files(path, leave_out)
            blocks += [_from_file(each, base, shared) for each in found]
        elif not os.path.exists(path):
            raise InputError(f"{path}: found nothing, expected a parameter file, folder or table")
        elif FITS_NAME.match(path.name):
            msg = (
                f"{path}: found a FITS file, expected a parameter file, folder or table: crmasks "
                "init makes a parameter file of FITS files"
            )
            raise InputError(msg)
        elif path.suffix.lower() in TABLE_SUFFIXES:
            blocks += _from_table(path, shared)
        else:
            blocks.append(_from_file(path, base, shared))
    if not blocks:
        where = ", ".join(map(str, paths))
        how = next(filter(None, map(how_to_begin, filter(os.path.isdir, sources))), "")
        msg = f"{where}: found no block, expected parameter files (.yaml) or rows{how}"
        raise InputError(msg)
    _refuse_repeated(blocks)
    return blocks


def memory_of(block: Block, *, figures: bool) -> float:
    """Tell beforehand what the run of a block may take, from the header of its first exposure.

    Parameters
    ----------
    block : Block
        To be run.
    figures : bool
        Whether it draws figures.

    Returns
    -------
    float
        MiB; 0 where the exposures cannot be read or hold no image, which its run will say.
    """
    if block.parameters is None or not block.parameters.images:
        return 0.0
    try:
        images = expand_names(block.parameters.images, block.folders)
        beyond = memory_beyond(block.parameters, len(images) if figures else 0)
        path = find_file(split_plane(images[0])[0], block.folders)
        if block.several is not None:
            shapes = {image.number: image.shape for image in images_in(path)}
            if not shapes:
                return 0.0
            n = len(block.several.extensions or shapes)
            return n * memory_needed(len(images), next(iter(shapes.values())), beyond)
        shape = frame_shape(path, block.parameters.extnum)
    except CrmasksError:
        return 0.0
    return memory_needed(len(images), shape, beyond)


class _Shared:
    """The parameters that all blocks share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.file = read_parameter_file(path, FIXED_SEED)
            self.parameters = self.file.first()
        self.remarks = _texts(caught) + tuple(
            f"{path.name}: {name}: found pixels, which are edited in every block"
            for name in HAND_EDITS
            if getattr(self.parameters, name)
        )

    def changed(self, changes: Mapping[str, Any]) -> Parameters | ParameterFile:
        """Take the exposures, and what else a block says, of the block."""
        shared = {"extnum": 0, **self.file.given}
        file = parameter_file(shared | canonical_names(changes, _KNOWN), str(self.path))
        if file.is_of_several:
            return file
        return self.parameters.replace(**{"images": None, **changes})


def _texts(caught: Iterable[warnings.WarningMessage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(on_one_line(w.message) for w in caught))


def _parameter_files(folder: Path, leave_out: str | Path | None) -> list[Path]:
    """Parameter files in a folder and below, but not in hidden folders."""
    skipped = None if leave_out is None else real(leave_out)
    found, looked_at = [], 0
    for place, inside, names in os.walk(folder):  # which follows no links of folders
        inside[:] = [name for name in inside if not name.startswith(".")]
        if skipped is not None and real(place).is_relative_to(skipped):
            inside.clear()
            continue
        looked_at += len(inside) + len(names)
        if looked_at > MOST_LOOKED_AT:
            there = f"found more than {MOST_LOOKED_AT:,} names in folders in it"
            raise InputError(f"{folder}: {there}, expected fewer: a folder of parameter files")
        paths = [Path(place, name) for name in names if not name.startswith(".")]
        found += [p for p in paths if p.suffix.lower() in YAML_SUFFIXES and os.path.isfile(p)]
    return sorted(found)


def _from_file(path: Path, base: Path, shared: _Shared | None) -> Block:
    name = path.relative_to(base).with_suffix("").as_posix()

    def read() -> Parameters | ParameterFile:
        own = read_parameter_file(path, FIXED_SEED)
        if own.images is None:
            raise ParameterError(f"{path}: images: found none, expected a list of FITS files")
        if shared is None:
            return own if own.is_of_several else own.first()
        first = own.first()
        of_it = {key: getattr(first, key) for key in EXPOSURE_KEYS}
        if own.is_of_several:
            of_it |= {key: own.given[key] for key in EXPOSURE_KEYS if key in own.given}
        return shared.changed(of_it)

    return _block(name, read, (path,), shared)


def _block(
    name: str,
    read: Callable[[], Parameters | ParameterFile],
    sources: tuple[Path, ...],
    shared: _Shared | None,
) -> Block:
    """Make a block; what is wrong with its parameters is its own fault alone."""
    remarks: tuple[str, ...] = ()
    if shared is not None:
        sources, remarks = (*sources, shared.path), shared.remarks
    folders = tuple(dict.fromkeys((Path.cwd(), *(path.parent for path in sources))))
    block = Block(name, None, folders, sources, remarks)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = read()
            several = found if isinstance(found, ParameterFile) else None
            if several is not None and several.extensions:
                several.parameters()  # what is wrong with one is said now
            parameters = found.first() if isinstance(found, ParameterFile) else found
    except CrmasksError as error:
        return replace(block, error=str(error))
    remarks = tuple(dict.fromkeys((*remarks, *_texts(caught))))
    return replace(block, parameters=parameters, remarks=remarks, several=several)


def _refuse_repeated(blocks: Iterable[Block]) -> None:
    seen: dict[str, Block] = {}
    for block in blocks:
        # Folders that differ in capitals alone are one on some systems.
        if (other := seen.setdefault(block.name.casefold(), block)) is not block:
            msg = (
                f"{block.sources[0]}: found a block called {block.name!r} as in "
                f"{other.sources[0]}, expected another name"
            )
            raise ParameterError(msg)


# Tables ------------------------------------------------------------------------------------------


def _from_table(path: Path, shared: _Shared | None) -> list[Block]:
    if shared is None:
        msg = f"{path}: found no parameters for its blocks, expected --parameters PARAMS.yaml"
        raise ParameterError(msg)
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, row in enumerate(_rows(path), start=1):
        name = _block_name(row.pop("block", None), f"{path}: row {number}")
        rows.setdefault(name, []).append(row)

    def read(name: str) -> Parameters | ParameterFile:
        return shared.changed(_changes(rows[name], f"{path}: block {name}"))

    return [_block(name, partial(read, name), (path,), shared) for name in rows]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a table without their empty cells; text of CSV is read as in a parameter file."""
    text = read_text(path).removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise ParameterError(f"{path}: found a larger file, expected at most {MAX_BYTES} bytes")
    try:
        if path.suffix.lower() == ".ecsv":
            table = Table.read(text.splitlines(), format="ascii.ecsv")
            names = list(table.colnames)
            rows = [[_plain(cell) for cell in row] for row in table]
        else:
            names, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    except (OSError, ValueError, csv.Error, InconsistentTableError) as error:
        reason = on_one_line(error)
        raise ParameterError(f"{path}: found no table ({reason}), expected CSV or ECSV") from None
    names = [name.strip() for name in names]
    for needed in ("block", "images", *names):
        if names.count(needed) != 1:
            msg = f"{path}: found the columns {', '.join(names)}, expected one called {needed}"
            raise ParameterError(msg)
    canonical_names(dict.fromkeys(n for n in names if n != "block"), Parameters.model_fields)
    for number, row in enumerate(rows, start=1):
        if row and len(row) != len(names):
            msg = f"{path}: row {number}: found {len(row)} cells, expected {len(names)}"
            raise ParameterError(msg)
        if row:
            cells = zip(names, row, strict=True)
            yield {name: cell for name, cell in cells if cell not in (None, "")}


def _plain(cell: Any) -> Any:
    """Make a value of a typed table what a parameter file would hold; None where it is masked."""
    value = cell.tolist() if hasattr(cell, "tolist") else cell
    return value if isinstance(value, str | int | float | bool | list | None) else str(value)


def _block_name(cell: Any, where: str) -> str:
    name = str(cell if cell is not None else "").strip()
    path = PurePosixPath(name)
    usable = name.isprintable() and "\\" not in name and not path.is_absolute()
    if not path.parts or not usable or any(part.startswith(".") for part in path.parts):
        msg = f"{where}: found the block name {name!r}, expected the name of a folder to be made"
        raise ParameterError(msg)
    return path.as_posix()


def _changes(rows: Sequence[Mapping[str, Any]], where: str) -> dict[str, Any]:
    """What the rows of one block say: all their images, and parameters on which they agree."""
    images: list[str] = []
    changes: dict[str, Any] = {}
    for row in rows:
        given = dict(row)
        cell = given.pop("images", "")
        names = cell if isinstance(cell, list) else str(cell).split(SEPARATOR)
        images += [str(name).strip() for name in names if str(name).strip()]
        for name, text in given.items():
            value = load_yaml(text, f"{where}: {name}") if isinstance(text, str) else text
            if changes.setdefault(name, value) != value:
                msg = f"{where}: {name}: found {value} and {changes[name]}, expected one value"
                raise ParameterError(msg)
    return {**changes, "images": images}
