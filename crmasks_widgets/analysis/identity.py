"""The UUID of a run: the same for the same exposures, calibration, parameters and program."""

import uuid

from crmasks_widgets._version import __version__
from crmasks_widgets.analysis.graph import Inputs


def uuid_of(inputs: Inputs, masks_checksum: str | None) -> str:
    """Make the UUID of what follows from some inputs.

    Parameters
    ----------
    inputs : Inputs
        Exposures, calibration and parameters.
    masks_checksum : str or None
        SHA-256 of the file that the masks come from, if they were not computed.

    Returns
    -------
    str
        Of version 5 (RFC 9562).
    """
    checksums = inputs.calibration.checksums
    # The checksum of a file stands for it, wherever it lies.
    values = inputs.parameters.model_dump(exclude={"images", *checksums})
    parts = [
        __version__,
        *inputs.exposures.checksums,
        *(f"{n} {v}" for n, v in [*sorted(checksums.items()), *values.items()]),
        masks_checksum or "",
    ]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(parts)))
