"""The documented name of `crmasks_widgets.batch.blocks` before batches had a folder."""

from crmasks_widgets.batch.blocks import find_blocks

__all__ = ["find_blocks"]
