"""The book in the browser, built and loaded again whenever something of it is edited.

One process has all libraries loaded, and forks for each build (`trialbook.workflow.warm`).
"""

import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import uvicorn
from sphinx_autobuild.filter import IgnoreFilter
from sphinx_autobuild.middleware import JavascriptInjectorMiddleware
from sphinx_autobuild.server import RebuildServer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles

from trialbook.project import Project
from trialbook.workflow import ask

HOST = "127.0.0.1"
OPENS = 0.5  # s until the browser is opened


def show(project: Project, watched: Collection[Path], again: Sequence[str]) -> int:
    """Serve the built book of a project until it is interrupted.

    Parameters
    ----------
    project : Project
    watched : collection of Path
        Folders and files of which a change builds the book again.
    again : sequence of str
        The command of ours that does.

    Returns
    -------
    int
        The exit code.
    """
    ignored = IgnoreFilter([project.output, project.executed], [r"/\.", r"__pycache__", r"~$"])
    watcher = RebuildServer(sorted(watched), ignored, partial(_build, again))
    with socket.socket() as free:
        free.bind((HOST, 0))
        place = f"{HOST}:{free.getsockname()[1]}"
        print(f"the book is http://{place}; Ctrl-C ends the server", flush=True)
        threading.Timer(OPENS, webbrowser.open, [f"http://{place}"]).start()
        app = Starlette(
            routes=[
                WebSocketRoute("/websocket-reload", watcher),
                Mount("/", StaticFiles(directory=project.site, html=True)),
            ],
            middleware=[Middleware(JavascriptInjectorMiddleware, ws_url=place)],
            lifespan=watcher.lifespan,
        )
        uvicorn.run(app, fd=free.fileno(), log_level="warning")
    return 0


def _build(command: Sequence[str], changed_paths: Sequence[Path]) -> None:
    subprocess.run([sys.executable, "-I", "-S", ask.__file__, *command], check=False)
