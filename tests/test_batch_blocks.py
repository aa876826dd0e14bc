"""Which blocks a batch has, and how many of them at once."""

import pytest
from astropy.table import Table

from crmasks_widgets import InputError, ParameterError
from crmasks_widgets.analysis import memory_beyond
from crmasks_widgets.batch import Options, run_batch, workers_at_once
from crmasks_widgets.batch.blocks import find_blocks, memory_of
from crmasks_widgets.machine import available_memory, memory_needed

from .batch_cases import night
from .conftest import SHAPE, write_yaml


def names(blocks):
    return [block.name for block in blocks]


def test_blocks_are_called_by_their_paths(tmp_path):
    one, two = night(tmp_path / "x" / "n1"), night(tmp_path / "x" / "n2", "tuned.yml")
    night(tmp_path / "x" / ".hidden")
    night(tmp_path / "x" / "out")
    assert names(find_blocks([one])) == ["params"]
    assert names(find_blocks([one, two])) == ["n1/params", "n2/tuned"]
    assert names(find_blocks([one.parent, two.parent])) == ["n1/params", "n2/tuned"]
    found = find_blocks([tmp_path / "x"], leave_out=tmp_path / "x" / "out")
    assert names(found) == ["n1/params", "n2/tuned"]


def test_a_block_that_cannot_be_read_is_its_own_fault(tmp_path):
    night(tmp_path / "a")
    (tmp_path / "b.yaml").write_text("nonsense: 1\n")
    bad = write_yaml(tmp_path / "c.yaml", ["x"] * 3)
    bad.write_text(bad.read_text().replace("images", "# images").replace("- x", "#"))
    blocks = {block.name: block for block in find_blocks([tmp_path])}
    assert set(blocks) == {"a/params", "b", "c"}
    assert blocks["a/params"].error == ""
    assert "nonsense" in blocks["b"].error
    assert "images: found none" in blocks["c"].error


def test_nothing_found_and_nothing_there(tmp_path):
    with pytest.raises(InputError, match="found no block"):
        find_blocks([tmp_path])
    with pytest.raises(InputError, match=r"night\.yaml: found nothing"):
        find_blocks([tmp_path / "night.yaml"])
    (tmp_path / "a night" / "n1").mkdir(parents=True)
    for name in ("e1.fits", "e2.fits.gz"):
        (tmp_path / "a night" / "n1" / name).touch()
    with pytest.raises(InputError) as refused:
        find_blocks([tmp_path])
    n1 = tmp_path / "a night" / "n1"
    assert f"has 2 FITS files: crmasks init '{n1}' --output '{n1}/params.yaml'" in str(
        refused.value
    )
    with pytest.raises(InputError, match=r"e1\.fits: found a FITS file.*crmasks init"):
        find_blocks([n1 / "e1.fits"])


def test_two_blocks_of_one_name_are_refused(tmp_path):
    night(tmp_path)
    night(tmp_path / "other", "Params.yaml").rename(tmp_path / "Params.yml")
    with pytest.raises(ParameterError, match="expected another name"):
        find_blocks([tmp_path])


def test_shared_parameters_leave_the_exposures_to_the_blocks(tmp_path):
    own = night(tmp_path / "n1", dilation=3, top={"gain": 1.25})
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"], mm_seed=None, dilation=2)
    (block,) = find_blocks([own], shared)
    p = block.parameters
    assert (p.dilation, p.gain, p.mm_seed) == (2, 1.25, None)
    assert p.images == ("e1.fits", "e2.fits", "e3.fits")
    assert set(block.sources) == {own, shared}
    assert block.remarks == ()
    assert own.parent in block.folders


def test_hand_edits_that_are_shared_are_remarked(tmp_path):
    own = night(tmp_path / "n1")
    edits = {"pixels_to_be_ignored_as_cr": [[3, 4]]}
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"], **edits)
    (block,) = find_blocks([own], shared)
    assert block.parameters.pixels_to_be_ignored_as_cr == ((3, 4),)
    said = "tuned.yaml: pixels_to_be_ignored_as_cr: found pixels, which are edited in every block"
    assert block.remarks == (said,)


TABLE = """block,images,dilation,mm_fixed_points_in_boundary
n1/a,e1.fits; e2.fits;e3.fits,2,
n1/b,e1.fits,,"[[0, 25], [500, 90]]"

n1/b,e2.fits,,
n1/b,e3.fits,,
"""


def test_a_table_has_images_and_changes(tmp_path):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    (tmp_path / "t.csv").write_text(TABLE)
    a, b = find_blocks([tmp_path / "t.csv"], shared)
    assert (a.name, b.name) == ("n1/a", "n1/b")
    assert a.parameters.images == b.parameters.images == ("e1.fits", "e2.fits", "e3.fits")
    assert (a.parameters.dilation, b.parameters.dilation) == (2, 1)
    assert len(a.parameters.mm_fixed_points_in_boundary) == 3
    assert [point[:2] for point in b.parameters.mm_fixed_points_in_boundary] == [(0, 25), (500, 90)]


