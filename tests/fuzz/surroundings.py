"""Folders and environments: names, links, what lies where products go, records, variables."""

import json

NAMES = (
    "snow\u2603man", "a b", "-p", "a;b", "a*b", "a[0]", "[0]", "\udcff", "x" * 240, "x" * 300,
    "tab\t",
    "new\nline", "\x1b[2J", "%s", "{x}", "con", "~", "$HOME", "a'b\"c", "..fits", "a,b", "=cmd|x",
    "\u202e", "<b>", "#", "e1.fits", "?", "!", "a\\b",
)  # fmt: skip
PRODUCTS = (
    "crmasks.fits", "combined_meancr.fits", "combined_mediancr.fits", "hits.ecsv",
    "crmasks_dq.fits",
    "mediancr_identified.csv", "report.html", "block.json", "batch.csv", "batch.html",
    ".crmasks-lock",
    ".crmasks-tmp-00000000-1-00000000-crmasks.fits", "diagnostic_mediancr.png", "other.txt",
)  # fmt: skip
ENVIRONMENT = {
    "CRMASKS_MEMORY_LIMIT": ("inf", "nan", "-1", "0", "1e400", "words", "", " ", "1", "100000",
                             "1e9",
                             "\u2603", "0x10", "1_000"),
    "MPLBACKEND": ("nonsense", "", "module://x", "TkAgg"),
    "HOME": ("", "/nowhere", "/dev/null", "{folder}", "relative"),
    "COLUMNS": ("0", "-1", "1", "words", "99999999", ""),
    "LINES": ("0", "-5", "x"), "TERM": ("", "dumb", "nonsense"), "NO_COLOR": ("1", ""),
    "FORCE_COLOR": ("1",), "TZ": ("nonsense", "UTC", ":/dev/zero"), "TMPDIR": ("/nowhere", ""),
    "LANG": ("C", "xx_YY.nothing"), "LC_ALL": ("C", "tr_TR.UTF-8"), "PYTHONPATH": (".", ""),
    "CRMASKS_TEST": ("inf",), "PYTHONWARNINGS": ("error",), "JUPYTER_TOKEN": ("x",),
}  # fmt: skip
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ODD = (
    None, 0, -1, 2**70, 1.5, True, "", "<b>", "\x1b[2J", [], {}, [[[]]], {"a": {"b": []}},
    "x" * 20_000,
    float("nan"), "=1+1", "../../x",
)  # fmt: skip


def record(dice):
    """The record of a batch as somebody else may have left it."""
    found = {
        "request": {"uuid": UUID, "figures": dice.one(True, False)}, "version": "0.1",
        "inputs": {"e1.fits": "0" * 64}, "parameters": {}, "counts": {"hits": 3}, "warnings": [],
        "products": {"crmasks.fits": {"bytes": 1, "sha256": "0" * 64}},
    }  # fmt: skip
    for key in dice.some(found, 2):
        where = found[key] if isinstance(found[key], dict) and dice.chance(50) else found
        name = dice.one(*where, "more", "<i>", "../x") if where is not found else key
        where[name] = dice.of(ODD)
    text = json.dumps(found)
    return {"text": text[: dice.below(len(text))] if dice.chance(15) else text}


def obstacle(dice, name):
    """What may stand where a product is to go."""
    text = "\nprocess 1 on elsewhere" if "lock" in name else "UUID = '" + UUID + "'"
    return dice.one(
        {"text": text}, {"text": ""}, {"folder": True}, {"link": "../e1.fits"}, {"link": name},
        {"link": "/nowhere/x"}, {"hardlink": "../e2.fits"}, {"hardlink": "../e2.fits"},
        {"pipe": True}, {"socket": True}, {"device": "/dev/full"}, {"bytes": "00ff", "times": 999},
        {"text": text, "mode": 0o000}, {"device": "/dev/zero"},
    )  # fmt: skip


def obstacles(dice, folder="out"):
    """Files in the output folder, or something in place of the folder."""
    if dice.chance(12):
        return {folder: dice.one({"text": "x"}, {"link": "out"}, {"link": "."}, {"pipe": True},
                                 {"link": "/nowhere/out"}, {"device": "/dev/null"})}  # fmt: skip
    names = [dice.of(PRODUCTS) for _ in range(dice.integer(1, 3))]
    return {f"{folder}/{name}": obstacle(dice, name) for name in names}


def environment(dice):
    """A few variables, odd ones."""
    return {name: dice.of(ENVIRONMENT[name]) for name in dice.some(ENVIRONMENT, 3)}


def streams(dice):
    """Encodings of the terminal, or one that takes nothing."""
    return {name: dice.one("ascii", "latin-1", "full", "utf-8") for name in
            dice.some(("stdout", "stderr"), 2)}  # fmt: skip
