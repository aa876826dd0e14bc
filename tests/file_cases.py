"""Exposures of many kinds on disk, as the tests of files need them."""

import io
import logging

import numpy as np
from astropy.io import fits

from .conftest import SHAPE, small_scene, write_yaml

NY, NX = SHAPE
FRAMES = small_scene().exposures
COUNTS = np.clip(np.rint(FRAMES), 0, 65535).astype(np.uint16)
BAD = (slice(5, 9), slice(10, 13))


def content(*hdus):
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def written(folder, make, suffix=".fits"):
    paths = [folder / f"e{i}{suffix}" for i in range(3)]
    for i, path in enumerate(paths):
        path.write_bytes(make(i))
    return paths


def warned(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


WHOLE = {
    "float32": lambda i: content(fits.PrimaryHDU(FRAMES[i])),
    "uint16": lambda i: content(fits.PrimaryHDU(COUNTS[i])),
    "extension": lambda i: content(fits.PrimaryHDU(), fits.ImageHDU(FRAMES[i], name="SCI")),
    "RICE": lambda i: content(fits.PrimaryHDU(), fits.CompImageHDU(COUNTS[i].astype(np.int16))),
}
MARKED = np.zeros(SHAPE, np.uint8)
MARKED[BAD] = 4


def masked_yaml(folder, beside, **own):
    names = [path.name for path in written(folder, beside)]
    yaml = write_yaml(folder / "p.yaml", names)
    lines = "".join(f"  {key}: {value}\n" for key, value in own.items())
    yaml.write_text(yaml.read_text() + (f"crmasks_widgets:\n{lines}" if own else ""))
    return yaml
