"""How often each method errs in trials like this one: type I error and power, by simulation."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from trialbook.analysis.efficacy import each_parameter
from trialbook.analysis.estimators import attempt
from trialbook.results.row import Fields, Results
from trialbook.results.verdicts import Level
from trialbook.stats.simulated_trials import EFFECTS, METHODS, Design, simulate
from trialbook.trial.config import Parameter
from trialbook.trial.model import Trial

LARGE = 1_000  # values of a trial, of which and of larger ones fewer are simulated, but never fewer than `FEWEST`
FEWEST = 4_000
CHUNK = 5_000  # trials from one stream of random numbers
SHARED = 200_000  # trials beyond which all processors share the chunks: each takes seconds to start
BAND = 0.1  # relative distance from the nominal level within which a method keeps it
SEED = 20_634


def characteristics(trial: Trial, trials: int) -> Results:
    """Simulate trials like this one, and count how often each method rejects.

    Parameters
    ----------
    trial : Trial
    trials : int
        Of each efficacy parameter; fewer where a trial is large.

    Returns
    -------
    Results
        Keys ``<paramcd>.operating.<method>.type1`` (percent) with its Monte Carlo interval ``.ci``, and as a `Level`
        ``.verdict``: whether the whole interval is within a tenth of the nominal level, above that, or below;
        ``….power.<k>`` (percent) under the k-th of `EFFECTS`. The label of a method's results is its name. Of the
        simulated trials ``<paramcd>.operating.{trials.n, correlation, sd}``, where ``sd`` is that at the final visit,
        ``.<visit>.sd`` at the others, and ``.effect.<k>``.

    References
    ----------
    Bradley (1978), Br J Math Stat Psychol 31:144-152 (a tenth of the level as the stringent criterion). Clopper and
    Pearson (1934), Biometrika 26:404-413 (interval).
    """
    results = Results(trial.facts.alpha, dataset="simulated")
    for index, (parameter, wide) in enumerate(each_parameter(trial)):
        ordered = {arm: values[_ordered(trial, parameter)] for arm, values in wide.items()}
        design, reason = attempt(Design.of, ordered, trial.facts.visits.baseline)
        if design:
            _add_design(results, trial, parameter, index, design, trials)
        else:
            facts: Fields = {"parameter": parameter.paramcd, "unit": "simulated trials", "reason": reason}
            results.add(f"{parameter.id}.operating.trials.n", None, "count", **facts)
    return results


def _ordered(trial: Trial, parameter: Parameter) -> list[float]:
    """The visits of a parameter, that at which the arms are compared last, as a design has them."""
    final = trial.final(parameter.paramcd).avisitn
    return [*(v.avisitn for v in trial.visits(parameter.paramcd) if v.avisitn != final), final]


def count(design: Design, trials: int, stream: int, alpha: float) -> dict[str, np.ndarray]:
    """Count the rejections of each method under each of `EFFECTS`.

    The trials come in chunks, each with random numbers of its own, so that nothing depends on who simulates them.

    Parameters
    ----------
    design : Design
    trials : int
    stream : int
        Which stream of random numbers: the place of the parameter.
    alpha : float
        Nominal level.

    Returns
    -------
    dict of str to ndarray of int, shape (effects,)
        By method.
    """
    chunk, firsts = partial(_chunk, design, trials, stream, alpha), range(0, trials, CHUNK)
    if trials > SHARED:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            return _sum(pool.map(chunk, firsts))
    return _sum(map(chunk, firsts))


def _chunk(design: Design, trials: int, stream: int, alpha: float, first: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(stream, first)))
    return simulate(design, min(CHUNK, trials - first), rng, alpha)


def _sum(counts: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    done = list(counts)
    return {method: np.sum([one[method] for one in done], axis=0) for method in done[0]}


def _add_design(results: Results, trial: Trial, parameter: Parameter, index: int, design: Design, trials: int) -> None:
    wanted = min(trials, max(FEWEST, trials * LARGE // design.values))
    key = f"{parameter.id}.operating"
    facts: Fields = {"parameter": parameter.paramcd, "n": sum(design.sizes)}
    results.add(f"{key}.trials.n", wanted, "count", unit="simulated trials", **facts)
    correlation = {"method": "any two visits, within arms", **facts}
    results.add(f"{key}.correlation", design.correlation, "correlation", 2, **correlation)
    results.add(f"{key}.sd", design.sd[-1], "SD", parameter.digits, unit=parameter.unit, method="final visit", **facts)
    known = {visit.avisitn: visit for visit in trial.visits(parameter.paramcd)}
    for number, sd in zip(_ordered(trial, parameter)[:-1], design.sd, strict=False):
        visit = known[number]
        name = trial.visit_id(visit, parameter.paramcd)
        within = {"visit": visit.label, "label": visit.label, "unit": parameter.unit, "method": "within arms", **facts}
        results.add(f"{key}.{name}.sd", sd, "SD", parameter.digits, **within)
    for k, effect in enumerate(EFFECTS[1:], 1):
        results.add(f"{key}.effect.{k}", effect, "effect in SD", 1 if effect % 1 else 0, **facts)
    counted = count(design, wanted, index, trial.facts.alpha)
    for method, (estimand, name) in METHODS.items():
        own = {"label": name, "estimand": estimand, "method": f"{name}, in simulated trials", **facts}
        if method in counted:
            _add_method(results, f"{key}.{method}", counted[method].tolist(), wanted, own)
        else:
            results.add(f"{key}.{method}.type1", None, "percent", reason=design.lacking[method], **own)


def _add_method(results: Results, key: str, rejected: list[int], trials: int, facts: Fields) -> None:
    low, high = (100 * bound for bound in proportion_confint(rejected[0], trials, alpha=0.05, method="beta"))
    results.add(f"{key}.type1", 100 * rejected[0] / trials, "percent", 1, **facts)
    results.add(f"{key}.type1.ci", [low, high], "ci", 1, **facts | {"method": f"{facts['method']}; Clopper–Pearson"})
    results.add(f"{key}.verdict", _verdict(low, high, 100 * results.alpha), "text", **facts)
    for k, hits in enumerate(rejected[1:], 1):
        results.add(f"{key}.power.{k}", 100 * hits / trials, "percent", 1, **facts)


def _verdict(low: float, high: float, nominal: float) -> Level:
    """Judge a level by the interval of the type I error."""
    least, most = (1 - BAND) * nominal, (1 + BAND) * nominal
    if least <= low and high <= most:
        return Level.KEPT
    if low > most:
        return Level.TOO_OFTEN
    return Level.TOO_SELDOM if high < least else Level.UNKNOWN
