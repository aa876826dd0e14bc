"""The report: what it shows, that it is whole, and that nothing in it runs or loads."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import crmasks_widgets as cm
from crmasks_widgets import cli
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.demo import demo_analysis
from crmasks_widgets.errors import InputError, OutputError, ProductExistsError
from crmasks_widgets.loading import parameter_file_of
from crmasks_widgets.report import report_html, save_report
from crmasks_widgets.report.cards import cards
from crmasks_widgets.report.page import brightest_pixels, section
from crmasks_widgets.report.pictures import GAP, MOST_PIXELS, STAMP, frame_picture, hit_strip

from .conftest import LEVELS, small_scene

HOSTILE = '<img src=x onerror="alert(1)">&amp;\x1b[31m\udcff.fits'


class Reader(HTMLParser):
    """Collects what a page refers to, its anchors, and its text."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.sources, self.tags, self.text = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.sources += [v for k, v in given.items() if k in ("src", "href") and tag != "a"]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def analysis():
    return demo_analysis((160, 200)).replace(dilation=1, mm_fixed_points_in_boundary=None)


@pytest.fixture(scope="module")
def page(analysis):
    return report_html(analysis)


def pixels(picture):
    data = base64.b64decode(picture.address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[::-1]


def test_every_hit_has_a_card_that_diagram_and_frames_link_to(analysis, page):
    read = Reader(page)
    numbers = [f"hit-{n}" for n in analysis.hits["number"]]
    assert len(numbers) > 3
    assert [anchor for anchor in read.ids if anchor.startswith("hit-")] == numbers
    for number in numbers:
        assert read.links.count(f"#{number}") == 3  # two frames and the diagram
    assert set(read.links) == {f"#{number}" for number in numbers}


def test_nothing_is_loaded(page):
    read = Reader(page)
    assert read.sources
    assert all(s.startswith("data:image/png;base64,") for s in read.sources)
    assert "link" not in read.tags
    assert "iframe" not in read.tags
    assert not re.search(r"url\(|@import|https?:", page)
    assert "default-src 'none'" in page


def test_it_says_what_was_found(analysis, page):
    text = Reader(page).text
    for number in (analysis.n_hits, int(analysis.mediancr.sum()), analysis.uuid):
        assert str(number) in text
    assert analysis.parameters.to_yaml().splitlines()[5] in text
    for checksum in analysis.exposures.checksums:
        assert checksum in text


def test_its_head_says_what_was_observed_and_how_pixels_are_counted(analysis):
    exposures = analysis.exposures
    dated = []
    for day, header in enumerate(exposures.headers, start=1):
        header = header.copy()
        header["OBJECT"], header["DATE-OBS"], header["EXPTIME"] = "SN <1>", f"2018-09-0{day}", 600
        dated.append(header)
    made = cm.Analysis(replace(exposures, headers=tuple(dated)), analysis.parameters)
    page = report_html(made)
    head = Reader(page[page.index("<h1>") : page.index("</header>")]).text
    for text in ("SN <1>", "2018-09-01 to 2018-09-03", "exposures of 600 s", *exposures.names):
        assert text in head
    text = Reader(page).text
    assert "median − minimum (ADU)" in text
    assert not re.search(r"\b(min|median|max|mean)2d\b", text)
    assert "after dilation by 1 pixel;" in text
    assert "Masks are not dilated" in report_html(made.replace(dilation=0))


def test_the_same_analysis_makes_the_same_page(analysis, page):
    assert report_html(analysis) == page


def test_glyphs_lie_at_the_highest_pixel_of_each_hit(analysis):
    stack = analysis.stack
    excess = np.where(analysis.labels > 0, stack.median2d - stack.min2d, -1)
    for number, pixel in enumerate(brightest_pixels(analysis), start=1):
        inside = analysis.labels == number
        assert analysis.labels.flat[pixel] == number
        assert excess.flat[pixel] == excess[inside].max()


def test_marks_lie_on_the_hits_also_of_frames_that_are_turned():
    long = demo_analysis((200, 100))
    turned, upright = section(long, "", ""), section(demo_analysis((160, 200)), "", "")
    assert turned.turned
    assert not upright.turned
    row, mark = long.hits[0], turned.marks[0]
    assert mark.x == pytest.approx(row["y"] - 0.5, abs=0.051)
    assert mark.y == pytest.approx(100 - row["x"] + 0.5, abs=0.051)
    assert turned.frames[0][1].width > turned.frames[0][1].height


def test_a_strip_shows_the_frames_around_a_hit_and_what_flags_it():
    frame, codes = np.zeros((60, 60), np.float32), np.zeros((60, 60), np.uint8)
    frame[40, 30], codes[40, 30] = 100, 2
    shown = pixels(hit_strip([frame, frame * 0], codes, (31, 41), (0, 100)))
    assert shown.shape == (STAMP, 3 * STAMP + 2 * GAP, 4)
    centre = STAMP // 2
    assert tuple(shown[centre, centre, :3]) == (255, 255, 255)
    assert tuple(shown[centre, centre + STAMP + GAP, :3]) == (0, 0, 0)
    assert "#{:02X}{:02X}{:02X}".format(*shown[centre, centre + 2 * (STAMP + GAP), :3]) == "#0072B2"


def test_a_strip_at_a_corner_is_moved_inside_the_frame_and_has_no_gaps():
    frame, codes = np.zeros((30, 30), np.float32), np.zeros((30, 30), np.uint8)
    frame[0, 29] = 100
    shown = pixels(hit_strip([frame], codes, (30, 1), (0, 100)))
    assert shown.shape == (STAMP, 2 * STAMP + GAP, 4)
    stamp = shown[:, :STAMP]
    assert (stamp[..., 3] == 255).all()
    bright = np.argwhere((stamp[..., :3] == 255).all(axis=2))
    assert bright.tolist() in ([[0, STAMP - 1]], [[STAMP - 1, STAMP - 1]])
    small = pixels(hit_strip([frame[:9]], codes[:9], (30, 1), (0, 100)))
    assert small.shape == (9, 2 * STAMP + GAP, 4)


def test_a_large_frame_is_reduced_and_what_has_no_value_is_seen():
    frame = np.ones((1596, 2016), np.float32)
    frame[:4, :4] = np.nan
    picture = frame_picture(frame, (0, 2))
    assert picture.width * picture.height <= MOST_PIXELS
    assert tuple(pixels(picture)[0, 0, :3]) == (0x80, 0, 0x20)


def test_only_the_strongest_of_very_many_hits_have_pictures(analysis):
    stamps = analysis.exposures.n + 3
    made = cards(analysis, analysis.stack.median2d, 2 * stamps)
    drawn = [card for card in made if card.picture is not None]
    assert len(made) == analysis.n_hits
    assert len(drawn) == 2
    assert min(c.significance for c in drawn) >= max(
        c.significance for c in made if c.picture is None
    )


@pytest.mark.parametrize("method", ["significance", "lacosmic"])
def test_other_methods_have_their_diagram(analysis, method):
    made = section(analysis.replace(crmethod=method), "", "")
    assert len(made.diagram.glyphs) == len(made.cards) > 0
    if method == "significance":
        assert "σ" in made.diagram.y_label
        assert len(made.diagram.lines) == 2
        assert all(card.words for card in made.cards)
    else:
        assert not made.diagram.lines


def test_a_frame_without_hits_has_a_report():
    quiet = cm.Analysis(
        cm.ExposureSet.from_arrays(list(np.random.default_rng(0).normal(100, 3, (3, 40, 40)))),
        cm.Parameters(crmethod="significance", gain=1.0, rnoise=3.0),
    )
    assert "No hit was found." in report_html(quiet)


def test_text_of_files_is_text(analysis):
    exposures = cm.ExposureSet.from_arrays(
        list(analysis.exposures.data), names=(HOSTILE, *analysis.exposures.names[1:])
    )
    hostile = cm.Analysis(exposures, analysis.parameters)
    page = report_html(Mosaic((HOSTILE,), (hostile,)))
    read = Reader(page)
    assert "onerror" in read.text
    assert all(s.startswith("data:") for s in read.sources)
    assert "\x1b" not in page
    assert page.encode()


def test_detectors_have_sections_of_their_own(analysis):
    read = Reader(report_html(Mosaic(("A", "B"), (analysis, analysis))))
    assert read.ids.count("d1-hit-1") == read.ids.count("d2-hit-1") == 1
    assert len(read.ids) == len(set(read.ids))


def test_a_report_replaces_nothing_unasked(analysis, tmp_path):
    path = tmp_path / "r.html"
    save_report(analysis, path)
    with pytest.raises(ProductExistsError):
        save_report(analysis, path)
    save_report(analysis, path, overwrite=True)
    with pytest.raises(OutputError, match=r"expected \.html"):
        save_report(analysis, tmp_path / "r.fits")


def test_a_folder_stands_for_its_one_parameter_file(tmp_path):
    with pytest.raises(InputError, match="found no parameter file, expected one"):
        parameter_file_of(tmp_path)
    (tmp_path / "a.yaml").touch()
    assert parameter_file_of(tmp_path) == tmp_path / "a.yaml"
    (tmp_path / "b.yml").touch()
    with pytest.raises(InputError, match=r"found 2 parameter files \(a\.yaml, b\.yml\)"):
        parameter_file_of(tmp_path)


@pytest.mark.slow
def test_the_program_writes_reports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "d", "--size", "120", "100", "--no-figures"]) == 0
    assert cli.main(["report", "d"]) == 0
    page = (tmp_path / "d" / "report.html").read_text()
    (tmp_path / "d" / "exposure1.fits").rename(tmp_path / "away.fits")
    assert cli.main(["report", "d"]) == 4  # for the report that is there, before exposures are read
    assert "report.html" in capsys.readouterr().err
    (tmp_path / "away.fits").rename(tmp_path / "d" / "exposure1.fits")
    run = ["run", "d/params.yaml", "--output-dir", "o", "--no-figures", "--report"]
    assert cli.main(run) == 0
    assert (tmp_path / "o" / "report.html").read_text() == page
    # A run without it takes away what it does not make.
    assert cli.main([*run[:-1], "--overwrite"]) == 0
    assert not (tmp_path / "o" / "report.html").exists()


