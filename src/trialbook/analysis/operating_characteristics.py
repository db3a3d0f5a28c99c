"""How often each method errs in trials like this one: type I error and power, by simulation."""

from collections.abc import Iterable, Iterator
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
BETWEEN_VISITS = "baseline with each follow-up visit", "any two follow-up visits"
VERDICTS = {"type1": "verdict", "resampled": "resampled.verdict"}


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
        Of normal trials, keys ``<paramcd>.operating.<method>.type1`` (percent) with its Monte Carlo interval ``.ci``,
        and as a `Level` ``.verdict``: whether the whole interval is within a tenth of the nominal level, above that, or
        below; ``….power.<k>`` (percent) under the k-th of `EFFECTS`. The same of the error in trials of drawn
        participants: ``….resampled``, with ``.ci`` and ``.verdict``. The label of a method's results is its name. Of
        the simulated trials ``<paramcd>.operating.{trials.n, resampled.n, sd}``, where ``sd`` is that at the final
        visit, ``.<visit>.sd`` at the others, ``.correlation.{baseline, follow_up}``, each the least and the greatest,
        and ``.effect.<k>``.

    References
    ----------
    Bradley (1978), Br J Math Stat Psychol 31:144-152 (a tenth of the level as the stringent criterion). Clopper and
    Pearson (1934), Biometrika 26:404-413 (interval).
    """
    results = Results(trial.facts.alpha, dataset="simulated")
    for index, (parameter, wide) in enumerate(each_parameter(trial)):
        ordered = {arm: values[_ordered(trial, parameter)] for arm, values in wide.items()}
        start = trial.facts.visits.baseline
        design, reason = attempt(Design.of, ordered, start)
        if design:
            wanted = _size(design, trials)
            _add_design(results, trial, parameter, index, design, wanted)
            _add_resampled(results, parameter, index, *attempt(design.resampled, ordered, start), wanted)
        else:
            facts: Fields = {"parameter": parameter.paramcd, "unit": "simulated trials", "reason": reason}
            results.add(f"{parameter.id}.operating.trials.n", None, "count", **facts)
    return results


def _ordered(trial: Trial, parameter: Parameter) -> list[float]:
    """The visits of a parameter, that at which the arms are compared last, as a design has them."""
    final = trial.final(parameter.paramcd).avisitn
    return [*(v.avisitn for v in trial.visits(parameter.paramcd) if v.avisitn != final), final]


def count(
    design: Design, trials: int, stream: int, alpha: float, effects: tuple[float, ...] = EFFECTS
) -> dict[str, np.ndarray]:
    """Count the rejections of each method under each effect.

    The trials come in chunks, each with random numbers of its own, so that nothing depends on who simulates them.

    Parameters
    ----------
    design : Design
    trials : int
    stream : int
        Which stream of random numbers: each parameter has one for normal trials and one for drawn participants.
    alpha : float
        Nominal level.
    effects : tuple of float
        As of `simulate`.

    Returns
    -------
    dict of str to ndarray of int, shape (effects,)
        By method.
    """
    chunk, firsts = partial(_chunk, design, trials, stream, alpha, effects), range(0, trials, CHUNK)
    if trials > SHARED:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            return _sum(pool.map(chunk, firsts))
    return _sum(map(chunk, firsts))


def _chunk(
    design: Design, trials: int, stream: int, alpha: float, effects: tuple[float, ...], first: int
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=(stream, first)))
    return simulate(design, min(CHUNK, trials - first), rng, alpha, effects)


def _sum(counts: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    done = list(counts)
    return {method: np.sum([one[method] for one in done], axis=0) for method in done[0]}


def _size(design: Design, trials: int) -> int:
    return min(trials, max(FEWEST, trials * LARGE // design.values))


def _add_design(results: Results, trial: Trial, parameter: Parameter, index: int, design: Design, wanted: int) -> None:
    key = f"{parameter.id}.operating"
    facts: Fields = {"parameter": parameter.paramcd, "n": sum(design.sizes)}
    results.add(f"{key}.trials.n", wanted, "count", unit="simulated trials", **facts)
    for name, method, found in zip(("baseline", "follow_up"), BETWEEN_VISITS, design.correlations, strict=True):
        ends = [float(found.min()), float(found.max())] if len(found) else None
        why = "" if len(found) else "there is one follow-up visit only"
        within = {"method": f"{method}, within arms", "reason": why, **facts}
        results.add(f"{key}.correlation.{name}", ends, "range", 2, **within)
    sds = design.sd.tolist()
    results.add(f"{key}.sd", sds[-1], "SD", parameter.digits, unit=parameter.unit, method="final visit", **facts)
    known = {visit.avisitn: visit for visit in trial.visits(parameter.paramcd)}
    for number, sd in zip(_ordered(trial, parameter)[:-1], sds, strict=False):
        visit = known[number]
        name = trial.visit_id(visit, parameter.paramcd)
        within = {"visit": visit.label, "label": visit.label, "unit": parameter.unit, "method": "within arms", **facts}
        results.add(f"{key}.{name}.sd", sd, "SD", parameter.digits, **within)
    for k, effect in enumerate(EFFECTS[1:], 1):
        results.add(f"{key}.effect.{k}", effect, "effect in SD", 1 if effect % 1 else 0, **facts)
    counted = count(design, wanted, 2 * index, results.alpha)
    for method, own in _methods("in simulated trials", facts):
        if method in counted:
            _add_error(results, f"{key}.{method}", "type1", counted[method].tolist()[0], wanted, own)
            for k, hits in enumerate(counted[method].tolist()[1:], 1):
                results.add(f"{key}.{method}.power.{k}", 100 * hits / wanted, "percent", 1, **own)
        else:
            results.add(f"{key}.{method}.type1", None, "percent", reason=design.lacking[method], **own)


def _add_resampled(
    results: Results, parameter: Parameter, index: int, design: Design | None, reason: str, wanted: int
) -> None:
    key = f"{parameter.id}.operating"
    facts: Fields = {"parameter": parameter.paramcd}
    if design is None:
        results.add(f"{key}.resampled.n", None, "count", unit="simulated trials", reason=reason, **facts)
        return
    facts |= {"n": sum(design.sizes)}
    results.add(f"{key}.resampled.n", wanted, "count", unit="simulated trials", **facts)
    counted = count(design, wanted, 2 * index + 1, results.alpha, EFFECTS[:1])
    for method, own in _methods("in simulated trials of drawn participants", facts):
        if method in counted:
            _add_error(results, f"{key}.{method}", "resampled", int(counted[method][0]), wanted, own)


def _methods(where: str, facts: Fields) -> Iterator[tuple[str, Fields]]:
    """Give each method and what its results share."""
    for method, (estimand, name) in METHODS.items():
        yield method, {"label": name, "estimand": estimand, "method": f"{name}, {where}", **facts}


def _add_error(results: Results, key: str, kind: str, rejected: int, trials: int, facts: Fields) -> None:
    """Add how often a method finds an effect that is not there, with its interval and what that says."""
    low, high = (100 * bound for bound in proportion_confint(rejected, trials, alpha=0.05, method="beta"))
    results.add(f"{key}.{kind}", 100 * rejected / trials, "percent", 1, **facts)
    interval = facts | {"method": f"{facts['method']}; Clopper–Pearson"}
    results.add(f"{key}.{kind}.ci", [low, high], "ci", 1, **interval)
    results.add(f"{key}.{VERDICTS[kind]}", _verdict(low, high, 100 * results.alpha), "text", **facts)


def _verdict(low: float, high: float, nominal: float) -> Level:
    """Judge a level by the interval of the type I error."""
    least, most = (1 - BAND) * nominal, (1 + BAND) * nominal
    if least <= low and high <= most:
        return Level.KEPT
    if low > most:
        return Level.TOO_OFTEN
    return Level.TOO_SELDOM if high < least else Level.UNKNOWN
