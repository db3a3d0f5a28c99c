"""Time an exchangeable GEE: ours, statsmodels and, where Rscript has them, geepack with clubSandwich.

Ours is the fit and the arm's effect under all four covariances, with Satterthwaite's degrees of freedom; statsmodels
fits with its robust and its bias-reduced (Mancl-DeRouen) covariance, and has no degrees of freedom. R is timed twice:
geeglm alone (robust z), and with clubSandwich's CR2 and CR3 and Satterthwaite's. clubSandwich before 0.6 cannot read
a geeglm, so it is given the same model fitted by gls, which is not timed; nor are reading data and starting R.
Each program has one thread.
"""

import math
import os
import resource
import shutil
import subprocess
import tempfile
import time
import tracemalloc
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from statistics import median

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np
import statsmodels.api as sm

from trialbook.stats import gee

RUNS = {20: 101, 1_000: 7, 20_000: 3}  # of each program, for a number of subjects
VISITS = 6
R_SECONDS, R_BYTES = 60, 8 * 10**9  # given to R for one size
R_SCRIPT = """
suppressMessages({library(geepack); library(clubSandwich); library(nlme)})
d <- read.csv("rows.csv")
model <- y ~ X2 + X3 + X4 + X5 + X6 + X7 + X8
seconds <- function(run) cat(median(replicate(runs, system.time(run())[["elapsed"]])), "\n")
fit <- function() geeglm(model, id = id, data = d, corstr = "exchangeable")
seconds(fit)
same <- gls(model, d, corCompSymm(form = ~ 1 | id), method = "ML")
seconds(function() {
  fit()
  for (type in c("CR2", "CR3")) coef_test(same, vcov = type, test = "Satterthwaite", coefs = "X2")
})
"""


def trial(subjects):
    """Simulate 1:1 arms with a baseline value, of whose visits one in ten is missed: y, X, groups."""
    rng = np.random.default_rng(subjects)
    subject, visit = np.divmod(np.flatnonzero(rng.random(subjects * VISITS) < 0.9), VISITS)
    base, arm = rng.normal(500, 100, subjects)[subject], subject % 2
    y = 20 * arm + 0.6 * base + rng.normal(0, 40, subjects)[subject] + rng.normal(0, 40, subject.size)
    X = np.column_stack([np.ones(subject.size), arm, base, *(visit == v for v in range(1, VISITS))])
    return y, X, subject


def ours(y, X, groups):
    fit, arm = gee.fit(y, X, groups, "exchangeable"), np.eye(X.shape[1])[1]
    tests = {kind: fit.test(arm, kind, "satterthwaite") for kind in ("robust", "KC", "MD", "CR2")}
    return tests["robust"].se, tests["MD"].se


def theirs(y, X, groups):
    model = sm.GEE(y, X, groups, cov_struct=sm.cov_struct.Exchangeable())
    return tuple(model.fit(ddof_scale=0, cov_type=kind).bse[1] for kind in ("robust", "bias_reduced"))


def seconds(run, data, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run(*data)
        times.append(time.perf_counter() - start)
    return median(times)


def r_seconds(y, X, groups, runs):
    """Seconds of geeglm, and of it with CR2 and CR3; infinite beyond the limits, None if R has not the packages."""
    installed = ["Rscript", "-e", "library(geepack); library(clubSandwich)"]
    if not shutil.which("Rscript") or subprocess.run(installed, capture_output=True).returncode:
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        header = ",".join(["id", "y", *(f"X{k + 1}" for k in range(X.shape[1]))])
        rows = np.column_stack([groups, y, X])
        np.savetxt(Path(folder) / "rows.csv", rows, "%.17g", ",", header=header, comments="")
        with open(Path(folder) / "seconds", "w+") as told:
            with suppress(subprocess.TimeoutExpired):  # what it finished is told
                subprocess.run(
                    ["Rscript", "-e", f"runs <- {runs}{R_SCRIPT}"],
                    cwd=folder,
                    stdout=told,
                    stderr=subprocess.DEVNULL,
                    timeout=R_SECONDS,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (R_BYTES, R_BYTES)),
                )
            told.seek(0)
            times = [float(line) for line in told]
    return tuple([*times, math.inf, math.inf][:2])


def peak(run, data):
    """Most memory, in MB, that a run held at one time."""
    tracemalloc.start()
    run(*data)
    size = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return size


def beside(their, our):
    if their is None:
        return f"{'not installed':>22}"
    if their == math.inf:
        return f"{f'over {R_SECONDS} s or {R_BYTES // 10**9} GB':>22}"
    return f"{their:10.4f} s {their / our:7.1f} x"


def main():
    names = ("statsmodels", "geepack", "geepack, CR2 and CR3")
    print(f"{'subjects':>8} {'rows':>7} {'ours':>10} {'peak':>9}", *(f"{name:>22}" for name in names))
    measured = []
    for subjects, runs in RUNS.items():
        data = trial(subjects)
        np.testing.assert_allclose(ours(*data), theirs(*data), rtol=1e-4)  # the same analysis; both are warm
        our, memory = seconds(ours, data, runs), peak(ours, data)
        others = seconds(theirs, data, runs), *r_seconds(*data, runs)
        columns = (beside(other, our) for other in others)
        print(f"{subjects:8} {data[0].size:7} {our:8.4f} s {memory:6.1f} MB", *columns, flush=True)
        measured.append((data[0].size, our, memory))
    for (rows, our, memory), (more, longer, larger) in pairwise(measured):
        growth = math.log(more / rows)
        time_, space = math.log(longer / our) / growth, math.log(larger / memory) / growth
        print(f"growth from {rows} to {more} rows: time exponent {time_:.2f}, memory exponent {space:.2f}")


if __name__ == "__main__":
    main()
