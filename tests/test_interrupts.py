"""Ctrl-C that comes while complete files get their names: it ends the command after that."""

import contextlib
import errno
import os
import signal

import pytest
from astropy.io import fits

from crmasks_widgets import lab
from crmasks_widgets.batch.report import CSV_NAME
from crmasks_widgets.ending import EXIT_DONE, EXIT_EXISTS, EXIT_INTERRUPTED
from crmasks_widgets.errors import Interrupted
from crmasks_widgets.files.writing import text_product, write_products
from crmasks_widgets.starting import begin
from crmasks_widgets.starting.notebook import prepare_notebook

from .conftest import small_scene, write_exposures


@pytest.fixture
def pressed(monkeypatch):
    """Press Ctrl-C as a file of a name is put in its place: pressed(name)."""

    def press_at(name, steps=("link", "replace")):
        def pressing(put):
            def interrupted(source, target, **options):
                if target.name == name:
                    signal.raise_signal(signal.SIGINT)
                put(source, target, **options)

            return interrupted

        # A new name is taken by a link, one of before by a renaming.
        for step in steps:
            monkeypatch.setattr(os, step, pressing(getattr(os, step)))

    return press_at


@pytest.mark.parametrize(
    ("arguments", "at", "others"),
    [
        (["run", "params.yaml", "--output-dir", "out", "--no-figures"], "out/crmasks.fits", 7),
        (["report", "params.yaml", "--output", "r.html"], "r.html", 0),
        (["check", "params.yaml", "--write", "tuned.yaml"], "tuned.yaml", 0),
        (["demo", "demo", "--size", "80", "80", "--no-figures"], "demo/params.yaml", 4),
        (["demo", "demo", "--size", "80", "80", "--no-figures"], "demo/hits.ecsv", 7),
        (["init", "e1.fits", "e2.fits", "e3.fits", "--yes", "-o", "p.yaml"], "p.yaml", 0),
    ],
)
def test_every_command_stops_after_what_it_was_writing(
    work, run_cli, pressed, arguments, at, others
):
    work.yaml()
    pressed(at.rpartition("/")[2])
    result = run_cli(arguments, work.folder)
    assert result.code == EXIT_INTERRUPTED
    (line,) = result.err.splitlines()
    assert line.startswith("crmasks: interrupted; ")
    first = line.removeprefix("crmasks: interrupted; ").split(" ")[0]
    assert (work.folder / at).exists()
    assert (work.folder / first).exists()
    assert (work.folder / first).parent == (work.folder / at).parent
    verb = f"and {others} more are" if others else "is"
    assert line.endswith(f"{first} {verb} written")
    assert "next:" not in result.out
    assert not list(work.folder.rglob(".crmasks-*"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert run_cli(arguments, work.folder).code == EXIT_EXISTS


def two_groups(folder):
    """Exposures of two targets, which are two groups."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        names = write_exposures(folder / name, small_scene().exposures)
        for number in names:
            fits.setval(folder / name / number, "OBJECT", value=name)


def test_init_goes_on_to_no_further_group(tmp_path, run_cli, pressed):
    two_groups(tmp_path)
    pressed("p.yaml")
    result = run_cli(["init", "one", "two", "--yes", "--output", "p.yaml"], tmp_path)
    assert result.code == EXIT_INTERRUPTED
    assert result.err.splitlines()[-1] == "crmasks: interrupted; p.yaml is written"
    assert not (tmp_path / "p_2.yaml").exists()


def test_an_interrupt_at_a_question_tells_what_was_written_for_others(
    tmp_path, run_cli, monkeypatch
):
    two_groups(tmp_path)
    decide, asked = begin._decide, []

    def interrupted(*given):
        asked.append(given)
        if len(asked) > 1:
            raise KeyboardInterrupt
        return decide(*given)

    monkeypatch.setattr(begin, "_decide", interrupted)
    result = run_cli(["init", "one", "two", "--yes", "--output", "p.yaml"], tmp_path)
    assert result.code == EXIT_INTERRUPTED
    assert result.err.splitlines()[-1] == "crmasks: interrupted; p.yaml is written"


@pytest.mark.parametrize("page", ["--voila", "--no-browser"])
def test_lab_ends_its_server_and_opens_nothing(tmp_path, run_cli, pressed, monkeypatch, page):
    ended = []

    @contextlib.contextmanager
    def serving(*_):
        try:
            yield
        finally:
            ended.append(page)

    def refuse(*_):
        raise AssertionError("it went on")

    monkeypatch.setattr(lab, "serving", serving)
    monkeypatch.setattr(lab, "_start_kernel", refuse)
    monkeypatch.setattr(lab, "_shown", refuse)
    path = prepare_notebook(tmp_path, [])
    before = path.read_bytes()
    pressed(path.name, ["replace"])
    result = run_cli(["lab", page], tmp_path)
    assert (result.code, result.err) == (EXIT_DONE, "")  # Ctrl-C is the way to end it
    assert path.read_bytes() != before  # the cell of another start
    assert ended == ([] if page == "--voila" else [page])


def test_batch_stops_after_its_table(tmp_path, run_cli, pressed):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/params.yaml").write_text("images: [none.fits]\ngain: -1\n", encoding="utf-8")
    pressed(CSV_NAME)
    result = run_cli(["batch", "a", "--output-dir", "out", "--workers", "1"], tmp_path)
    assert result.code == EXIT_INTERRUPTED
    last = result.err.splitlines()[-1]
    assert last == "crmasks: interrupted; the same command goes on with what is left"
    assert (tmp_path / "out" / CSV_NAME).exists()


def test_whoever_ignores_interrupts_is_not_interrupted(tmp_path, pressed):
    pressed("a.txt")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        written = write_products([text_product("a.txt", "text", "complete")], tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [item.path.read_text() for item in written] == ["complete"]


def test_an_interrupt_is_heard_where_a_file_cannot_get_its_name(tmp_path, monkeypatch):
    def refused(*_):
        signal.raise_signal(signal.SIGINT)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(KeyboardInterrupt) as caught:
        write_products([text_product("a.txt", "text", "complete")], tmp_path)
    assert not isinstance(caught.value, Interrupted)
    assert not list(tmp_path.iterdir())
