"""The kernel's queue of messages to the page, long enough for a server that is busy."""

from functools import partial
from typing import Any, Final

KEPT: Final = 20_000  # messages; a dashboard opens with a thousand


def keep_messages(shell: Any) -> None:
    """Let the kernel keep more messages than the 1000 from which on ZeroMQ drops them silently.

    A page whose server was busy while a dashboard opened would lack widgets, or show nothing.

    Parameters
    ----------
    shell : InteractiveShell or None
        Of this process. One that does not publish through ipykernel has no such limit to raise.
    """
    thread = getattr(getattr(shell, "kernel", None), "iopub_thread", None)
    if thread is not None:
        # The socket belongs to its thread; what is sent from now on is sent after this.
        thread.schedule(partial(setattr, thread.socket, "sndhwm", KEPT))
