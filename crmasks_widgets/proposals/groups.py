"""Which images of which files are exposures of one field."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from crmasks_widgets.core.stack import MIN_EXPOSURES
from crmasks_widgets.errors import InputError
from crmasks_widgets.files.finding import ImageFacts

_SCIENCE: Final = ("SCI", "SCIENCE", "IMAGE", "DATA", "PRIMARY", "IM1", "CCD1")
# What cameras call frames that show no field.
_CALIBRATION: Final = re.compile(r"bias|zero|dark|flat|arc|lamp|comp|focus|calib", re.I)


@dataclass(frozen=True)
class Exposure:
    """One exposure, by the name that a parameter file gives it.

    Attributes
    ----------
    name : str
        File, with the number of the plane for a cube: ``cube.fits[0]``.
    image : ImageFacts
        Where it is, and what its header says.
    choice : str
        Why this image of the file, where it has others; empty where there is no choice.
    detectors : tuple of ImageFacts
        Images of all detectors, where the file has several; `image` is one of them.
    """

    name: str
    image: ImageFacts
    choice: str = ""
    detectors: tuple[ImageFacts, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What exposures of one group have in common."""
        facts = self.image.header
        seconds = None if facts.exposure_time is None else float(f"{facts.exposure_time:.3g}")
        return (
            facts.object.lower(), seconds, facts.filter.lower(), self.image.shape,
            self.image.number, tuple((each.number, each.name) for each in self.detectors),
        )  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Exposures of one object, exposure time, filter and shape, in one extension.

    Attributes
    ----------
    exposures : tuple of Exposure
        In the order given.
    """

    exposures: tuple[Exposure, ...]

    @property
    def title(self) -> str:
        """What the exposures have in common, for a user."""
        first = self.exposures[0].image
        facts, (ny, nx) = first.header, first.shape
        seconds = "" if facts.exposure_time is None else f"{facts.exposure_time:g} s"
        detector = f"detector {first.label}" if self.exposures[0].detectors else ""
        parts = (facts.object, seconds, facts.filter, f"{nx} x {ny} pixels", detector)
        return ", ".join(part for part in parts if part)

    @property
    def detectors(self) -> tuple["Group", ...]:
        """The same exposures for each detector; only itself where there is one."""
        first = self.exposures[0]
        if not first.detectors:
            return (self,)
        return tuple(
            self
            if image is first.image
            else Group(tuple(replace(e, image=e.detectors[i]) for e in self.exposures))
            for i, image in enumerate(first.detectors)
        )

    @property
    def is_enough(self) -> bool:
        """Whether there are at least two exposures, of a field."""
        calibration = _CALIBRATION.search(self.exposures[0].image.header.kind)
        return len(self.exposures) >= MIN_EXPOSURES and not calibration


def group_exposures(exposures: Iterable[Exposure]) -> tuple[Group, ...]:
    """Sort exposures into groups.

    Parameters
    ----------
    exposures : iterable of Exposure
        All that were found.

    Returns
    -------
    tuple of Group
        In the order of their first exposures.
    """
    groups: dict[tuple[object, ...], list[Exposure]] = {}
    for exposure in exposures:
        groups.setdefault(exposure.key, []).append(exposure)
    return tuple(Group(tuple(members)) for members in groups.values())


def choose_image(
    path: str, images: Sequence[ImageFacts], extnum: int | str | None = None
) -> tuple[ImageFacts, str]:
    """Choose the image of a file that is an exposure.

    Parameters
    ----------
    path : str
        The file, for messages.
    images : sequence of ImageFacts
        All that may be.
    extnum : int or str, optional
        As the user says: number, EXTNAME or ``NAME,VER``.

    Returns
    -------
    image : ImageFacts
        The one.
    choice : str
        Why, where there was a choice.

    Raises
    ------
    InputError
        There is none, or not the one that was asked for.
    """
    if extnum is not None:
        asked = [image for image in images if _is(image, extnum)]
        if not asked:
            there = ", ".join(map(str, images)) or "none"
            msg = f"{path}: found no image in extension {extnum}, expected one of: {there}"
            raise InputError(msg)
        return asked[0], ""
    if not images:
        msg = f"{path}: found no image, expected an exposure"
        raise InputError(msg)
    if len(images) == 1:
        return images[0], ""
    named = [image for image in images if image.name.split(",")[0] in _SCIENCE]
    chosen = named[0] if named else max(images, key=lambda image: image.shape[0] * image.shape[1])
    others = ", ".join(str(image) for image in images if image is not chosen)
    return chosen, f"the file has other images, too: {others}"


def detectors_among(images: Sequence[ImageFacts], chosen: ImageFacts) -> tuple[ImageFacts, ...]:
    """Find the images of several detectors in a file.

    Parameters
    ----------
    images : sequence of ImageFacts
        All that may be exposures.
    chosen : ImageFacts
        One of them.

    Returns
    -------
    tuple of ImageFacts
        Those whose names differ from its own by numbers only, such as ``CCD1`` and ``CCD2`` or
        ``SCI`` and ``SCI,2``, and those without a name of its shape; empty where it is alone.
    """
    if chosen.planes:
        return ()
    series = tuple(
        image
        for image in images
        if not image.planes and _stem(image.name) == _stem(chosen.name)
        and (image.name or image.shape == chosen.shape)
    )  # fmt: skip
    return series if len(series) > 1 else ()


def _stem(name: str) -> str:
    """EXTNAME without what tells the detectors of one camera apart."""
    return re.sub(r"\d+|[_-][A-H]\Z", "#", name.split(",")[0])


def _is(image: ImageFacts, extnum: int | str) -> bool:
    if isinstance(extnum, int):
        return image.number == extnum
    wanted = extnum.replace(" ", "").upper()
    return wanted in (image.name.upper(), f"{image.name.upper()},1")
