"""The header of a combination: what holds for one exposure and not for several is said anew."""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.time import Time, TimeDelta

from crmasks_widgets.combination_kinds import Kind
from crmasks_widgets.core.combine import median_variance_factor, minimum_square_error
from crmasks_widgets.core.noise import Noise
from crmasks_widgets.core.saturation import saturation_level
from crmasks_widgets.core.unequal_median import shares_without_light_and_with_most
from crmasks_widgets.exposures import Calibration, ExposureSet
from crmasks_widgets.files.headers import EXPOSURE_TIMES
from crmasks_widgets.files.reading import carried_over
from crmasks_widgets.files.world import without_tables

_MEANS: Final = (*EXPOSURE_TIMES, "DARKTIME", "AIRMASS")
# No exposure takes more than a year, s; what says so has no end that a date could tell.
_LONGEST: Final = 3.2e7
# Of one exposure, and of no other: the moment, what follows from it, and its place on disk.
_OF_ONE: Final = (
    "FILENAME", "ORIGFILE", "FILE", "ROOTNAME", "OBSNUM", "EXPNUM", "FRAMENO", "IMAGEID", "OBSID",
    "UT", "UTC", "UTSTART", "UTEND", "UTSHUT", "TIME-OBS", "TIME", "TIME-END", "LST", "ST",
    "LST-OBS", "HA", "ZD", "AZIMUTH", "AZ", "ALT", "EL", "ELEVAT", "PARANGLE", "PARALL",
    "JD", "HJD", "BJD", "MJD", "DATE-AVG", "MJD-AVG", "DATE-MID", "MJD-MID", "AMSTART", "AMEND",
    "IRAFMIN", "IRAFMAX", "IRAF-MIN", "IRAF-MAX", "DATAMEAN", "IMAGEMD5",
)  # fmt: skip
_OTHER_NOISE: Final = re.compile(
    r"(E?GAIN|GTGAIN|CCDGAIN|DETGAIN|EPERDN|GAINEFF|ATODGN|RDNOISE?|READNOIS|READNOISE|READNOI"
    r"|READNSE|RON|RONOISE|ENOISE|GTRON|RELSCAT)([0-9A-H]{0,2})"
)


# Levels of the bias, and of what stands in for it: a number that is no longer in the values.
_OFFSET: Final = re.compile(r"(BIAS|BIASLEV|BIASLVL|PEDESTAL|OSCANMED|OSCANMN)([0-9A-H]{0,2})")
# Values at which a detector clips, as it wrote them.
_CLIPPING: Final = re.compile(r"(SATURATE?|SATLEVEL|SATLEV|SATVAL|MAXLIN)([0-9A-H]{0,2})")
_SOURCE: Final = re.compile(r"PROV[0-9]{1,4}")
_MOST_SOURCES: Final = 9999  # that have a keyword
_LONGEST_NAME: Final = 68  # characters of a value on one card
_SHORT_NAME: Final = 50  # such that a comment has room


def combined_header(
    exposures: ExposureSet,
    calibration: Calibration,
    flux_factors: tuple[float, ...],
    kind: Kind,
    noise: Noise,
    *,
    measured: bool = False,
) -> fits.Header:
    """Say what a combination is.

    Parameters
    ----------
    exposures : ExposureSet
        What was combined.
    calibration : Calibration
        Bias of an exposure.
    flux_factors : tuple of n floats
        What the exposures were divided by.
    kind : {"mediancr", "meancrt", "meancr", "meancr2", "mean", "median", "min"}
        Which combination.
    noise : Noise
        Of an exposure before it was divided, by which the variance goes.
    measured : bool
        Whether exposures showed it, in place of another one that was given.

    Returns
    -------
    astropy.io.fits.Header
        The first exposure's, with NCOMBINE, EXPTIME, TEXPTIME, AIRMASS, DATE-OBS, DATE-END,
        MJD-OBS, MJD-END, GAIN, RDNOISE, BIASSUB, SATURATE and PROV1...N of the combination, and
        RELSCAT where its noise has an excess. What held for one exposure only, or with the bias, is
        left out. Names are those of ESO's data products and of NOIRLab.
    """
    headers = exposures.headers
    header = without_tables(carried_over(headers[0]))
    header.setdefault("BUNIT", "adu")
    for keyword in _OF_ONE:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    header["NCOMBINE"] = (len(headers), "number of exposures combined")
    _say_means(header, headers)
    _say_when(header, headers)
    _leave_out(header, _OTHER_NOISE)
    say_noise(
        header, noise, header["BUNIT"], measured=measured, flux_factors=flux_factors, kind=kind,
    )  # fmt: skip
    _say_offset(header, exposures, calibration, flux_factors)
    _say_sources(header, exposures.names)
    return header


