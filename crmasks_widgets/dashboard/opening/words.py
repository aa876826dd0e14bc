"""What the dialog says of files and of what is proposed for them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from crmasks_widgets.analysis.advice import value_in_words
from crmasks_widgets.files.finding import ImageFacts
from crmasks_widgets.files.listing import Listing
from crmasks_widgets.proposals.levels import Proposal
from crmasks_widgets.starting.opening import Beginning
from crmasks_widgets.units import in_unit

# By parameter: the words and the unit; in this order.
ASKED: Final = MappingProxyType({
    "extnum": ("Extension", ""),
    "gain": ("Gain", "e⁻/ADU"),
    "rnoise": ("Readout noise", "ADU"),
    "bias": ("Bias", "ADU"),
})  # fmt: skip
_NAMED: Final = 3  # images of a file


def listing_of(listing: Listing) -> dict[str, Any]:
    """Tell the page what there is.

    Parameters
    ----------
    listing : Listing
        Of a folder or a pattern.

    Returns
    -------
    dict
        `OpenDialog.listing`.
    """
    folder = str(listing.folder)
    return {
        "folder": folder,
        "prefix": folder if folder.endswith(("/", "\\")) else str(Path(folder) / "x")[:-1],
        "up": str(listing.folder.parent),
        "folders": list(listing.folders),
        "names": [each.name for each in listing.files],
        "sizes": [each.size for each in listing.files],
        "parameters": [i for i, each in enumerate(listing.files) if each.is_parameters],
        "remark": listing.remark,
    }


def facts_of(images: Sequence[ImageFacts]) -> dict[str, str]:
    """Tell the page what the headers of a file say.

    Parameters
    ----------
    images : sequence of ImageFacts
        At least one.

    Returns
    -------
    dict
        "object", "time", "images", and "more": what else there is in a line.
    """
    header = images[0].header
    time = header.exposure_time
    binning = f"binning {header.binning}" if header.binning else ""
    cards = map(str, (*header.gain[:1], *header.readout_noise[:1]))
    more = filter(None, (header.kind, header.filter, binning, header.unit, *cards))
    return {
        "object": header.object,
        "time": "" if time is None else f"{time:.6g}",
        "images": _images(images),
        "more": " · ".join(more),
    }


def _images(images: Sequence[ImageFacts]) -> str:
    """Size and name of each; the size once, and first, where all have the same."""
    sizes = [_size(image) for image in images]
    labels = [image.label for image in images]
    alike = len(set(sizes)) == 1
    if len(images) == 1:
        return f"{labels[0]} {sizes[0]}" if images[0].name else sizes[0]
    named = labels if alike else [" ".join(each) for each in zip(labels, sizes, strict=True)]
    rest = [f"and {len(images) - _NAMED} more"] if len(images) > _NAMED else []
    listed = ", ".join([*named[:_NAMED], *rest])
    return f"{sizes[0]}: {listed}" if alike else listed


def _size(image: ImageFacts) -> str:
    ny, nx = image.shape
    return f"{nx} × {ny} × {image.planes}" if image.planes else f"{nx} × {ny}"


def proposal_of(beginning: Beginning) -> dict[str, Any]:
    """Tell the page what is proposed, and why.

    Parameters
    ----------
    beginning : Beginning
        Exposures that were read.

    Returns
    -------
    dict
        "title", "remarks", "rows" of `_row`, and "ready": whether they can be opened so.
    """
    exposures = beginning.starts[0].exposures
    ny, nx = exposures.shape
    names = f", detectors {', '.join(beginning.names)}" if len(beginning.names) > 1 else ""
    rows: dict[str, dict[str, Proposal]] = {}
    for detector, proposed in zip(beginning.names, beginning.proposed, strict=True):
        for each in proposed:
            rows.setdefault(each.name, {})[detector] = each
    return {
        "title": f"{exposures.n} exposures of {nx} × {ny} pixels{names}",
        "remarks": list(beginning.remarks),
        "rows": [_row(name, each, exposures.unit) for name, each in rows.items()],
        "ready": not any(each.value is None for row in rows.values() for each in row.values()),
    }


def settings_in_words(settings: Mapping[str, Any]) -> str:
    """Name settings that could be kept.

    Parameters
    ----------
    settings : mapping
        Values by parameter.

    Returns
    -------
    str
        As in a parameter file, one after the other; empty for none.
    """
    return ", ".join(f"{name}: {value_in_words(value)}" for name, value in settings.items())


def _row(name: str, by_detector: Mapping[str, Proposal], values_in: str) -> dict[str, Any]:
    words, unit = ASKED.get(name, (name, ""))
    of_detectors = by_detector.values()
    values = dict.fromkeys(_text(each.value) for each in of_detectors)
    return {
        "name": name, "words": words, "unit": in_unit(unit, values_in),
        # Where detectors differ, an empty field leaves it so.
        "value": next(iter(values)) if len(values) == 1 else "",
        "differs": ", ".join(values) if len(values) > 1 else "",
        "missing": any(each.value is None for each in of_detectors),
        "origin": _origins(by_detector),
        "certain": all(each.certain for each in of_detectors),
        "fixed": name not in ASKED,
    }  # fmt: skip


def _origins(by_detector: Mapping[str, Proposal]) -> str:
    """Say each origin once: whose it is only where it is not that of all detectors."""
    whose: dict[str, list[str]] = {}
    for detector, each in by_detector.items():
        whose.setdefault(each.origin, []).append(detector)
    if len(whose) == 1:
        return next(iter(whose))
    return "; ".join(
        f"detector{'s' if len(names) > 1 else ''} {', '.join(names)}: {text}"
        for text, names in whose.items()
    )


def _text(value: float | str | tuple[tuple[float, float], ...] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "; ".join(f"{dx:g}, {dy:g}" for dx, dy in value)
    return value if isinstance(value, str) else f"{value:.10g}"


def sizes_of(paths: Iterable[str]) -> int:
    """Bytes of some files; those that are not there, or are planes of a cube, count nothing."""
    return sum(path.stat().st_size for path in map(Path, paths) if path.is_file())
