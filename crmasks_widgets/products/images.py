"""The images of a run as FITS files: combinations, and masks."""

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from astropy.io import fits

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.as_ccddata import header_of, stage_of
from crmasks_widgets.analysis.combined_header import say_noise
from crmasks_widgets.analysis.noise_in_use import measured_noise_in_use, noise_lines
from crmasks_widgets.combination_kinds import Kind
from crmasks_widgets.files.history import image_line
from crmasks_widgets.files.world import world_cards

_LONGEST: Final = 20_000  # characters of a value
_CARD_TEXT: Final = 72


def _history(analysis: Analysis, extra: Iterable[str] = ()) -> list[str]:
    """What was done to what: version, inputs with checksums, parameters."""
    lines = [f"crmasks_widgets {__version__}", *extra]
    for name, checksum in zip(analysis.exposures.names, analysis.exposures.checksums, strict=True):
        lines.append(image_line(name, checksum))
    for name, checksum in sorted(analysis.calibration.checksums.items()):
        lines.append(f"{name} map sha256 {checksum}")
    if analysis.masks_checksum is not None:
        lines.append(f"masks sha256 {analysis.masks_checksum}")
    values = analysis.parameters.model_dump()
    lines += [f"- {name} = {_short(value)}" for name, value in values.items() if name != "images"]
    return [*lines, *noise_lines(analysis)]


def _unit_of(header: fits.Header) -> str:
    """Unit of the values; a card may be there and say nothing."""
    unit = header.get("BUNIT")
    return unit if isinstance(unit, str) and unit.strip() else "adu"


def _short(value: object) -> str:
    """Write a value; of a list of thousands, its beginning and its checksum."""
    text = str(value)
    if len(text) <= _LONGEST:
        return text
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[:_LONGEST]}... ({len(text)} characters, sha256 {checksum})"


def _add_history(header: fits.Header, lines: Iterable[str]) -> None:
    """Add lines after the last of those that are there, in a time that grows with their number."""
    new = [fits.Card("HISTORY", part) for line in lines for part in _parts(line)]
    cards = list(header.cards)
    places = [i for i, card in enumerate(cards) if card.keyword == "HISTORY"]
    after = places[-1] + 1 if places else len(cards)
    rest = cards[after:]
    if rest:
        header.clear()
        for card in cards[:after]:
            header.append(card, end=True)
    for card in (*new, *rest):
        header.append(card, end=True)


def _parts(line: str) -> list[str]:
    """Cut a line into what fits on a card; only printable ASCII may stand in a FITS header."""
    text = line.encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return [text[i : i + _CARD_TEXT] for i in range(0, len(text), _CARD_TEXT)] or [""]


def _add_identity(header: fits.Header, analysis: Analysis) -> None:
    header["UUID"] = (analysis.uuid, "identifier of the run")
    for i, factor in enumerate(analysis.alignment.flux_factors, start=1):
        header[f"FLUXF{i}"] = (factor, f"flux factor of exposure {i}")


def combination_hdus(analysis: Analysis, kind: Kind) -> fits.HDUList:
    """Make the FITS file of a combination.

    Parameters
    ----------
    analysis : Analysis
        Source.
    kind : {"mediancr", "meancrt", "meancr", "meancr2", "mean", "median", "min"}
        Which combination.

    Returns
    -------
    astropy.io.fits.HDUList
        PRIMARY float32 with the first exposure's header, VARIANCE float32, MAP int16.
    """
    made = analysis.fleeting(stage_of(kind), kind)
    header = header_of(analysis, kind)
    unit = header["BUNIT"] = _unit_of(header)
    _add_identity(header, analysis)
    _add_history(header, _history(analysis, [f"combination {kind} of the exposures below"]))
    primary = fits.PrimaryHDU(made.data, header)
    variance = fits.ImageHDU(made.variance, name="VARIANCE")
    variance.header["BUNIT"] = f"{unit}2" if str(unit).isalpha() else f"({unit})**2"
    # By this card astropy's CCDData, and what is built on it, knows a variance from a deviation.
    variance.header["UTYPE"] = ("VarianceUncertainty", "what this is to astropy.nddata")
    number = fits.ImageHDU(made.map, name="MAP")
    for hdu in (variance, number):
        hdu.header["UUID"] = analysis.uuid
        hdu.header.extend(world_cards(header))
    return fits.HDUList([primary, variance, number])


def masks_hdus(analysis: Analysis) -> fits.HDUList:
    """Make the FITS file of the masks.

    Parameters
    ----------
    analysis : Analysis
        Source.

    Returns
    -------
    astropy.io.fits.HDUList
        PRIMARY without data, with the noise of an exposure where it was measured; MEDIANCR,
        MEANCRT, CRMASK1...N uint8, and MEANCR where meancr2 is asked for; LAMEDIAN float32 where
        L.A.Cosmic or another detector that cleans frames ran, in electrons with `la_gain_apply`
        and in ADU without (BUNIT says which);
        RPMEDIAN where pixels are to be replaced by a local median.
    """
    primary = fits.PrimaryHDU()
    _add_identity(primary.header, analysis)
    measured = measured_noise_in_use(analysis)
    if measured is not None:
        unit = _unit_of(analysis.exposures.headers[0])
        say_noise(primary.header, measured, unit, measured=True)
    _add_history(primary.header, _history(analysis))
    hdus = fits.HDUList([primary])
    world = world_cards(analysis.exposures.headers[0])
    masks = dict(analysis.masks)
    if "meancr2" in analysis.parameters.more_combinations:
        masks["MEANCR"] = analysis.meancr_mask
    for name, mask in masks.items():
        hdus.append(fits.ImageHDU(mask.astype(np.uint8), name=name))
        hdus[-1].header["NPMASKED"] = (int(np.count_nonzero(mask)), "number of masked pixels")
        hdus[-1].header.extend(world)
    if analysis.parameters.cleans:
        hdus.append(_lamedian_hdu(analysis))
        hdus[-1].header.extend(world)
    boxes = analysis.parameters.pixels_to_be_replaced_by_local_median
    if boxes:
        names = ("X_pixel", "Y_pixel", "X_width", "Y_width")
        columns = [
            fits.Column(name, "K", array=np.array(values, dtype=np.int64))
            for name, values in zip(names, zip(*boxes, strict=True), strict=True)
        ]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="RPMEDIAN"))
    return hdus


def _lamedian_hdu(analysis: Analysis) -> fits.ImageHDU:
    cleaned = analysis.result("cleaned", "median").cleaned
    unit = analysis.exposures.headers[0].get("BUNIT", "adu")
    if analysis.parameters.la_gain_apply:
        cleaned = cleaned * np.float32(analysis.calibration.typical_gain)
        unit = "electron"
    hdu = fits.ImageHDU(cleaned, name="LAMEDIAN")
    hdu.header["BUNIT"] = unit
    return hdu
