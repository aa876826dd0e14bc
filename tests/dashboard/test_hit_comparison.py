"""Hits compared with those of another method."""

import gc
import weakref

import numpy as np

from .hits_bench import choose, shown


def compare(bench, method):
    choose(bench, "other", method)
    bench.view.comparison.engine.wait(60)
    bench.dispatcher.drain()


def test_another_method_tells_which_hits_it_finds(many):
    others = [name for name, _ in many.view.bar.state["others"]]
    assert many.model.parameters.crmethod not in others
    compare(many, "mmcosmic")
    try:
        other = many.model.analysis.replace(crmethod="mmcosmic").labels
        labels = many.model.analysis.labels
        found = {int(n) - 1 for n in np.unique(labels[other > 0])} - {-1}
        assert 0 < len(found) < labels.max()
        assert many.view.bar.state["comparison"].startswith(f"finds {len(found)} of these")
        n_others = many.view.bar.state["n_others"]
        assert n_others == len(set(np.unique(other)) - set(np.unique(other[labels > 0])) - {0})
        choose(many, "compared", "also")
        assert set(shown(many)) == found
        choose(many, "compared", "not")
        assert set(shown(many)) == set(range(labels.max())) - found
        many.press("j")
        many.press("n")  # no verdict takes the comparison away
        assert many.view.bar.state["other"] == "mmcosmic"
        many.state.update(mm_threshold=1000.0)
        assert many.view.bar.state["other"] == ""
        assert many.view.listing.wanted.compared == ""
        choose(many, "other", "")
        assert not many.errors
    finally:
        many.view.close()


def test_hits_that_only_another_method_finds_are_gone_to_one_by_one(many):
    many.state.update(crmethod="mmcosmic")
    compare(many, "mm_lacosmic")
    try:
        labels = many.model.analysis.labels
        other = many.model.analysis.replace(crmethod="mm_lacosmic").labels
        only = set(np.unique(other)) - set(np.unique(other[labels > 0])) - {0}
        assert many.view.bar.state["n_others"] == len(only) > 1
        seen = []
        for _ in range(len(only) + 1):
            choose(many, "next_other", True)
            seen.append(int(other[many.model.selection.pixel]))
        assert set(seen) == only
        assert seen[0] == seen[-1]
        choose(many, "other", "")
        choose(many, "next_other", True)
        assert many.view.bar.state["n_others"] == 0
        assert not many.errors
    finally:
        many.view.close()


def test_a_method_that_cannot_be_computed_says_why_and_changes_nothing(many):
    many.state.update(crmethod="mmcosmic")
    flagged = many.model.analysis.flags("median").either
    many.state.update(max_flagged_fraction=1.01 * flagged.mean())  # not enough for two methods
    before = shown(many)
    compare(many, "mm_lacosmic")
    try:
        assert "max_flagged_fraction" in many.errors[-1]
        assert many.view.bar.state["other"] == ""
        assert shown(many) == before
    finally:
        many.view.close()


def test_what_another_method_found_is_let_go_once_hits_are_others(many):
    """Its whole analysis stayed in memory, as large as that on screen."""
    compare(many, "mmcosmic")
    try:
        found = weakref.ref(many.view.comparison.engine.analysis)
        assert found().parameters.crmethod == "mmcosmic"
        many.press("j")
        assert many.view.comparison.engine.analysis is found()
        many.state.update(mm_threshold=1000.0)
        gc.collect()
        assert found() is None
    finally:
        many.view.close()


def test_a_session_that_stops_stops_comparing(dashboard):
    dashboard.session.hits._set({"name": "other", "value": "mmcosmic"})
    engine = dashboard.session.hits.comparison.engine
    engine.wait(60)
    dashboard.session.stop()
    assert engine._closed
    assert not engine._thread.is_alive()
