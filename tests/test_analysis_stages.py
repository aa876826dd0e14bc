"""Stages: each reads what its row declares, is computed when it is first read, and once."""

import operator
import threading
import time

import numpy as np
import pytest

import crmasks_widgets as cm
from crmasks_widgets.analysis import STAGES, graph
from crmasks_widgets.analysis.run import Run
from crmasks_widgets.analysis.schedule import compute_all, jobs_at_once
from crmasks_widgets.machine import available_cpus

from .analysis_cases import BASE, POINTS, assert_same, everything, replace_stage


def reader_of(exposures, name):
    analysis = cm.Analysis(exposures, BASE)
    inputs = graph.Inputs(exposures, BASE, analysis.calibration)
    return graph.Reader(STAGES[name], inputs, lambda stage, target, keep: (stage, target, keep))


def test_a_stage_cannot_read_what_its_row_does_not_declare(exposures):
    read = reader_of(exposures, "stack")
    assert read.p.apply_flux_factor_to == "simulated"
    assert read("alignment") == ("alignment", None, True)
    assert read.bias == BASE.bias
    for unread in ("p.dilation", "noise", "rnoise"):
        with pytest.raises(graph.UndeclaredError, match=r"does not declare that .* is read"):
            operator.attrgetter(unread)(read)
    with pytest.raises(graph.UndeclaredError, match="does not declare that masks is needed"):
        read("masks")


def test_a_stage_that_reads_more_than_its_row_is_refused_in_production(exposures, monkeypatch):
    replace_stage(monkeypatch, "labels", lambda read: read("masks"))
    with pytest.raises(graph.UndeclaredError, match="masks"):
        _ = cm.Analysis(exposures, BASE).labels


def test_the_table_is_in_the_order_of_computation():
    seen = set()
    for name, stage in STAGES.items():
        # The mean's hits contain those of the exposures: one target of a stage may need others.
        seen.add(name)
        assert not [later for later in STAGES.keys() - seen if stage.needs_stage(later)], name


def test_stages_are_computed_when_first_read(exposures):
    analysis = cm.Analysis(exposures, BASE)
    assert not analysis.computed()
    _ = analysis.stack
    assert {stage for stage, _ in analysis.computed()} == {"stack"}
    piecewise = analysis.replace(
        mm_boundary_fit="piecewise",
        mm_fixed_points_in_boundary=POINTS,
    )
    _ = piecewise.masks
    assert "expected" not in {stage for stage, _ in piecewise.computed()}


def test_a_failed_stage_leaves_nothing_behind(exposures, monkeypatch):
    analysis = cm.Analysis(exposures, BASE)
    calls = []

    def fail_once(read):
        calls.append(1)
        if len(calls) == 1:
            raise cm.Cancelled("stopped")
        return "second"

    replace_stage(monkeypatch, "labels", fail_once)
    with pytest.raises(cm.Cancelled):
        analysis.result("labels")
    assert not analysis.computed()
    assert analysis.result("labels") == "second"


def test_what_is_computed_can_be_followed_and_stopped(exposures):
    analysis, seen = cm.Analysis(exposures, BASE), []

    def stop(fraction):
        seen.append(fraction)
        if len(seen) == 3:
            raise cm.Cancelled("stopped")

    with pytest.raises(cm.Cancelled):
        _ = analysis.under(Run(stop)).masks
    assert not any(stage == "masks" for stage, _ in analysis.computed())
    again = []
    _ = analysis.under(Run(again.append)).masks
    assert again
    assert max(again) <= 1.0
    assert ("masks", None) in analysis.computed()
    assert_same(everything(analysis), everything(cm.Analysis(exposures, BASE)))


def test_a_fleeting_result_is_not_kept_and_a_kept_one_stays(exposures):
    analysis = cm.Analysis(exposures, BASE)
    first = analysis.fleeting("combination", "mediancr").data
    assert ("combination", "mediancr") not in analysis.computed()
    kept = analysis.result("combination", "mediancr")
    np.testing.assert_array_equal(kept.data, first)
    assert analysis.fleeting("combination", "mediancr") is kept
    assert analysis.combination("mediancr").data is kept.data


def test_a_stage_read_by_two_threads_is_computed_once(exposures, monkeypatch):
    calls = []
    original = STAGES["stack"].compute

    def counted(read):
        calls.append(1)
        return original(read)

    replace_stage(monkeypatch, "stack", counted)
    analysis = cm.Analysis(exposures, BASE)
    threads = [threading.Thread(target=lambda: analysis.stack) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_change_nothing(exposures, threads):
    analysis = cm.Analysis(exposures, BASE)
    done = list(compute_all(analysis, threads))
    assert done[0] == ("stack", None)
    assert ("lacosmic", 3) in done
    assert done[-1] == ("masks", None)
    assert_same(everything(analysis), everything(cm.Analysis(exposures, BASE)))


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_stages_at_once_than_threads(exposures, threads, monkeypatch):
    busy, most, lock, inner = [], [], threading.Lock(), STAGES["lacosmic"].compute
    first_ones = threading.Barrier(threads)

    def watched(*arguments):
        with lock:
            busy.append(arguments)
            most.append(len(busy))
            waits = len(most) <= threads
        if waits:
            # So many do run side by side; and one too many has time to begin.
            first_ones.wait(20)
            time.sleep(0.05)
        result = inner(*arguments)
        with lock:
            busy.remove(arguments)
        return result

    replace_stage(monkeypatch, "lacosmic", watched)
    analysis = cm.Analysis(exposures, BASE.replace(crmethod="lacosmic"))
    before = threading.active_count()
    list(compute_all(analysis, threads))
    assert max(most) == threads
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 4),
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "150000 100000\n"}, 1),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ],
)
def test_threads_keep_to_the_quota_of_a_container(tmp_path, monkeypatch, files, cpus):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert available_cpus(tmp_path) == cpus


@pytest.mark.parametrize(
    ("threads", "n", "shape", "jobs"),
    [
        (1, 3, (4096, 4096), 1),
        (8, 3, (4096, 4096), 2),
        (8, 3, (2016, 1596), 2),
        (8, 9, (2048, 2048), 5),
        (4, 3, (512, 512), 4),
        (4, 3, (30_000, 30_000), 2),
    ],
)
def test_large_frames_limit_the_stages_at_once(threads, n, shape, jobs):
    assert jobs_at_once(threads, n, shape) == jobs
