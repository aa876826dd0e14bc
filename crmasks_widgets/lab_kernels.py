"""The kernels of `crmasks lab`: quiet ones, and one that starts before its server does."""

from dataclasses import dataclass
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

LAUNCHER: Final = "ipykernel_launcher"
QUIET: Final = "--IPKernelApp.log_level=ERROR"
NAME: Final = "python3"
# An extension, of which IPython has a list for the command line alone: the user's settings hold.
LOAD: Final = "--IPKernelApp.extra_extensions=crmasks_widgets.lab_loading"


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


@dataclass
class EarlyKernel:
    """A kernel that waits for the first notebook of its server.

    Attributes
    ----------
    manager : jupyter_client.manager.KernelManager, optional
        What started it; None if there is none, or none any more.
    """

    manager: KernelManager | None = None

    def take(self) -> KernelManager | None:
        """Have it no longer wait here.

        Returns
        -------
        jupyter_client.manager.KernelManager
            What started it, if it was there.
        """
        kernel, self.manager = self.manager, None
        return kernel

    def end(self) -> None:
        """End it, if nobody took it; its connection file goes, too."""
        if kernel := self.take():
            kernel.shutdown_kernel(now=True)


def start_early(folder: str, connection: str) -> EarlyKernel:
    """Start a kernel that loads the dashboard, for the first notebook of a server of this process.

    Parameters
    ----------
    folder : str
        Where it works.
    connection : str
        The file to write that says how to reach it.

    Returns
    -------
    EarlyKernel
        It; to be ended.
    """
    kernel = KernelManager(
        kernel_name=NAME, kernel_spec_manager=QuietKernels(), connection_file=connection
    )
    # Another kind of kernel would not understand what it is to load.
    if kernel.kernel_spec is None or LAUNCHER not in kernel.kernel_spec.argv:
        return EarlyKernel()
    kernel.start_kernel(cwd=folder, extra_arguments=[LOAD])
    return EarlyKernel(kernel)
