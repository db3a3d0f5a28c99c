"""How long an author waits for each kind of edit, beside the least that it could be and stock Jupyter Book.

    python benchmarks/loop.py            # prints the table
    python benchmarks/loop.py --write    # writes it to docs/speed.md, and the README's line too

All is measured in one run, in a copy of what git knows: medians of RUNS, in seconds.  The floor of a clean build is one
process that loads the libraries once, runs the code of all notebooks without kernels, and lets Sphinx write the same
pages.  Stock Jupyter Book executes the same notebooks, one after the other, and writes their pages alone.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3
PAGE = "book/introduction"
FLOOR = """
import ast, json, os, sys, time
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from trialbook.project import Project
from trialbook.workflow import book, plan
project = Project.find()
show = InteractiveShell.instance().display_formatter.format
for name, run in plan.runs(project).items():
    os.chdir("notebooks")
    space = {"display": show}
    for cell in json.loads(Path(f"{name}.ipynb").read_text())["cells"]:
        if cell["cell_type"] == "code":
            body = ast.parse("".join(cell["source"]).replace("from IPython.display import display", "")).body
            *lines, last = body
            if not isinstance(last, ast.Expr):
                lines, last = body, None
            exec(compile(ast.Module(lines, []), name, "exec"), space)
            if last:
                show(eval(compile(ast.Expression(last.value), name, "eval"), space))
    os.chdir("..")
