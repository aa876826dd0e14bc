"""FITS files: exposures of every shape and type, odd headers, planes of flags and noise, cubes."""

TYPES = ("float32", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float64")
EDGES = (
    0, -1, 255, -32768, 32767, 65535, 1e9, 1e20, 1e30, 3.0e38, 3.5e38, 1e300, -1e20, -1e300,
    float("nan"), float("inf"), -float("inf"),
)  # fmt: skip
VALUES = (
    0, 1, -1, 1.5, -32768, 1e-300, 1e300, 3.4e38, 2**62, True, False, "", "adu", "electron",
    "ADU/s",
    "erg / (s cm2)", "not a number", "1.5", "nan", "x" * 68, "a'b", "=cmd|' /C calc'!A0",
    "<script>", "TAN",
)  # fmt: skip
KEYS = (
    "BUNIT", "GAIN", "EGAIN", "RDNOISE", "RON", "EXPTIME", "TEXPTIME", "OBJECT", "FILTER",
    "DATE-OBS",
    "MJD-OBS", "BLANK", "BSCALE", "BZERO", "SATURATE", "DATASEC", "BIASSEC", "TRIMSEC", "CCDSUM",
    "CTYPE1", "CTYPE2", "CRPIX1", "CRVAL1", "CD1_1", "CDELT1", "CUNIT1", "WCSAXES", "RADESYS",
    "EQUINOX", "EXTNAME", "EXTVER", "UTYPE", "UUID", "CHECKSUM", "DATASUM", "INSTRUME", "NCOMBINE",
    "HIERARCH ESO DET OUT1 GAIN", "AIRMASS", "DETNAME", "CRMASKS", "PCOUNT", "GROUPS", "EXTEND",
)  # fmt: skip
CARDS = (
    "BUNIT   =", "BUNIT", "GAIN    = 1.5.2", "GAIN    =                  1,5", "EXPTIME = 'open",
    "OBJECT  = 'snow\u2603man'", "COMMENT \x1b[2J\x07", "CONTINUE  'alone'", "        = 3",
    "NAXIS   =                    2", "EXPTIME =  1E400", "GAIN    =                 -0.0",
    "HIERARCH A B C = 1 / \udcff", "MJD-OBS = 60000.5d0", "CD1_1   =                  0.0",
    "CTYPE1  = 'RA---TPV'", "PV1_1   = 1E300", "WCSAXES =                    9", "BLANK   = 'x'",
    "BSCALE  =                  0.0", "BZERO   =                1E300", "BSCALE  =   NAN",
    "DATE-OBS= '2026-13-45T99:99:99'", "DATE-OBS= 'yesterday'", "EXPTIME = (1.0, 2.0)",
    "RDNOISE =                  inf", "DATASEC = '[5:1,9:2]'", "BIASSEC = '[1:999999,1:2]'",
)  # fmt: skip


def shape(dice, most=9):
    """A frame's, mostly tiny."""
    if dice.chance(10):
        return [dice.integer(10, 26), dice.integer(10, 26)]
    if dice.chance(15):
        return dice.one([1, 1], [1, 64], [64, 1], [2, 2], [1, 2], [3, 300])
    return [dice.integer(1, most - 1), dice.integer(1, most - 1)]


def image(dice, frame, number, light):
    """One frame of a set whose members are equivalent, apart from what is odd in one of them."""
    found = {"shape": frame, **light, "seed": number}
    size = frame[-1] * frame[-2]
    if dice.chance(60):
        places = [dice.below(size) for _ in range(dice.integer(1, 3))]
        found["put"] = [[at, dice.one(900, 5000, 60000)] for at in places]
    if dice.chance(15):
        wild = [[dice.below(size), dice.of(EDGES)] for _ in range(dice.integer(1, 4))]
        found["put"] = found.get("put", []) + wild
    if dice.chance(6):
        edge = dice.of(EDGES)
        found["put"] = [[at, edge] for at in range(0, size, dice.one(1, 1, 2, 3))]
    if dice.chance(4):
        del found["seed"]  # without noise
    return found


def light(dice):
    """What the frames of a set share."""
    found = {"level": dice.one(100.0, 300.0, 300.0, 300.0, 0.0, -50.0, 60000.0, 1e-9, 1e15, 1e30)}
    found["slope"] = dice.one(0.0, 0.0, 500.0, 5000.0, -300.0)
    found["noise"] = dice.one(3.0, 3.0, 3.0, 0.0, 1e-6, 1000.0)
    if dice.chance(50):
        found["type"] = dice.of(TYPES)
    if dice.chance(25):
        found["whole"] = True
    return found


def headers(dice, found):
    """Put odd cards into a HDU, in words of the standard or against it."""
    if dice.chance(30) and "packed" not in found:  # of which astropy would write none
        keys = [dice.of(KEYS) for _ in range(dice.integer(1, 4))]
        found["header"] = {key: dice.of(VALUES) for key in keys}
    if dice.chance(12):
        found["cards"] = [dice.of(CARDS) for _ in range(dice.integer(1, 2))]
    return found


def plane(dice, frame, name):
    """A plane of flags or noise beside an image, of its shape or nearly."""
    size = [max(1, side + dice.one(0, 0, 0, 0, 0, 0, 1, -1)) for side in frame]
    found = {"shape": size, "header": {"EXTNAME": name}}
    if dice.chance(20):
        found["header"]["EXTVER"] = dice.one(1, 2, 3)
    if name in ("DQ", "MASK", "BPM"):
        found["type"] = dice.one("uint8", "int16", "int32", "uint32", "int64", "float32")
        found["level"] = dice.one(0, 0, 0, 1, 4, 255)
        some = range(0, size[0] * size[1], dice.one(3, 7, 1))
        found["put"] = [[at, dice.one(1, 2, 4, 128, -1, 2**31)] for at in some][:9]
    else:
        found |= {"level": dice.one(3.0, 9.0, 0.0, -1.0, 1e-300, 1e30), "type": "float32"}
        found["put"] = [[dice.below(99), dice.one(0, -1, 1e38, float("nan"), float("inf"))]]
        if dice.chance(10):
            found["header"]["UTYPE"] = dice.one("VarianceUncertainty", "StdDevUncertainty", "x")
    return found


def exposures(dice, odd=10):
    """Files of two or more exposures by name, and the keys of the parameter file they ask for."""
    n = dice.one(2, 2, 2, 3, 3, 4, 5, 1)
    frame, shared, files = shape(dice), light(dice), {}
    layout = dice.one("plain", "plain", "plain", "planes", "planes", "detectors", "cube", "packed")
    top = {}
    for number in range(1, n + 1):
        size = shape(dice) if dice.chance(3) else frame
        hdus = _hdus(dice, layout, size, number, shared)
        recipe = {"fits": [headers(dice, hdu) for hdu in hdus]}
        files[f"e{number}.fits"] = _harmed(dice, recipe) if dice.chance(odd) else recipe
    if n > 1 and dice.chance(5):
        files["e2.fits"] = files["e1.fits"]  # equal, byte by byte
    images = list(files)
    if layout == "detectors":
        top["extnum"] = dice.one("all", [1, 2], ["SCI,1", "SCI,2"], 1, [1, 2, 3])
    if layout == "packed":
        top["extnum"] = 1
    if layout == "cube":
        cube = {"shape": [n, *frame], **shared, "seed": 5}
        files = {"cube.fits": {"fits": [headers(dice, cube)]}}
        images = [f"cube.fits[{i}]" for i in range(n + dice.one(0, 0, 0, 1))]
    if layout == "planes" and dice.chance(60):
        top["noise_extension"] = dice.one("ERR", "VAR", "IVAR", 2, 1)
    return files, images, top


def _hdus(dice, layout, size, number, shared):
    if layout == "planes":
        names = dice.some(("DQ", "ERR", "VAR", "IVAR", "MASK", "BPM", "PROV"), 3)
        planes = [plane(dice, size, name) for name in names]
        return [image(dice, size, number, shared), *planes]
    if layout == "detectors":
        found = [{}]
        for version in (1, 2):
            if dice.chance(4):
                continue  # an extension is missing
            other = shape(dice) if dice.chance(20) else size
            chip = image(dice, other, number + 10 * version, shared)
            found.append(chip | {"header": {"EXTNAME": "SCI", "EXTVER": version}})
        return found
    if layout == "packed":
        kind = dice.one("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "NOCOMPRESS")
        whole = {"type": "int16", "packed": kind, "level": 100.0, "slope": 0.0, "noise": 3.0}
        return [{}, image(dice, [max(4, side) for side in size], number, shared) | whole]
    return [image(dice, size, number, shared)]


def _harmed(dice, recipe):
    """Cut, patched, or packed."""
    return recipe | dice.one(
        {"cut": dice.of((0, 1, 80, 2879, 2880, 2881, 3000, 5759))},
        {"patches": [[dice.below(6000), f"{dice.below(256):02x}"] for _ in range(4)]},
        {
            "patches": [
                [80 * dice.below(9) + dice.integer(10, 29), dice.one("2d", "39", "30", "20")]
            ]
        },
        {"pack": dice.one("gzip", "bzip2", "xz")},
        {"pack": "gzip", "cut": 2880},
        {"times": 2},
    )
