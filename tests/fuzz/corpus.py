"""The corpus: cases that once did harm, each written as what differs from a run that is plain."""

from pathlib import Path

import yaml

from .cases import PARAMS, RUN

FOLDER = Path(__file__).parent / "corpus"
SHAPE = [12, 16]


def stored():
    """All cases by their names."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            name = f"{path.stem}: {entry['case']}"
            if name in found:
                raise ValueError(f"{name}: twice")
            found[name] = whole(entry)
    return found


def whole(entry):
    """The case that an entry stands for.

    `set` are parameters under `requirements`, `top` those above, `frames` what all exposures have
    beside noise and a hit, `of` how many there are. A file that is null is not there.
    """
    files = {}
    for number in range(1, entry.get("of", 3) + 1):
        about = {
            "shape": SHAPE,
            "level": 300,
            "slope": 500,
            "seed": number,
            "put": [[40 + number, 4000]],
        }
        files[f"e{number}.fits"] = {"fits": [about | entry.get("frames", {})]}
    files[PARAMS] = {
        "yaml": {
            "images": sorted(files), "gain": 1.5, "rnoise": 3.0, "bias": 100.0, **entry.get("top",
            {}),
            "requirements": {"crmethod": "mmcosmic"} | entry.get("set", {}),
        }
    }  # fmt: skip
    given = files | entry.get("files", {})
    case = {key: value for key, value in entry.items() if key not in ("of", "frames", "top", "set")}
    case["files"] = {name: recipe for name, recipe in given.items() if recipe is not None}
    return {"run": RUN, "makes": []} | case
