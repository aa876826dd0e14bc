"""Opening other files: what is listed, looked at, proposed, refused and opened."""

import gc
import io
import re
import threading
import weakref
from functools import partial

import numpy as np
import pytest
from astropy.io import fits
from rich.console import Console

from crmasks_widgets import load_analysis, regular_files
from crmasks_widgets.core.noise_remarks import offsets_in
from crmasks_widgets.dashboard.opening import view as opening
from crmasks_widgets.dashboard.opening.view import OpenView
from crmasks_widgets.demo import DETECTOR
from crmasks_widgets.exposures import read_exposures
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.simulate import Fibres, Hits, displaced, expose, fibre_light
from crmasks_widgets.starting.begin import Answers, begin

from ..conftest import LEVELS, SHAPE, small_scene, write_exposures, write_yaml
from .bench import LONG_ENOUGH, Bench, small_analysis


class Desk:
    """The dialog, and what was told to its page."""

    def __init__(self, **settings):
        self.opened, self.told, self.buffers = [], [], []
        self.bench = Bench(small_analysis(**settings))
        self.view = self.bench.add(OpenView(self.bench.context, self.opened.append))
        self.dialog = self.view.dialog
        self.dialog.send = self._tell
        self.view.show()
        self.answered()

    def _tell(self, content, buffers=None):
        self.told.append(content)
        self.buffers += buffers or []

    def answered(self):
        self.view.wait(LONG_ENOUGH)
        assert self.bench.errors == []
        return self.dialog

    def do(self, do, **said):
        """What the page says; the dialog after it."""
        self.say(do, **said)
        return self.answered()

    def say(self, do, **said):
        self.dialog._handle_custom_msg({"do": do, **said}, [])

    def choose(self, folder, *names):
        return self.do("choose", paths=[str(folder / name) for name in names])

    def row(self, name):
        return next(row for row in self.dialog.proposal["rows"] if row["name"] == name)

    def facts(self):
        return {p: f for told in self.told for p, f in told.get("facts", {}).items()}


@pytest.fixture
def desk(request):
    desk = Desk(**getattr(request, "param", {}))
    yield desk
    desk.view.close()


def described_on_disk(folder, gain, numbers=(1, 2, 3)):
    """Exposures whose headers tell gain, readout noise and bias."""
    for i in numbers:
        header = fits.Header({"GAIN": gain, "RDNOISE": 3.4, "BIASLEV": 200.0, "BUNIT": "adu",
                              "OBJECT": "<b>M 51</b>", "EXPTIME": 90.5})  # fmt: skip
        header.comments["GAIN"], header.comments["RDNOISE"] = "[electron/adu]", "[adu]"
        header.comments["BIASLEV"] = "[adu]"
        fits.writeto(folder / f"e{i}.fits", small_scene().exposures[i - 1], header)


def test_a_folder_is_listed_entered_and_left(work, desk):
    described_on_disk(work, 1.5)
    for name in ("sub", ".hidden"):
        (work / name).mkdir()
    for name in ("p.yaml", "notes.txt", ".x.fits"):
        (work / name).touch()
    listing = desk.do("go", path="").listing
    assert listing["folders"] == ["sub"]
    assert listing["names"] == ["e1.fits", "e2.fits", "e3.fits", "p.yaml"]
    assert listing["parameters"] == [3]
    assert listing["sizes"][0] == (work / "e1.fits").stat().st_size
    assert listing["prefix"] + "e1.fits" == str(work / "e1.fits")
    assert desk.do("go", path="sub").listing["folder"] == str(work / "sub")
    assert desk.do("go", path=listing["folder"] + "/..").listing["folders"] == ["a night"]


def test_files_say_what_they_are_and_what_is_wrong_with_them(work, desk):
    described_on_disk(work, 1.5)
    (work / "bad.fits").write_bytes(b"no FITS")
    paths = [str(work / "e1.fits"), str(work / "bad.fits")]
    desk.do("look", paths=paths)
    facts = desk.facts()
    ny, nx = SHAPE
    assert facts[paths[0]]["object"] == "<b>M 51</b>"
    assert (facts[paths[0]]["time"], facts[paths[0]]["images"]) == ("90.5", f"{nx} × {ny}")
    assert "GAIN 1.5 e-/ADU" in facts[paths[0]]["more"]
    assert facts[paths[1]]["error"].startswith(f"{paths[1]}: not readable as FITS")


