"""World coordinates of products: whole, and without cards that need tables of another file."""

import re
import warnings
from typing import TYPE_CHECKING, Final

from astropy.io import fits

if TYPE_CHECKING:
    from astropy.wcs import WCS

_WORLD: Final = re.compile(
    r"(WCSAXES|WCSNAME|RADESYS|RADECSYS|EQUINOX|LONPOLE|LATPOLE|SPECSYS|SSYSOBS|SSYSSRC|RESTFRQ"
    r"|RESTWAV|VELANGL|VELOSYS|ZSOURCE)[A-Z]?"
    r"|(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA|CNAME|CRDER|CSYER)[1-9][A-Z]?"
    r"|(CD|PC|PV|PS)[1-9]_\d{1,2}[A-Z]?"
    r"|(A|B|AP|BP)_(ORDER|DMAX|\d_\d)"
    r"|LT[VM][1-9](_[1-9])?|WAT[0-9]_\d{3}|DC-FLAG|DISPAXIS"
)
_DISTORTION: Final = re.compile(
    r"(CPDIS|CQDIS|D2IMDIS|CPERR|CQERR|D2IMERR)[1-9][A-Z]?|(DP|DQ)[1-9]([A-Z]|\..*)?"
    r"|D2IM(ARR|EXT|[1-9](\..*)?)|AXISCORR|DVERR[1-9]?"
)
DROPPED: Final = "WCS cards that need a lookup table were left out: the table is not in this file"


def without_tables(header: fits.Header) -> fits.Header:
    """Leave out what only the tables of the input file explain.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Of an exposure.

    Returns
    -------
    astropy.io.fits.Header
        A copy. Distortions by lookup (CPDIS, D2IM) are missing; so are all cards of a description
        one axis of which is tabular (-TAB). A COMMENT says so where anything was left out.
    """
    kept = header.copy()
    tabular = {
        match[1]
        for keyword, value in header.items()
        if (match := re.fullmatch(r"CTYPE[1-9]([A-Z]?)", keyword))
        and str(value).rstrip().endswith("-TAB")
    }
    gone = {
        keyword
        for keyword in header
        if _DISTORTION.fullmatch(keyword)
        or (_is_world(keyword) and any(_belongs(keyword, version) for version in tabular))
    }
    for keyword in gone:
        kept.remove(keyword, ignore_missing=True, remove_all=True)
    if gone:
        kept.add_comment(DROPPED)
    return kept


def world_cards(header: fits.Header) -> fits.Header:
    """World coordinates alone, for an extension whose pixels are those of the image.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Of the image.

    Returns
    -------
    astropy.io.fits.Header
        As `without_tables` leaves them.
    """
    clean = without_tables(header)
    return fits.Header([card for card in clean.cards if _is_world(card.keyword)])


def _is_world(keyword: str) -> bool:
    return bool(_WORLD.fullmatch(keyword))


def _belongs(keyword: str, version: str) -> bool:
    """Whether a card is one of the description with this letter, or of the one without any."""
    numbered = re.fullmatch(r"[A-Z]+[1-9](?:_\d+)?([A-Z]?)", keyword)
    return numbered is not None and not keyword.startswith(("LT", "WAT")) and numbered[1] == version


def coordinates_of(header: fits.Header) -> "WCS | None":
    """Read the world coordinates of an image.

    Parameters
    ----------
    header : Header
        Of the image; what its cards say is what somebody wrote.

    Returns
    -------
    WCS or None
        None where the cards make no sense to astropy.
    """
    from astropy.wcs import WCS  # many runs never need it, and it is slow to load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cards that astropy mends
        try:
            return WCS(header, naxis=2)
        # What wcslib, and what Python makes of a text for a number and a number for a text.
        except (
            ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError,
            MemoryError,
        ):  # fmt: skip
            return None
