"""Run one notebook with Papermill, and leave nothing in it that differs from one run to the next."""

import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from papermill.exceptions import PapermillExecutionError

from trialbook.errors import UserError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NotebookError(UserError):
    """A notebook could not be run: a parameter it does not have, or a cell that failed."""


def run(notebook, output, parameters):
    """Execute a notebook with parameters and write it, whole or not at all.

    Parameters
    ----------
    notebook : Path
        Source notebook with a cell tagged ``parameters``; it runs in its own folder.
    output : Path
        Where the executed notebook goes.
    parameters : dict of str to str

    Raises
    ------
    NotebookError
        If the notebook lacks a parameter, or a cell fails; `output` is then as it was.
    """
    _execute(notebook, {output: parameters})


def run_all(notebook, folder, runs):
    """Execute a notebook several times, in one kernel that forgets all but its imports from one run to the next.

    Parameters
    ----------
    notebook : Path
        As for `run`.
    folder : Path
        Gets ``<name>.ipynb`` for each run and nothing else, all or none.
    runs : dict of str to dict
        The parameters of each run by its name.

    Raises
    ------
    NotebookError
        As from `run`; `folder` is then as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=folder.parent) as work:
        made = Path(work, "made")
        made.mkdir()
        _execute(notebook, {made / f"{name}.ipynb": parameters for name, parameters in runs.items()})
        if folder.exists():
            folder.rename(Path(work, "old"))
        made.rename(folder)


def _execute(notebook, runs):
    known = papermill.inspect_notebook(str(notebook))
    unknown = sorted({name for parameters in runs.values() for name in parameters} - set(known))
    if unknown:
        has = ", ".join(known) or "none"
        raise NotebookError(f"{notebook}: no parameter {', '.join(map(repr, unknown))}; it has: {has}")
    with _kernel() as kernel:
        for count, (output, parameters) in enumerate(runs.items()):
            if count:
                _forget(kernel)
            _run(notebook, output, parameters, kernel)


def _run(notebook, output, parameters, kernel):
    try:
        executed = papermill.execute_notebook(
            str(notebook), None, parameters, cwd=str(notebook.parent), progress_bar=False, km=kernel
        )
    except PapermillExecutionError as error:
        raise NotebookError(_said(notebook, error)) from None
    finally:
        kernel.release()
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=output.parent) as folder:
        written = Path(folder, output.name)
        nbformat.write(_settled(executed), written)
        written.replace(output)


class _Kernel(AsyncKernelManager):
    """A kernel that outlives the clients which notebooks make for themselves."""

    made = None

    def client(self, **options):
        self.made = super().client(**options)
        return self.made

    def release(self):
        """Close the sockets of the last client; nobody else does."""
        if self.made:
            self.made.stop_channels()


@contextmanager
def _kernel():
    """Give a kernel that the first run starts, with sockets in files: nobody else on the machine can listen in."""
    with TemporaryDirectory() as sockets:
        kernel = _Kernel(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel")
        try:
            yield kernel
        finally:
            if kernel.has_kernel:
                run_sync(kernel.shutdown_kernel)(now=True)


def _forget(kernel):
    """Empty the kernel's memory of all names that a notebook gave."""
    client = kernel.blocking_client()
    client.start_channels()
    client.execute("get_ipython().reset()", silent=True, reply=True)
    client.stop_channels()


def _settled(notebook):
    """Drop the times, the generated ids and the interpreter's version that Papermill and Jupyter leave."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in notebook.cells:
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    return notebook


def _said(notebook, error):
    """Say which cell failed and how; a fault in the trial's files is said without a traceback."""
    if error.ename == "FaultsError":
        return error.evalue
    cells = nbformat.read(notebook, as_version=4).cells
    trace = _COLOUR.sub("", "\n".join(error.traceback[-3:]))
    source = error.source.strip().splitlines()[0] if error.source else ""
    name = next((cell["id"] for cell in cells if cell.source == error.source), "?")
    return f"{notebook}, cell {name} ({source}):\n{trace}\n{error.ename}: {error.evalue}"
