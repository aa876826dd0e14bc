"""How a FITS file is laid out, followed from header to header before astropy reads it.

A size below zero sends astropy back to where it has been, for ever; a packed file may announce
little and unfold to much. So the few cards that say how long an HDU is are looked at first.
"""

import math
import re
from typing import IO, Final

BLOCK: Final = 2880
_CARD: Final = 80
_SIZE_CARD: Final = re.compile(
    rb"(BITPIX|NAXIS\d{0,3}|PCOUNT|GCOUNT|GROUPS) *= *([-+]?\d{1,25}|T)\b"
)
_MOST_HEADER: Final = 64 * 2**20  # bytes; 800 000 cards
_MOST_HDUS: Final = 10_000
_PIECE: Final = 2**20


def follow(content: IO[bytes], size: int | None, most: float) -> int:
    """Go from header to header to the end of a file.

    Parameters
    ----------
    content : binary file
        At its beginning, where it is left.
    size : int or None
        Its bytes; None where only reading tells, as in packed files.
    most : float
        Bytes that it may have.

    Returns
    -------
    int
        Its bytes.

    Raises
    ------
    OSError
        A size makes no sense, it announces or holds more than it may, or it never ends.
    """
    at = 0
    for number in range(_MOST_HDUS):
        header = _header(content, number, first=number == 0)
        if header is None:
            break
        span = _span(header, number)
        at = content.tell() + span
        if at > most:
            raise OSError(f"{at} bytes announced up to extension {number}, {most:.0f} bearable")
        if size is None:
            _skip(content, span)
        elif at <= size:
            content.seek(at)
        else:
            break  # how much is missing is said elsewhere
    else:
        raise OSError(f"more than {_MOST_HDUS} extensions")
    if size is None:
        # To the end, where the checksum of the packer is.
        while content.read(_PIECE):
            if content.tell() > at + most:
                raise OSError(f"compressed: more than {content.tell()} bytes, {at} announced")
        size = content.tell()
    content.seek(0)
    return size


def _header(content: IO[bytes], number: int, *, first: bool) -> dict[str, int] | None:
    """Read the sizes in a header; None where none begins."""
    sizes: dict[str, int] = {}
    length = 0
    while len(block := content.read(BLOCK)) == BLOCK:
        if length == 0 and not block.startswith(b"SIMPLE  =" if first else b"XTENSION="):
            return None
        length += BLOCK
        for start in range(0, BLOCK, _CARD):
            card = block[start : start + _CARD]
            if card.rstrip() == b"END":
                return sizes
            if found := _SIZE_CARD.match(card):
                value = 1 if found[2] == b"T" else int(found[2])
                sizes.setdefault(found[1].decode(), value)
        if length > _MOST_HEADER:
            raise OSError(f"no END card in {length} bytes of the header of extension {number}")
    return None


def _span(sizes: dict[str, int], number: int) -> int:
    """Bytes of data that follow a header, whole blocks."""
    for name, value in sizes.items():
        if name != "BITPIX" and value < 0:
            raise OSError(f"{name} = {value} in extension {number}, at least 0 expected")
    axes = [sizes.get(f"NAXIS{i}", 0) for i in range(1, min(sizes.get("NAXIS", 0), 999) + 1)]
    if axes and axes[0] == 0 and sizes.get("GROUPS"):
        axes = axes[1:]
    values = math.prod(axes) if axes else 0
    n_bytes = abs(sizes.get("BITPIX", 8)) // 8
    span = n_bytes * sizes.get("GCOUNT", 1) * (sizes.get("PCOUNT", 0) + values)
    return -(-span // BLOCK) * BLOCK


def _skip(content: IO[bytes], n_bytes: int) -> None:
    while n_bytes > 0 and (piece := content.read(min(n_bytes, _PIECE))):
        n_bytes -= len(piece)