def test_the_size_of_detectors_is_said_once_and_first_where_all_have_the_same(work, desk):
    frame = np.zeros(SHAPE, np.float32)
    for name, last in (("alike", frame), ("other", frame[:9])):
        hdus = [fits.ImageHDU(frame, name="CCD1"), fits.ImageHDU(last, name="CCD2")]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(work / f"{name}.fits")
    paths = [str(work / "alike.fits"), str(work / "other.fits")]
    desk.do("look", paths=paths)
    ny, nx = SHAPE
    assert [desk.facts()[path]["images"] for path in paths] == [
        f"{nx} × {ny}: CCD1, CCD2", f"CCD1 {nx} × {ny}, CCD2 {nx} × 9",
    ]  # fmt: skip


def test_a_reason_that_holds_for_all_detectors_is_said_once(work, desk):
    """Whose it is, is said where another detector has another one."""
    paths = []
    for number, frame in enumerate(small_scene().exposures, start=1):
        hdus = [fits.ImageHDU(np.float32(frame), name=f"CCD{i}") for i in (1, 2, 3)]
        for hdu, noise in zip(hdus, (3.5, 3.5, 4.5), strict=True):
            hdu.header.update({"GAIN": 1.5, "RDNOISE": noise, "BUNIT": "adu"})
        paths.append(work / f"three{number}.fits")
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(paths[-1])
    desk.choose(work, *(path.name for path in paths))
    rows = {row["name"]: row for row in desk.dialog.proposal["rows"]}
    assert "detector" not in rows["gain"]["origin"]
    assert rows["gain"]["origin"].count("GAIN 1.5") == 1
    assert rows["rnoise"]["origin"].count("RDNOISE 3.5") == 1
    assert rows["rnoise"]["origin"].startswith("detectors CCD1, CCD2: ")
    assert "; detector CCD3: " in rows["rnoise"]["origin"]


def test_products_are_called_what_they_are(work, desk):
    own, theirs = fits.Header({"HISTORY": "crmasks_widgets 0.1.0"}), fits.Header()
    kinds = {
        "masks.fits": ("masks of a run", own, ["MEDIANCR"]),
        "theirs.fits": ("masks of a run", theirs, ["MEDIANCR", "CRMASK1"]),
        "mean.fits": ("combined image", own, ["VARIANCE", "MAP"]),
        "dq.fits": ("flags of a run", fits.Header({"UUID": "1-2"}), ["DQ"]),
        "other.fits": ("product of a run", own, []),
    }
    for name, (_, header, inside) in kinds.items():
        hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(name=each) for each in inside)]
        fits.HDUList(hdus).writeto(work / name)
    desk.do("look", paths=[str(work / name) for name in kinds])
    facts = desk.facts()
    for name, (kind, *_) in kinds.items():
        assert facts[str(work / name)] == {"product": kind}
    desk.choose(work, "masks.fits", "mean.fits")
    assert "found a product of crmasks (masks of a run), expected an exposure" in desk.dialog.error


def test_thumbnails_are_made_of_a_few_of_the_chosen_only(work, desk, monkeypatch):
    monkeypatch.setattr(opening, "PICTURES", 2)
    described_on_disk(work, 1.5)
    desk.choose(work, "e1.fits", "e2.fits", "e3.fits")
    pictures = [told for told in desk.told if told["event"] == "picture"]
    assert [each["path"] for each in pictures] == [str(work / f"e{i}.fits") for i in (1, 2)]
    assert [len(each) for each in desk.buffers] == [np.prod(p["shape"]) for p in pictures]
    assert max(pictures[0]["shape"]) <= 96


SETTINGS = {"gain": 7.0, "dilation": 3, "pixels_to_be_flagged_as_cr": [[1, 1]],
            "mediancr_pixels_rejected": [[2, 2]], "flux_factor": [1, 0.5, 1], "dq_extension": 2,
            "mm_fixed_points_in_boundary": [[0, 30], [1000, 100]]}  # fmt: skip


@pytest.mark.parametrize("desk", [SETTINGS], indirect=True)
def test_what_is_proposed_is_opened_and_nothing_of_the_files_before(work, desk):
    described_on_disk(work, 1.5)
    dialog = desk.choose(work, "e3.fits", "e1.fits", "e2.fits")
    assert not desk.opened
    assert dialog.proposal["ready"]
    assert (desk.row("gain")["value"], desk.row("gain")["certain"]) == ("1.5", True)
    assert "GAIN" in desk.row("gain")["origin"]
    assert not desk.do("open").opened
    (analysis,) = desk.opened
    assert [path.name for path in analysis.exposures.paths] == ["e3.fits", "e1.fits", "e2.fits"]
    parameters = analysis.parameters
    assert (parameters.gain, parameters.bias) == (1.5, 200.0)
    usual = Parameters()
    of_the_others = {*SETTINGS} - {"gain"}
    assert {n: getattr(parameters, n) for n in of_the_others} == {
        n: getattr(usual, n) for n in of_the_others
    }
    assert desk.bench.state.model.parameters.gain == 7.0


