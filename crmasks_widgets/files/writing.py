"""Writing a set of files so that each appears whole or not at all."""

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crmasks_widgets.errors import OutputError, ProductExistsError
from crmasks_widgets.files.folder_lock import LOCK_NAME, locked, remove_abandoned, temporary_path
from crmasks_widgets.files.interrupts import interrupted_afterwards, telling
from crmasks_widgets.files.why_not_written import not_writable, not_written, refuse_vanished
from crmasks_widgets.machine import WINDOWS
from crmasks_widgets.regular_files import identity, kind_of, real

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Product:
    """A file to be written.

    Attributes
    ----------
    name : str
        File name.
    content : str
        What it holds, for the user.
    write : callable
        Writes it to the path it is given, which ends in `name`.
    size : int
        Bytes that it takes at least, as far as known beforehand.
    """

    name: str
    content: str
    write: Callable[[Path], None]
    size: int = 0


@dataclass(frozen=True)
class FigureJob:
    """A figure that can be drawn.

    Attributes
    ----------
    name : str
        File name of the product.
    draw : callable (path, metadata) -> None
        Draws the figure into the file at `path`. The metadata, such as ``{"UUID": "..."}``, are
        text chunks of a PNG and the keywords of a PDF.
    """

    name: str
    draw: Callable[[Path, Mapping[str, str]], None]


def text_product(name: str, content: str, text: str) -> Product:
    """Make a file of text, UTF-8; `name` and `content` are those of `Product`."""
    encoded = text.encode()

    def write(path: Path) -> None:
        path.write_bytes(encoded)

    return Product(name, content, write, len(encoded))


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
    inputs = list(inputs)
    own = {real(path) for path in inputs}
    linked = {identity(path) for path in inputs} - {None}
    try:
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    except OSError as error:
        raise not_writable(folder, error) from error
    found = [folder / name for name in names if pattern.fullmatch(name)]
    for path in found:
        if kind := _what_cannot_be_replaced(path):
            msg = f"{path}: found {kind}, expected a file or nothing"
            raise OutputError(msg)
    others = [path for path in found if real(path) not in own]
    for path in others:
        if not os.path.islink(path) and identity(path) in linked:
            msg = f"{path}: found another name of an input of this run, expected another folder"
            raise OutputError(msg)
    return others


def _what_cannot_be_replaced(path: Path) -> str:
    """Say what is there if it is neither a file nor a link to one, nor nothing."""
    try:
        return kind_of((path.stat() if os.path.isdir(path) else path.lstat()).st_mode, links=True)
    except (FileNotFoundError, NotADirectoryError):  # of the latter says `check_writable` more
        return ""
    except OSError as error:  # a folder that may not be looked into
        raise not_writable(path.parent, error) from error


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
        msg = f"{existing[0]}{more}: found products of an earlier run, expected another folder"
        raise ProductExistsError(msg, "them")


