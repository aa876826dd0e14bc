"""Pixels that files or masks of their own say to be bad."""

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import load_analysis, read_exposures, save_all, save_session
from crmasks_widgets.errors import InputError
from crmasks_widgets.files.quality import Quality

from .conftest import SHAPE, write_yaml
from .file_cases import (
    BAD,
    COUNTS,
    FRAMES,
    MARKED,
    NX,
    NY,
    WHOLE,
    content,
    masked_yaml,
    warned,
    written,
)


def with_beside(values, name, ver=1, kind=np.uint8):
    return lambda i: content(
        fits.PrimaryHDU(FRAMES[i]), fits.ImageHDU(values.astype(kind), name=name, ver=ver)
    )


GOOD = np.where(MARKED, 0, 1)
MANY = np.where(np.arange(NX) < NX // 2, 1, 0) * np.ones((NY, 1))
NAMES = ("DQ", "MASK", "MASKS", "BPM", "QUALITY", "BADPIX", "BADPIXEL", "FLAGS")
QUALITIES = {
    **{name: (with_beside(MARKED, name), Quality(), MARKED > 0, "") for name in NAMES},
    "of real numbers": (with_beside(MARKED, "DQ", kind=np.float32), Quality(), MARKED > 0, ""),
    "another EXTVER": (with_beside(MARKED, "DQ", ver=2), Quality(), MARKED > 9, ""),
    "another shape": (with_beside(MARKED[:9], "DQ"), Quality(), MARKED > 9, ""),
    "good = 1": (with_beside(GOOD, "MASK"), Quality(), MARKED > 0, "taken as good = 1"),
    "bit set": (with_beside(MARKED, "DQ"), Quality(bits=(2, 4)), MARKED > 0, ""),
    "bit not set": (with_beside(MARKED, "DQ"), Quality(bits=(3,)), MARKED > 9, ""),
    "a name of its own": (with_beside(MARKED, "ODD"), Quality("ODD"), MARKED > 0, ""),
    "a number": (with_beside(MARKED, "ODD"), Quality(1), MARKED > 0, ""),
    "not used": (
        with_beside(MARKED, "ODD"), Quality(), MARKED > 9,
        "extension ODD: found integers, which are not used; if they mark bad pixels, set "
        "dq_extension: ODD",
    ),
    "not used, of counts": (
        lambda i: content(fits.PrimaryHDU(COUNTS[i]), fits.ImageHDU(MARKED, name="ODD")),
        Quality(), MARKED > 9, "extension ODD: found integers, which are not used",
    ),
    "much": (with_beside(MANY, "DQ"), Quality(), MANY > 0, "50.0 % of the pixels are left out"),
}  # fmt: skip


@pytest.mark.parametrize("kind", QUALITIES)
def test_bad_pixels(tmp_path, kind, caplog):
    make, quality, bad, remark = QUALITIES[kind]
    found = read_exposures(written(tmp_path, make), quality=quality)
    valid = np.ones(FRAMES.shape, bool) if found.valid is None else found.valid
    np.testing.assert_array_equal(valid, np.broadcast_to(~bad, FRAMES.shape))
    said = warned(caplog)
    assert len(said) == bool(remark)
    assert all("e0.fits and 2 more: " in line and remark in line for line in said)


@pytest.mark.parametrize(
    ("quality", "fragment"),
    [
        (Quality("NOPE"), "dq_extension: found the extensions PRIMARY, SMALL, expected one NOPE"),
        (Quality("SMALL"), "dq_extension: found 80 x 9 pixels, expected 80 x 64"),
        (Quality(7), "dq_extension: found 2 HDUs, expected an extension 7"),
    ],
)
def test_quality_extensions_that_do_not_fit(tmp_path, quality, fragment):
    paths = written(tmp_path, with_beside(MARKED[:9], "SMALL"))
    with pytest.raises(InputError) as caught:
        read_exposures(paths, quality=quality)
    assert str(caught.value) == f"{paths[0]}: {fragment}"


def test_parameters_choose_the_quality_extension(tmp_path):
    names = [path.name for path in written(tmp_path, with_beside(MARKED, "ODD"))]
    yaml = write_yaml(tmp_path / "p.yaml", names)
    text = yaml.read_text() + "crmasks_widgets:\n  dq_extension: odd\n  dq_bits: [4, 8]\n"
    yaml.write_text(text)
    analysis = load_analysis(yaml)
    assert (analysis.parameters.dq_extension, analysis.parameters.dq_bits) == ("ODD", (4, 8))
    assert not analysis.exposures.valid[:, *BAD].any()


MASKS = {
    "primary": ([fits.PrimaryHDU(MARKED)], "", None, MARKED > 0),
    "the only one": ([fits.PrimaryHDU(), fits.ImageHDU(MARKED, name="X")], "", None, MARKED > 0),
    "of a usual name": (
        [fits.PrimaryHDU(), fits.ImageHDU(MARKED * 0, name="X"), fits.ImageHDU(MARKED, name="BPM")],
        "", None, MARKED > 0,
    ),
    "by name": ([fits.PrimaryHDU(MARKED * 0), fits.ImageHDU(MARKED, name="X")], "[X]", None,
                MARKED > 0),
    "by number": ([fits.PrimaryHDU(MARKED * 0), fits.ImageHDU(MARKED)], "[1]", None, MARKED > 0),
    "good = 1": ([fits.PrimaryHDU(GOOD.astype(np.uint8))], "", None, MARKED > 0),
    "of real numbers": ([fits.PrimaryHDU(MARKED.astype(np.float32))], "", None, MARKED > 0),
    "bits": ([fits.PrimaryHDU(MARKED.astype(np.int32) * 2**24 + (MARKED == 0))], "", 2**26,
             MARKED > 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", MASKS)
def test_bad_pixels_in_a_file_of_their_own_add_to_those_beside(tmp_path, kind, caplog):
    hdus, suffix, bits, bad = MASKS[kind]
    (tmp_path / "mask.fits").write_bytes(content(*(hdu.copy() for hdu in hdus)))
    other = np.zeros(SHAPE, np.int32)
    other[40, 50] = 2**26
    yaml = masked_yaml(
        tmp_path, with_beside(other, "DQ", kind=np.int32),
        bad_pixel_mask=f"mask.fits{suffix}", **({"dq_bits": bits} if bits else {}),
    )  # fmt: skip
    analysis = load_analysis(yaml)
    expected = np.broadcast_to(~(bad | (other > 0)), FRAMES.shape)
    np.testing.assert_array_equal(analysis.exposures.valid, expected)
    assert len(warned(caplog)) == (kind == "good = 1")
    without = masked_yaml(tmp_path, with_beside(other, "DQ", kind=np.int32))
    assert analysis.uuid != load_analysis(without).uuid
    assert (tmp_path / "mask.fits") in analysis.sources


@pytest.mark.parametrize(
    ("hdus", "fragment"),
    [
        ([fits.PrimaryHDU(MARKED[:9])], "found a bad_pixel_mask of 80 x 9 pixels, expected 80 x 6"),
        ([fits.PrimaryHDU(np.ones(SHAPE, np.uint8))], "found all pixels of e0.fits bad"),
        (None, "file not found"),
    ],
)
def test_masks_that_do_not_fit_are_one_line(tmp_path, hdus, fragment, run_cli):
    if hdus is not None:
        (tmp_path / "mask.fits").write_bytes(content(*hdus))
    yaml = masked_yaml(tmp_path, WHOLE["float32"], bad_pixel_mask="mask.fits")
    done = run_cli(["run", yaml, "--output-dir", tmp_path / "out"], tmp_path)
    assert done.code == 2
    last = done.err.strip().splitlines()[-1]
    assert "mask.fits: " in last
    assert fragment in last
    assert not (tmp_path / "out").exists()


def test_a_mask_of_bad_pixels_is_in_the_history_and_in_the_session(tmp_path):
    (tmp_path / "mask.fits").write_bytes(content(fits.PrimaryHDU(MARKED)))
    yaml = masked_yaml(tmp_path, WHOLE["float32"], bad_pixel_mask="mask.fits")
    analysis = load_analysis(yaml)
    out = save_all(analysis, tmp_path / "out")
    assert "bad_pixel_mask map sha256" in str(fits.getheader(out[0].path)["HISTORY"])
    save_session(analysis, tmp_path / "session.yaml")
    again = load_analysis(tmp_path / "session.yaml", folders=[tmp_path])
    assert again.parameters.bad_pixel_mask == "mask.fits"
    np.testing.assert_array_equal(again.exposures.valid, analysis.exposures.valid)
