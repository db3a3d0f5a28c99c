"""The numerics hold on another processor: their tests, under other kernels of the linear algebra and with more threads.

Sums in another order differ in their last digits, so that a comparison by ``==`` of two ways to one number may fail.
"""

import os
import re
import subprocess
import sys

import pytest
from builds import ROOT

# the tests of what computes with matrices, but for those with random examples, which would try others each time
NUMERIC = re.compile(r"from trialbook\.stats|from trialbook\.analysis import .*(efficacy|longitudinal|missing_data)")
FILES = sorted(str(path) for path in ROOT.glob("tests/unit/test_*.py") if NUMERIC.search(path.read_text("utf8")))
LEVEL = "unit and not hypothesis and not long"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernel", ["Nehalem", "Haswell"])
def test_the_numerics_hold_under_another_kernel(kernel, threads):
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_L2_SIZE"}
    environment |= {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", "import numpy"]
    said = subprocess.run(
        command, env=environment | {"OPENBLAS_VERBOSE": "2"}, capture_output=True, text=True, check=True
    )
    if f"Core: {kernel}" not in said.stderr:
        pytest.skip(f"this processor, or its linear algebra, has no kernel {kernel}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", LEVEL, *FILES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]
