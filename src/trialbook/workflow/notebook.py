"""Run one notebook with Papermill, and leave nothing in it that differs from one run to the next."""

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from trialbook.errors import UserError
from trialbook.workflow import current, plan
from trialbook.workflow.kernel import Manager
from trialbook.workflow.leftovers import UNFINISHED

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NotebookError(UserError):
    """A notebook could not be run: a parameter it does not have, or a cell that failed."""


def run(
    notebook: Path, output: Path, parameters: Mapping[str, object], made_of: str = "", limit: float = plan.LIMIT
) -> None:
    """Execute a notebook with parameters and write it, whole or not at all.

    What its cells write to stderr goes to ours, with the cell, and is not kept.

    Parameters
    ----------
    notebook : Path
        Source notebook with a cell tagged ``parameters``; it runs in its own folder.
    output : Path
        Where the executed notebook goes.
    parameters : mapping of str to object
    made_of : str
        The digest of all that its outputs depend on, which the executed notebook carries.
    limit : float
        Seconds that it may take.

    Raises
    ------
    NotebookError
        If the notebook lacks a parameter, or a cell fails or hangs; `output` is then as it was.
    """
    known = papermill.inspect_notebook(str(notebook))
    if unknown := sorted(set(parameters) - set(known)):
        has = ", ".join(known) or "none"
        raise NotebookError(f"{notebook}: no parameter {', '.join(map(repr, unknown))}; it has: {has}")
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=UNFINISHED, dir=output.parent) as folder:
        made = Path(folder, "made.ipynb")
        error = _execute(notebook, made, parameters, limit)
        executed = nbformat.read(made, as_version=4)
        _show_stderr(notebook, executed)
        if error:
            raise NotebookError(_said(notebook, executed, error))
        nbformat.write(_settled(executed, made_of), made)
        current.sign(made)
        made.replace(output)


def _execute(
    notebook: Path, made: Path, parameters: Mapping[str, object], limit: float
) -> PapermillExecutionError | None:
    """Execute a notebook, as far as it goes; the kernel has its sockets in files, where nobody else can listen in."""
    until, running = time.monotonic() + limit, [""]

    def left(cell: NotebookNode) -> float:
        running[0] = cell.id
        return max(until - time.monotonic(), 0.01)

    with TemporaryDirectory() as sockets:
        private = Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"})
        settings = {"kernel_manager_class": Manager, "config": private, "timeout_func": left}
        settings |= {"shutdown_kernel": "immediate", "request_save_on_cell_execute": False}
        where = {"cwd": str(notebook.parent), "progress_bar": False}
        try:
            papermill.execute_notebook(str(notebook), str(made), parameters, **where, **settings)
        except PapermillExecutionError as error:
            return error
        except CellTimeoutError:
            rule = f"still ran when the notebook had taken {limit:g} s, and was ended; nothing was kept"
            remedy = "make it quicker, or allow more: trialbook build --limit SECONDS"
            raise NotebookError(f"{notebook}, cell {running[0]}: {rule}\n      → {remedy}") from None
        except DeadKernelError:
            rule = "the kernel died, perhaps for want of memory; nothing was kept"
            raise NotebookError(f"{notebook}, cell {running[0]}: {rule}") from None
    return None


def _show_stderr(notebook: Path, executed: NotebookNode) -> None:
    """Show what each cell wrote to stderr to the author, who is not to publish it."""
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                print(f"{notebook}, cell {cell.id}, on stderr:\n{output.text.rstrip()}", file=sys.stderr, flush=True)


def _settled(executed: NotebookNode, made_of: str) -> NotebookNode:
    """Drop stderr, and the times, the generated ids and the interpreter's version that Papermill and Jupyter leave."""
    executed.metadata.pop("papermill", None)
    executed.metadata[current.MADE] = current.signature(made_of)
    executed.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in executed.cells:
        for noise in ("papermill", "execution"):
            cell.metadata.pop(noise, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell.outputs if output.get("name") != "stderr"]
    return executed


def _said(notebook: Path, executed: NotebookNode, error: PapermillExecutionError) -> str:
    """Say which cell failed and how; a user's mistake, which IPython shows by its message alone, says it itself."""
    if error.traceback == [error.evalue]:
        return error.evalue
    failed = (cell for cell in executed.cells if any(o.output_type == "error" for o in cell.get("outputs", [])))
    name = next(failed).id
    source = error.source.strip().partition("\n")[0]
    trace = _COLOUR.sub("", "\n".join(error.traceback[-3:]))
    return f"{notebook}, cell {name} ({source}):\n{trace}\n{error.ename}: {error.evalue}"
