"""A server of `crmasks lab` takes over the kernel that was started before it."""

import os
from collections.abc import Sequence
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import (
    AsyncMappingKernelManager,
    ServerKernelManager,
)
from jupyterlab.labapp import LabApp

from crmasks_widgets.lab_kernels import EarlyKernel


class EarlyProvisioner(LocalProvisioner):
    """Has a process already the first time one is asked for; later, it starts one."""

    running: KernelManager | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Start the process of a kernel; arguments and result as of the base class."""
        kernel, self.running = self.running, None
        if kernel is None or not isinstance(kernel.provisioner, LocalProvisioner):
            return await super().launch_kernel(cmd, **options)
        self.process, self.pid = kernel.provisioner.process, kernel.provisioner.pid
        self.pgid, self.cwd = kernel.provisioner.pgid, kernel.provisioner.cwd
        self.connection_info = kernel.get_connection_info()
        kernel.cleanup_resources()  # the file of its own, and sockets; not the process
        return self.connection_info


class EarlyKernels(AsyncMappingKernelManager):
    """The kernels of a server, of which one may run already."""

    waiting: EarlyKernel

    def pre_start_kernel(
        self, kernel_name: str | None, kwargs: Any
    ) -> tuple[KernelManager, str, str]:
        """Prepare a kernel, which may be the one that waits; all as of the base class."""
        folder = kwargs.get("cwd", "")
        manager, name, identifier = super().pre_start_kernel(kernel_name, kwargs)
        kernel = self.waiting.manager
        if kernel is not None and is_like(manager, kernel, folder):
            manager.provisioner = EarlyProvisioner(
                kernel_id=identifier, kernel_spec=manager.kernel_spec, parent=manager
            )
            manager.provisioner.running = self.waiting.take()
        # As the settings of this server have it, this one is another.
        self.waiting.end()
        return manager, name, identifier


def is_like(wanted: KernelManager, running: KernelManager, folder: str) -> bool:
    """Whether a kernel that runs is what the settings of a server ask for.

    Parameters
    ----------
    wanted : jupyter_client.manager.KernelManager
        Made by the server, with the user's settings.
    running : jupyter_client.manager.KernelManager
        Of the kernel that runs, which was started without.
    folder : str
        Where the kernel is to work.

    Returns
    -------
    bool
        Program, environment, folder, and all that says how messages get to it, are the same.
    """
    if type(wanted) is not ServerKernelManager or wanted.provisioner is not None:
        return False  # the user's own class might start kernels elsewhere
    provisioner = running.provisioner
    if not isinstance(provisioner, LocalProvisioner) or provisioner.cwd is None:
        return False
    return _traits(wanted) == _traits(running) and os.path.samefile(provisioner.cwd, folder)


def _traits(manager: KernelManager) -> tuple[object, ...]:
    spec = manager.kernel_spec
    return (
        spec and (spec.argv, spec.env, spec.metadata.get("kernel_provisioner")),
        manager.transport,
        manager.ip,
        getattr(manager, "transport_encryption", None),  # jupyter_client has it since 8.10
        manager.session.signature_scheme,
    )


def launch_lab(options: Sequence[str], waiting: EarlyKernel) -> None:
    """Run JupyterLab until it is told to end.

    Parameters
    ----------
    options : sequence of str
        Of its command line.
    waiting : EarlyKernel
        For the first notebook that is like it.
    """

    class Kernels(EarlyKernels):
        pass

    class Server(ServerApp):
        def _signal_stop(self, sig: Any, frame: Any) -> None:
            # Whoever ends it says why: that a signal came would stand above it, as if it were news.
            self.stop(from_signal=True)

    class Lab(LabApp):  # type: ignore[misc]
        serverapp_class = Server

        @classmethod
        def get_extension_package(cls) -> str:
            return "jupyterlab"

        @classmethod
        def make_serverapp(cls, **settings: Any) -> ServerApp:
            # Not on the command line: there it would be above the user's own settings.
            server: ServerApp = super().make_serverapp(kernel_manager_class=Kernels, **settings)
            return server

    Kernels.waiting = waiting
    Lab.launch_instance(options)
