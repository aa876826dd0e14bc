"""The machine: its system, memory and processors, and giving back memory that is no longer used."""

import ctypes
import gc
import math
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

resource: ModuleType | None
try:
    import resource
except ImportError:  # on Windows
    resource = None

WINDOWS: Final = os.name == "nt"
"""Where files that are open cannot be removed, and folders cannot be opened."""

MIB: Final = 1 << 20
PROGRAM_MIB: Final = 250
"""What a run may take beside 8 times its exposures."""

ADDRESSES_MIB: Final = 640
"""Addresses (`ulimit -v`) without which no run is begun: libraries reserve more than they use."""

LIMIT_VARIABLE: Final = "CRMASKS_MEMORY_LIMIT"
"""Environment variable: MiB that a run may take, instead of what the system says is free."""


@dataclass(frozen=True)
class Beyond:
    """Memory that some parameters ask for beyond that of any run.

    Attributes
    ----------
    frames : float
        Frames of float32.
    mib : float
        MiB, whatever the size of a frame.
    """

    frames: float = 0.0
    mib: float = 0.0


NOTHING: Final = Beyond()


def memory_needed(n: int, shape: tuple[int, ...], beyond: Beyond = NOTHING) -> float:
    """Tell beforehand what a run may take.

    Parameters
    ----------
    n : int
        Number of exposures.
    shape : tuple of int
        Of a frame.
    beyond : Beyond
        What its parameters ask for, as `analysis.memory.memory_beyond` tells.

    Returns
    -------
    float
        MiB.
    """
    frames = 8 * n + beyond.frames
    return frames * 4 * math.prod(shape) / MIB + PROGRAM_MIB + beyond.mib


def memory_limit() -> float | None:
    """Tell what `LIMIT_VARIABLE` says.

    Returns
    -------
    float or None
        MiB; None where it is not set, or empty.

    Raises
    ------
    ValueError
        It says no number above 0. In one line.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"{LIMIT_VARIABLE}: found {text[:60]!r}, expected MiB, a number above 0")
    return value


def address_limit() -> float:
    """Tell what `ulimit -v` allows.

    Returns
    -------
    float
        MiB of addresses; infinite where nothing limits them.
    """
    if resource is None:
        return math.inf
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return math.inf if limit == resource.RLIM_INFINITY else limit / MIB


def _address_room(own: Path) -> float:
    """MiB of addresses that this process may still take."""
    limit = address_limit()
    if limit == math.inf:
        return limit
    try:
        pages = int((own / "statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return limit
    return max(0.0, limit - pages * os.sysconf("SC_PAGE_SIZE") / MIB)


def available_memory(
    meminfo: Path = Path("/proc/meminfo"),
    cgroups: Path = Path("/sys/fs/cgroup"),
    own: Path = Path("/proc/self"),
) -> float:
    """Measure the memory that may be taken: free, and within the limits of container and process.

    Parameters
    ----------
    meminfo : Path
        Where the kernel tells about memory.
    cgroups : Path
        Where it shows control groups.
    own : Path
        Where it tells about this process.

    Returns
    -------
    float
        MiB; what `LIMIT_VARIABLE` says if it is set. Infinite where nothing says.

    Raises
    ------
    ValueError
        As of `memory_limit`.
    """
    given = memory_limit()
    if given is not None:
        return given
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) / 1024
    except (OSError, KeyError, ValueError):
        free = math.inf
    return min(free, _memory_quota(cgroups, own), _address_room(own))


def _memory_quota(cgroups: Path, own: Path) -> float:
    """MiB that the process's control group and those around it have left, in either layout."""
    groups = _own_groups(own)
    for root, group, limit, used in (
        (cgroups, groups.get("", ""), "memory.max", "memory.current"),
        (cgroups / "memory", groups.get("memory", ""), "memory.limit_in_bytes",
         "memory.usage_in_bytes"),
    ):  # fmt: skip
        around = [root / Path(*Path(group).parts[:depth]) for depth in range(group.count("/") + 2)]
        left = [found for folder in around if (found := _left_in(folder, limit, used)) is not None]
        if left:
            return min(left)
    return math.inf


def _own_groups(own: Path) -> dict[str, str]:
    """Control group of this process by controller; that of the newer layout has no controller."""
    try:
        lines = (own / "cgroup").read_text().splitlines()
    except OSError:
        return {}
    parts = [line.split(":", 2) for line in lines if line.count(":") > 1]
    # A group outside of what this container sees begins with "..".
    return {
        name: group.strip("/")
        for _, names, group in parts
        for name in names.split(",")
        if ".." not in group.split("/")
    }


def _left_in(folder: Path, limit: str, used: str) -> float | None:
    """MiB that one control group has left; None where it does not say."""
    try:
        most, now = ((folder / name).read_text().strip() for name in (limit, used))
        lines = (folder / "memory.stat").read_text().splitlines()
    except OSError:
        return None
    # Files that were read lately count as used, and make room when it is asked for.
    cached = next((line.split()[1] for line in lines if line.startswith("inactive_file")), "0")
    return math.inf if most == "max" else (int(most) - int(now) + int(cached)) / MIB


def release() -> None:
    """Give back what was freed, what only the collector undoes, too: figures refer in circles."""
    gc.collect()
    trim()


def trim() -> None:
    """Give back what was freed.

    The C library of Linux keeps freed blocks of less than 32 MiB, frames of 8 Mpx, in a pool of
    each thread until it is told to trim; others know no such call, and nothing is done there.
    """
    try:
        give_back = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    give_back(0)


def available_cpus(cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the processors that this process may use: its affinity and the quota of its container.

    Parameters
    ----------
    cgroups : Path
        Where the kernel shows control groups.

    Returns
    -------
    int
        At least 1.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.floor(min(affinity or 1, _cpu_quota(cgroups))))


def _cpu_quota(cgroups: Path) -> float:
    """Processors that the control group allows, in either of the kernel's two layouts."""
    unlimited = math.inf
    try:
        if (cgroups / "cpu.max").is_file():
            quota, period = (cgroups / "cpu.max").read_text().split()
        else:
            quota = (cgroups / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (cgroups / "cpu" / "cpu.cfs_period_us").read_text()
    except OSError:
        return unlimited
    return unlimited if quota.strip() in ("max", "-1") else int(quota) / int(period)
