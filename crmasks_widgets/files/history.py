"""Which exposures a file was made from, as its HISTORY says: written here, and read again."""

import re

from astropy.io import fits

# A long line goes on in the next card, which may break it anywhere.
_IMAGE = re.compile(r"image .*? ?sha256 ?([0-9a-f]{64})")


def image_line(name: str, checksum: str) -> str:
    """Line of HISTORY about an exposure.

    Parameters
    ----------
    name : str
        Its name.
    checksum : str
        SHA-256 of its content, 64 hexadecimal digits.

    Returns
    -------
    str
        What `image_checksums` reads.
    """
    return f"image {name} sha256 {checksum}"


def image_checksums(header: fits.Header) -> tuple[str, ...]:
    """Checksums of the exposures that a file was made from.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Primary header of a product.

    Returns
    -------
    tuple of str
        In their order; empty where the file does not say, as those of numina-crmasks.
    """
    history = "".join(str(line) for line in header.get("HISTORY", ()))
    return tuple(_IMAGE.findall(history))


def order_of(made_from: tuple[str, ...], wanted: tuple[str, ...]) -> list[int] | None:
    """Where each exposure stands among those that a file was made from.

    Parameters
    ----------
    made_from : tuple of str
        Checksums, in the order of the file.
    wanted : tuple of str
        Checksums of the exposures at hand.

    Returns
    -------
    list of int or None
        Indices into `made_from`, each used once; None where the two do not hold the same.
    """
    if sorted(made_from) != sorted(wanted):
        return None
    free = list(range(len(made_from)))
    order = []
    for checksum in wanted:
        place = next(i for i in free if made_from[i] == checksum)
        free.remove(place)
        order.append(place)
    return order
