"""Make the golden scenes, and the masks that numina-crmasks 0.36.0 makes of them.

    python tests/golden/make_golden.py [--check] [NAME ...]

Runs the program ``numina-crmasks`` (on the PATH, or named by the environment variable
NUMINA_CRMASKS) on every case, or on the named ones, and stores what it wrote. With ``--check``
nothing is written: the scenes are simulated again and compared with the stored ones.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from astropy.io import fits

from crmasks_widgets.simulate import Detector, Fibres, Hits, fibre_spectrograph

HERE = Path(__file__).parent
COMBINATIONS = ("mediancr", "meancrt", "meancr")
COUNTS = {
    "EITHER": r"by lacosmic or +mmcosmic",
    "LAONLY": r"by lacosmic only",
    "MMONLY": r"by mmcosmic only",
    "BOTH": r"by lacosmic and mmcosmic",
}

# Small and crowded: each scene has bright lines, gaps, hot pixels, single, double and triple hits.
CROWDED = Hits(rate=1500, double=12)
SCENES: Mapping[str, dict[str, Any]] = {
    "three": {"shape": (128, 160), "seed": 101, "hits": CROWDED},
    "four": {"shape": (96, 128), "n_exposures": 4, "seed": 102, "hits": CROWDED},
    "five": {"shape": (96, 128), "n_exposures": 5, "seed": 103, "hits": CROWDED},
    "noisy": {"shape": (96, 128), "seed": 104, "hits": CROWDED, "detector": Detector(rnoise=8.0)},
    "thick": {
        "shape": (160, 200),
        "seed": 105,
        "hits": Hits(rate=600, double=10, thickness=12, electron_length=25, diffusion=0.7),
    },
    "saturated": {
        "shape": (96, 128),
        "seed": 106,
        "hits": CROWDED,
        "fibres": Fibres(line_flux=4000.0),
        "detector": Detector(saturation=20000.0),
    },
    # A single fibre wider than the frame: nearly no structure, so that L.A.Cosmic sees only hits.
    "smooth": {
        "shape": (100, 120),
        "seed": 107,
        "hits": CROWDED,
        "hot_pixels": 5,
        "fibres": Fibres(spacing=400.0, fwhm=400.0, sky=80.0, source=20.0, lines=0.0),
    },
}

PIECEWISE = {
    "crmethod": "mm_lacosmic",
    "use_lamedian": False,
    "interactive": False,
    "flux_factor": "none",
    "apply_flux_factor_to": "original",
    "dilation": 1,
    "verify_cr": False,
    "maxplots": 0,
    "la_sigclip": 5.0,
    "la_sigfrac": 0.3,
    "la_objlim": 5.0,
    "la_satlevel": 65535.0,
    "la_niter": 4,
    "la_sepmed": True,
    "la_cleantype": "meanmask",
    "la_fsmode": "convolve",
    "la_psfmodel": "gaussxy",
    "la_psffwhm_x": 2.5,
    "la_psffwhm_y": 2.5,
    "la_psfsize": 11,
    "la_psfbeta": 4.765,
    "la_verbose": False,
    "mm_boundary_fit": "piecewise",
    "mm_knots_splfit": 3,
    "mm_fixed_points_in_boundary": [[-10, 18], [50, 45], [500, 110], [5000, 350]],
    "mm_nsimulations": 2,
    "mm_niter_boundary_extension": 3,
    "mm_weight_boundary_extension": 10.0,
    "mm_threshold": 0.0,
    "mm_minimum_max2d_rnoise": 5.0,
    "mm_seed": 1234,
}
SPLINE = {"mm_boundary_fit": "spline", "mm_fixed_points_in_boundary": None, "mm_nsimulations": 5}


@dataclass(frozen=True)
class Case:
    """One run of the reference: a scene, and what differs from the piecewise parameters."""

    scene: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    combined: bool = False


CASES: Mapping[str, Case] = {
    "piecewise_3": Case("three", combined=True),
    "piecewise_4": Case("four", combined=True),
    "piecewise_5": Case("five", combined=True),
    "piecewise_noisy": Case("noisy"),
    "piecewise_thick": Case("thick"),
    "use_lamedian": Case("three", {"use_lamedian": True}, combined=True),
    "sepmed_false": Case("three", {"la_sepmed": False}),
    "cleantype_medmask": Case("thick", {"la_cleantype": "medmask"}),
    "cleantype_idw": Case("three", {"la_cleantype": "idw"}),
    "fsmode_median": Case("three", {"la_fsmode": "median"}),
    "psf_gauss": Case("three", {"la_psfmodel": "gauss", "la_psffwhm_x": 2.0, "la_psffwhm_y": 3.4}),
    "psf_moffat": Case("three", {"la_psfmodel": "moffat", "la_psfbeta": 3.0}),
    "psf_gaussx": Case("three", {"la_psfmodel": "gaussx", "la_psffwhm_x": 3.0, "la_psfsize": 7}),
    "psf_gaussy": Case("three", {"la_psfmodel": "gaussy", "la_psffwhm_y": 4.0, "la_psfsize": 7}),
    "psf_elliptical": Case("three", {"la_psffwhm_x": 2.0, "la_psffwhm_y": 3.5, "la_psfsize": 9}),
    "dilation_0": Case("thick", {"dilation": 0}, combined=True),
    "dilation_2": Case("three", {"dilation": 2}),
    "lacosmic": Case("smooth", {"crmethod": "lacosmic"}),
    "lacosmic_5": Case("five", {"crmethod": "lacosmic", "dilation": 0}),
    "mmcosmic": Case("three", {"crmethod": "mmcosmic"}, combined=True),
    "mm_threshold": Case("three", {"mm_threshold": 60.0, "mm_minimum_max2d_rnoise": 8.0}),
    "la_lenient": Case("four", {"la_sigclip": 3.0, "la_sigfrac": 0.5, "la_objlim": 2.0}),
    "la_strict": Case("noisy", {"la_sigclip": 8.0, "la_sigfrac": 0.15, "la_objlim": 8.0}),
    "niter_1": Case("thick", {"la_niter": 1}),
    "satlevel": Case("saturated", {"la_satlevel": 12000.0}),
    "spline_3": Case("three", SPLINE),
    "spline_5": Case("five", SPLINE),
    "spline_fixed_points": Case(
        "thick", {**SPLINE, "mm_fixed_points_in_boundary": [[0, 30], [300, 120, 100]]}
    ),
}


def simulate(name: str) -> np.ndarray:
    """Return the exposures of a scene, (n, ny, nx) int16 ADU: whole numbers are small and exact."""
    exposures = np.rint(fibre_spectrograph(**SCENES[name]).exposures)
    limits = np.iinfo(np.int16)
    if exposures.min() < limits.min or exposures.max() > limits.max:
        raise SystemExit(f"scene {name}: from {exposures.min()} to {exposures.max()}: not int16")
    return exposures.astype(np.int16)


def checksum(exposures: np.ndarray) -> str:
    """Return the SHA-256 of the values, whatever the byte order of the machine."""
    return hashlib.sha256(exposures.astype("<i2").tobytes()).hexdigest()


def parameters_of(case: Case) -> dict[str, Any]:
    """Return the whole parameter file of a case."""
    settings = SCENES[case.scene]
    return {
        "images": [f"exposure_{k + 1}.fits" for k in range(settings.get("n_exposures", 3))],
        "extnum": 0,
        "gain": 1.0,
        "rnoise": settings.get("detector", Detector()).rnoise,
        "bias": 0.0,
        "requirements": PIECEWISE | dict(case.changes),
    }


def run_reference(program: str, text: str, exposures: np.ndarray, folder: Path) -> str:
    """Run numina-crmasks in `folder`; its products stay there. Return its console text."""
    for k, exposure in enumerate(exposures, 1):
        fits.writeto(folder / f"exposure_{k}.fits", exposure)
    (folder / "parameters.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [program, "parameters.yaml"],
        cwd=folder,
        env=os.environ | {"MPLBACKEND": "Agg", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    console = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    if done.returncode:
        raise RuntimeError(console[-2000:])
    return console


def collect(case: Case, console: str, folder: Path) -> fits.HDUList:
    """Return what is kept of a run: masks, LAMEDIAN, counts, and combined images if wanted."""
    kept = fits.HDUList([fits.PrimaryHDU()])
    header = kept[0].header
    header["SCENE"] = case.scene, "scenes/SCENE.fits.gz holds the exposures"
    version = re.search(r"crmasks\S* version (\S+)", console)
    header["PROGRAM"] = f"numina-crmasks {version[1] if version else '(unknown)'}", "made them"
    for keyword, words in COUNTS.items():
        if found := re.search(words + r"[^0-9]*?(\d+)", console):
            header[keyword] = int(found[1]), f"pixels of the median flagged {words[3:]}"[:47]
    with fits.open(folder / "crmasks.fits") as masks:
        for hdu in masks[1:]:
            kept.append(fits.ImageHDU(hdu.data, name=hdu.name))
    for kind in COMBINATIONS if case.combined else ():
        with fits.open(folder / f"combined_{kind}.fits") as combined:
            kept.append(fits.ImageHDU(combined[0].data, name=f"{kind}_DATA"))
            kept.append(fits.ImageHDU(combined["MAP"].data, name=f"{kind}_MAP"))
    return kept


def write(hdus: fits.HDUList, path: Path) -> None:
    """Write a gzipped FITS file without a date in it, so that equal content gives equal bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as packed,
    ):
        hdus.writeto(packed)


