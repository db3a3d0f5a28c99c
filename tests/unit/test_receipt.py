"""What a receipt says of the software: what is locked for this machine, and what differs from it."""

import nbformat
import pytest

from trialbook.editions.receipt import different, locked

PINS = """
# made by make lock
numpy==2.4.6 ; sys_platform == 'linux' \\
    --hash=sha256:ab \\
    --hash=sha256:cd
    # via pandas
appnope==0.1.4 ; sys_platform == 'darwin' and sys_platform == 'linux' \\
    --hash=sha256:ab
pandas[x]==3.1.1 \\
    --hash=sha256:ab
"""


def test_the_lock_is_read_for_this_machine():
    assert locked(PINS) == {"numpy": "2.4.6", "pandas": "3.1.1"}


def test_a_package_that_differs_is_listed():
    python = {"nbformat": nbformat.__version__, "nobody-has-this": "1", "pytest": "0.1"}
    assert different(python) == [
        {"package": "nobody-has-this", "locked": "1", "installed": None},
        {"package": "pytest", "locked": "0.1", "installed": pytest.__version__},
    ]
