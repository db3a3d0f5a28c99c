"""The CD4 and CD8 counts of the synthetic trial: drawn at random, then moved to the published figures.

Every published figure is an argument, none is typed here. The same seed gives the same counts on any
machine: chance comes from `random.Random.random` alone (a normal deviate is a sum of uniforms), counts end as
whole cells, and neither a tie nor a last bit decides a move.
"""

from decimal import Decimal
from functools import cache
from math import floor, fsum

import numpy as np
from scipy import optimize, stats

CD4_CRITERION = 200  # cells/μL; at baseline all are below
RATIO_DECIMALS = 4
RATIO_P = 0.3  # "not significant" is read as a P value above this


def draw_counts(rng, arm_of, arm_ids, schedule, figures):
    """Draw CD4 and CD8 counts, cells/μL, until they are believable and give the published figures.

    Each draw is stretched and shifted to the published figures, rounded, and then moved by single cells.

    Returns
    -------
    cd4, cd8 : ndarray of int, shape (people, visits)
    """
    months = np.array([visit["avisitn"] for visit in schedule])
    ends = ("baseline", "final")
    ends = np.array([[int(figures[f"cd4.{end}.{arm}.mean"]) for end in ends] for arm in arm_ids])
    low, high = map(int, figures["cd4.final.difference.ci"].split(" to "))
    error = (high - low) / 2 / quantile(0.975, len(arm_of) - 2)
    printed = [(figures[f"{code}.gee.effect"], figures[f"{code}.gee.effect.p"]) for code in ("cd4", "cd8")]
    effects = [(float(effect), np.mean(p_window(p))) for effect, p in printed]
    while True:
        cd4, cd8 = draw_courses(rng, months, ends, effects[1][0], arm_of)
        cd4 = stretch(cd4, arm_of, slice(-1, None), error / final_difference(cd4, arm_of)[1])
        cd4 = to_effect(cd4, arm_of, slice(1, -1), *effects[0])
        cd8 = to_effect(cd8, arm_of, slice(1, None), *effects[1])
        if (
            cd4 is not None
            and cd8 is not None
            and believable(cd4, cd8, arm_of)
            and move(rng, cd4, cd4_goals, arm_of, ends, figures)
            and move(rng, cd8, cd8_goals, arm_of, cd4, figures)
            and believable(cd4, cd8, arm_of)
        ):
            return cd4, cd8


def draw_courses(rng, months, cd4_ends, cd8_effect, arm_of):
    """Draw counts around planned arm means: a person has a level, a lasting drift, and noise at each visit.

    CD4 rises early in the test arm and slowly in the reference arm; CD8 rises promptly in the test arm alone.
    """
    halves = (1, 1.5, 3, 12)  # months to half of a rise that would never end
    prompt, swift, early, slow = (months / (months + half) * (1 + half / months[-1]) for half in halves)
    n, visits, treated = len(arm_of), len(months), (arm_of == 0)[:, None]
    shared = 0.05 * normal(rng, n, visits)  # of a visit's lymphocytes, so of both counts
    wobble = normal(rng, 2, 2, visits) * np.pad(np.ones(visits - 2), 1)
    plan = cd4_ends[:, :1] + np.diff(cd4_ends) * np.array([early, slow]) + 3 * wobble[0]
    person = plan[arm_of] + 24 * normal(rng, n, 1) + 53 * normal(rng, n, 1) * swift
    cd4 = person * (1 + shared + 0.05 * normal(rng, n, visits))
    cd4 += (plan - arm_means(cd4, arm_of))[arm_of]
    gain = cd8_effect / prompt[1:].mean() * prompt
    plan = 690 + 15 * normal(rng, 2, 1) + gain * np.array([[1], [0]]) + 12 * wobble[1]
    drift = normal(rng, n, 1)
    change = np.where(treated, gain * skewed(drift, 1), 140 * drift * prompt)
    person = skewed(normal(rng, n, 1), 0.2) * (690 + change)
    cd8 = person * (1 + shared + 0.05 * normal(rng, n, visits))
    cd8 += (plan - arm_means(cd8, arm_of))[arm_of]
    return cd4, cd8


def arm_means(counts, arm_of):
    """Average each arm at each visit."""
    return np.array([counts[arm_of == arm].mean(axis=0) for arm in (0, 1)])


def stretch(counts, arm_of, visits, factor):
    """Stretch the deviations from the arm means at some visits."""
    factors = np.ones(counts.shape[1])
    factors[visits] = factor
    means = arm_means(counts, arm_of)[arm_of]
    return means + factors * (counts - means)


def to_effect(counts, arm_of, visits, effect, z):
    """Stretch some visits until the GEE effect has its standard error, shift the test arm there, and round.

    Returns None when the draw would have to be stretched by more than a fifth.
    """

    def excess(factor):
        return np.divide(*gee_effect(stretch(counts, arm_of, visits, factor), arm_of)) - effect / z

    if not excess(0.8) < 0 < excess(1.2):
        return None
    counts = stretch(counts, arm_of, visits, optimize.brentq(excess, 0.8, 1.2))
    shift = np.zeros(counts.shape[1])
    shift[visits] = 1
    shift *= (effect - gee_effect(counts, arm_of)[0]) / shift[1:].mean()
    return np.floor(counts + shift * (arm_of == 0)[:, None] + 0.5).astype(int)