def write_scene(name: str) -> np.ndarray:
    """Simulate a scene, store it, and return its exposures."""
    exposures = simulate(name)
    hdu = fits.PrimaryHDU(exposures)
    hdu.header["SEED"] = SCENES[name]["seed"]
    hdu.header["BUNIT"] = "adu"
    hdu.header["SHA256"] = checksum(exposures)
    hdu.header["NUMPY"] = metadata.version("numpy"), "that simulated them"
    path = HERE / "scenes" / f"{name}.fits.gz"
    path.parent.mkdir(exist_ok=True)
    write(fits.HDUList([hdu]), path)
    return exposures


def check_scenes() -> int:
    """Say which scenes the simulation no longer gives; the goldens do not depend on it."""
    status = 0
    for name in SCENES:
        stored = fits.getheader(HERE / "scenes" / f"{name}.fits.gz")["SHA256"]
        same = stored == checksum(simulate(name))
        status |= not same
        sys.stdout.write(f"{name}: {'as stored' if same else 'DIFFERENT from what is stored'}\n")
    return status


def make(name: str, program: str) -> None:
    """Run one case and store it."""
    case = CASES[name]
    text = yaml.safe_dump(parameters_of(case), sort_keys=False)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        console = run_reference(program, text, write_scene(case.scene), folder)
        kept = collect(case, console, folder)
    write(kept, HERE / f"{name}.fits.gz")
    (HERE / f"{name}.yaml").write_text(text, encoding="utf-8")
    masks = [hdu for hdu in kept[1:] if hdu.data.dtype == np.uint8]
    counts = {hdu.name: int(np.count_nonzero(hdu.data)) for hdu in masks}
    sys.stdout.write(f"{name}: {counts}\n")


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases to make; all if none")
    parser.add_argument("--check", action="store_true", help="only compare the scenes")
    arguments = parser.parse_args()
    if arguments.check:
        return check_scenes()
    program = shutil.which(os.environ.get("NUMINA_CRMASKS", "numina-crmasks"))
    if program is None:
        parser.error("numina-crmasks not found: put it on the PATH or name it in NUMINA_CRMASKS")
    for name in arguments.names or CASES:
        make(name, program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
