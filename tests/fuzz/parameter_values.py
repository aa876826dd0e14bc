"""Values of parameters: those of every kind that a file may say, and what is none of them."""

from crmasks_widgets.parameters import parameter_table
from crmasks_widgets.parameters.info import EXPOSURE_KEYS
from crmasks_widgets.parameters.model import Parameters

TABLE = {info.name: info for info in parameter_table()}
OURS = {name for name in TABLE if name.startswith("sg_")} | {"match_exposures"}
HUGE = 10**9
COUNTS = (0, 1, 2, 3, 4, 5, 8, 9, 11, 15, 100, 101, 500, 501)
NUMBERS = (0.0, 1e-300, 1e-30, 1e-6, 0.01, 0.5, 1.0, 2.0, 3.5, 10.0, 100.0, 65535.0, 1e6)
WILD = (
    -1, -0.0, 1e30, 1e300, 1.7e308, HUGE, 2**31, 2**63, 2**128, 10**400, float("nan"),
    float("inf"), -float("inf"), True, None, "", "none", "auto", "1", "1e3", "0x10", "\u2603", [],
    [[]], {}, {"a": 1}, [1, [2, [3]]], "a" * 300, "../e1.fits", "[red]", "x\ny", "\x1b[2J", "1_000",
)  # fmt: skip
SIDES = (1, 2, 3, 5, 8, 9, 24, 64, 10**6, 2**31 - 1)
PAIRS = ((5, 3), (3, 5), (5, 5), (5,), (5, 3, 1), (None, 3), (0, 1), (1e-9, 1e9), (5, None), ())
# Keys that came with numina-crmasks 0.37 to 0.40.
LATER = {
    "la_sigclip": PAIRS, "la_sigfrac": ((0.3, 0.1), *PAIRS), "la_objlim": ((5, 1), *PAIRS),
    "la_padwidth": (0, 1, 2, 5, 10, 199, 200, 201),
    "mm_photon_distribution": ("poisson", "nbinom", "measured", "Nbinom", "gauss"),
    "mm_nbinom_shape": (1e-300, 1e-6, 0.1, 1, 10, 1000, 1e9, 1e300, 0, -1),
    "mm_dilation": (0, 1, 2, 9, 100, 2**31 - 1), "mm_cr_coincidences": (2, 3, 4, 5, 1, 0, None),
    "mm_hist2d_min_neighbors": (0, 1, 4, 7, 8, 9, -1),
    "mm_ydiag_max": (0, 1e-300, 1e-9, 0.5, 10, 1e5, 1e30, 1e300),
    "mm_synthetic": ("raw", "median", "single"), "mm_threshold_for": ("mm", "all"),
    "mm_threshold_rnoise": (None, 0, 1e-9, 5, 1e9), "use_auxmedian": (True, False, "yes", 1),
    "more_combinations": (["meancr2"], ["mean", "median", "min"], [], "mean", ["mean", "mean"]),
    "flux_factor_region": ([[1, 4, 1, 4]], None), "pc_sigma": (1,), "dc_mask": ("ACS_WFC", "x"),
    "nn_model": ("NRES", 3), "debug": (True,), "dtype": ("float32",), "mm_expected_false": (
        None, 1e-300, 0.1, 1, 100, 1e9,
    ),
    "mm_simulation": ("auto", "exact", "montecarlo"), "mm_seed": (None, 0, 2**128 - 1),
}  # fmt: skip


def region(dice):
    """A rectangle, in either spelling."""
    x1, x2, y1, y2 = (dice.of(SIDES) for _ in range(4))
    if dice.chance(70):
        x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    text = f"[{x1}:{x2}, {y1}:{y2}]"
    return dice.one([x1, x2, y1, y2], text, [1, 3, 1, 3], text.replace(" ", ""))


def _points(dice):
    sizes = (-1e30, -5.0, 0.0, 1e-9, 10.0, 100.0, 101.0, 5000.0, 1e30)
    return [[dice.of(sizes), dice.of(sizes), *[dice.of((1, 1e-9, 1e9))] * dice.below(2)]
            for _ in range(dice.below(6))]  # fmt: skip


