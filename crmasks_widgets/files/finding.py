"""Which files a user means, and which images are in them; no pixel is read."""

import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from astropy.io import fits

from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import FITS_NAME, is_pattern
from crmasks_widgets.files.headers import HeaderFacts, describe
from crmasks_widgets.files.listing import matching_files
from crmasks_widgets.files.quality import QUALITY_NAMES, shape_of_image
from crmasks_widgets.files.reading import at_home, inherited_header, open_fits

_OWN: Final = "crmasks_widgets "  # how the history of a product begins
# What a product is, by an extension that no exposure has; the first one that is there tells.
_MASKS: Final = "masks of a run"
_PRODUCTS: Final = MappingProxyType({
    "MEDIANCR": _MASKS, "MAP": "combined image", "DQ": "flags of a run",
})  # fmt: skip
# Beside the exposure, in the same file: how sure each pixel is, or how much it counts.
_NO_EXPOSURES: Final = (
    "ERR", "ERROR", "VAR", "VARIANCE", "IVAR", "STDDEV", "STD", "SIGMA", "UNCERT", "UNCERTAINTY",
    "WEIGHT", "WHT", "MAP", "EXP", "CON", "CTX",
)  # fmt: skip


class ProductError(InputError):
    """What was given as an exposure is the product of a run.

    Parameters
    ----------
    path : Path
        Of the file.
    kind : str
        What it holds.

    Attributes
    ----------
    kind : str
        The same.
    """

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(f"{path}: found a product of crmasks ({kind}), expected an exposure")
        self.kind = kind


@dataclass(frozen=True)
class ImageFacts:
    """An image in a file that may be an exposure, or several.

    Attributes
    ----------
    path : Path
        The file.
    number : int
        HDU, 0 for the primary one.
    name : str
        EXTNAME, with the EXTVER where that is not 1; empty for none.
    shape : (ny, nx)
        Of one exposure.
    planes : int
        Exposures in a cube; 0 for an image.
    header : HeaderFacts
        What it says.
    """

    path: Path
    number: int
    name: str
    shape: tuple[int, int]
    planes: int
    header: HeaderFacts

    @property
    def label(self) -> str:
        """Name, or number where there is none."""
        return self.name or str(self.number)

    def __str__(self) -> str:
        """Say which extension, for a user."""
        return f"{self.number} ({self.name})" if self.name else str(self.number)


def expand_names(
    names: Iterable[str], folders: Sequence[str | Path] = (".",), *, bare: bool = False
) -> tuple[str, ...]:
    """Replace patterns and folders by the files that they stand for.

    Parameters
    ----------
    names : iterable of str
        Files, patterns and folders, also such that begin with ``~``.
    folders : sequence of paths
        Where relative ones are looked for; the first that has any counts.
    bare : bool
        Take a folder for what is in it without a slash at the end of its name, too.

    Returns
    -------
    tuple of str
        In the order given; those of a pattern or a folder by name. Of a folder, FITS files only.

    Raises
    ------
    InputError
        A pattern or a folder has no file, or a pattern too many names to look through.
    """
    found: list[str] = []
    for name in names:
        start = at_home(name)
        places = [Path(folder) / start for folder in folders]
        if any(os.path.isfile(place) for place in places):
            found.append(name)
            continue
        inside = next((place for place in places if os.path.isdir(place)), None)
        if inside is not None and (bare or is_pattern(name)):
            more = _of_folder(start, inside)
        elif is_pattern(name):
            more = _matches(name, start, folders)
        else:
            found.append(name)
            continue
        found += [each for each in more if each not in found]
    return tuple(found)


def how_to_begin(folder: str | Path) -> str:
    """Say how parameter files are made for a folder that has none.

    Parameters
    ----------
    folder : path
        Where to look, and below; not in hidden folders.

    Returns
    -------
    str
        The command, for the first folder with FITS files; empty where there is none.
    """
    for place, inside, names in os.walk(folder):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        n = sum(FITS_NAME.match(name) is not None for name in names)
        if n:
            files = "1 FITS file" if n == 1 else f"{n} FITS files"
            target = shlex.quote(os.path.join(place, "params.yaml"))
            return (
                f"; {place} has {files}: crmasks init {shlex.quote(str(place))} --output {target} "
                "makes a parameter file of them, or one for each group of exposures"
            )
    return ""


