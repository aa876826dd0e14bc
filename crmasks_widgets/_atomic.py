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


def text_product(name: str, content: str, text: str) -> Product:
    """Make a file of text, UTF-8; `name` and `content` are those of `Product`."""

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return Product(name, content, write)


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

    Raises
    ------
    OutputError
        The folder cannot be looked into, or a folder is called like a product.
    """
    own = {path.resolve() for path in inputs}
    try:
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
    except OSError as error:
        raise _not_writable(folder, error) from error
    found = [folder / name for name in names if pattern.fullmatch(name)]
    for path in found:
        if path.is_dir():
            msg = f"{path}: found a folder, expected a file or nothing"
            raise OutputError(msg)
    return [path for path in found if path.resolve() not in own]


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


def check_target(
    path: Path, suffixes: tuple[str, ...], inputs: Iterable[Path], *, overwrite: bool
) -> None:
    """Make sure that one file, named by a person, may be written.

    Parameters
    ----------
    path : Path
        Where to.
    suffixes : tuple of str
        How its name may end, in small letters: a slip must not replace a file of another kind.
    inputs : iterable of Path
        Files that are never overwritten.
    overwrite : bool
        Whether an earlier file may be replaced.

    Raises
    ------
    ProductExistsError
        It exists, and `overwrite` is false.
    OutputError
        Its name ends otherwise, it is an input or no file, or the folder cannot be written to.
    """
    if path.suffix.lower() not in suffixes:
        names = " or ".join(suffixes)
        msg = f"{path}: found a name that ends in {path.suffix or 'nothing'!r}, expected {names}"
        raise OutputError(msg)
    if path.resolve() in {source.resolve() for source in inputs}:
        msg = f"{path}: found an input of this analysis, expected another name"
        raise OutputError(msg)
    if path.is_dir() or (os.path.lexists(path) and not path.is_file()):
        msg = f"{path}: found a folder or device, expected a file or nothing"
        raise OutputError(msg)
    if path.exists() and not overwrite:
        msg = f"{path}: found a file of this name, expected none unless it may be overwritten"
        raise ProductExistsError(msg)
    check_writable(path.parent)


def check_writable(folder: Path) -> None:
    """Make sure that files can be made in a folder, or in the one that it would be made in.

    Parameters
    ----------
    folder : Path
        Where products will go; need not exist, and is not created.

    Raises
    ------
    OutputError
        It is a file, cannot be made or cannot be written to.
    """
    try:
        existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        probe = existing / f"{TEMPORARY_PREFIX}{os.getpid()}-probe"
        try:
            probe.touch()
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error


def _not_writable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{folder}: not writable ({error.strerror}), expected a folder to write products to"
    )


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, which goes away again if what it was made for fails."""
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _not_writable(folder, error) from error
        yield
    except BaseException:
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


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
        Created if need be.

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
    with _made(folder), _removed_on_error(temporary):
        for product in products:
            path = folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{product.name}"
            temporary.append(path)
            _write_one(product, path, folder)
            done.append((path, product))
        return _in_place(done, folder)


def _in_place(done: list[tuple[Path, Product]], folder: Path) -> list[Written]:
    written = []
    try:
        for path, product in done:
            target, size = folder / product.name, path.stat().st_size
            os.replace(path, target)
            written.append(Written(target, product.content, size))
        _sync(folder)
    except OSError as error:
        msg = f"{target}: could not be replaced ({error.strerror}), expected to be allowed to"
        raise OutputError(msg) from error
    return written


def remove_products(paths: Iterable[Path]) -> None:
    """Remove products of earlier runs.

    Parameters
    ----------
    paths : iterable of Path
        Those to be removed.

    Raises
    ------
    OutputError
        One of them cannot be removed.
    """
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            msg = f"{path}: could not be removed ({error.strerror}), expected to be allowed to"
            raise OutputError(msg) from error


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