def believable(cd4, cd8, arm_of):
    """Say whether a clinician would believe the counts.

    The criterion is met, no count is odd, none jumps, nobody on suppressive therapy loses much of the CD4
    count, and at the end the two arms vary about as much.
    """
    if cd4.min() < 50 or cd8.min() < 250 or cd8.max() > 1950 or cd4[:, 0].max() >= CD4_CRITERION:
        return False
    steps = [counts[:, 1:] / counts[:, :-1] for counts in (cd4, cd8)]
    spread = [np.std(cd4[arm_of == arm, -1]) for arm in (0, 1)]
    kept = (cd4 / cd4[:, :1]).min()
    steady = np.min(steps) >= 0.67 and np.max(steps) <= 1.85 and kept >= 0.6
    return steady and max(spread) <= 1.3 * min(spread)


def move(rng, counts, goals, *given, tries=1500):
    """Move two counts at a time by one cell, in place, while it helps; say whether all goals are met."""
    left = misfit(goals(counts, *given))
    for _ in range(tries):
        if left == 0:
            return True
        change = np.zeros_like(counts)
        for _ in range(2):
            change[whole(rng, 0, len(counts) - 1), whole(rng, 0, counts.shape[1] - 1)] += whole(rng, -1, 1)
        now = misfit(goals(counts + change, *given))
        if now < left * (1 - 1e-9):  # a tie is no gain
            counts += change
            left = now
    return False


def misfit(goals):
    """Add up how far each value is outside its window, in widths of the window, squared."""
    return fsum((max(low - value, value - high, 0) / (high - low)) ** 2 for value, (low, high) in goals)


def cd4_goals(cd4, arm_of, ends, figures):
    """Pair each CD4 figure with its published window: means, final CI and t, GEE effect and z."""
    difference, error = final_difference(cd4, arm_of)
    effect, z = gee_effect(cd4, arm_of)
    df = len(cd4) - 2
    means = arm_means(cd4, arm_of)[:, [0, -1]]
    low, high = (window(limit) for limit in figures["cd4.final.difference.ci"].split(" to "))
    return [
        *zip(means.flat, (window(str(end)) for end in ends.flat), strict=True),
        (difference, window(figures["cd4.final.difference"])),
        (difference - error * quantile(0.975, df), low),
        (difference + error * quantile(0.975, df), high),
        (difference / error, p_window(figures["cd4.final.difference.p"], df)),
        (effect, window(figures["cd4.gee.effect"])),
        (z, p_window(figures["cd4.gee.effect.p"])),
    ]


def cd8_goals(cd8, arm_of, cd4, figures):
    """Pair the GEE effect on CD8 and its z with their windows, and z of the ratio with no effect."""
    (effect, z), limit = gee_effect(cd8, arm_of), quantile(1 - RATIO_P / 2)
    return [
        (effect, window(figures["cd8.gee.effect"])),
        (z, p_window(figures["cd8.gee.effect.p"])),
        (gee_effect(ratio(cd4, cd8), arm_of)[1], (-limit, limit)),
    ]


def final_difference(counts, arm_of):
    """Compare the arms at the last visit: difference, and its standard error from the pooled variance."""
    means, sizes = arm_means(counts, arm_of)[:, -1], np.bincount(arm_of)
    squares = (counts[:, -1] - means[arm_of]) ** 2
    return means[0] - means[1], np.sqrt(squares.sum() / (sum(sizes) - 2) * (1 / sizes).sum())


def gee_effect(counts, arm_of):
    """Fit the exchangeable Gaussian GEE of arm, baseline value and visit in closed form.

    With every visit present it is the analysis of covariance of the follow-up means, and its robust variance
    is the HC0 sandwich of that regression.

    Parameters
    ----------
    counts : ndarray, shape (people, visits)
        The first visit is the baseline.
    arm_of : ndarray of int, shape (people,)
        0 test, 1 reference.

    Returns
    -------
    effect, z : float
        Of the arm; z with the robust standard error.

    References
    ----------
    Liang K-Y, Zeger SL. Biometrika 1986;73:13-22.
    """
    baseline, followup = counts[:, 0], counts[:, 1:].mean(axis=1)
    x, y = (part - arm_means(part, arm_of)[arm_of] for part in (baseline, followup))
    weight = (1 - 2 * arm_of) / np.bincount(arm_of)[arm_of]
    weight = weight - (weight @ baseline) * x / (x @ x)
    scores = weight * (y - x * (x @ y) / (x @ x))
    return weight @ followup, weight @ followup / np.sqrt(scores @ scores)


def ratio(cd4, cd8):
    """Divide CD4 by CD8, in whole ten-thousandths."""
    return np.rint(10**RATIO_DECIMALS * np.divide(cd4, cd8)).astype(int)


@cache
def window(printed):
    """Find the values that are printed so, less a tenth of the last digit at either side."""
    digit = Decimal(1).scaleb(Decimal(printed).as_tuple().exponent)
    return tuple(float(Decimal(printed) + digit * Decimal(side)) for side in ("-0.4", "0.4"))


@cache
def p_window(printed, df=None):
    """Find the t statistics (z without degrees of freedom) whose two-sided P value is printed so."""
    return tuple(quantile(1 - p / 2, df) for p in reversed(window(printed)))


@cache
def quantile(probability, df=None):
    """Look up a quantile of the t distribution, or of the normal without degrees of freedom."""
    return float(stats.norm.ppf(probability) if df is None else stats.t.ppf(probability, df))


def normal(rng, *shape):
    """Draw nearly normal deviates, mean 0 and SD 1: sums of twelve uniforms, less 6."""
    size = np.prod(shape, dtype=int)
    return np.array([fsum(rng.random() for _ in range(12)) - 6 for _ in range(size)]).reshape(shape)


def whole(rng, low, high):
    """Draw a whole number from `low` to `high`, both included."""
    return low + floor(rng.random() * (high - low + 1))


def skewed(z, cv):
    """Turn normal deviates into positive factors around 1, skewed to the right, of about this CV."""
    root = np.maximum(1 + cv * z / 3, 0.1)
    return root * root * root
