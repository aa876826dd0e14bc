"""What several tests of parameters ask."""

import pytest

from crmasks_widgets.errors import ParameterError
from crmasks_widgets.parameters import Parameters, parameter_table

TABLE = {info.name: info for info in parameter_table()}


def refused(message: str, **given_values: object) -> None:
    """Assert that values are refused with a one-line message that matches."""
    with pytest.raises(ParameterError, match=message) as caught:
        Parameters(**given_values)
    assert "\n" not in str(caught.value)