def test_an_ecsv_table_keeps_its_types(tmp_path):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    table = Table({
        "block": ["007", "008"], "images": [["a", "b", "c"]] * 2, "la_sigclip": [6.5, 7.0],
        "use_lamedian": [False, False],
    })  # fmt: skip
    table["images"] = table["images"].astype(object)
    table.write(tmp_path / "t.ecsv")
    blocks = find_blocks([tmp_path / "t.ecsv"], shared)
    assert names(blocks) == ["007", "008"]
    assert [block.parameters.la_sigclip for block in blocks] == [6.5, 7.0]
    assert blocks[0].parameters.images == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected one called block"),
        ("block,image\na,b\n", "expected one called images"),
        ("images\nb\n", "expected one called block"),
        ("block,images,gain,gain\na,b,1,2\n", "expected one called gain"),
        ("block,images,la_sigclp\na,b,5\n", "la_sigclp: found an unknown key"),
        ("block,images\na,b,c\n", "row 1: found 3 cells, expected 2"),
        ("block,images\n../a,b\n", "found the block name '../a'"),
        ("block,images\n/etc/a,b\n", "found the block name '/etc/a'"),
        ("block,images\n.hidden,b\n", "found the block name"),
        ("block,images\na\\b,b\n", "found the block name"),
        ("block,images\n,b\n", "row 1: found the block name ''"),
        ("block,images\nA,b\na,b\n", "expected another name"),
        ("block,images\n", "found no block"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, text, said):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises((ParameterError, InputError)) as caught:
        find_blocks([tmp_path / "t.csv"], shared)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,x;y,2\na,z,3\n", "dilation: found 3 and 2, expected one value"),
        ("a,x;y;z,-1\n", "dilation: found -1"),
        ("a,x;y;z,&a 1\n", "expected plain values"),
        ("a,x,1\n", "images: "),
        ("a,,1\n", "images: "),
    ],
)
def test_rows_that_cannot_be_used_fail_alone(tmp_path, rows, said):
    shared = write_yaml(tmp_path / "tuned.yaml", ["x", "y", "z"])
    (tmp_path / "t.csv").write_text(f"block,images,dilation\n{rows}good,x;y;z,1\n")
    bad, good = find_blocks([tmp_path / "t.csv"], shared)
    assert said in bad.error
    assert good.error == ""


def test_a_table_needs_parameters(tmp_path):
    (tmp_path / "t.csv").write_text("block,images\na,x;y;z\n")
    with pytest.raises(ParameterError, match="expected --parameters"):
        find_blocks([tmp_path / "t.csv"])


def test_memory_is_known_beforehand(tmp_path):
    path = night(tmp_path)
    (block,) = find_blocks([path])
    frames = 8 * 3 * 4 * SHAPE[0] * SHAPE[1] / 2**20
    assert memory_of(block, figures=False) == memory_needed(3, SHAPE) == frames + 250
    drawn = memory_beyond(block.parameters, 3)
    assert memory_of(block, figures=True) == memory_needed(3, SHAPE, drawn) > frames + 300
    (tmp_path / "e1.fits").write_bytes(b"no FITS")
    assert memory_of(block, figures=False) == 0


@pytest.mark.parametrize(
    ("wanted", "needs", "free", "expected"),
    [
        (4, [100] * 9, 1000, 4),
        (4, [100] * 2, 1000, 2),
        (4, [400, 500, 300, 200], 1000, 2),
        (4, [400], 100, 1),
        (1, [1] * 5, 1e9, 1),
    ],
)
def test_so_many_workers_as_fit(wanted, needs, free, expected):
    assert workers_at_once(wanted, needs, free) == expected


@pytest.mark.parametrize("wanted", [0, -1])
def test_no_worker_is_refused(wanted):
    with pytest.raises(InputError, match="--workers"):
        workers_at_once(wanted, [1], 10)


def test_memory_within_the_limit_of_a_container(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:  8192000 kB\n")
    files = {"memory.max": "1073741824", "memory.current": "536870912",
             "memory.stat": "anon 1\ninactive_file 104857600\n"}  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    assert available_memory(tmp_path / "meminfo", tmp_path) == 1024 - 512 + 100
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(tmp_path / "meminfo", tmp_path) == 8000
    assert available_memory(tmp_path / "nowhere", tmp_path) == float("inf")


def test_a_block_above_the_free_memory_is_refused_with_what_it_needs(tmp_path, monkeypatch):
    path = night(tmp_path / "n")
    monkeypatch.setattr("crmasks_widgets.batch.workers.available_memory", lambda: 100.0)
    (outcome,) = run_batch(find_blocks([path]), tmp_path / "out", Options(figures=False))
    assert outcome.error == "found 100 MiB of free memory, expected 250 MiB"
    assert not (tmp_path / "out" / "params").exists()
