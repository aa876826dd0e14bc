"""A server of `crmasks lab` takes over the kernel that was started before it."""

import os
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager

from crmasks_widgets.lab_kernels import early


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


class EarlyKernelManager(ServerKernelManager):
    """Looks after a kernel, which may run already."""

    async def start_kernel(  # type: ignore[override] # the server's own awaits it, too
        self, *arguments: Any, **options: Any
    ) -> Any:
        """Start a kernel, or take the one that waits; arguments as of the base class."""
        if self.provisioner is None and early:
            kernel = early.pop()
            # As the settings of this server have it, it might be another one.
            if self._is_like(kernel, options.get("cwd", "")):
                self.provisioner = EarlyProvisioner(
                    kernel_id=options["kernel_id"], kernel_spec=self.kernel_spec, parent=self
                )
                self.provisioner.running = kernel
            else:
                kernel.shutdown_kernel(now=True)
        return await super().start_kernel(*arguments, **options)

    def _is_like(self, kernel: KernelManager, folder: str) -> bool:
        specs = (self.kernel_spec, kernel.kernel_spec)
        mine, other = ((spec.argv, spec.env) if spec else None for spec in specs)
        there = getattr(kernel.provisioner, "cwd", None)
        return mine == other and there is not None and os.path.samefile(there, folder)
