"""Whether the computed figures are the published ones: to the printed digit, and among themselves."""

import math
import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy import stats

from trialbook.faults import Fault, TrialError
from trialbook.results import Results

_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?")


class Figure(BaseModel):
    """One published figure: the key of the computed result, the printed digits, and where they stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    key: str
    printed: str
    where: str
    what: str


class Check(BaseModel):
    """One check of the published figures against each other; `estimate`, `ci` and `p` are keys of figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    check: Literal["granularity", "t interval"]
    estimate: str
    ci: str | None = None
    p: str | None = None


class Published(BaseModel):
    """The contents of ``published.yml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    figures: list[Figure]
    checks: list[Check] = []


def read(folder):
    """Read ``published.yml`` from a trial's folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Published or None
        None where the trial has no such file.

    Raises
    ------
    TrialError
        If the file does not have the form.
    """
    path = Path(folder) / "published.yml"
    if not path.exists():
        return None
    try:
        return Published.model_validate(yaml.safe_load(path.read_text("utf8")))
    except yaml.YAMLError as error:
        raise TrialError(folder, [Fault(path.name, f"not YAML: {error}", "mend the line")]) from None
    except ValidationError as error:
        faults = [Fault(path.name, e["msg"], "correct it", column=".".join(map(str, e["loc"]))) for e in error.errors()]
        raise TrialError(folder, faults) from None


def compare(published, computed, alpha=0.05):
    """Set every published figure beside the computed one.

    Parameters
    ----------
    published : Published or None
    computed : Results

    Returns
    -------
    Results
        Keys ``reconciliation.<key>.{printed, computed, match}`` and the tally ``reconciliation.matched.n_of``;
        empty where nothing is published.
    """
    if published is None:
        return Results(alpha)
    results = Results(alpha, dataset="published.yml", method=published.source)
    matched = 0
    for figure in published.figures:
        key = f"reconciliation.{figure.key}"
        facts = {"parameter": figure.what, "visit": figure.where}
        known = figure.key in computed
        same = known and agrees(figure.printed, computed[figure.key].value, alpha)
        matched += same
        results.add(f"{key}.printed", figure.printed, "text", **facts)
        results.add(f"{key}.computed", computed[figure.key].display if known else "not computed", "text", **facts)
        results.add(f"{key}.match", "yes" if same else "no", "text", **facts)
    results.add("reconciliation.matched.n_of", [matched, len(published.figures)], "n of N")
    return results


def agrees(printed, value, alpha=0.05):
    """Tell whether a computed value, rounded as printed, gives the printed digits.

    Parameters
    ----------
    printed : str
        Such as ``"67"``, ``"10 to 124"``, ``"2/10"`` or ``"not significant"``.
    value : float or list of float or None
        The computed value; a list is compared number by number.

    Returns
    -------
    bool
    """
    if value is None or isinstance(value, str):
        return printed == value
    if printed == "not significant":
        return value >= alpha
    tokens = [token.replace("\u2212", "-") for token in _NUMBER.findall(printed)]
    values = value if isinstance(value, list) else [value]
    return len(tokens) == len(values) and all(
        f"{number:.{_decimals(token)}f}" == token for token, number in zip(tokens, values, strict=True)
    )


def consistency(published, trial, alpha=0.05):
    """Check the published figures among themselves.

    ``granularity``: a difference of means of integer counts, over complete visits, is a multiple of one over the
    least common multiple of the two numbers of values. ``t interval``: the P value that the printed estimate and
    interval imply under a pooled t test, over all values that round to what is printed.

    Parameters
    ----------
    published : Published or None
    trial : Trial

    Returns
    -------
    Results
        Keys ``reconciliation.granularity.<key>`` and ``reconciliation.t_interval.<key>`` with ``….finding``.

    References
    ----------
    Brown & Heathers 2017 (granularity); Nuijten et al. 2016 (recomputed P values).
    """
    if published is None:
        return Results(alpha)
    figures = {figure.key: figure for figure in published.figures}
    sizes = {arm: len(rows) for arm, rows in trial.subjects(trial.facts.analysis_sets.efficacy).items()}
    follow_up = sum(visit.avisitn > trial.facts.visits.baseline for visit in trial.facts.visits.schedule)
    results = Results(alpha, dataset="published.yml")
    for check in published.checks:
        printed = figures[check.estimate].printed
        if check.check == "granularity":
            counts = [n * follow_up for n in sizes.values()]
            step = math.lcm(*counts)
            below, above = possible_neighbours(printed, step)
            possible = agrees(printed, below) or agrees(printed, above)
            key, digits = f"reconciliation.granularity.{check.estimate}", _decimals(printed)
            facts = {"parameter": figures[check.estimate].what, "n": sum(counts), "method": "granularity of a mean of counts"}
            results.add(f"{key}.step", step, "count", **facts)
            results.add(f"{key}.below", below, "difference", digits, **facts)
            results.add(f"{key}.above", above, "difference", digits, **facts)
            results.add(f"{key}.finding", "possible" if possible else "not possible", "text", **facts)
        else:
            df = sum(sizes.values()) - 2
            bounds = implied_p(printed, figures[check.ci].printed, df, alpha)
            stated, half = float(figures[check.p].printed), 0.5 * 10 ** -_decimals(figures[check.p].printed)
            consistent = bounds[0] <= stated + half and stated - half <= bounds[1]
            key = f"reconciliation.t_interval.{check.estimate}"
            facts = {"parameter": figures[check.estimate].what, "n": sum(sizes.values()), "method": "pooled t test"}
            results.add(f"{key}.df", df, "df", **facts)
            results.add(f"{key}.p", bounds, "ci", 4, **facts)
            results.add(f"{key}.finding", "consistent" if consistent else "not consistent", "text", **facts)
    return results


def possible_neighbours(printed, step):
    """Find the multiples of 1/`step` just below and just above a printed number."""
    below = math.floor(float(printed) * step)
    return below / step, (below + 1) / step


def implied_p(estimate, interval, df, alpha=0.05):
    """Bound the P value that a printed estimate and its printed interval imply under a t test.

    Parameters
    ----------
    estimate, interval : str
        As printed: ``"67"``, ``"10 to 124"``.
    df : int
        Degrees of freedom.

    Returns
    -------
    list of float
        Smallest and largest two-sided P over all values that round to what is printed.
    """
    lower, upper = (token.replace("\u2212", "-") for token in _NUMBER.findall(interval))
    rounding = {text: 0.5 * 10 ** -_decimals(text) for text in (estimate, lower, upper)}
    width, slack = float(upper) - float(lower), rounding[lower] + rounding[upper]
    critical = stats.t.ppf(1 - alpha / 2, df)
    size = abs(float(estimate))
    largest_t = (size + rounding[estimate]) / ((width - slack) / 2 / critical)
    smallest_t = max(size - rounding[estimate], 0) / ((width + slack) / 2 / critical)
    return [2 * stats.t.sf(largest_t, df), 2 * stats.t.sf(smallest_t, df)]


def _decimals(text):
    return len(text.partition(".")[2])