SHAPED = {
    "flux_factor": lambda dice: dice.one(
        "auto", "none", 1.0, [1.0] * dice.integer(1, 4), [dice.of(NUMBERS) for _ in range(3)],
        [1, 0.1, 10], [0.01, 1],
    ),
    "flux_factor_regions": lambda dice: [region(dice) for _ in range(dice.below(4))],
    "regions_to_be_skipped": lambda dice: [region(dice) for _ in range(dice.below(4))],
    "mm_crosscorr_region": lambda dice: dice.one(region(dice), "[1:24, 1:24]", [1, 12, 1, 12]),
    "mm_xy_offsets": lambda dice: [
        [dice.one(0, 0.0, 0.5, -1.25, 2.0, 1e-9, 30.0, 1e6, 1e300) for _ in "xy"]
        for _ in range(dice.integer(1, 4))
    ],
    "mm_fixed_points_in_boundary": _points,
    "pixels_to_be_replaced_by_local_median": lambda dice: [
        [dice.of(SIDES), dice.of(SIDES), dice.one(1, 3, 5, 4, 10**6 + 1), dice.one(1, 3, 9)]
        for _ in range(dice.integer(1, 4))
    ],
    "dq_bits": lambda dice: dice.one(1, 2, 3, 128, 2**31, 2**63, 2**64, [1, 4], [1, 1], [], 0, -1),
    "dq_extension": lambda dice: dice.one("DQ", "MASK", 1, 2, "DQ,2", "SCI", 0, "nothing", "ERR"),
    "noise_extension": lambda dice: dice.one("ERR", "VAR", "IVAR", 1, 3, "DQ", "ERR,2", "nothing"),
    "bad_pixel_mask": lambda dice: dice.one("e1.fits[DQ]", "map.fits", "e1.fits", "none.fits"),
    "extnum": lambda dice: dice.one(
        0, 1, 2, "SCI", "SCI,2", "DQ", "all", [0, 1], ["SCI,1", "SCI,2"], [1], [], 99, "x,y,z",
    ),
    "gain": lambda dice: dice.one(1.5, 1e-300, 1e-6, 1e6, "map.fits", "e1.fits", [1.5, 1.6]),
    "rnoise": lambda dice: dice.one(3.0, 0.0, 1e-300, 1e-6, 1e6, "map.fits", "e1.fits[1]"),
    "bias": lambda dice: dice.one(0.0, 100, -1e6, 1e30, 65535, "map.fits", "e2.fits", [0, 1]),
    "images": lambda dice: dice.one(
        ["e1.fits", "e2.fits"], ["e1.fits", "e1.fits"], "e*.fits", ".", "./", ["e1.fits"], [],
        ["e1.fits", "params.yaml"], ["e1.fits[0]", "e1.fits[1]"], ["cube.fits[0]", "cube.fits[1]"],
        "**/*", "[", ["e1.fits", "e2.fits"] * 30, ["~/e1.fits", "e2.fits"], ["/dev/zero"] * 2,
    ),
}  # fmt: skip
PIXELS = ("pixels_to_be_flagged_as_cr", "pixels_to_be_ignored_as_cr", "mediancr_pixels_rejected")


def value(dice, name):
    """A value of a parameter, which most often fits it."""
    if dice.chance(12):
        return dice.of(WILD)
    if name in LATER and (name not in TABLE or dice.chance(70)):
        given = dice.of(LATER[name])
        return list(given) if isinstance(given, tuple) else given
    if name in SHAPED:
        return SHAPED[name](dice)
    if name.startswith(PIXELS) or name.endswith("_confirmed"):
        return [[dice.of(SIDES), dice.of(SIDES)] for _ in range(dice.below(5))]
    info = TABLE[name]
    if info.kind == "choice":
        return dice.of(info.choices)
    if info.kind == "switch":
        return dice.one(True, False)
    return dice.of(COUNTS if info.kind == "integer" else NUMBERS)


def document(dice, images, most=4, top=None):
    """A parameter file as data: exposures, and a few parameters that are odd."""
    found = {"images": images, "gain": 1.5, "rnoise": 3.0, "bias": 100.0, **(top or {})}
    method = dice.of(TABLE["crmethod"].choices) if dice.chance(85) else dice.one("pycosmic", None)
    requirements, ours = {"crmethod": method}, {}
    if dice.chance(20):
        requirements["mm_simulation"], requirements["mm_nsimulations"] = "montecarlo", 3
    names = [*LATER, *LATER, *dict.fromkeys([*TABLE, *LATER])]
    for name in dice.some(names, most):
        given = value(dice, name)
        if name in EXPOSURE_KEYS:
            found[name] = given
        elif name in OURS:
            ours[name] = given
        else:
            requirements[name] = given
    if dice.chance(2):
        requirements[dice.one("", "la_sigclipp", "\x00", "x" * 1000, "<b>", 7)] = 1
    found["requirements"] = requirements
    return found | ({"crmasks_widgets": ours} if ours else {})


assert set(SHAPED) <= set(Parameters.model_fields)
