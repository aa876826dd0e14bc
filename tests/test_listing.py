"""What a folder or a pattern has to offer, and the bounds of the search."""

import glob
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits

from crmasks_widgets.batch import blocks, workers
from crmasks_widgets.batch.block import run_block
from crmasks_widgets.errors import Cancelled, InputError
from crmasks_widgets.files import listing, peeking
from crmasks_widgets.files.listing import list_folder, list_matches


@pytest.fixture
def tree(tmp_path):
    for name in ("b.fits", "a.fits", "n1/c.fits", "n1/deep/d.fits", "n2/c.fits", "n1/.h/e.fits"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "n2" / "round").symlink_to(tmp_path, target_is_directory=True)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("?.fits", ["a.fits", "b.fits"]),
        ("n?/c.fits", ["n1/c.fits", "n2/c.fits"]),
        ("n[!2]/*", ["n1/c.fits"]),
        ("**/c.fits", ["n1/c.fits", "n2/c.fits"]),
        ("**/*.fits", ["a.fits", "b.fits", "n1/c.fits", "n1/deep/d.fits", "n2/c.fits"]),
        ("n1/**", ["c.fits", "deep/d.fits"]),
    ],
)
def test_patterns(tree, pattern, names):
    found = list_matches(f"{tree}/{pattern}")
    assert [each.name for each in found.files] == names
    assert all((found.folder / name).is_file() for name in names)


def test_a_search_has_bounds_and_can_be_stopped(tree, monkeypatch):
    monkeypatch.setattr(listing, "MOST_LISTED", 2)
    found = list_matches(f"{tree}/**/*.fits")
    assert (len(found.files), found.remark[:21]) == (2, "stopped after 2 files")
    assert list_folder(tree).remark == ""
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 3)
    with pytest.raises(InputError, match=r"no file of this pattern.*stopped after 3 names"):
        list_matches(f"{tree}/**/*.none")

    def stop():
        raise Cancelled("stopped")

    for stopped in (lambda: list_matches(f"{tree}/**/*", stop), lambda: list_folder(tree, stop)):
        with pytest.raises(Cancelled):
            stopped()


@pytest.mark.parametrize("command", ["run", "check", "batch", "report", "init"])
def test_every_command_ends_a_search_that_has_no_end(tree, run_cli, monkeypatch, command):
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 3)
    monkeypatch.setattr(workers, "_run_here", lambda tasks, _: map(run_block, tasks))
    given = {"images": "**/*.fits", "gain": 1.5, "rnoise": 3.0, "bias": 100.0}
    text = yaml.safe_dump(given | {"requirements": {"crmethod": "mmcosmic"}})
    (tree / "p.yaml").write_text(text)
    source = "**/*.fits" if command == "init" else "p.yaml"
    more = {"init": ["--yes"], "report": ["-o", "r.html"]}.get(command, [])
    status, _, error = run_cli([command, source, *more], tree)
    assert status == (1 if command == "batch" else 2)
    (line,) = [line for line in error.splitlines() if not line.startswith("warning: ")]
    assert "**/*.fits: stopped after 3 names, expected fewer on the way" in line


def test_parameter_files_are_not_looked_for_without_end(tree, run_cli, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_LOOKED_AT", 5)
    status, _, error = run_cli(["batch", "."], tree)
    assert (status, error.count("\n")) == (2, 1)
    assert "found more than 5 names in folders in it, expected fewer" in error


def test_a_search_without_bounds_finds_the_same(tree):
    (tree / os.fsdecode(b"n1/\xff.fits")).touch()
    for pattern in (
        "**/c.fits",
        "n1/**",
        "n?/../*.fits",
        "n[1]/*",
        "*/.h/*",
        "n1/nowhere/*",
        "n2/",
    ):
        for folder, start in ((tree, ""), (tree / "n2", "../"), (tree / "n1", f"{tree}/")):
            path = Path(start + pattern)
            found = sorted(glob.glob(str(path), root_dir=folder, recursive=True))
            files = [name for name in found if (folder / name).is_file()]
            if "**/" in pattern:  # a link to a folder is followed once by its name, not in search
                files = [name for name in files if "round" not in name]
            assert listing.matching_files(path, folder) == files


def test_only_what_can_be_opened_and_named_is_listed(tree):
    (tree / "q.yml").touch()
    (tree / "notes").touch()
    os.mkfifo(tree / "pipe.fits")
    (tree / os.fsdecode(b"\xff.fits")).touch()
    found = list_folder(tree)
    assert [each.name for each in found.files] == ["a.fits", "b.fits", "q.yml"]
    assert [each.is_parameters for each in found.files] == [False, False, True]
    assert found.folders == ("n1", "n2")
    assert found.remark == "1 names that are no text are left out"
    with pytest.raises(InputError, match=r"nowhere: not readable \(No such file"):
        list_folder(tree / "nowhere")


def test_a_thumbnail_is_spread_over_the_frame(tmp_path, monkeypatch):
    y, x = np.mgrid[:300, :40]
    fits.writeto(tmp_path / "f.fits", (1000 * y + x).astype(np.int32))
    (image,) = peeking.peek(tmp_path / "f.fits")
    small = peeking.thumbnail(image, 30)
    assert small.shape == (30, 4)
    np.testing.assert_array_equal(small[:, 0], 1000 * np.arange(5, 300, 10) + 5)
    fits.writeto(tmp_path / "cube.fits.gz", np.stack([y, x]).astype(np.int16))
    (cube,) = peeking.peek(tmp_path / "cube.fits.gz")
    assert peeking.thumbnail(cube, 300)[:, 0].tolist() == list(range(300))
    for shape, expected in (((300, 8), (30, 1)), ((8, 300), (1, 30))):
        fits.writeto(tmp_path / "slim.fits", np.ones(shape, np.int16), overwrite=True)
        assert peeking.thumbnail(*peeking.peek(tmp_path / "slim.fits"), 30).shape == expected
    monkeypatch.setattr(peeking, "MOST_PACKED", 100)
    with pytest.raises(InputError, match=r"cube\.fits\.gz: found 0 MiB, packed"):
        peeking.peek(tmp_path / "cube.fits.gz")
