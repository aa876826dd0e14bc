"""Header cards that no FITS file may hold, made such that every file may."""

import re
import warnings
from collections.abc import Sequence
from typing import Any, Final

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

_KEYWORD: Final = re.compile(r"[A-Z0-9_-]{0,8}")


def cleaned(header: fits.Header) -> tuple[fits.Header, tuple[str, ...]]:
    """Take out of a header what cannot be written again.

    Parameters
    ----------
    header : astropy.io.fits.Header
        As read.

    Returns
    -------
    header : astropy.io.fits.Header
        The same if nothing is wrong; else a copy, in which ``?`` stands for characters that are not
        printable ASCII, and cards that cannot be read are missing.
    keywords : tuple of str
        Of the cards that changed, printable.
    """
    cards: list[fits.Card] = []
    changed: list[str] = []
    for card in header.cards:
        kept = _cleaned_card(card)
        if kept is not card:
            changed.append(_plain(_keyword(card)) or "(blank)")
        if kept is not None:
            cards.append(kept)
    if not changed:
        return header, ()
    return fits.Header(cards), tuple(dict.fromkeys(changed))


def header_remarks(
    hdus: Sequence[fits.hdu.base.ExtensionHDU], changed: Sequence[str]
) -> tuple[str, ...]:
    """Say what was done to the header of an image.

    Parameters
    ----------
    hdus : sequence of HDU
        Those that its cards come from, as read from a file.
    changed : sequence of str
        Keywords of the cards that were cleaned.

    Returns
    -------
    tuple of str
        Empty where all was right.
    """
    remarks = []
    if changed:
        cards = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if changed[8:] else "")
        remarks.append(f"header: unreadable or with control characters, mended or dropped: {cards}")
    if any(_has_foreign_bytes(hdu) for hdu in hdus):
        remarks.append("header: bytes that are not ASCII are read as question marks")
    return tuple(remarks)


def _has_foreign_bytes(hdu: fits.hdu.base.ExtensionHDU) -> bool:
    place = hdu.fileinfo()
    place["file"].seek(place["hdrLoc"])
    return not bytes(place["file"].read(place["datLoc"] - place["hdrLoc"])).isascii()


def _keyword(card: fits.Card) -> str:
    try:
        return str(card.keyword)
    except (VerifyError, ValueError):
        return "(unreadable)"


def _cleaned_card(card: fits.Card) -> fits.Card | None:
    """The card itself if it is right, else a new one, or none."""
    found = _content(card)
    if found is None:
        return None
    keyword, value, comment = found
    plain = (keyword, _plain(value), _plain(comment))
    legal = bool(_KEYWORD.fullmatch(keyword)) or _is_hierarchical(keyword)
    if not legal:
        return None
    if _is_remark(card, keyword):
        # A comment under a keyword of its own, which astropy lets nobody give a value.
        return fits.Card("COMMENT", _plain(card.image.strip()))
    return card if plain == found else fits.Card(*plain)


def _is_remark(card: fits.Card, keyword: str) -> bool:
    """Whether a card that looks like one of a value has no sign of equality."""
    if keyword in ("", "COMMENT", "HISTORY", "CONTINUE") or _is_hierarchical(keyword):
        return False
    return str(card.image)[8:9] != "="


def _content(card: fits.Card) -> tuple[str, Any, str] | None:
    """Keyword, value and comment, mended where astropy can; None where nobody can."""
    for mend in (False, True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if mend:
                    card.verify("silentfix")
                return card.keyword, card.value, card.comment
        except (VerifyError, ValueError, IndexError, TypeError):
            continue
    return None


def _is_hierarchical(keyword: str) -> bool:
    longer = len(keyword) > 8 or " " in keyword
    return longer and keyword.isascii() and keyword.isprintable()


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in value)
