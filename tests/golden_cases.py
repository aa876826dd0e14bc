"""The golden cases: scenes, parameter files, and what numina-crmasks 0.36.0 made of them."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits

import crmasks_widgets as cm

GOLDEN = Path(__file__).parent / "golden"


class GoldenCase(NamedTuple):
    """One run of the reference; all arrays are read-only.

    ``arrays`` holds MEDIANCR, MEANCRT, CRMASK1... (bool), LAMEDIAN (float32 ADU, where L.A.Cosmic
    ran) and, in some cases, MEDIANCR_DATA, MEANCRT_DATA, MEANCR_DATA (float32 ADU) with
    MEDIANCR_MAP, MEANCRT_MAP, MEANCR_MAP (int16). ``counts`` holds the pixels of the median before
    dilation, as the reference's console gave them: EITHER, LAONLY, MMONLY, BOTH (also where one
    detector ran alone: then one of LAONLY and MMONLY equals EITHER, and the others are 0).
    """

    name: str
    yaml: str
    exposures: np.ndarray
    arrays: dict[str, np.ndarray]
    counts: dict[str, int]


def names() -> list[str]:
    """Return the names of all cases, for ``pytest.mark.parametrize``."""
    return sorted(path.stem for path in GOLDEN.glob("*.yaml"))


@cache
def scene(name: str) -> np.ndarray:
    """Return the exposures of a scene, (n, ny, nx) float32 ADU, whole numbers."""
    with fits.open(GOLDEN / "scenes" / f"{name}.fits.gz") as hdus:
        stored, header = hdus[0].data, hdus[0].header
        found = hashlib.sha256(stored.astype("<i2").tobytes()).hexdigest()
        if found != header["SHA256"]:
            raise AssertionError(f"golden scene {name}: its pixels are not those it was made with")
        exposures = stored.astype(np.float32)
    exposures.flags.writeable = False
    return exposures


@cache
def load(name: str) -> GoldenCase:
    """Return one case."""
    arrays = {}
    with fits.open(GOLDEN / f"{name}.fits.gz") as hdus:
        header = hdus[0].header
        for hdu in hdus[1:]:
            data = hdu.data.astype(
                bool if hdu.data.dtype == np.uint8 else hdu.data.dtype.newbyteorder("=")
            )
            data.flags.writeable = False
            arrays[hdu.name] = data
        counts = {
            key: header[key] for key in ("EITHER", "LAONLY", "MMONLY", "BOTH") if key in header
        }
        exposures = scene(header["SCENE"])
    text = (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")
    return GoldenCase(name, text, exposures, arrays, counts)


def cases() -> Iterator[GoldenCase]:
    """Yield all cases."""
    yield from map(load, names())


# Scene and parameters of the cases whose masks are this package's own.
SIGNIFICANCE = {
    "three": ("three", {"rnoise": 3.4}),
    "five": ("five", {"rnoise": 3.4, "flux_factor": "auto", "apply_flux_factor_to": "original"}),
    "gain": ("noisy", {"rnoise": 5.3, "gain": 1.5, "sg_false_alarms": 10.0, "dilation": 0}),
    "with_lacosmic": ("thick", {"rnoise": 3.4, "crmethod": "significance_lacosmic"}),
}


def significance_analysis(name: str) -> cm.Analysis:
    """Analyse the scene of a case of `SIGNIFICANCE`."""
    exposures, changes = SIGNIFICANCE[name]
    parameters = cm.Parameters(**{"gain": 1.0, "crmethod": "significance", "mm_seed": 1} | changes)
    return cm.Analysis(cm.ExposureSet.from_arrays(list(scene(exposures))), parameters)


def significance_masks(name: str) -> dict[str, np.ndarray]:
    """Return the frozen masks of a case, and the columns of its hits."""
    with fits.open(GOLDEN / "significance" / f"{name}.fits.gz") as hdus:
        masks = {hdu.name: hdu.data != 0 for hdu in hdus[1:-1]}
        hits = hdus["HITS"].data
        return masks | {column: np.array(hits[column]) for column in hits.names}
