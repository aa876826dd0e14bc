"""What detectors look at: the median, the mean, and each exposure."""

from crmasks_widgets.core.typing import Target


def all_targets(n: int) -> tuple[Target, ...]:
    """List the targets.

    Parameters
    ----------
    n : int
        Number of exposures.

    Returns
    -------
    tuple of n + 2 targets
        "median", "mean" and the numbers of the exposures, from 1.
    """
    return ("median", "mean", *range(1, n + 1))


def mask_name(target: Target) -> str:
    """Name the mask of a target.

    Parameters
    ----------
    target : {"median", "mean"} or int
        An integer is the number of an exposure.

    Returns
    -------
    str
        "MEDIANCR", "MEANCRT" or "CRMASKi".
    """
    return {"median": "MEDIANCR", "mean": "MEANCRT"}.get(str(target), f"CRMASK{target}")


def target_name(target: Target) -> str:
    """Name a target for the user.

    Parameters
    ----------
    target : {"median", "mean"} or int
        An integer is the number of an exposure.

    Returns
    -------
    str
        "median", "mean" or "exposure i".
    """
    return target if isinstance(target, str) else f"exposure {target}"
