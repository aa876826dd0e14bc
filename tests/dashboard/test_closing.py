"""Widgets that are made are noted, also by others who want to know."""

import threading

import pytest
from ipywidgets import HTML, Widget

from crmasks_widgets.dashboard.page.closing import widgets_made


@pytest.fixture
def heard():
    """What another package that listens was told of."""
    seen, before = [], Widget._widget_construction_callback
    Widget.on_widget_constructed(seen.append)
    yield seen
    Widget.on_widget_constructed(before)


def test_who_listens_already_goes_on_hearing(heard):
    with widgets_made() as made:
        first = HTML()
        made_of_first = {first, first.layout, first.style} & set(made)
    second = HTML()
    assert first in made_of_first
    assert second not in made
    assert {first, second} <= set(heard)


def test_one_context_in_another_notes_in_both():
    with widgets_made() as outer:
        before = HTML()
        with widgets_made() as inner:
            inside = HTML()
        after = HTML()
    assert {before, inside, after} <= set(outer)
    assert inside in inner
    assert not {before, after} & set(inner)
    assert Widget._widget_construction_callback is None


def test_threads_that_overlap_note_their_own_and_nothing_stays(heard):
    """The one that began first ends first."""
    inside, ended, made = threading.Event(), threading.Event(), []

    def other():
        with widgets_made() as noted:
            inside.set()
            assert ended.wait(60)
            made.append(HTML())
        assert made[0] in noted

    thread = threading.Thread(target=other)
    with widgets_made() as noted:
        thread.start()
        assert inside.wait(60)
    ended.set()
    thread.join()
    assert len(made) == 1
    assert made[0] not in noted
    last = HTML()
    assert {made[0], last} <= set(heard)
    assert last not in noted