def check_target(
    path: Path, suffixes: tuple[str, ...], inputs: Iterable[Path], *, overwrite: bool
) -> None:
    """Make sure that one file, named by a user, may be written.

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
    known = [(real(source), identity(source)) for source in inputs]
    if any(real(path) == source or identity(path) == number for source, number in known if number):
        msg = f"{path}: found an input of this analysis, expected another name"
        raise OutputError(msg)
    if kind := _what_cannot_be_replaced(path):
        msg = f"{path}: found {kind}, expected a file or nothing"
        raise OutputError(msg)
    if os.path.lexists(path) and not overwrite:  # a link to nothing has the name, too
        msg = f"{path}: found a file of this name, expected another name"
        raise ProductExistsError(msg, "it")
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
        probe = temporary_path(existing, "probe")
        try:
            probe.touch()
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(folder, error) from error


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[list[Path]]:
    """Make a folder, which goes away again if what it was made for fails; gives what is new."""
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise not_writable(folder, error) from error
        yield new
    except BaseException:
        _remove_empty(new)
        raise


def _remove_empty(folders: list[Path]) -> None:
    for path in folders:
        with contextlib.suppress(OSError):
            path.rmdir()


@contextlib.contextmanager
def occupied(folder: Path) -> Iterator[Callable[[], None]]:
    """Make a folder if need be and be the only run in it; what killed runs left there is removed.

    Parameters
    ----------
    folder : Path
        Where products will go. It goes away again if it is new and the run fails.

    Yields
    ------
    callable
        While no other run is inside. To be called by who ends the process before it comes out.

    Raises
    ------
    OutputError
        Another run is there, or the folder cannot be made or written to.
    """
    with contextlib.ExitStack() as stack:
        new = stack.enter_context(_made(folder))
        try:
            stack.enter_context(locked(folder))
        except OSError as error:
            raise not_writable(folder, error) from error
        remove_abandoned(folder)

        def leave() -> None:
            with contextlib.suppress(PermissionError):  # on Windows, where it is open
                (folder / LOCK_NAME).unlink(missing_ok=True)
            _remove_empty(new)

        yield leave


@contextlib.contextmanager
def _removed_on_error(paths: list[Path]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for path in paths:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # gone with its folder
                path.unlink()
        raise


def write_products(
    products: Iterable[Product],
    folder: Path,
    earlier: Iterable[Path] = (),
    *,
    replace: bool = True,
) -> list[Written]:
    """Write all products, or none.

    Each goes to a temporary file in the same folder and is flushed to the disk; only when all are
    complete are they renamed to their names, one straight after the other.

    Parameters
    ----------
    products : iterable of Product
        What to write; may be lazy.
    folder : Path
        Created if need be.
    earlier : iterable of Path
        Files of an earlier run; those that are not replaced are removed.
    replace : bool
        Whether what has the name of a product is replaced, also if it has just appeared.

    Returns
    -------
    list of Written
        In the order given.

    Raises
    ------
    OutputError
        One of them could not be written; the folder is as it was.
    ProductExistsError
        There is a file of this name and `replace` is false; the folder is as it was.
    Interrupted
        Ctrl-C was pressed while they were renamed; all are in place.
    """
    temporary: list[Path] = []
    done: list[tuple[Path, Product, int]] = []
    remaining = iter(products)
    with _made(folder), _removed_on_error(temporary):
        # Writers shorten "link/.." to nothing, which is another folder.
        real = folder.resolve() if ".." in folder.parts else folder
        for product in remaining:
            path = temporary_path(real, product.name)
            temporary.append(path)
            try:
                _write_one(product, path)
                size = path.stat().st_size
            except OSError as error:
                refuse_vanished(folder, [found for found, _, _ in done], error)
                needed = sum(size for _, _, size in done)
                needed += sum(missing.size for missing in (product, *remaining))
                raise not_written(folder / product.name, error, needed) from error
            done.append((path, product, size))
        written: list[Written] = []
        with telling(written), interrupted_afterwards():
            names = {folder / product.name for _, product, _ in done}
            stale = [path for path in earlier if path not in names]
            written += _in_place(done, folder, stale, replace=replace)
        return written


def _in_place(
    done: list[tuple[Path, Product, int]], folder: Path, stale: list[Path], *, replace: bool
) -> list[Written]:
    """Rename all and remove what is stale, or leave the folder as it was."""
    written: list[Written] = []
    kept: list[tuple[Path, Path | None]] = []
    try:
        for path, product, size in done:
            target = folder / product.name
            kept.append((target, _second_name(target) if replace else None))
            (os.replace if replace else _rename_to_new)(path, target)
            written.append(Written(target, product.content, size))
        kept += [(path, _second_name(path)) for path in stale]
        remove_products(stale)
        if not WINDOWS:
            _sync(folder, os.O_RDONLY)
    except OutputError:
        _put_back(kept, {*(item.path for item in written), *stale})
        raise
    except OSError as error:
        _put_back(kept, {item.path for item in written})
        refuse_vanished(folder, [path for path, _, _ in done[len(written) :]], error)
        if isinstance(error, FileExistsError):
            msg = f"{target}: found a file of this name, expected another name"
            raise ProductExistsError(msg, "it") from error
        msg = f"{target}: could not be replaced ({error.strerror}), expected to be allowed to"
        raise OutputError(msg) from error
    finally:
        for _, second in kept:
            if second is not None:
                with contextlib.suppress(OSError):
                    second.unlink(missing_ok=True)
    return written


def _rename_to_new(path: Path, target: Path) -> None:
    """Rename a file to a name that nothing has, a link that leads nowhere neither.

    Raises
    ------
    FileExistsError
        Something has it.
    """
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(path, target)
        except OSError:
            target.unlink()
            raise
    else:
        path.unlink()


def _second_name(path: Path) -> Path | None:
    """Give an earlier product a second name, by which it can come back; None for nothing."""
    if not os.path.lexists(path):
        return None
    second = temporary_path(path.parent, path.name)
    try:
        os.link(path, second, follow_symlinks=False)
    except OSError:  # file systems without hard links
        shutil.copy2(path, second, follow_symlinks=False)
    return second


def _put_back(kept: Iterable[tuple[Path, Path | None]], replaced: set[Path]) -> None:
    for target, second in kept:
        if target in replaced:
            with contextlib.suppress(OSError):
                if second is None:
                    target.unlink(missing_ok=True)
                else:
                    os.replace(second, target)


def remove_products(paths: Sequence[Path]) -> None:
    """Remove products of earlier runs, and say which.

    Parameters
    ----------
    paths : sequence of Path
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
    if paths:
        names = ", ".join(path.name for path in paths)
        logger.info("removed, of an earlier run and not made by this one: %s", names)


def _write_one(product: Product, path: Path) -> None:
    product.write(path)
    _sync(path, os.O_RDWR)


def check_room(folder: Path, needed: int) -> None:
    """Make sure, before anything is computed, that a disk has room for products.

    Parameters
    ----------
    folder : Path
        Where they will go; need not exist. Earlier products stay until the new ones are complete.
    needed : int
        Bytes.

    Raises
    ------
    OutputError
        There is less; says how much is needed and how much is free.
    """
    existing = next(path for path in (folder, *folder.parents) if os.path.isdir(path))
    free = shutil.disk_usage(existing).free
    if free < needed:
        msg = (
            f"{folder}: found {free} bytes free, expected room for all products, "
            f"at least {needed} bytes"
        )
        raise OutputError(msg)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
