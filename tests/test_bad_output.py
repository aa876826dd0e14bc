"""Output folders and names that cannot be used: one line, and nothing is touched."""

import errno
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from crmasks_widgets import load_analysis
from crmasks_widgets.ending import EXIT_BAD_INPUT
from crmasks_widgets.errors import OutputError
from crmasks_widgets.files import writing
from crmasks_widgets.products import room_needed

from .bad_input_cases import refused
from .conftest import QUICK, SHAPE, digests, small_scene


@pytest.mark.parametrize("where", ["a file", "under a file", "a dangling link"])
def test_output_folder_that_cannot_be_made(work, where):
    work.yaml()
    if where == "a dangling link":
        work.out.symlink_to(work.folder / "nowhere" / "deep")
    else:
        work.out.write_text("in the way")
    target = "out/deep" if where == "under a file" else "out"
    refused(work, f"{target}: not writable (", "a folder", arguments=["--output-dir", target])


@pytest.mark.parametrize("folder", ["exists", "is to be made"])
def test_output_folder_without_permission(work, monkeypatch, folder):
    work.yaml()
    if folder == "exists":
        work.out.mkdir()

    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "touch", refuse)
    computed = []
    monkeypatch.setattr("crmasks_widgets.commands._compute_and_save", lambda *_: computed.append(1))
    refused(work, "out: not writable (Permission denied)", "a folder to write products to")
    assert not computed


def test_folder_that_cannot_be_listed(work, monkeypatch):
    work.yaml()
    work.out.mkdir()

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(writing.os, "listdir", refuse)
    refused(work, "out: not writable (Permission denied)")


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
def test_folder_called_like_a_product(work, options):
    work.yaml()
    (work.out / "hits.ecsv").mkdir(parents=True)
    refused(work, "hits.ecsv: found a folder", "expected a file or nothing", arguments=options)


def test_error_while_products_are_put_in_place(work, monkeypatch):
    work.yaml()
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == 3:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(source))
        real(source, target)

    def link(*_, **__):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(writing.os, "replace", replace)
    monkeypatch.setattr(writing.os, "link", link)
    result = work.run()
    assert result.code == EXIT_BAD_INPUT
    assert "combined_meancr.fits: could not be replaced (Operation not permitted)" in result.err
    assert len(result.err.splitlines()) == 1
    assert not (work.folder / "out").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 400 KiB; needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a small disk: {error}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("filled", "foreseen"),
    [*((n, False) for n in (0, 200, 300, 330, 350)), *((n, True) for n in (0, 300, 350))],
)
@pytest.mark.slow
def test_real_disk_full(work, monkeypatch, small_disk, filled, foreseen):
    work.yaml()
    if not filled:
        first = work.run("--output-dir", small_disk)
        assert first.code == 0
    (small_disk / "filler").write_bytes(b"x" * 1024 * filled)
    before = digests(small_disk)
    if not foreseen:
        for module in ("running", "products.saving"):
            monkeypatch.setattr(f"crmasks_widgets.{module}.check_room", lambda *_: None)
    line = refused(
        work, f"{small_disk}", "bytes free", "expected room for all products, at least ",
        arguments=["--output-dir", small_disk, "--overwrite"],
    )  # fmt: skip
    full = "No space left on device" in line or "Not enough space on disk" in line
    assert full is not foreseen
    assert int(line.split("at least ")[1].split()[0]) >= room_needed(
        load_analysis(work.folder / "params.yaml")
    )
    assert digests(small_disk) == before


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
@pytest.mark.parametrize("link", [False, True])
def test_input_called_like_a_product_is_never_replaced(work, monkeypatch, options, link):
    work.out.mkdir()
    name = "combined_mediancr.fits"
    if link:
        (work.out / name).symlink_to(work.folder / "e2.fits")
        work.yaml()
    else:
        (work.folder / "e2.fits").rename(work.out / name)
        work.yaml(images=["e1.fits", f"out/{name}", "e3.fits"])
    computed = []
    monkeypatch.setattr("crmasks_widgets.commands._compute_and_save", lambda *_: computed.append(1))
    refused(
        work, f"out/{name}: found an input of this run", "another output folder", arguments=options
    )
    assert not computed


@pytest.mark.parametrize("role", ["exposure", "map", "yaml"])
def test_no_product_replaces_an_input_of_any_kind(work, run_cli, role):
    name = {"exposure": "crmasks.fits", "map": "hits.ecsv", "yaml": "problematic_pixels.csv"}[role]
    top = {}
    images = list(work.images)
    if role == "exposure":
        (work.folder / "e2.fits").rename(work.folder / name)
        images[1] = name
    if role == "map":
        fits.PrimaryHDU(np.ones(SHAPE, np.float32)).writeto(work.folder / name)
        top = {"gain": name}
    yaml = work.yaml(top=top, images=images)
    if role == "yaml":
        yaml = yaml.rename(work.folder / name)
    before = digests(work.folder)
    result = run_cli(["run", yaml.name, "--no-figures", "--overwrite"], work.folder)
    assert result.code == EXIT_BAD_INPUT
    assert f"{name}: found an input of this run" in result.err
    assert digests(work.folder) == before


def test_the_settings_of_these_tests_are_good(work):
    work.yaml()
    assert work.run().code == 0
    assert QUICK["crmethod"] == "mmcosmic"
    assert small_scene().n == 3


def test_a_folder_that_may_not_be_looked_into_is_refused_before_anything(tmp_path, monkeypatch):
    target, lstat = tmp_path / "p.yaml", Path.lstat

    def look(path):
        if path == target:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", look)
    said = re.escape(f"{tmp_path}: not writable (Permission denied), expected a folder")
    with pytest.raises(OutputError, match=said):
        writing.check_target(target, [".yaml"], [], overwrite=False)
