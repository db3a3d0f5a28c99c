"""Do a step of the workflow: the build that runs it is asked to, and without one a new process does it.

A build has the heavy libraries loaded and forks (`trialbook.workflow.warm`).  This file is run by itself, without
the engine and without ``site``, because it is started for every step.
"""

import json
import os
import socket
import sys

ADDRESS = "TRIALBOOK_BUILD"  # the environment variable that holds the socket of the build


def ask(request: dict) -> int:
    """Send a request to the build and wait for the exit code; 1 where the build has ended meanwhile."""
    with socket.socket(socket.AF_UNIX) as build:
        build.connect(os.environ[ADDRESS])
        build.sendall(json.dumps(request).encode() + b"\n")
        answer = build.recv(1)
    return answer[0] if answer else 1


if __name__ == "__main__":
    if ADDRESS in os.environ:
        sys.exit(ask({"command": sys.argv[1:], "folder": os.getcwd()}))
    os.execv(sys.executable, [sys.executable, "-P", "-m", "trialbook.cli", *sys.argv[1:]])
