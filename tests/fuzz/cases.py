"""Cases by their generators: `make("folders", 7)` is the same case every time."""

import yaml

from . import images, surroundings
from .dice import Dice
from .parameter_values import document

PARAMS = "params.yaml"
PLAIN = {"level": 300.0, "slope": 500.0, "noise": 3.0}
RUN = ["run", PARAMS, "--output-dir", "out", "--no-figures"]


def plain_exposures(dice, frame=None):
    """Two or three exposures in which nothing is odd."""
    frame = frame or images.shape(dice)
    count = dice.one(2, 3)
    files = {}
    for number in range(1, count + 1):
        hit = [[dice.below(frame[0] * frame[1]), 4000]]
        files[f"e{number}.fits"] = {"fits": [{"shape": frame, **PLAIN, "seed": number, "put": hit}]}
    return files


def command(dice):
    """Arguments, with what they may make beside the output folder."""
    return dice.one(
        *[(RUN, ())] * 6,
        (["check", PARAMS], ()),
        (["as CCDData", PARAMS], ()),
        (["batch", PARAMS, "--output-dir", "out", "--no-figures"], ()),
        (["report", PARAMS, "-o", "out.html"], ("out.html",)),
        (["lab", PARAMS, *dice.one([], ["--voila"])], ("crmasks-params.ipynb",)),
        ([*RUN, "--reproducible"], ()),
    )


def parameters(dice):
    """Parameter files: values of every kind for the keys of every version."""
    files = plain_exposures(dice)
    arguments, makes = command(dice)
    files[PARAMS] = {"yaml": document(dice, sorted(files), most=5)}
    if dice.chance(30):
        files["map.fits"] = {"fits": [images.plane(dice, images.shape(dice), "DQ")]}
    return {"files": files, "run": arguments, "makes": list(makes)}


def texts(dice):
    """Parameter files as text: cut, doubled, mixed up."""
    found = dict(plain_exposures(dice, [5, 4]))
    lines = yaml.safe_dump(document(dice, sorted(found)), sort_keys=False).splitlines()
    for _ in range(dice.integer(1, 3)):
        at = dice.below(len(lines) or 1)
        lines[at : at + dice.below(2)] = [
            dice.one(
                *lines[:3], "", "\t", "- 1", "a: b: c", "? x", "&a [*a]", "!!set {x}", "<<: *b",
                "%",
                "---", "...", "{", "]", "'", "gain: 0b101", "gain: 1__0", "bias: 190:20:30",
                "gain: .5",
                "rnoise: 1e", "gain: 2026-01-01", "bias: ~", "gain: !!float 3", "\ufeff", "\x85",
                "gain: " + "9" * dice.one(30, 400, 5000), "? [1, 2]\n: 3", "gain: |\n  1", "1: 2",
                "requirements:", "gain: 0o17", "on: yes", "rnoise: +.inf", "x: " + "[" * 60,
                "\u2028", "la_sigclip: [5, 3]", "\x07", "#" + "x" * 2000, "gain: '1.5'",
            )
        ]  # fmt: skip
    text = "\n".join(lines)[: dice.one(None, None, None, dice.below(200))]
    recipe = {"text": text + dice.one("\n", "", "\r\n", "\x00")}
    if dice.chance(15):
        recipe["patches"] = [[dice.below(300), dice.one("ff", "c3", "00", "0d", "fffe")]]
    arguments, makes = command(dice)
    return {"files": found | {PARAMS: recipe}, "run": arguments, "makes": list(makes)}


def frames(dice):
    """Exposures: every type and layout, tiny and odd, with headers of anybody."""
    files, names, top = images.exposures(dice)
    arguments, makes = command(dice)
    if dice.chance(12):
        given = dice.one(
            [], ["--extnum", dice.one("1", "SCI", "9", "SCI,2", "x")], ["--gain", "1.5"]
        )
        arguments, makes = (
            ["init", *sorted(files), "-o", "new.yaml", "--yes", *given],
            ("new.yaml",),
        )
    elif dice.chance(4):
        arguments, makes = ["lab", *sorted(files)], [f"crmasks-e{i}.ipynb" for i in range(9)]
        makes = [*makes, "crmasks-cube.ipynb"]
    files[PARAMS] = {"yaml": document(dice, names, most=1, top=top)}
    return {"files": files, "run": arguments, "makes": list(makes)}


