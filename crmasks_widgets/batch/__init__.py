"""Many observing blocks, unattended: on one machine or many."""

from crmasks_widgets.batch.workers import (
    Options,
    Outcome,
    Report,
    check_workers,
    run_batch,
    workers_at_once,
)

__all__ = ["Options", "Outcome", "Report", "check_workers", "run_batch", "workers_at_once"]
