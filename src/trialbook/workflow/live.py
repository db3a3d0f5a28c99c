"""The book in the browser, built and loaded again whenever something of it is edited.

One process has all libraries loaded, and forks for each build (`trialbook.workflow.warm`).
"""

import mimetypes
import os
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
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from trialbook.project import Project
from trialbook.workflow import ask

HOST = "127.0.0.1"
OPENS = 0.5  # s until the browser is opened
TRIES = 5  # to read a file of a site that is put in another's place meanwhile


class Site(StaticFiles):
    """The files of a site, each read at once and whole: another site may take its place at any moment."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file, from the site that stands when it is read."""
        for _ in range(TRIES):
            try:
                return await super().get_response(path, scope)
            except FileNotFoundError:  # the folder in which it was found is no longer there
                continue
        raise HTTPException(404)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Read a file into the answer."""
        kind, _ = mimetypes.guess_type(full_path)
        return Response(Path(full_path).read_bytes(), status_code, media_type=kind)


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
                Mount("/", Site(directory=project.site, html=True)),
            ],
            middleware=[Middleware(JavascriptInjectorMiddleware, ws_url=place)],
            lifespan=watcher.lifespan,
        )
        uvicorn.run(app, fd=free.fileno(), log_level="warning")
    return 0


def _build(command: Sequence[str], changed_paths: Sequence[Path]) -> None:
    subprocess.run([sys.executable, "-I", "-S", ask.__file__, *command], check=False)
