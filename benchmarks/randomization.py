"""Time the exact randomisation tests of 10 + 10 subjects against scipy.stats.permutation_test, in one run.

    python benchmarks/randomization.py

Both enumerate all 184,756 allocations for the same statistic on the paper's trial, in turns. Ours gives P and the
confidence interval, scipy P alone. scipy is given the statistic vectorised, which is its best, and in `one by one` as
a plain function of two samples, there on drawn allocations and scaled up. CPU seconds are least disturbed by others.
"""

import time
from pathlib import Path
from statistics import median

import numpy as np
from scipy import stats

from trialbook import randomization, trial

ROUNDS = 5
ALL, DRAWN = 184_756, 2_000
NK_INR = Path(__file__).resolve().parents[1] / "data" / "nk_inr"


def main():
    nk = trial.read(NK_INR)
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
        "final difference": (lambda: randomization.difference(final, test), *scipy(final_samples, difference)),
        "GEE effect": (lambda: randomization.gee(y[:, 1:], test, baseline), *scipy(subjects, gee)),
    }
    print(f"{ALL:,} allocations, 10 + 10 subjects; medians of {ROUNDS} rounds in turns")
    for name, calls in contests.items():
        calls[0]()  # warm
        rounds = [[clock(call) for call in calls] for _ in range(ROUNDS)]
        print(f"\n{name:<22}{'wall s':>10}{'ratio':>8}{'CPU s':>10}{'ratio':>8}{'P':>12}")
        for index, label in enumerate(("trialbook", "scipy, vectorised", "scipy, one by one")):
            scale = ALL / DRAWN if index == 2 else 1
            wall, cpu = (scale * median(r[index][k] for r in rounds) for k in (0, 1))
            if index == 0:
                base_wall, base_cpu = wall, cpu
            p = "" if index == 2 else f"{rounds[0][index][2].pvalue if index else rounds[0][0][2].p:.6f}"
            print(f"  {label:<20}{wall:>10.3f}{wall / base_wall:>8.0f}{cpu:>10.3f}{cpu / base_cpu:>8.0f}{p:>12}")


def clock(call):
    """Return wall seconds, CPU seconds and the answer of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = call()
    return time.perf_counter() - wall, time.process_time() - cpu, answer


if __name__ == "__main__":
    main()
