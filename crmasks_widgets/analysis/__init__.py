"""From exposures and parameters to masks and combinations, in named stages."""

from crmasks_widgets.analysis.analysis import Analysis
from crmasks_widgets.analysis.graph import Target
from crmasks_widgets.analysis.memory import memory_beyond
from crmasks_widgets.analysis.table import STAGES

__all__ = ["STAGES", "Analysis", "Target", "memory_beyond"]