@pytest.mark.parametrize("desk", [SETTINGS], indirect=True)
def test_settings_of_the_detection_are_kept_only_when_that_is_asked(work, desk):
    described_on_disk(work, 1.5)
    kept = desk.choose(work, "e1.fits", "e2.fits", "e3.fits").proposal["kept"]
    assert "dilation: 3" in kept
    assert not any(name in kept for name in {*SETTINGS} - {"dilation"})
    desk.do("open", keep=True)
    (analysis,) = desk.opened
    assert (analysis.parameters.dilation, analysis.parameters.gain) == (3, 1.5)
    of_the_others = {*SETTINGS} - {"gain", "dilation"}
    assert {getattr(analysis.parameters, name) for name in of_the_others} == {None}


def drifted(folder):
    """Exposures of unequal brightness that lie apart: all that is measured is proposed."""
    draw = partial(fibre_light, (200, 200), Fibres(dark=3, clear=20), seed=4)
    night = expose(
        displaced(draw, [(0, 0), (0.25, 0.15), (-0.2, -0.1)]), seed=4, detector=DETECTOR,
        hits=Hits(double=2), flux_factors=(1, 0.9, 1.05),
    )  # fmt: skip
    write_exposures(folder, night.exposures)
    return [str(folder / f"e{i}.fits") for i in (1, 2, 3)]


def test_what_is_opened_is_what_crmasks_init_writes(work, desk):
    paths = drifted(work)
    given = {"gain": 1.7, "rnoise": 3.4, "bias": 1000.0}
    answers = Answers(given, yes=True)
    begin(paths, work / "init.yaml", answers, Console(file=io.StringIO()))
    desk.do("choose", paths=paths)
    desk.do("set", values={name: str(value) for name, value in given.items()})
    assert desk.row("mm_xy_offsets")["value"] != desk.row("flux_factor")["value"] == "auto"
    told = desk.row("flux_factor")["origin"]
    desk.do("open")
    (analysis,) = desk.opened
    written = load_analysis(work / "init.yaml")
    assert analysis.parameters.replace(images=None) == written.parameters.replace(images=None)
    assert len(analysis.parameters.mm_xy_offsets) == 3
    # The noise check, and so `crmasks check` and the dashboard, say the same places.
    assert offsets_in(written.noise_check.offsets) == analysis.parameters.mm_xy_offsets
    numbers = [float(text) for text in re.findall(r"\d\.\d+", told)[:3]]
    assert numbers == pytest.approx(written.alignment.flux_factors, abs=6e-4)


def test_settings_that_are_kept_agree_with_the_displacements_that_are_proposed(work):
    paths = drifted(work)
    for settings in ({"mm_simulation": "exact"}, {"mm_expected_false": 2.0}):
        desk = Desk(**settings)
        desk.do("choose", paths=paths)
        desk.do("set", values={"gain": "1.7", "rnoise": "3.4", "bias": "1000"})
        desk.do("open", keep=True)
        (analysis,) = desk.opened
        assert analysis.parameters.mm_xy_offsets is None
        assert analysis.hits is not None
        desk.view.close()


def test_a_value_that_is_given_counts_and_another_choice_forgets_it(work, desk):
    described_on_disk(work, 1.5)
    desk.choose(work, "e1.fits", "e2.fits")
    assert desk.row("crmethod")["fixed"]
    desk.do("set", values={"gain": "2.5"})
    assert (desk.row("gain")["value"], desk.row("gain")["origin"]) == ("2.5", "given")
    assert desk.do("set", values={"gain": "-1"}).error.startswith("gain: found -1")
    desk.do("set", values={"gain": ""})
    assert desk.row("gain")["value"] == "1.5"
    desk.do("set", values={"gain": "2.5"})
    desk.choose(work, "e1.fits", "e3.fits")
    assert desk.row("gain")["value"] == "1.5"
    desk.do("open")
    assert (desk.opened[0].parameters.gain, desk.opened[0].exposures.n) == (1.5, 2)


