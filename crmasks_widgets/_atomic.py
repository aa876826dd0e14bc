"""Writing a set of files so that each appears whole or not at all."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crmasks_widgets.errors import CrmasksError, OutputError, ProductExistsError

TEMPORARY_PREFIX = ".crmasks-tmp-"


@dataclass(frozen=True)
class Product:
    """A file to be written.

    Attributes
    ----------
    name : str
        File name.
    content : str
        What it holds, for people.
    write : callable
        Writes it to the path it is given, which ends in `name`.
    """

    name: str
    content: str
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes
    ----------
    path : Path
        Where.
    content : str
        What it holds.
    size : int
        Bytes.
    """

    path: Path
    content: str
    size: int


def earlier_products(folder: Path, pattern: re.Pattern[str], inputs: Iterable[Path]) -> list[Path]:
    """Products of earlier runs in a folder.

    Parameters
    ----------
    folder : Path
        Need not exist.
    pattern : re.Pattern
        Matches the names of products.
    inputs : iterable of Path
        Files the run reads, which are no products to it.

    Returns
    -------
    list of Path
        Sorted.
    """
    if not folder.is_dir():
        return []
    own = {path.resolve() for path in inputs}
    return sorted(
        path
        for path in folder.iterdir()
        if pattern.fullmatch(path.name) and path.resolve() not in own
    )


def refuse_existing(existing: list[Path]) -> None:
    """Refuse to write where earlier products are.

    Parameters
    ----------
    existing : list of Path
        Earlier products.

    Raises
    ------
    ProductExistsError
        If there are any; names the first.
    """
    if existing:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        msg = f"{existing[0]}{more}: found products of an earlier run, expected none (--overwrite)"
        raise ProductExistsError(msg)


def check_writable(folder: Path) -> None:
    """Make sure that files can be made in a folder, which is created if need be.

    Parameters
    ----------
    folder : Path
        Where products will go.

    Raises
    ------
    OutputError
        It is a file, cannot be made or cannot be written to.
    """
    probe = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        msg = f"{folder}: not writable ({error.strerror}), expected a folder to write products to"
        raise OutputError(msg) from error


@contextlib.contextmanager
def _removed_on_error(paths: list[Path]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def write_products(products: Iterable[Product], folder: Path) -> list[Written]:
    """Write all products, or none.

    Each goes to a temporary file in the same folder and is flushed to the disk; only when all are
    complete are they renamed to their names.

    Parameters
    ----------
    products : iterable of Product
        What to write; may be lazy.
    folder : Path
        Must be writable.

    Returns
    -------
    list of Written
        In the order given.

    Raises
    ------
    OutputError
        One of them could not be written; the folder is as it was.
    """
    temporary: list[Path] = []
    done: list[tuple[Path, Product]] = []
    with _removed_on_error(temporary):
        for product in products:
            path = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{product.name}"
            temporary.append(path)
            _write_one(product, path, folder)
            done.append((path, product))
        written = []
        for path, product in done:
            size = path.stat().st_size
            os.replace(path, folder / product.name)
            written.append(Written(folder / product.name, product.content, size))
        _sync(folder)
    return written


def _write_one(product: Product, path: Path, folder: Path) -> None:
    try:
        product.write(path)
        _sync(path)
    except CrmasksError:
        raise
    except OSError as error:
        free = shutil.disk_usage(folder).free
        reason = error.strerror or " ".join(str(error).split())
        msg = (
            f"{folder / product.name}: could not be written ({reason}; {free} bytes free), "
            "expected room for all products"
        )
        raise OutputError(msg) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
