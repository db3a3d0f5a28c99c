"""Run every benchmark of this folder in turn, after a line on the machine: python -m benchmarks."""

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

R_VERSIONS = """
for (name in c("geepack", "clubSandwich"))
  cat(",", name, if (nzchar(system.file(package = name))) format(packageVersion(name)) else "not installed")
"""


def machine():
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "statsmodels"))
    return f"{os.cpu_count()} cores, {platform.machine()}; Python {platform.python_version()}, {packages}; {r()}"


def r():
    if not shutil.which("Rscript"):
        return "no R"
    command = ["Rscript", "-e", f'cat("R", format(getRversion())){R_VERSIONS}']
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.replace(" ,", ",")


def main():
    print(machine())
    for script in sorted(Path(__file__).parent.glob("[!_]*.py")):
        print(f"\n== {script.stem}", flush=True)  # each in a process of its own: no caches or memory of another
        subprocess.run([sys.executable, script], check=True)


if __name__ == "__main__":
    main()
