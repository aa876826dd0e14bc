"""The kernels of `crmasks lab`: quiet ones, and one that starts before its server does."""

from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

LAUNCHER: Final = "ipykernel_launcher"
QUIET: Final = "--IPKernelApp.log_level=ERROR"
NAME: Final = "python3"
# Loads what the dashboard needs; leaves no name behind.
LOAD: Final = "--IPKernelApp.exec_lines=__import__('crmasks_widgets').Dashboard"

early: Final[list[KernelManager]] = []
"""The kernel that waits for its server; at most one, of this process."""


class QuietKernels(KernelSpecManager):
    """Kernel specifications whose kernels of Python log errors alone.

    A kernel warns, as a matter of routine, that it listens on the loopback address of its machine.
    """

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return a specification by its name.

        Parameters
        ----------
        kernel_name : str
            As Jupyter knows it.

        Returns
        -------
        KernelSpec
            Of a kernel that logs errors only, if it is IPython's.
        """
        spec: Any = super().get_kernel_spec(kernel_name)
        if LAUNCHER in spec.argv:
            spec.argv = [*spec.argv, QUIET]
        return spec  # type: ignore[no-any-return]


def start_early(folder: str, connection: str) -> None:
    """Start a kernel that loads the dashboard, for the first notebook of a server of this process.

    Parameters
    ----------
    folder : str
        Where it works.
    connection : str
        The file to write that says how to reach it.
    """
    kernel = KernelManager(
        kernel_name=NAME, kernel_spec_manager=QuietKernels(), connection_file=connection
    )
    # Another kind of kernel would not understand what it is to load.
    if kernel.kernel_spec is not None and LAUNCHER in kernel.kernel_spec.argv:
        kernel.start_kernel(cwd=folder, extra_arguments=[LOAD])
        early.append(kernel)
