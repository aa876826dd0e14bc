"""The registry of detectors: a row is all that masks, hits, legends, tables and figures need."""

import csv
import dataclasses

import numpy as np
import pytest
from rich.console import Console

import crmasks_widgets as cm
from crmasks_widgets import detectors
from crmasks_widgets.analysis.graph import Stage
from crmasks_widgets.analysis.table import STAGES
from crmasks_widgets.core import codes
from crmasks_widgets.dashboard.diagram import scene
from crmasks_widgets.dashboard.drawing import overlays
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.drawing.glyphs import glyphs
from crmasks_widgets.dashboard.drawing.stretches import COLOUR_MAPS, INVALID, colour_palette
from crmasks_widgets.dashboard.image.frames import pixel_line
from crmasks_widgets.dashboard.page.status import found, method_buttons
from crmasks_widgets.dashboard.settings.parameters_view import quick_names
from crmasks_widgets.figures.diagnostics import diagnostic_figure
from crmasks_widgets.hit_classes import CLASS_NAMES
from crmasks_widgets.parameters import types
from crmasks_widgets.parameters.info import group_of
from crmasks_widgets.products.hits import save_regions
from crmasks_widgets.terminal import counts_table

from .conftest import LEVELS, QUICK, SHAPE, small_scene
from .dashboard.bench import Bench
from .dashboard.test_overlays import whole_window

FOURTH = detectors.Detector(
    key="peak", name="Peaks", short="peaks", code=7, colour="#117733", symbol="△", marker="^",
    looks_at="all exposures", stage="flagged_peak", each_target=True, prefix="pk_",
    look_at=("dilation",), quick=("la_niter",),
)  # fmt: skip


def flagged_peak(read, target):
    stack = read("stack")
    return stack.target(target) - stack.min2d > 150


def test_no_detection_has_the_colour_of_pixels_without_a_value():
    invalid = np.array(rgb(codes.INVALID_COLOUR), float)
    for code in overlays.overlay_codes().values():
        assert np.linalg.norm(invalid - rgb(code.colour)) > 80, code
    for name in COLOUR_MAPS:
        table = colour_palette(name)[:INVALID, :3].astype(float)
        assert np.linalg.norm(table - invalid, axis=1).min() > 30, name


@pytest.fixture
def fourth(monkeypatch):
    rows, stages = {**detectors.DETECTORS, "peak": FOURTH}, dict(STAGES)
    stages["flagged_peak"] = Stage(flagged_peak, (), ("stack",))
    methods = {**types.METHODS, "peak": ("peak",), "mm_peak": ("mm", "peak")}
    monkeypatch.setattr(detectors, "DETECTORS", rows)
    monkeypatch.setattr(types, "METHODS", methods)
    for module in ("analysis", "run"):
        monkeypatch.setattr(f"crmasks_widgets.analysis.{module}.STAGES", stages)


def analysis_with(method, **settings):
    exposures = cm.ExposureSet.from_arrays(small_scene().exposures)
    return cm.Analysis(
        exposures, cm.Parameters(**{**LEVELS, **QUICK, "crmethod": method, **settings})
    )


def test_rows_tell_the_detectors_apart():
    rows = detectors.DETECTORS.values()
    for field in ("key", "name", "short", "code", "colour", "symbol", "marker", "prefix"):
        values = [getattr(row, field) for row in rows]
        assert len(set(values)) == len(values), field
    assert {f.name for f in dataclasses.fields(detectors.Detector)} == FOURTH.__dict__.keys()
    known = codes.all_codes()
    assert len(known) == len(detectors.DETECTORS) + 3
    for field in ("name", "colour", "symbol"):
        assert len({getattr(code, field) for code in known.values()}) == len(known), field
    for row in rows:
        assert f"flagged_{row.key}" in STAGES
        assert row.stage in STAGES
        names = [name for name in cm.Parameters.model_fields if name.startswith(row.prefix)]
        assert names
        assert set(row.look_at) <= set(names)
    assert {key for keys in types.METHODS.values() for key in keys} == detectors.DETECTORS.keys()


def test_a_fourth_detector_is_in_masks_hits_and_counts(fourth):
    made = analysis_with("mm_peak", dilation=0)
    peaks = made.stack.median2d - made.stack.min2d > 150
    assert peaks.any()
    assert made.masks["MEDIANCR"][peaks].all()
    counts = made.flags("median").counts()
    assert counts["both"] + counts["peak only"] == peaks.sum()
    hits = analysis_with("peak").hits
    assert set(hits["method"]) == {"Peaks only"}
    assert hits["n_peak"].sum() == peaks.sum()
    assert set(np.unique(analysis_with("peak").codes())) == {0, codes.DILATION, 7}
    console = Console(width=80, record=True)
    console.print(counts_table(made))
    assert "peaks only" in console.export_text()


