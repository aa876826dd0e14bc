"""Every setting of a run: one frozen model, and how a user writes it."""

from crmasks_widgets.parameters.info import ParameterInfo, Range
from crmasks_widgets.parameters.model import Parameters, parameter_table

__all__ = ["ParameterInfo", "Parameters", "Range", "parameter_table"]
