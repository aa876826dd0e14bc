"""What is asked of the dashboard's worker, and what is seen of it."""

import threading

import crmasks_widgets as cm
from crmasks_widgets.analysis import STAGES
from crmasks_widgets.dashboard.model.engine import Engine

from ..analysis_cases import replace_stage

SOON = 20.0  # s; only a broken engine needs it
MASKS = (("mediancr", None), ("hits", None), ("masks", None))


class Seen:
    """What an engine tells, and in which thread."""

    def __init__(self):
        self.snapshots, self.progress, self.errors, self.threads = [], [], [], set()

    def publish(self, snapshot):
        self.threads.add(threading.get_ident())
        self.snapshots.append(snapshot)

    def on_progress(self, fraction, stage):
        self.threads.add(threading.get_ident())
        self.progress.append((fraction, stage))

    def on_error(self, error, failed):
        assert isinstance(failed, cm.Analysis)
        self.threads.add(threading.get_ident())
        self.errors.append(error)

    def engine(self, analysis, **options):
        told = {"on_progress": self.on_progress, "on_error": self.on_error}
        return Engine(analysis, self.publish, **(told | options))


def submit(engine, **changes):
    """Ask for other parameters than those asked for last."""
    return engine.submit(engine.requested.parameters.replace(**changes))


class Gate:
    """Stands in for a stage: says when it is entered and waits to be opened."""

    def __init__(self, monkeypatch, stage, work=None):
        self.entered, self.opened, self.calls = threading.Event(), threading.Event(), 0
        self._work = work or STAGES[stage].compute
        replace_stage(monkeypatch, stage, self)

    def __call__(self, *arguments):
        self.calls += 1
        self.entered.set()
        assert self.opened.wait(SOON)
        return self._work(*arguments)
