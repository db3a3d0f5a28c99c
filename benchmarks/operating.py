"""Time a million simulated trials of 10 + 10 participants and six follow-up visits, under eleven methods at once.

The million is shared between two processes. Beside it, trial by trial: a loop that draws one trial at a time and fits
it with the functions that analyse the paper, and one that fits the robust GEE alone with statsmodels, both per trial.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median

import numpy as np
import pandas as pd
import statsmodels.api as sm

from trialbook.analysis.estimators import Model, at_final_visit, design, over_follow_up
from trialbook.stats import simulated_trials
from trialbook.stats.anova import mixed_anova

TRIALS, PROCESSES, LOOPED = 1_000_000, 2, 100
COVARIANCE = np.outer(SD := np.array([25.0, *[60.0] * 6]), SD) * (0.2 * np.eye(7) + 0.8)
DESIGN = simulated_trials.Design((10, 10), (COVARIANCE, COVARIANCE))
TEST = np.repeat([True, False], DESIGN.sizes)


def share(part):
    simulated_trials.simulate(DESIGN, TRIALS // PROCESSES, np.random.default_rng(part))


def as_trial(y):
    rows = pd.DataFrame(y, columns=range(y.shape[1]), index=pd.Index(range(len(y)), name="USUBJID"))
    return {"test": rows[TEST], "reference": rows[~TEST]}


def ours(wide):
    """All methods of `rejections.METHODS` on one trial, without an effect."""
    for test in ("pooled t", "Welch", "ANCOVA"):
        at_final_visit(wide, 0, 6, test)
    for kind, reference in (("robust", "z"), ("CR2", "satterthwaite"), ("KC", "t"), ("MD", "t")):
        over_follow_up(wide, 0, Model(covariance=kind, reference=reference))
    over_follow_up(wide, 0, Model(adjusted=False))
    over_follow_up(wide, 0, Model("REML", reference="kenward-roger"))
    mixed_anova(pd.concat(wide.values()), TEST)


def theirs(wide):
    y, X, groups, *_ = design(wide, 0)
    sm.GEE(y, X, groups, cov_struct=sm.cov_struct.Exchangeable()).fit(ddof_scale=0)


def seconds(run, trials):
    times = []
    for y in trials:
        wide = as_trial(y)
        start = time.perf_counter()
        run(wide)
        times.append(time.perf_counter() - start)
    return median(times)


def main():
    start = time.perf_counter()
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(share, range(PROCESSES)))
    whole = time.perf_counter() - start
    each = PROCESSES * whole / TRIALS
    print(f"{TRIALS:,} trials in {PROCESSES} processes, {len(DESIGN.methods)} methods: {whole:.1f} s")
    trials = simulated_trials.draw(DESIGN, LOOPED, np.random.default_rng(1))
    print(f"{'':<44}{'per trial':>12}{'ratio':>9}")
    print(f"  {'vectorised, all methods and four effects':<42}{each * 1e6:>9.1f} µs")
    for name, run in (("one by one, all methods", ours), ("one by one, statsmodels' robust GEE alone", theirs)):
        one = seconds(run, trials)
        print(f"  {name:<42}{one * 1e6:>9.0f} µs{one / each:>9.0f}")


if __name__ == "__main__":
    main()
