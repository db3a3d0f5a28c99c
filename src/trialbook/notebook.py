"""Run one notebook with Papermill, and leave nothing in it that differs from one run to the next."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from trialbook.faults import UserError

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
    known = papermill.inspect_notebook(str(notebook))
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        has = ", ".join(known) or "none"
        raise NotebookError(f"{notebook}: no parameter {', '.join(map(repr, unknown))}; it has: {has}")
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=output.parent) as folder, TemporaryDirectory() as sockets:
        executed = Path(folder, output.name)
        # sockets in files rather than on the network: nobody else on the machine can listen in
        kernel = Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
        try:
            papermill.execute_notebook(
                str(notebook), str(executed), parameters, cwd=str(notebook.parent), progress_bar=False, config=kernel
            )
        except PapermillExecutionError as error:
            raise NotebookError(_said(notebook, error)) from None
        nbformat.write(_settled(nbformat.read(executed, as_version=4)), executed)
        executed.replace(output)


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
    if error.ename == "TrialError":
        return error.evalue
    cells = nbformat.read(notebook, as_version=4).cells
    trace = _COLOUR.sub("", "\n".join(error.traceback[-3:]))
    source = error.source.strip().splitlines()[0] if error.source else ""
    name = next((cell["id"] for cell in cells if cell.source == error.source), "?")
    return f"{notebook}, cell {name} ({source}):\n{trace}\n{error.ename}: {error.evalue}"