book.build(project, Path("_build/floor/html"))
"""


class Copy:
    """The repository as git knows it, in a folder of its own, with an environment that is there already."""

    def __init__(self, folder):
        self.folder = folder
        names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
        for name in filter(None, names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "src"), "BROWSER": "true"}

    def run(self, *command):
        """Run a command, and return its seconds and its CPU seconds."""
        before, start = os.times(), time.perf_counter()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, **quiet)
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return time.perf_counter() - start, cpu

    def clean(self):
        for name in ("_build", "executed", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def raise_value(self, paramcd):
        """Raise the last value of a parameter of one participant, and what is derived from it, by a twentieth."""
        path = self.folder / "data/nk_inr/adlb.csv"
        lines = path.read_text("utf8").splitlines(keepends=True)
        at = {name: place for place, name in enumerate(lines[0].strip().split(","))}
        number = next(i for i, line in enumerate(lines) if f",{paramcd}," in line and ",24," in line)
        cells = lines[number].split(",")
        value = float(cells[at["AVAL"]])
        digits = 0 if value == int(value) and value > 20 else 1
        new = round(value * 1.05 + 10**-digits, digits)
        change = round(new - float(cells[at["BASE"]]), digits)
        for column, changed in (("AVAL", new), ("CHG", change)):
            cells[at[column]] = f"{changed:.{digits}f}"
        lines[number] = ",".join(cells)
        path.write_text("".join(lines), "utf8")

    def add_sentence(self, word):
        with (self.folder / f"{PAGE}.md").open("a") as file:
            file.write(f"\n{word}.\n")

    @contextmanager
    def served(self):
        """The address of the book while `trialbook serve` shows it."""
        command = ["trialbook", "serve"]
        running = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True)
        found = next(filter(None, (re.search(r"the book is (http://\S+);", line) for line in running.stdout)))
        time.sleep(8)  # the libraries are loaded meanwhile
        try:
            yield found[1]
        finally:
            running.terminate()
            running.wait()


def environment(folder):
    """Make the environment from nothing."""
    copy = Copy(folder)
    return copy.run("make", ".venv/.book")


def saved(copy, address, word):
    """Save a sentence, and wait until the served page has it."""
    copy.add_sentence(word)
    start = time.perf_counter()
    while word not in urlopen(f"{address}/{PAGE}.html").read().decode():
        time.sleep(0.01)
    return time.perf_counter() - start, None


def stock(folder, copy):
    """Build with Jupyter Book alone a book of the same notebooks, which it executes."""
    for name in ("notebooks", "data"):
        shutil.copytree(copy.folder / name, folder / name, dirs_exist_ok=True)
    shutil.copytree(copy.folder / "executed", folder / "executed", dirs_exist_ok=True)  # which two of them read
    names = [path.stem for path in sorted((copy.folder / "executed").glob("*.ipynb"))]
    toc = f"format: jb-book\nroot: notebooks/{names[0]}\nchapters:\n"
    (folder / "_toc.yml").write_text(toc + "".join(f"  - file: notebooks/{name}\n" for name in names[1:]))
    (folder / "_config.yml").write_text(
        "title: Stock\nonly_build_toc_files: true\nexecute: {execute_notebooks: force}\n"
    )
    whole = Copy.__new__(Copy)
    whole.folder, whole.environment = folder, copy.environment
    return whole.run("jupyter-book", "build", "--all", "--quiet", ".")


def measure(folder):
    """Measure each row.

    Returns
    -------
    dict of str to list of (float, float or None)
        Seconds and CPU seconds of each run.
    """
    copy, found = Copy(folder / "paper"), {}

    def times(name, run, before=lambda number: None):
        found[name] = []
        for number in range(RUNS):
            before(number)
            found[name].append(run(number))
            print(f"{name}: {found[name][-1][0]:.2f}", file=sys.stderr, flush=True)

    def build(number):
        return copy.run("trialbook", "build")

    times("environment from nothing", lambda number: environment(folder / f"environment{number}"))
    times("clean build", build, lambda number: copy.clean())
    times("floor of a clean build", lambda number: copy.run(sys.executable, "-c", FLOOR))
    times("stock Jupyter Book, the same notebooks", lambda number: stock(folder / f"stock{number}", copy))
    copy.run("trialbook", "build")
    times("nothing changed", build)
    times("one sentence", build, lambda number: copy.add_sentence(f"Word{number}"))
    with copy.served() as address:
        times("one sentence, until the browser has it", lambda number: saved(copy, address, f"Seen{number}"))
    times("one laboratory value", build, lambda number: copy.raise_value("UREA"))
    times("one CD4 value", build, lambda number: copy.raise_value("CD4"))
    copy.run("trialbook", "accept")
    times("make verify", lambda number: copy.run("trialbook", "verify"))
    return found


def table(found):
    """Write the medians as a table of Markdown."""
    clean = median(seconds for seconds, _ in found["clean build"])
    lines = ["| step | seconds | CPU seconds | of a clean build |", "|---|---|---|---|"]
    for name, runs in found.items():
        seconds, cpu = median(one for one, _ in runs), [cpu for _, cpu in runs if cpu is not None]
        used = f"{median(cpu):.1f}" if cpu else ""
        lines.append(f"| {name} | {seconds:.1f} | {used} | {seconds / clean:.2f} |")
    return "\n".join(lines)


def write(found):
    """Write the table to the documentation, and the line of the README."""

    def seconds(name):
        return f"{median(one for one, _ in found[name]):.0f} s"

    cores = f"{os.cpu_count()} cores"
    machine = f"{cores}, Python {sys.version.split()[0]}; medians of {RUNS} runs, all of one session."
    replace(ROOT / "docs/speed.md", r"(?s)<!-- made -->\n.*", f"<!-- made -->\n\n{machine}\n\n{table(found)}\n")
    told = f"On {cores} a clean build takes {seconds('clean build')}, a CD4 value {seconds('one CD4 value')}, "
    told += f"a laboratory value {seconds('one laboratory value')}, a sentence {seconds('one sentence')}"
    replace(ROOT / "README.md", r"On \d+ cores a clean build takes .*", f"{told} ([how measured](docs/speed.md)).")


def replace(path, pattern, made):
    text = path.read_text("utf8")
    assert len(re.findall(pattern, text)) == 1
    path.write_text(re.sub(pattern, lambda found: made, text), "utf8")


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    print(table(found))
    print(json.dumps(found))
    if "--write" in sys.argv:
        write(found)


if __name__ == "__main__":
    main()