def test_open_takes_what_stands_in_the_fields_or_nothing(work, desk):
    described_on_disk(work, 1.5)
    dialog = desk.choose(work, "e1.fits", "e2.fits", "e3.fits")
    for refused in ({"gain": "-3"}, {"extnum": "Q"}):
        assert next(iter(refused.values())) in desk.do("set", values=refused).error
        assert desk.do("open").opened
    # What another extension says is seen before it is opened.
    desk.say("set", values={"extnum": ""})
    desk.say("open")
    assert desk.answered().proposal["ready"]
    assert (desk.answered().opened, desk.opened) == (True, [])
    # A click on Open leaves the field first.
    desk.say("set", values={"gain": "2.5"})
    desk.say("open")
    assert not desk.answered().opened
    assert desk.opened[0].parameters.gain == 2.5
    assert dialog.error == ""


def test_open_after_a_stop_reads_again(work, desk):
    described_on_disk(work, 1.5)
    desk.choose(work, "e1.fits", "e2.fits")
    desk.say("set", values={"rnoise": "5"})
    desk.say("stop")
    assert desk.answered().doing == ""
    assert not desk.do("open").opened
    assert desk.opened[0].parameters.rnoise == 5


def test_flux_factors_are_proposed_and_follow_the_levels(work, desk):
    for i, factor in enumerate((1, 1, 0.8), start=1):
        fits.writeto(work / f"e{i}.fits", factor * (small_scene().exposures[i - 1] - 100) + 100)
    desk.choose(work, "e1.fits", "e2.fits", "e3.fits")
    desk.do("set", values={name: str(value) for name, value in LEVELS.items()})
    assert desk.row("flux_factor")["value"] == "auto"
    assert desk.row("flux_factor")["fixed"]
    desk.do("open")
    assert desk.opened[0].parameters.flux_factor == "auto"


def test_nothing_is_kept_of_exposures_that_are_not_looked_at_any_more(work, desk):
    described_on_disk(work, 1.5)
    for left in ({"do": "close"}, {"do": "choose", "paths": []}):
        desk.choose(work, "e1.fits", "e2.fits")
        read = weakref.ref(desk.view._beginning)
        desk.do(**left)
        gc.collect()
        assert (read(), desk.dialog.proposal) == (None, {})
    desk.choose(work, "e1.fits", "e2.fits")
    desk.do("open")
    opened = weakref.ref(desk.opened.pop())
    gc.collect()
    assert opened() is None


def test_a_folder_can_be_entered_while_files_are_read(work, desk, monkeypatch):
    described_on_disk(work, 1.5)
    begun, go_on = threading.Event(), threading.Event()

    def slow(names, *, going_on, **_):
        begun.set()
        assert go_on.wait(LONG_ENOUGH)
        going_on()
        raise AssertionError("still wanted")

    monkeypatch.setattr(opening, "begin_with", slow)
    desk.say("choose", paths=[str(work / f"e{i}.fits") for i in (1, 2)])
    assert begun.wait(LONG_ENOUGH)
    desk.say("go", path=str(work))
    desk.view._lists.wait(LONG_ENOUGH)
    assert (desk.dialog.looking, desk.dialog.doing) == ("", "reading the exposures…")
    desk.say("stop")
    go_on.set()
    assert (desk.answered().doing, desk.dialog.error) == ("", "")


def test_reading_is_left_midway_through_a_file(work, desk, monkeypatch):
    described_on_disk(work, 1.5)
    begun, go_on, reads = threading.Event(), threading.Event(), []
    readinto = regular_files._Watched.readinto

    def slow(file, buffer):
        size = readinto(file, buffer)
        reads.append(size)
        begun.set()
        assert go_on.wait(LONG_ENOUGH)
        return size

    monkeypatch.setattr(regular_files, "_AT_ONCE", 1000)
    monkeypatch.setattr(regular_files._Watched, "readinto", slow)
    desk.say("choose", paths=[str(work / f"e{i}.fits") for i in (1, 2)])
    assert begun.wait(LONG_ENOUGH)
    desk.say("stop")
    go_on.set()
    assert (desk.answered().doing, desk.dialog.error) == ("", "")
    assert reads == [1000]


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_what_can_be_left_is_read_whole_otherwise(work, suffix):
    frames, asked = small_scene().exposures, []
    for i in (1, 2):
        fits.writeto(work / f"e{i}.fits{suffix}", frames[i - 1])
    with regular_files.stoppable(lambda: asked.append(1)):
        read = read_exposures([f"e{i}.fits{suffix}" for i in (1, 2)])
    assert np.array_equal(read.data, np.array(frames[:2], np.float32))
    assert asked


