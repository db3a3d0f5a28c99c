"""The process of a build ends by a signal at whatever moment it comes."""

import subprocess
import sys

BUILD = """
import os, signal, sys, time
from trialbook.workflow import warm
sys.path.insert(0, sys.argv[1])
try:
    print(warm.run(lambda: time.sleep(60) or 0, ["module_that_is_loaded"]))
except warm.Stopped as stopped:
    print("stopped by", stopped.number)
"""
# an exception raised within a callback of Python itself is printed and forgotten, and importing has such callbacks
MODULE = """
import os, signal, weakref
class Gone: pass
gone = Gone()
watched = weakref.ref(gone, lambda _: os.kill(os.getpid(), signal.SIGTERM))
del gone
"""


def test_a_signal_within_a_callback_of_an_import_ends_the_build(tmp_path):
    (tmp_path / "module_that_is_loaded.py").write_text(MODULE)
    command = [sys.executable, "-c", BUILD, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "stopped by 15\n"
    assert done.stderr == ""
