"""How often each method errs in trials like this one: type I error and power, by simulation."""

import json
from pathlib import Path

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from trialbook.analysis.efficacy import each_parameter
from trialbook.results.row import Results
from trialbook.stats.simulated_trials import EFFECTS, METHODS, Design, DesignError, simulate

LARGE = 1_000  # values of a trial, of which and of larger ones fewer are simulated, but never fewer than `FEWEST`
FEWEST = 4_000
CHUNK = 5_000  # trials from one stream of random numbers, whatever share they are in
BAND = 0.1  # relative distance from the nominal level within which a method keeps it
SEED = 20_634
KEEPS = "keeps its level"


def count(trial, trials, part=1, parts=1):
    """Simulate one share of the trials for each efficacy parameter, with random numbers of its own.

    Parameters
    ----------
    trial : Trial
    trials : int
        Of each parameter, over all parts; fewer where a trial is large.
    part, parts : int
        Which share, from 1.

    Returns
    -------
    dict
        By parameter id: ``trials``, ``design`` and ``rejections`` by method, or the ``reason`` why there are none.
    """
    counted = {}
    for index, (parameter, wide) in enumerate(each_parameter(trial)):
        try:
            design = Design.of(wide, trial.facts.visits.baseline)
        except DesignError as error:
            counted[parameter.id] = {"reason": str(error)}
            continue
        wanted = min(trials, max(FEWEST, trials * LARGE // design.values))
        chunks = range(0, wanted, CHUNK)[part - 1 :: parts]
        done = [
            simulate(design, min(CHUNK, wanted - first), _stream(index, first), trial.facts.alpha) for first in chunks
        ]
        counted[parameter.id] = {
            "trials": sum(min(CHUNK, wanted - first) for first in chunks),
            "design": [design.sizes, design.sd, design.correlation],
            "lacking": design.lacking,
            "rejections": {
                m: np.sum([np.zeros(len(EFFECTS), int), *(one[m] for one in done)], axis=0).tolist()
                for m in design.methods
            },
        }
    return counted


def _stream(*place):
    return np.random.default_rng(np.random.SeedSequence(SEED, spawn_key=place))


def write(counted, path):
    """Write the counts of one share, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    draft.write_text(json.dumps(counted, indent=1) + "\n", "utf8")
    draft.replace(path)


def read(folder):
    """Read the counts of all shares, ``<part>-of-<parts>.json``, in a folder.

    Raises
    ------
    FileNotFoundError
        If a share is not there.
    """
    paths = sorted(Path(folder).glob("*.json"))
    parts = {int(path.stem.partition("-of-")[2]) for path in paths}
    if len(parts) != 1 or len(paths) != parts.pop():
        raise FileNotFoundError(
            f"{folder}: not all shares are there, only {', '.join(p.name for p in paths) or 'none'}"
        )
    return [json.loads(path.read_text("utf8")) for path in paths]


def characteristics(trial, shares):
    """Summarise the counts of all shares.

    Parameters
    ----------
    trial : Trial
    shares : list of dict
        Of `count`.

    Returns
    -------
    Results
        Keys ``<paramcd>.operating.<method>.type1`` (percent) with its Monte Carlo interval ``.ci``, and in words
        ``.verdict``: whether the whole interval is within a tenth of the nominal level, above that, or below;
        ``….power.<k>`` (percent) under the k-th of `EFFECTS`; ``<paramcd>.operating.{trials.n, correlation, sd}`` and
        ``.effect.<k>``.

    References
    ----------
    Bradley (1978), Br J Math Stat Psychol 31:144-152 (a tenth of the level as the stringent criterion). Clopper and
    Pearson (1934), Biometrika 26:404-413 (interval).
    """
    results = Results(trial.facts.alpha, dataset="simulated")
    for parameter in trial.parameters("efficacy"):
        own = [share[parameter.id] for share in shares]
        key, fixed = f"{parameter.id}.operating", {"parameter": parameter.paramcd}
        if reason := own[0].get("reason"):
            results.add(f"{key}.trials.n", None, "count", method=f"not estimable: {reason}", **fixed)
            continue
        trials = sum(share["trials"] for share in own)
        sizes, sd, correlation = own[0]["design"]
        fixed["n"] = sum(sizes)
        results.add(f"{key}.trials.n", trials, "count", unit="simulated trials", **fixed)
        results.add(f"{key}.correlation", correlation, "correlation", 2, method="any two visits, within arms", **fixed)
        results.add(f"{key}.sd", sd[-1], "SD", parameter.digits, unit=parameter.unit, method="final visit", **fixed)
        for k, effect in enumerate(EFFECTS[1:], 1):
            results.add(f"{key}.effect.{k}", effect, "effect in SD", 1 if effect % 1 else 0, **fixed)
        for method, reason in own[0]["lacking"].items():
            facts = {**fixed, "estimand": METHODS[method][0], "method": f"not estimable: {reason}"}
            results.add(f"{key}.{method}.type1", None, "percent", **facts)
        for method in own[0]["rejections"]:
            rejected = np.sum([share["rejections"][method] for share in own], axis=0)
            _add_method(results, f"{key}.{method}", rejected, trials, {**fixed, "estimand": METHODS[method][0]})
    return results


def _add_method(results, key, rejected, trials, facts):
    facts["method"] = METHODS[key.rpartition(".")[2]][1]
    low, high = (100 * bound for bound in proportion_confint(rejected[0], trials, alpha=0.05, method="beta"))
    results.add(f"{key}.type1", 100 * rejected[0] / trials, "percent", 1, **facts)
    results.add(f"{key}.type1.ci", [low, high], "ci", 1, **facts)
    nominal = 100 * results.alpha
    least, most = (1 - BAND) * nominal, (1 + BAND) * nominal
    said = KEEPS if least <= low and high <= most else "cannot be told from this many trials"
    if low > most:
        said = "rejects too often"
    elif high < least:
        said = "rejects too seldom"
    results.add(f"{key}.verdict", said, "text", **facts)
    for k, count_ in enumerate(rejected[1:], 1):
        results.add(f"{key}.power.{k}", 100 * count_ / trials, "percent", 1, **facts)
