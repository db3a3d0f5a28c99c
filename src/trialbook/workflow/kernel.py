"""A notebook's kernel: forked from the build that runs, and without one a new process, as Jupyter starts it."""

import asyncio
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase

from trialbook.workflow.ask import ADDRESS


class Forked(KernelProvisionerBase):
    """A kernel that the build forks; the connection over which it was asked for is open as long as it runs."""

    build: socket.socket | None = None
    process = 0

    @property
    def has_process(self) -> bool:
        """Whether it was started and not yet found to have ended."""
        return self.build is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection file."""
        assert self.parent is not None
        self.parent.write_connection_file()
        self.connection_info = self.parent.get_connection_info()
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Ask for it."""
        assert self.parent is not None
        self.build = socket.socket(socket.AF_UNIX)
        self.build.connect(os.environ[ADDRESS])
        request = {"kernel": self.parent.connection_file, "folder": os.fspath(kwargs.get("cwd") or os.getcwd())}
        self.build.sendall(json.dumps(request).encode() + b"\n")
        self.process = int(self.build.recv(20))
        return self.connection_info

    async def poll(self) -> int | None:
        """Give 1 if it has ended, whatever its exit code was, and nothing while it runs."""
        if self.build is None:
            return 1
        if select.select([self.build], [], [], 0)[0]:
            self.build.close()
            self.build = None
            return 1
        return None

    async def wait(self) -> int | None:
        """Wait until it has ended."""
        while await self.poll() is None:
            await asyncio.sleep(0.01)
        return 1

    async def send_signal(self, signum: int) -> None:
        """Send it a signal."""
        if await self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.process, signum)

    async def kill(self, restart: bool = False) -> None:
        """End it at once."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """Ask it to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Nothing is left of it: its connection file is the manager's."""


class Manager(AsyncKernelManager):
    """Starts a kernel in the way that is quickest here."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        if ADDRESS in os.environ and self.format_kernel_cmd()[0] == sys.executable:  # and none of R
            self.provisioner = Forked(parent=self, kernel_spec=self.kernel_spec)