def test_of_very_many_hits_the_strongest_are_listed(analysis, monkeypatch):
    monkeypatch.setattr("crmasks_widgets.report.cards.MOST_CARDS", 3)
    made = section(analysis, "", "")
    numbers = {card.number for card in made.cards}
    strongest = np.argsort(-np.asarray(analysis.hits["significance"]), kind="stable")[:3] + 1
    assert numbers == set(strongest.tolist())
    assert {glyph.number for glyph in made.diagram.glyphs} == numbers
    assert [mark.number for mark in made.marks] == sorted(numbers)
    assert f"and {analysis.n_hits - 3} of these are not listed" in report_html(analysis)


@pytest.mark.parametrize("shape", [(1, 200), (200, 1)])
def test_a_frame_of_one_row_or_column_has_a_report(shape):
    frames = np.random.default_rng(0).normal(100, 3, (3, *shape)).astype(np.float32)
    parameters = cm.Parameters(crmethod="lacosmic", gain=1.0, rnoise=3.0)
    lines = cm.Analysis(cm.ExposureSet.from_arrays(list(frames)), parameters)
    assert "No hit was found." in report_html(lines)


def test_a_report_on_electrons_says_so_and_leaves_names_of_files_alone(tmp_path):
    scene = small_scene()
    headers = [fits.Header({"BUNIT": "electron"})] * 3
    names = ["ADU_night.fits", "e2.fits", "e3.fits"]
    exposures = cm.ExposureSet.from_arrays(list(scene.exposures), names=names, headers=headers)
    report = tmp_path / "report.html"
    save_report(cm.Analysis(exposures, cm.Parameters(**LEVELS)), report)
    text = re.sub(r"data:image/[^\"']*", "", report.read_text(encoding="utf-8"))
    assert "ADU_night.fits" in text
    assert not re.findall(r".{30}\bADU\b(?!_).{20}", text)
    assert "predicted (e\u207b)" in text