def _number(header: fits.Header, keyword: str) -> float | None:
    value = header.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _numbers(headers: Iterable[fits.Header], keyword: str) -> list[float] | None:
    """Of every exposure, or none."""
    found = [_number(header, keyword) for header in headers]
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else None


def _say_means(header: fits.Header, headers: tuple[fits.Header, ...]) -> None:
    for keyword in _MEANS:
        if keyword not in header:
            continue
        values = _numbers(headers, keyword)
        if values is None:
            header.remove(keyword, remove_all=True)
            continue
        what = "airmass" if keyword == "AIRMASS" else "[s] that of the values"
        mean = math.fsum(value / len(values) for value in values)  # a sum may be no number
        header[keyword] = (mean, f"{what}: mean of {len(values)} exposures")
    times = _numbers(headers, "EXPTIME")
    if times is not None and abs(sum(times)) < math.inf:
        header["TEXPTIME"] = (math.fsum(times), f"[s] sum of {len(times)} exposures")


def _moment(header: fits.Header, keyword: str) -> Time | None:
    value = header.get(keyword)
    if not isinstance(value, str):
        return None
    clock = header.get("TIME-OBS", header.get("UT"))
    if keyword == "DATE-OBS" and "T" not in value and isinstance(clock, str):
        value = f"{value}T{clock}"
    try:
        return Time(value.strip(), format="fits", scale="utc")
    except ValueError:
        return None


def _end(header: fits.Header) -> Time | None:
    """When an exposure ended: as it says, or its beginning and its exposure time."""
    said = _moment(header, "DATE-END")
    begin, length = _moment(header, "DATE-OBS"), _number(header, "EXPTIME")
    if said is not None or begin is None or length is None or not 0 <= length <= _LONGEST:
        return said
    dated_only = "T" not in str(header["DATE-OBS"]) and not {"TIME-OBS", "UT"} & set(header)
    return None if dated_only else begin + TimeDelta(length, format="sec")


def _say_when(header: fits.Header, headers: tuple[fits.Header, ...]) -> None:
    """Give the range from the first exposure's beginning to the last one's end."""
    begins = [time for each in headers if (time := _moment(each, "DATE-OBS")) is not None]
    ends = [time for each in headers if (time := _end(each)) is not None]
    if len(begins) < len(headers):  # a range of some of them would be false
        for keyword in ("DATE-END", "MJD-END"):
            header.remove(keyword, ignore_missing=True, remove_all=True)
        return
    first = min(begins)
    header["DATE-OBS"] = (_text(first, headers), "beginning of the first exposure")
    timed = "T" in header["DATE-OBS"]
    if timed or "MJD-OBS" in header:
        given = _numbers(headers, "MJD-OBS")
        mjd = min(given) if given is not None else float(first.mjd)
        header["MJD-OBS"] = (mjd, "[d] beginning of the first exposure")
    for keyword in ("DATE-END", "MJD-END"):
        header.remove(keyword, ignore_missing=True, remove_all=True)
    if len(ends) == len(headers):
        last = max(ends)
        header["DATE-END"] = (str(last.fits), "end of the last exposure")
        header["MJD-END"] = (float(last.mjd), "[d] end of the last exposure")


def _text(time: Time, headers: tuple[fits.Header, ...]) -> str:
    timed = any("T" in str(each["DATE-OBS"]) or {"TIME-OBS", "UT"} & set(each) for each in headers)
    return str(time.fits) if timed else str(time.fits)[:10]