def _of_folder(start: Path, folder: Path) -> list[str]:
    try:
        inside = sorted(path.name for path in folder.iterdir() if os.path.isfile(path))
    except OSError as error:
        msg = f"{start}: not readable ({error.strerror}), expected a folder with FITS files"
        raise InputError(msg) from error
    names = [str(start / name) for name in inside if FITS_NAME.match(name)]
    if not names:
        msg = f"{start}: found a folder without FITS files, expected exposures in it"
        raise InputError(msg)
    return names


def _matches(name: str, start: Path, folders: Sequence[str | Path]) -> list[str]:
    for folder in folders:
        if files := matching_files(start, Path(folder)):
            return files
    msg = f"{name}: found no file of this pattern, expected exposures"
    raise InputError(msg)


def images_in(path: Path) -> tuple[ImageFacts, ...]:
    """List what may be an exposure in a FITS file.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.

    Returns
    -------
    tuple of ImageFacts
        In the order of the file; images of quality, error or weight are left out.

    Raises
    ------
    InputError
        As of `files.reading.open_fits`; a `ProductError` where it is a product of a run.
    """
    with open_fits(path, summed=False) as (hdus, _):
        if kind := _product(hdus):
            raise ProductError(path, kind)
        found = [_image_facts(path, hdus, number, hdu) for number, hdu in enumerate(hdus)]
    return tuple(image for image in found if image is not None)


def _product(hdus: fits.HDUList) -> str:
    """What the product of a run holds, here or by numina-crmasks; empty for other files."""
    names, header = {hdu.name for hdu in hdus}, hdus[0].header
    flags = names == {"PRIMARY", "DQ"} and "UUID" in header
    if flags or any(str(line).startswith(_OWN) for line in header.get("HISTORY", ())):
        kinds = (kind for name, kind in _PRODUCTS.items() if name in names)
        return next(kinds, "product of a run")
    return _MASKS if {"MEDIANCR", "CRMASK1"} <= names else ""


def _image_facts(
    path: Path, hdus: fits.HDUList, number: int, hdu: fits.hdu.base.ExtensionHDU
) -> ImageFacts | None:
    name = "" if hdu.name == "PRIMARY" else hdu.name
    if not hdu.is_image or name in (*QUALITY_NAMES, *_NO_EXPOSURES):
        return None
    shape = shape_of_image(hdu)
    if len(shape) not in (2, 3) or 0 in shape:
        return None
    if name and hdu.ver != 1:
        name = f"{name},{hdu.ver}"
    planes = shape[0] if len(shape) == 3 else 0
    facts = describe(inherited_header(hdus, hdu))
    return ImageFacts(path, number, name, (shape[-2], shape[-1]), planes, facts)


def find_map(path: Path, shape: tuple[int, int], names: Sequence[str]) -> int:
    """Find the extension of a file that holds a map of a frame.

    Parameters
    ----------
    path : Path
        FITS file, possibly compressed.
    shape : (ny, nx)
        Of the frame.
    names : sequence of str
        EXTNAMEs by which one of several is known.

    Returns
    -------
    int
        The primary image if there is one, else the only image of this shape, or the named one; 0
        where there is none.

    Raises
    ------
    InputError
        There are several, and none is named so.
    """
    with open_fits(path) as (hdus, _):
        fitting = [
            (number, hdu.name)
            for number, hdu in enumerate(hdus)
            if hdu.is_image and shape_of_image(hdu) == shape
            and (hdu.name in names or hdu.name not in QUALITY_NAMES)
        ]  # fmt: skip
        if hdus[0].shape or not fitting:
            return 0
    named = [number for number, name in fitting if name in names]
    if len(fitting) > 1 and len(named) != 1:
        there = ", ".join(f"{number} ({name})" if name else str(number) for number, name in fitting)
        wanted = f"expected one, or its name: {path.name}[EXT]"
        msg = f"{path}: found maps in extensions {there}, {wanted}"
        raise InputError(msg)
    return named[0] if named else fitting[0][0]