def test_a_fourth_detector_is_in_products_and_figures(fourth, tmp_path):
    made = analysis_with("peak", dilation=0)
    cm.save_all(made, tmp_path / "products")
    with (tmp_path / "products" / "mediancr_identified.csv").open() as stream:
        assert {row[-1] for row in list(csv.reader(stream))[1:]} == {"7"}
    save_regions(made, tmp_path / "hits.reg")
    assert FOURTH.colour in (tmp_path / "hits.reg").read_text()
    n = made.flags("median").either.sum()
    line = next(
        line
        for line in diagnostic_figure(made, "median").axes[0].lines
        if line.get_label() == f"Peaks only: {n}"
    )
    assert (line.get_color(), line.get_marker()) == (FOURTH.colour, FOURTH.marker)


def test_the_dashboard_knows_a_fourth_detector(fourth):
    bench = Bench(analysis_with("peak", dilation=0))
    bench.settle()
    model = bench.state.model
    flagged = model.analysis.flags("median").either
    y, x = np.argwhere(flagged)[0]
    _ = model.analysis.masks
    model = model.of(model.analysis)
    assert "Peaks in median · MEDIANCR" in pixel_line(model, y, x)
    assert 7 in glyphs()
    assert 7 in overlays.overlay_codes()
    masked, whole = overlays.masked_pixels(model), whole_window(SHAPE, SHAPE)
    assert (overlays.overlay_indices(masked, SHAPE[1], whole, 7) == 7).any()
    counts = model.analysis.flags("median").counts()
    (entry,) = found(counts, "median", None, None, frozenset())["entries"]
    assert (entry["name"], entry["count"]) == ("Peaks", f"{flagged.sum():,}")
    assert entry["code"] == 7
    assert overlays.overlay_palette(1.0)[7].tolist() == [*rgb(FOURTH.colour), 255]
    (glyph,) = scene.legend(("peak",))
    assert glyph == {"code": 7, "name": "Peaks"}
    assert scene.combinations(("mm", "peak"))[7] == codes.BOTH
    assert list(scene.without_boundary({"mm": flagged, "peak": flagged})) == ["peak"]
    assert not scene.movable(model)
    assert quick_names(model.parameters) == ("la_niter", "dilation")
    assert "Peaks" in {each["label"] for each in method_buttons()}


def test_a_fourth_detector_has_parameters_and_a_place_in_files(fourth):
    groups = [group_of(name) for name in ("pk_excess", "sg_growth", "match_exposures", "dilation")]
    assert groups == ["peak", "significance", "significance", "general"]
    text = cm.Parameters(**{**LEVELS, "crmethod": "mm_peak"}).to_yaml()
    assert "crmethod: mm_peak" in text
    assert "cannot run this: give it lacosmic, mmcosmic or mm_lacosmic" in text
    with pytest.raises(cm.ParameterError, match=r"expected lacosmic, mm_lacosmic, .* or signif"):
        cm.Parameters(**{**LEVELS, "crmethod": "mm_peak", "use_lamedian": True})


def test_what_the_methods_give_follows_from_the_rows(fourth, monkeypatch):
    cleaning = dataclasses.replace(FOURTH, cleans=True, has_boundary=True, judges=True)
    parameters = cm.Parameters(**{**LEVELS, "crmethod": "peak"})
    facts = ("cleans", "has_boundary", "judges")
    assert not any(getattr(parameters, fact) for fact in facts)
    monkeypatch.setattr(detectors, "DETECTORS", {**detectors.DETECTORS, "peak": cleaning})
    assert all(getattr(parameters, fact) for fact in facts)
    assert set(types.methods_where(lambda row: row.cleans)) >= {"peak", "mm_peak"}


def test_a_fourth_detector_may_judge_hit_by_hit(fourth, monkeypatch):
    judging = dataclasses.replace(FOURTH, judges=True)
    monkeypatch.setattr(detectors, "DETECTORS", {**detectors.DETECTORS, "peak": judging})
    judged = analysis_with("peak").hits
    assert set(judged["class"]) <= set(CLASS_NAMES.values())
    assert "class" not in analysis_with("mmcosmic").hits.colnames


def test_a_fourth_detector_is_told_of_when_it_flags_too_much(fourth, monkeypatch):
    monkeypatch.setattr("crmasks_widgets.analysis.runaway.FEWEST", 1)
    with pytest.raises(cm.ParameterError, match=r"flux_factor and dilation$"):
        _ = analysis_with("peak", max_flagged_fraction=1e-5).masks