def _leave_out(header: fits.Header, keywords: re.Pattern[str]) -> None:
    for keyword in list(filter(keywords.fullmatch, header)):
        header.remove(keyword, ignore_missing=True, remove_all=True)


def say_noise(
    header: fits.Header,
    noise: Noise,
    unit: str,
    *,
    measured: bool,
    flux_factors: tuple[float, ...] = (1.0,),
    kind: Kind | None = None,
) -> None:
    """Add gain and readout noise from which the variance of unmasked pixels follows.

    Each exposure, divided by its factor f, has the variance ``rnoise**2 / f**2 + S / (gain f)`` and
    the excess times S squared; a mean of n has 1 / n of their mean, a median so much more as order
    statistics say: of exposures of unequal brightness exactly so without light and with very much.

    Parameters
    ----------
    header : astropy.io.fits.Header
        GAIN and RDNOISE are added, and RELSCAT where the noise has an excess.
    noise : Noise
        Of an exposure before it was divided.
    unit : str
        Of the values.
    measured : bool
        Whether exposures showed it, in place of another one that was given.
    flux_factors : tuple of n floats
        What the exposures were divided by.
    kind : str, optional
        Which combination; that of one exposure by default.
    """
    n = len(flux_factors)
    share, dark, bright = 1 / n, 1.0, 1.0
    if kind in ("mediancr", "median"):
        share = median_variance_factor(n)
        dark, bright = shares_without_light_and_with_most(flux_factors)
    elif kind == "min":
        share = minimum_square_error(n)
    factors = np.array(flux_factors, dtype=np.float64)
    gain = noise.typical_gain / (share * bright * float(np.mean(1 / factors)))
    variance = share * dark * float(np.mean(factors**-2.0))
    deviation = noise.typical_rnoise * math.sqrt(variance)
    maps = np.ndim(noise.gain) or np.ndim(noise.rnoise)
    whose = "of an exposure" if kind is None else "of this combination"
    whose += (", measured" if measured else "") + (", from medians of maps" if maps else "")
    header["GAIN"] = (gain, f"[e-/{unit}] {whose}"[:46])
    header["RDNOISE"] = (deviation * gain, f"[e-] {whose}"[:46])
    if noise.excess:
        scatter = math.sqrt(noise.excess * share)
        header["RELSCAT"] = (scatter, "further scatter, as a part of the values")


def _say_offset(
    header: fits.Header,
    exposures: ExposureSet,
    calibration: Calibration,
    flux_factors: tuple[float, ...],
) -> None:
    """Say which bias was subtracted, and where values clip without it."""
    bias = calibration.bias
    if np.any(bias):
        for keyword in list(header):
            if _OFFSET.fullmatch(keyword) and _number(header, keyword) is not None:
                header.remove(keyword, ignore_missing=True, remove_all=True)
        level = f"{float(np.median(bias)):g} {header['BUNIT']}"
        what = f"a map, median {level}," if np.ndim(bias) else f"the bias of {level}"
        header["BIASSUB"] = (True, f"{what} was subtracted"[:46])
    for keyword in list(filter(_CLIPPING.fullmatch, header)):
        raw = _numbers(exposures.headers, keyword)
        if raw is None:
            header.remove(keyword, ignore_missing=True, remove_all=True)
            continue
        clips = min(map(saturation_level, raw, [bias] * len(raw), flux_factors))
        header[keyword] = (clips, "lowest of the exposures, without the bias")


def _say_sources(header: fits.Header, names: tuple[str, ...]) -> None:
    """Name the exposures as ESO's data products do; HISTORY has their checksums."""
    _leave_out(header, _SOURCE)
    for number, name in enumerate(names[:_MOST_SOURCES], start=1):
        plain = Path(name).name.encode("ascii", "replace").decode()
        text = "".join(c if c.isprintable() else "?" for c in plain)
        header[f"PROV{number}"] = (text[:_LONGEST_NAME], "exposure" * (len(text) < _SHORT_NAME))
