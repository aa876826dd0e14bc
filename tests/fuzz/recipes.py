"""From the recipe of a file, which is plain data, to the file.

Recipes are short, so that the corpus is text: `text`, `bytes` (base 16), `yaml`, `fits`, `folder`,
`link`, `hardlink`, `pipe`, `socket`, `device`. What is written may be repeated, packed, cut, or
patched.
"""

import bz2
import gzip
import io
import lzma
import os
import re
import socket
import warnings
from pathlib import Path

import numpy as np
import yaml
from astropy.io import fits

PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def write(folder, name, recipe):
    """Write one file of a case below a folder."""
    path = folder / os.fsdecode(name.encode("utf-8", "surrogateescape"))
    path.parent.mkdir(parents=True, exist_ok=True)
    (kind,) = recipe.keys() & MAKERS.keys()
    MAKERS[kind](path, recipe)
    if "mode" in recipe:
        path.chmod(recipe["mode"])


def _bind(path, _recipe):
    here = Path.cwd()
    os.chdir(path.parent)  # the whole path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _content(make):
    def write_content(path, recipe):
        whole = bytearray(make(recipe) * recipe.get("times", 1))
        for at, patch in recipe.get("patches", ()):
            at %= len(whole) + 1
            whole[at : at + len(patch) // 2] = bytes.fromhex(patch)
        whole = bytes(whole)[: recipe.get("cut")]
        path.write_bytes(PACKERS[recipe["pack"]](whole) if "pack" in recipe else whole)

    return write_content


def _encoded(recipe):
    line, times = recipe.get("lines", ("", 0))
    text = recipe["text"] + "".join(line.replace("{0}", str(number)) for number in range(times))
    return text.encode("utf-8", "surrogateescape")


def _yaml(recipe):
    return yaml.safe_dump(recipe["yaml"], sort_keys=False, allow_unicode=True).encode()


def _fits(recipe):
    hdus = fits.HDUList()
    for number, given in enumerate(recipe["fits"]):
        hdus.append(_hdu(given, primary=number == 0))
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is odd on purpose
        hdus.writeto(stream, output_verify="ignore")
    whole = stream.getvalue()
    for number, given in enumerate(recipe["fits"]):
        for card in given.get("cards", ()):
            whole = _with_card(whole, number, card)
    return whole


def _hdu(given, *, primary):
    data = pixels(given) if "shape" in given else None
    if "packed" in given and data is not None and not primary:
        hdu = _packed(data, given["packed"])
    else:
        hdu = fits.PrimaryHDU(data) if primary else fits.ImageHDU(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, value in given.get("header", {}).items():
            hdu.header[key] = value
    return hdu


def _packed(data, kind):
    try:
        return fits.CompImageHDU(data, compression_type=kind)
    except ValueError:  # not every kind takes every shape
        return fits.CompImageHDU(data, compression_type="GZIP_1")


def _with_card(whole, number, text):
    """Put a card as it is, without asking whether it may be, in place of END; END moves on."""
    ends = [found.start() for found in re.finditer(rb"END {77}", whole)]
    if number >= len(ends) or (ends[number] + 160) % 2880 < 160:
        return whole
    at = ends[number]
    card = text.encode("utf-8", "surrogateescape")[:80].ljust(80)
    return whole[:at] + card + b"END".ljust(80) + whole[at + 160 :]


def pixels(given):
    """Make the pixels of an image: light, noise, hits, and single values on top.

    `seed` is that of the noise, `light` that of the scene: equal for equivalent exposures.
    """
    shape = tuple(given["shape"])
    size = int(np.prod(shape))
    data = np.full(size, float(given.get("level", 0.0)))
    with np.errstate(all="ignore"):
        data += np.linspace(0, float(given.get("slope", 0.0)), size)
        if "seed" in given:
            rng = np.random.default_rng(given["seed"])
            data += rng.normal(0, float(given.get("noise", 3.0)), size)
        for at, value in given.get("put", ()):
            data[at % size] = float(value)
        if given.get("whole"):
            data = np.rint(data)
        kind = np.dtype(given.get("type", "float32"))
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            data = np.clip(np.nan_to_num(data), float(limits.min), float(limits.max))
        return data.reshape(shape).astype(kind)


MAKERS = {
    "text": _content(_encoded),
    "bytes": _content(lambda recipe: bytes.fromhex(recipe["bytes"])),
    "yaml": _content(_yaml),
    "fits": _content(_fits),
    "folder": lambda path, _: path.mkdir(exist_ok=True),
    "link": lambda path, recipe: path.symlink_to(recipe["link"]),
    "hardlink": lambda path, recipe: path.hardlink_to(path.parent / recipe["hardlink"]),
    "pipe": lambda path, _: os.mkfifo(path),
    "socket": _bind,
    "device": lambda path, recipe: path.symlink_to(recipe["device"]),
}