def folders(dice):
    """Names, links, records, and what stands where products are to go."""
    files = plain_exposures(dice, [6, 5])
    names, params = sorted(files), PARAMS
    if dice.chance(30):
        odd = dice.of(surroundings.NAMES)
        if len(odd) < 250:
            files[odd] = (
                files.pop("e1.fits") if dice.chance(50) else {"link": dice.one(odd, "e2.fits")}
            )
            names[0] = dice.one(odd, f"./{odd}")
        elif dice.chance(50):
            names[0] = odd
        else:
            params = odd
    document_of = {"images": names, "gain": 1.5, "rnoise": 3.0, "bias": 100.0,
                   "requirements": {"crmethod": dice.one("lacosmic", "mmcosmic")}}  # fmt: skip
    if len(params) < 250:
        files[params] = {"yaml": document_of}
    if dice.chance(60):
        files |= surroundings.obstacles(dice)
    return {"files": files, **_use(dice, files, params)}


def _use(dice, files, params):
    more = dice.some(("--overwrite", "--reproducible", "--report"), 2)
    if dice.chance(40):
        block = params.removesuffix(".yaml")
        files |= (
            {f"out/{block}/block.json": surroundings.record(dice)}
            if "out" not in files and len(block) < 250
            else {}
        )
        source = dice.one([params], ["."], [params, params], ["none.csv"], ["table.csv"], ["out"])
        table = "block,images," + dice.one("gain", "x", "", "<b>", "gain,gain") + "\n"
        row = f"{dice.one('a', '../a', '=cmd|x', '', 'a/b', 'con', '<b>')},{';'.join(['e*.fits'])},"
        files["table.csv"] = {
            "text": table + (row + dice.one("1.5", "", "x", "1;2", ",,,") + "\n") * 2
        }
        shared = dice.one([], [], ["--parameters", params])
        given = [*source, *shared, *[word for word in more if word == "--overwrite"]]
        run = ["batch", *given, "--output-dir", "out", "--no-figures"]
        return {"run": run, "out": "" if "link" in files.get("out", {}) else "out"}
    target = dice.one("out", "out", "out", "./out/", "out/../out", "{folder}/out", "", "~",
                      "~/out", "e1.fits", "e1.fits/x", "/dev/null", "/proc/nowhere/x",
                      "x" * 300)  # fmt: skip
    masks = dice.one(
        *[[]] * 6, ["--crmasks", dice.one("e1.fits", "out/crmasks.fits", "none", "out")]
    )
    run = ["run", params, "--output-dir", target, "--no-figures", *masks, *more]
    home = {"HOME": "{folder}/out"} if "~" in target else {}
    places = {"~/out": "out/out", "": ""}
    if "e1.fits" not in files:  # an exposure of another name
        places |= {"e1.fits": "e1.fits", "e1.fits/x": "e1.fits/x"}
    out = "" if "link" in files.get("out", {}) else places.get(target, "out")
    return {"run": run, "environment": home, "out": out}


def environments(dice):
    """Variables, streams, and arguments that nobody would give."""
    files = plain_exposures(dice, [4, 5])
    arguments, makes = command(dice)
    if dice.chance(45):
        words = (
            "run", "check", "init", "batch", "report", "lab", "demo", "--help", "-o", "--yes", "-h",
            "--version", "--log-level", "DEBUG", "error", "--workers", "0", "-1", "--port", "99999",
            "--gain", "nan", "--rnoise", "-3", "--bias", "1e400", "--size", "3", "--exposures",
            "params.yaml", "e1.fits", "", " ", "--", "-", "--overwrite", "--extnum", "\udcff",
            "--scheduler", "tcp://nowhere:1", "--no-figures", "--output-dir", "out", "*", "e*.fits",
        )  # fmt: skip
        arguments = [dice.of(words[:8]), *[dice.of(words) for _ in range(dice.below(4))]]
        arguments = ["run"] if "demo" in arguments else arguments
        makes = ("report.html", PARAMS, "crmasks-batch", "crmasks-params.ipynb", "crmasks-e1.ipynb",
                 "params2.yaml", "crmasks-demo.ipynb", "crmasks-dashboard.ipynb")  # fmt: skip
    settings = {"crmethod": dice.one("lacosmic", "mmcosmic", "significance")}
    files[PARAMS] = {"yaml": {"images": sorted(files), "gain": 1.5, "rnoise": 3.0, "bias": 100.0,
                              "requirements": settings}}  # fmt: skip
    out = {"out": "" if "--output-dir" not in arguments else "out"}
    around = {"environment": surroundings.environment(dice), **surroundings.streams(dice)}
    return {"files": files, "run": [*arguments], "makes": list(makes), **out, **around}


GENERATORS = {make.__name__: make for make in (parameters, texts, frames, folders, environments)}


def make(generator, source):
    """Make a case from a number, or from bytes."""
    dice = Dice(source if isinstance(source, bytes) else f"{generator} {source}")
    return GENERATORS[generator](dice)
