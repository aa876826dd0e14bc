"""Kernels that say in the terminal only what went wrong."""

from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

LAUNCHER: Final = "ipykernel_launcher"
QUIET: Final = "--IPKernelApp.log_level=ERROR"


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
