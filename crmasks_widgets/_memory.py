"""Memory that is no longer used, back to the system."""

import ctypes
import gc


def release() -> None:
    """Give back what was freed.

    Figures refer to each other in circles, which only the collector undoes. The C library of Linux
    keeps freed blocks of less than 32 MiB, frames of 8 Mpx, in a pool of each thread until it is
    told to trim; others know no such call, and nothing more is done there.
    """
    gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