def test_what_nothing_tells_is_missing_until_it_is_given(work, desk):
    noise = np.random.default_rng(1).normal(0, 0.1, (3, 20, 20)).astype(np.float32)
    write_exposures(work, list(noise))
    dialog = desk.choose(work, "e1.fits", "e2.fits", "e3.fits")
    assert not dialog.proposal["ready"]
    assert desk.row("gain")["value"] == ""
    desk.do("open")
    assert "expected it to be given" in dialog.error
    given = {"gain": "1", "rnoise": "0.1", "bias": "0"}
    assert desk.do("set", values=given).proposal["ready"]
    desk.do("open")
    assert desk.opened[0].parameters.rnoise == 0.1


def test_a_parameter_file_is_opened_alone(work, desk):
    (work / "raw").mkdir()
    write_exposures(work / "raw", small_scene().exposures)
    fits.writeto(work / "raw" / "gain.fits", np.full(SHAPE, 1.4, np.float32))
    write_yaml(work / "raw" / "p.yaml", ["e1.fits", "e2.fits", "e3.fits"],
               top={"gain": "gain.fits"})  # fmt: skip
    assert desk.choose(work / "raw", "p.yaml").proposal["ready"]
    desk.do("open")
    (analysis,) = desk.opened
    assert [path.name for path in analysis.exposures.paths] == ["e1.fits", "e2.fits", "e3.fits"]
    # Undo must find the map again, wherever the notebook is.
    parameters = analysis.parameters
    assert parameters.gain == str((work / "raw" / "gain.fits").resolve())
    again = analysis.replace(gain=2).replace(gain=parameters.gain)
    np.testing.assert_array_equal(again.calibration.gain, analysis.calibration.gain)


def test_patterns_and_names_that_are_typed(work, desk):
    (work / "odd [1].fits").touch()
    described_on_disk(work, 1.5)
    fits.writeto(work / "cube.fits", np.stack(small_scene().exposures))
    assert desk.do("go", path="e[12].fits").listing["names"] == ["e1.fits", "e2.fits"]
    assert desk.do("go", path="odd [1].fits").outside == [str(work / "odd [1].fits")]
    assert desk.do("go", path="cube.fits[1]").outside == [str(work / "cube.fits[1]")]
    missing = desk.do("go", path="n*.fits").listing_error
    assert missing.startswith(f"{work}/n*.fits: found no file of this pattern")
    assert desk.do("go", path="nowhere").listing_error.startswith(f"{work}/nowhere: not found")
    desk.choose(work, "cube.fits")
    assert desk.dialog.proposal["title"].startswith("3 exposures")


def test_one_exposure_is_no_fault_and_a_wrong_pair_is_said(work, desk):
    described_on_disk(work, 1.5)
    dialog = desk.choose(work, "e1.fits")
    assert (dialog.error, dialog.proposal["ready"]) == ("", False)
    fits.writeto(work / "small.fits", np.zeros((5, 5), np.float32))
    assert "expected at least 2 of a kind" in desk.choose(work, "e1.fits", "small.fits").error
    assert not dialog.proposal


def test_much_is_read_only_when_asked(work, desk, monkeypatch):
    monkeypatch.setattr(opening, "READ_UNASKED", 1000)
    described_on_disk(work, 1.5)
    assert desk.choose(work, "e1.fits", "e2.fits").proposal.keys() == {"ask"}
    assert desk.do("read").proposal["ready"]


def test_a_search_is_stopped_by_the_next_and_by_stop(work, desk, monkeypatch):
    described_on_disk(work, 1.5)
    begun, ended = threading.Event(), threading.Event()

    def endless(pattern, going_on):
        begun.set()
        try:
            while True:
                going_on()
        finally:
            ended.set()

    monkeypatch.setattr(opening, "list_matches", endless)
    for stop in ({"do": "stop"}, {"do": "go", "path": str(work)}):
        begun.clear()
        ended.clear()
        desk.dialog._handle_custom_msg({"do": "go", "path": "/usr/**/*.fits"}, [])
        assert begun.wait(LONG_ENOUGH)
        assert desk.dialog.looking == "looking…"
        desk.dialog._handle_custom_msg(stop, [])
        assert ended.wait(LONG_ENOUGH)
        assert (desk.answered().looking, desk.dialog.listing_error) == ("", "")
    assert desk.dialog.listing["folder"] == str(work)
