"""Make the masks that numina-crmasks 0.40.0 makes of the golden scenes.

    python tests/golden/make_later.py [NAME ...]

Runs the program ``numina-crmasks`` of that version (on the PATH, or named by NUMINA_CRMASKS) as a
black box and stores what it wrote in ``later/``. The settings stand below; scenes are those that
`make_golden` has stored.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import make_golden
import numpy as np
import yaml
from astropy.io import fits

LATER = make_golden.HERE / "later"
BASE: Mapping[str, Any] = {
    **{k: v for k, v in make_golden.PIECEWISE.items() if k not in ("use_lamedian", "mm_threshold")},
    "dilation": 0,
    "use_auxmedian": False,
    "la_sigclip": [5.0, 3.0],
    "la_sigfrac": [0.3, 0.3],
    "la_objlim": [5.0, 5.0],
    "la_padwidth": 0,
    "mm_cr_coincidences": 2,
    "mm_photon_distribution": "poisson",
    "mm_nbinom_shape": 1000,
    "mm_synthetic": "median",
    "mm_hist2d_min_neighbors": 0,
    "mm_ydiag_max": 0,
    "mm_dilation": 0,
    "mm_threshold_rnoise": 0.0,
}
# Scene, and what differs from BASE.
CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "pairs": ("thick", {"la_sigclip": [5.0, 3.0], "la_sigfrac": [0.3, 0.2], "dilation": 1}),
    "pairs_alone": ("smooth", {"crmethod": "lacosmic", "la_objlim": [5.0, 2.0]}),
    "padded": ("three", {"la_padwidth": 10, "la_sigclip": 5.0, "dilation": 1}),
    "mm_dilation": ("three", {"mm_dilation": 1, "mm_threshold_rnoise": 3.0}),
    "mm_dilation_2": ("thick", {"mm_dilation": 2, "mm_threshold_rnoise": 6.0, "dilation": 1}),
    "coincidences_2": ("five", {"mm_cr_coincidences": 2, "mm_dilation": 1}),
    "coincidences_3": ("five", {"mm_cr_coincidences": 3}),
    "meancr2": ("three", {}),
}
SPLINE: Mapping[str, Any] = {
    "mm_boundary_fit": "spline",
    "mm_fixed_points_in_boundary": None,
    "mm_nsimulations": 5,
}
SEEDS = tuple(range(1, 9))
# Counts of pixels by MM in the median, one for each seed: scene, and what differs.
SERIES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "median": ("thick", {}),
    "single": ("thick", {"mm_synthetic": "single"}),
    "neighbours": ("three", {"mm_synthetic": "single", "mm_hist2d_min_neighbors": 4}),
    "nbinom": ("noisy", {"mm_photon_distribution": "nbinom", "mm_nbinom_shape": 200}),
    "ydiag_max": ("smooth", {"mm_ydiag_max": 150}),
}


def parameters_of(scene: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole parameter file of a case."""
    whole = make_golden.parameters_of(make_golden.Case(scene))
    return whole | {"requirements": {**BASE, **changes}}


def run(program: str, text: str, scene: str, folder: Path) -> str:
    """Run the program in a folder; return its console text."""
    with fits.open(make_golden.HERE / "scenes" / f"{scene}.fits.gz") as hdus:
        for k, exposure in enumerate(hdus[0].data, 1):
            fits.writeto(folder / f"exposure_{k}.fits", exposure)
    (folder / "parameters.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [program, "parameters.yaml"], cwd=folder, env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    console = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    if done.returncode or not (folder / "crmasks.fits").exists():
        raise RuntimeError(console[-2000:])
    return console


def make(name: str, program: str) -> None:
    """Run one case and store its masks and what else is compared."""
    scene, changes = CASES[name]
    text = yaml.safe_dump(parameters_of(scene, changes), sort_keys=False)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(program, text, scene, folder)
        kept = fits.HDUList([fits.PrimaryHDU()])
        kept[0].header["SCENE"] = scene, "scenes/SCENE.fits.gz holds the exposures"
        kept[0].header["PROGRAM"] = "numina-crmasks 0.40.0", "made them"
        with fits.open(folder / "crmasks.fits") as masks:
            for hdu in masks[1:]:
                kept.append(fits.ImageHDU(hdu.data, name=hdu.name))
        if name == "meancr2":
            for kind in ("mean", "median", "min", "meancr", "meancr2"):
                data = fits.getdata(folder / f"combined_{kind}.fits")
                kept.append(fits.ImageHDU(data, name=f"{kind}_DATA"))
    LATER.mkdir(exist_ok=True)
    make_golden.write(kept, LATER / f"{name}.fits.gz")
    (LATER / f"{name}.yaml").write_text(text, encoding="utf-8")
    counts = {h.name: int(np.count_nonzero(h.data)) for h in kept[1:] if h.data.dtype == np.uint8}
    sys.stdout.write(f"{name}: {counts}\n")


def make_series(program: str) -> None:
    """Run the simulations with several seeds and store how many pixels MM flags."""
    found: dict[str, Any] = {}
    for name, (scene, changes) in SERIES.items():
        counts = []
        for seed in SEEDS:
            text = yaml.safe_dump(parameters_of(scene, {**SPLINE, **changes, "mm_seed": seed}))
            with tempfile.TemporaryDirectory() as temporary:
                console = run(program, text, scene, Path(temporary))
            counts.append(int(re.search(r"flagged as cosmic rays by mmcosmic: *(\d+)", console)[1]))
        text = yaml.safe_dump(parameters_of(scene, {**SPLINE, **changes}), sort_keys=False)
        (LATER / f"series_{name}.txt").write_text(text, encoding="utf-8")
        found[name] = {"scene": scene, "counts": counts}
        sys.stdout.write(f"{name}: {counts}\n")
    (LATER / "series.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Do what the command line asks."""
    program = shutil.which(os.environ.get("NUMINA_CRMASKS", "numina-crmasks"))
    if program is None:
        sys.exit("numina-crmasks not found: put it on the PATH or name it in NUMINA_CRMASKS")
    for name in sys.argv[1:] or CASES:
        if name != "series":
            make(name, program)
    if not sys.argv[1:] or "series" in sys.argv[1:]:
        make_series(program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
