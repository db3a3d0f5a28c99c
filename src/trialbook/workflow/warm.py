"""The process of a build: it loads the heavy libraries once, and forks itself for each step and for each kernel.

Steps ask for it (`trialbook.workflow.ask`) over a socket in a folder that only its user can open.  Whatever it forks
watches a pipe that it alone holds open: when it ends, however that is, so do they.
"""

import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from tempfile import TemporaryDirectory

from trialbook.workflow.ask import ADDRESS

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH = "watch"  # the name of the thread that ends a forked process; such a process may fork in its turn
LOOK = 0.02  # s between two looks whether the job has ended


class Stopped(BaseException):
    """A build was ended by a signal, or because whoever started it has gone; nothing of it is left."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def is_possible() -> bool:
    """Whether this process can fork: not elsewhere than on Linux, and not from a notebook, which has other threads."""
    return sys.platform == "linux" and {thread.name for thread in threading.enumerate()} <= {"MainThread", WATCH}


def run(job: Callable[[], int], first: Sequence[str], later: Sequence[str] = ()) -> tuple[int, bool]:
    """Run a job in a process of its own, and do the steps and start the kernels that are asked for while it runs.

    Parameters
    ----------
    job : callable
        Gives its exit code.
    first, later : sequence of str
        Modules that are loaded before anything that is asked for is done, and while nothing is asked for.

    Returns
    -------
    int
        The exit code of the job.
    bool
        Whether a step failed, and so has said why.

    Raises
    ------
    Stopped
    """
    received: list[int] = []  # raised only where we look: an exception within a callback of Python's own is lost
    handlers = {number: signal.signal(number, lambda number, _: received.append(number)) for number in SIGNALS}
    if keeps_on := handlers[signal.SIGHUP] == signal.SIG_IGN:  # under nohup
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    starter, waiting, own = os.getppid(), list(later), _Processes()
    try:
        with TemporaryDirectory(prefix="trialbook-") as folder, socket.socket(socket.AF_UNIX) as listening:
            os.environ[ADDRESS] = f"{folder}/build"
            listening.bind(os.environ[ADDRESS])
            listening.listen(64)
            main = own.fork(job, listening)
            for module in first:
                import_module(module)
                if received:
                    break
            while (code := own.ended(main)) is None and not received:
                if os.getppid() != starter and not keeps_on:
                    raise Stopped(signal.SIGHUP)
                if select.select([listening], [], [], 0 if waiting else LOOK)[0]:
                    with listening.accept()[0] as asking:
                        own.fork(partial(_answer, asking), listening)
                elif waiting:
                    import_module(waiting.pop(0))
            if code is None or -code in SIGNALS:
                raise Stopped(-code if code else received[0])
            return code, own.failed
    finally:
        own.end()
        os.environ.pop(ADDRESS, None)
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _Processes:
    """The processes that were forked and have not ended."""

    def __init__(self) -> None:
        self.running: set[int] = set()
        self.failed = False  # whether one has ended with an exit code; by a signal it says nothing
        self.ends, self.held = os.pipe()

    def fork(self, job: Callable[[], int], listening: socket.socket) -> int:
        """Run a job in a process of its own, whose number is given; a mistake in it is shown with its traceback."""
        sys.stdout.flush()
        if process := os.fork():
            self.running.add(process)
            return process
        code = 1
        try:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; we end them
            listening.close()
            os.close(self.held)
            threading.Thread(target=self._watch, name=WATCH, daemon=True).start()
            code = job()
        except SystemExit as end:
            code = _code(end)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _watch(self) -> None:
        """End this process as soon as the build has ended: nothing is ever written to the pipe."""
        os.read(self.ends, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    def ended(self, process: int) -> int | None:
        """Take note of the processes that have ended, and give the exit code of this one if it is among them."""
        found = {one: os.waitpid(one, os.WNOHANG) for one in self.running}
        codes = {one: os.waitstatus_to_exitcode(status) for one, (ended, status) in found.items() if ended}
        self.running -= codes.keys()
        self.failed |= any(code > 0 for one, code in codes.items() if one != process)
        return codes.get(process)

    def end(self) -> None:
        """End all that runs, and wait until it has."""
        os.close(self.held)
        for process in self.running:
            os.kill(process, signal.SIGKILL)
        for process in self.running:
            os.waitpid(process, 0)
        os.close(self.ends)


def _answer(asking: socket.socket) -> int:
    """Do what is asked for in a message of one line: a command of ours, or the kernel of a connection file."""
    with asking.makefile("rw", encoding="utf8") as lines:
        request = json.loads(lines.readline())
        os.chdir(request["folder"])
        if kernel := request.get("kernel"):
            from ipykernel.kernelapp import IPKernelApp

            print(os.getpid(), file=lines, flush=True)
            IPKernelApp.launch_instance(argv=["-f", kernel, f"--IPKernelApp.parent_handle={os.getppid()}"])
            return 0
        sys.argv = ["trialbook", *request["command"]]
        try:
            runpy.run_module("trialbook.cli", run_name="__main__")  # as a new process would
        except SystemExit as end:
            asking.send(bytes([code := _code(end)]))
            return code
    return 1


def _code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)
