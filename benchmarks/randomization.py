"""Time the exact randomisation tests of 10 + 10 subjects against scipy.stats.permutation_test, in one run.

    python benchmarks/randomization.py

Both enumerate all 184,756 allocations for the same statistic on the paper's trial, in turns. Ours gives P and the
confidence interval, scipy P alone. scipy is given the statistic vectorised, which is its best, and in `one by one` as
a plain function of two samples, there on drawn allocations and scaled up. `first call` is ours before it has the list
of allocations at hand, as the first analysis of a notebook. CPU seconds are least disturbed by others. Last, ours on a
trial of 1,000 subjects, with 99,999 drawn allocations. Each program has one thread.
"""

import os
import time
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # before numpy is loaded

import numpy as np
from scipy import stats

from trialbook.stats import permutation
from trialbook.trial.model import read_trial

ROUNDS, CALLS = 5, 10  # rounds of one call of each, but of ours the mean of ten
ALL, DRAWN, LARGE = 184_756, 2_000, 1_000
NK_INR = Path(__file__).resolve().parents[1] / "data" / "nk_inr"


def main():
    nk = read_trial(NK_INR)
    arms = nk.values("CD4", nk.facts.analysis_sets.efficacy)
    y = np.concatenate([values.to_numpy(float) for values in arms.values()])
    test = np.repeat([True, False], [len(values) for values in arms.values()])
    rows, final, baseline, means = np.arange(len(y)), y[:, -1], y[:, 0], y[:, 1:].mean(axis=1)

    def difference(a, b, axis):
        variance = (a.var(axis, ddof=1) + b.var(axis, ddof=1)) / 10
        return (a.mean(axis) - b.mean(axis)) / np.sqrt(variance)

    def gee(a, b, axis):
        """GEE effect over its CR2 standard error for test-arm subjects `a`, by least squares on subject means."""
        arm = np.zeros((*a.shape[:-1], len(y)))
        np.put_along_axis(arm, a.astype(int), 1, axis=-1)
        centred = baseline - baseline.mean()
        arm = arm - arm.mean(-1, keepdims=True) - (arm @ centred)[..., None] * centred / (centred @ centred)
        outcome = means - means.mean() - (means @ centred) * centred / (centred @ centred)
        size = np.sum(arm**2, axis=-1, keepdims=True)
        effect = (arm @ outcome)[..., None] / size
        leverage = 1 / len(y) + centred**2 / (centred @ centred) + arm**2 / size
        variance = np.sum(arm**2 * (outcome - effect * arm) ** 2 / (1 - leverage), axis=-1) / size[..., 0] ** 2
        return effect[..., 0] / np.sqrt(variance)

    def scipy(samples, statistic):
        def plain(a, b):
            return statistic(a, b, -1)

        return (
            lambda: stats.permutation_test(samples, statistic, n_resamples=np.inf, vectorized=True),
            lambda: stats.permutation_test(samples, plain, n_resamples=DRAWN, vectorized=False, rng=1),
        )

    final_samples, subjects = (final[test], final[~test]), (rows[test], rows[~test])
    contests = {
        "final difference": (lambda: permutation.difference(final, test), *scipy(final_samples, difference)),
        "GEE effect": (lambda: permutation.gee(y[:, 1:], test, baseline), *scipy(subjects, gee)),
    }
    print(f"{ALL:,} allocations, 10 + 10 subjects; medians of {ROUNDS} rounds in turns")
    for name, (ours, vectorised, plain) in contests.items():
        answer = ours()
        assert np.isclose(answer.p, vectorised().pvalue, rtol=1e-9)  # the same analysis; both are warm
        rounds = []
        for _ in range(ROUNDS):
            permutation._members.cache_clear()
            first = clock(ours)
            rounds.append((clock(ours, CALLS), first, clock(vectorised), clock(plain)))
        times = np.median(rounds, axis=0) * [[1], [1], [1], [ALL / DRAWN]]
        labels = ("trialbook", "trialbook, first call", "scipy, vectorised", "scipy, one by one")
        print(f"\n{name + f', P = {answer.p:.6f}':<32}{'wall s':>10}{'ratio':>8}{'CPU s':>10}{'ratio':>8}")
        for label, (wall, cpu) in zip(labels, times, strict=True):
            print(f"  {label:<30}{wall:>10.3f}{wall / times[0, 0]:>8.1f}{cpu:>10.3f}{cpu / times[0, 1]:>8.1f}")
    large = np.random.default_rng(1).normal(size=(LARGE, 4))
    arm = np.arange(LARGE) % 2
    print(f"\n99,999 drawn allocations, {LARGE:,} subjects{'wall s':>12}{'':>8}{'CPU s':>10}")
    for label, call in (
        ("final difference", lambda: permutation.difference(large[:, -1], arm)),
        ("GEE effect", lambda: permutation.gee(large[:, 1:], arm, large[:, 0])),
    ):
        wall, cpu = np.median([clock(call) for _ in range(3)], axis=0)
        print(f"  {label:<30}{wall:>10.3f}{'':>8}{cpu:>10.3f}")


def clock(call, times=1):
    """Return wall and CPU seconds of a call, the mean of some times."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        call()
    return (time.perf_counter() - wall) / times, (time.process_time() - cpu) / times


if __name__ == "__main__":
    main()
