"""Whether the computed figures are the published ones: to the printed digit, and among themselves."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import model_validator
from scipy import stats

from trialbook.analysis.scenarios import HEADLINE, Scenario, under
from trialbook.results import formats
from trialbook.results.row import Fields, Result, Results
from trialbook.results.verdicts import Finding
from trialbook.trial.model import Trial
from trialbook.yamlfile import Keys, read_yaml

NAMED = 3  # scenarios whose names are said, not only their number
NOT_SIGNIFICANT = re.compile(r"(?:not significant|non-?significant|n\.?s\.?)(?: difference)?", re.IGNORECASE)
_NUMBER = re.compile(r"[<>]?-?(?:\d+(?:\.\d+)?|\.\d+)%?")
_LEVEL = re.compile(r"\d+(?:\.\d+)?\s*%\s*(?:CI|CrI|confidence interval|credible interval)\b", re.IGNORECASE)
_GROUPED = re.compile(r"(?<![\d.])[1-9]\d{0,2}(?:[ ,'\u00a0\u2009\u202f]\d{3})+(?!\d)")
_AS_TYPED = str.maketrans({"\u00b7": ".", "\u2219": ".", "\u22c5": ".", "\u2212": "-", "\u2264": "<", "\u2265": ">"})
_TO = re.compile(r"(?<=[\d%])\s*[-\u2010-\u2015]\s*(?=[-.\d])")  # a dash between two numbers


class Figure(Keys):
    """One published figure: the key of the computed result, the printed digits, and where they stand."""

    key: str
    printed: str
    where: str
    what: str


class Check(Keys):
    """One check of the published figures against each other; `estimate`, `ci` and `p` are keys of figures."""

    check: Literal["granularity", "t interval"]
    estimate: str
    ci: str | None = None
    p: str | None = None

    @model_validator(mode="after")
    def _complete(self):
        if self.check == "t interval" and None in (self.ci, self.p):
            raise ValueError("a t interval needs the keys `estimate`, `ci` and `p`")
        return self


class Published(Keys):
    """The contents of ``published.yml``."""

    source: str
    figures: list[Figure]
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _coherent(self):
        keys = [figure.key for figure in self.figures]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"figures: the key {repeated[0]} stands twice")
        wanted = {key for check in self.checks for key in (check.estimate, check.ci, check.p) if key}
        if unknown := sorted(wanted - set(keys)):
            raise ValueError(f"checks: {unknown[0]} is not the key of a figure")
        printed = {figure.key: figure.printed for figure in self.figures}
        for check in self.checks:
            self._check_numbers(printed[check.estimate], (1,))
            self._check_numbers(printed[check.ci] if check.ci else "0 to 0", (2,))
            if check.p and not NOT_SIGNIFICANT.fullmatch(printed[check.p].strip()):
                self._check_numbers(printed[check.p], (1,))
        return self

    @staticmethod
    def _check_numbers(printed: str, counts: tuple[int, ...]) -> None:
        found = numbers(printed)
        if len(found) not in counts:
            raise ValueError(f"checks: {printed[:40]!r} is read as {len(found)} numbers, and {counts[0]} are needed")


def read(path: str | Path) -> Published | None:
    """Read ``published.yml``; None where the trial has no such file, else as `read_yaml`."""
    return read_yaml(Path(path), Published) if Path(path).exists() else None


def compare(published: Published | None, computed: Mapping[str, Result], alpha: float = 0.05) -> Results:
    """Set every published figure beside the computed one.

    Parameters
    ----------
    published : Published or None
    computed : mapping of str to Result
        By key.

    Returns
    -------
    Results
        Keys ``reconciliation.<key>.{printed, computed, match}``, ``.half`` where the match rests on how a half was
        rounded, and the tally ``reconciliation.matched.n_of``; empty where nothing is published.
    """
    if published is None:
        return Results(alpha)
    results = Results(alpha, dataset="published.yml", method=published.source)
    matched = 0
    for figure in published.figures:
        key = f"reconciliation.{figure.key}"
        facts: Fields = {"parameter": figure.what, "visit": figure.where}
        known = figure.key in computed
        value = computed[figure.key].value if known else None
        same = known and agrees(figure.printed, value, alpha)
        matched += same
        results.add(f"{key}.printed", figure.printed, "text", **facts)
        shown = _as_printed(figure.printed, computed[figure.key]) if known else "not computed"
        results.add(f"{key}.computed", shown, "text", **facts)
        results.add(f"{key}.match", "yes" if same else "no", "text", **facts)
        if same and (halves := halves_rounded(figure.printed, value)):
            results.add(f"{key}.half", halves, "text", **facts)
    results.add("reconciliation.matched.n_of", [matched, len(published.figures)], "n of N")
    return results


def _as_printed(printed: str, row: Result) -> str:
    """Write a computed value with the decimals of the printed one, where it is shown with fewer."""
    found = numbers(printed)
    decimals = len(found[0].strip("%").partition(".")[2]) if found else 0
    if row.statistic in ("difference", "mean") and row.value is not None:
        return formats.number(row.value, decimals)
    return formats.interval(row.value, decimals) if row.statistic == "ci" and row.value is not None else row.display


def by_scenario(published: Published | None, effects: Results, scenarios: list[Scenario], trial: Trial) -> Results:
    """Name the distinct analyses under which each published effect, interval or P value comes out.

    Parameters
    ----------
    published : Published or None
    effects : Results
        Of `scenarios.run`, under all of them.
    scenarios : list of Scenario
    trial : Trial

    Returns
    -------
    Results
        Keys ``reconciliation.<key>.scenarios`` for the figures that scenarios give, with what is printed as label.
    """
    alpha = trial.facts.alpha
    results = Results(alpha, dataset="published.yml")
    figures = {figure.key: figure for figure in published.figures} if published else {}
    for parameter in trial.parameters("efficacy"):
        for estimand, headline in HEADLINE.items():
            for part in ("", ".ci", ".p"):
                if figure := figures.get(f"{parameter.id}.{headline}{part}"):
                    pairs = under(scenarios, parameter, estimand)
                    distinct = [(scenario, key) for scenario, key in pairs if f"{key}.repeats" not in effects]
                    values = {scenario.name(estimand): effects[key + part].value for scenario, key in distinct}
                    same = [name for name, value in values.items() if agrees(figure.printed, value, alpha)]
                    facts: Fields = {"parameter": figure.what, "label": figure.printed, "estimand": estimand}
                    said = f"{len(same)} of {len(values)}" + (f": {'; '.join(same)}" if len(same) <= NAMED else "")
                    results.add(f"reconciliation.{figure.key}.scenarios", said, "text", **facts)
    return results


def agrees(printed: str, value: float | str | list | None, alpha: float = 0.05) -> bool:
    """Tell whether a computed value, rounded as printed, gives the printed digits.

    Parameters
    ----------
    printed : str
        As of `numbers`, or ``NS`` or ``not significant``. A half may have been rounded up or to the even digit.
    value : float or list of float or None
        The computed value; a list is compared number by number.

    Returns
    -------
    bool
    """
    if value is None or isinstance(value, str):
        return printed == value
    if NOT_SIGNIFICANT.fullmatch(printed.strip()):
        return not isinstance(value, list) and value >= alpha
    tokens, values = _paired(printed, value)
    return len(tokens) == len(values) and all(
        low <= number <= high for (low, high), number in zip(map(_rounded, tokens), values, strict=True)
    )


def halves_rounded(printed: str, value: float | str | list | None) -> str:
    """Say how the halves among the computed values were rounded to give the printed digits.

    Parameters
    ----------
    printed : str
    value : float or list of float or None
        As for `agrees`, which holds.

    Returns
    -------
    str
        The first of half away from zero, to even and towards zero that gives all of them; empty where no value lies
        halfway between two printed ones.
    """
    if value is None or isinstance(value, str) or NOT_SIGNIFICANT.fullmatch(printed.strip()):
        return ""
    rules = []
    for token, number in zip(*_paired(printed, value), strict=True):
        half = 0.5 * _last_place(token)
        if token[0] not in "<>" and math.isclose(abs(_number(token) - number), half, rel_tol=1e-6):
            up, even = abs(_number(token)) > abs(number), int(token.strip("%")[-1]) % 2 == 0
            given = {"half away from zero": up, "half to even": even, "half towards zero": not up}
            rules.append([rule for rule, gives in given.items() if gives])
    if not rules:
        return ""
    return next((rule for rule in rules[0] if all(rule in others for others in rules)), "halves by several rules")


def _paired(printed: str, value: float | list) -> tuple[list[str], list[float]]:
    """The printed numbers and the computed ones that they are of."""
    tokens, values = numbers(printed), value if isinstance(value, list) else [value]
    if tokens and tokens[-1].endswith("%") and len(values) == 2 and values[1]:  # a count with its percentage
        values = [*values[: len(tokens) - 1], 100 * values[0] / values[1]]
    return tokens, values


def numbers(printed: str) -> list[str]:
    """Find the numbers of a figure as journals print them.

    Parameters
    ----------
    printed : str
        Such as ``0·024``, ``.024``, ``10–124``, ``95% CI 10 to 124``, ``P < 0.001``, ``1 234`` or ``2/10 (20%)``.

    Returns
    -------
    list of str
        As Python writes them, a sign ``<`` or ``>`` before and a percent sign behind.
    """
    text = _LEVEL.sub("", printed.translate(_AS_TYPED))
    text = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = re.sub(r"([<>])\s*=?\s*", r"\1", _TO.sub(" to ", text))
    return _NUMBER.findall(re.sub(r"(?<=\d)\s+%", "%", text))


def consistency(published: Published | None, trial: Trial, alpha: float = 0.05) -> Results:
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
    results = Results(alpha, dataset="published.yml")
    for check in published.checks:
        if check.check == "granularity":
            _add_granularity(results, trial, figures[check.estimate])
        elif check.ci and check.p:
            _add_implied_p(results, trial, figures[check.estimate], figures[check.ci], figures[check.p])
    return results


def _add_granularity(results: Results, trial: Trial, figure: Figure) -> None:
    sizes = [len(rows) for rows in trial.subjects(trial.facts.analysis_sets.efficacy).values()]
    follow_up = sum(visit.avisitn > trial.facts.visits.baseline for visit in trial.facts.visits.schedule)
    step = math.lcm(*(n * follow_up for n in sizes))
    below, above = possible_neighbours(figure.printed, step)
    possible = agrees(figure.printed, below) or agrees(figure.printed, above)
    key, digits = f"reconciliation.granularity.{figure.key}", len(numbers(figure.printed)[0].partition(".")[2])
    method = "granularity of a mean of counts"
    facts: Fields = {"parameter": figure.what, "n": sum(sizes) * follow_up, "method": method}
    results.add(f"{key}.step", step, "count", **facts)
    results.add(f"{key}.below", below, "difference", digits, **facts)
    results.add(f"{key}.above", above, "difference", digits, **facts)
    results.add(f"{key}.finding", Finding.POSSIBLE if possible else Finding.NOT_POSSIBLE, "text", **facts)


def _add_implied_p(results: Results, trial: Trial, estimate: Figure, ci: Figure, p: Figure) -> None:
    n = sum(map(len, trial.subjects(trial.facts.analysis_sets.efficacy).values()))
    bounds = implied_p(estimate.printed, ci.printed, n - 2, results.alpha)
    low, high = _rounded(numbers(p.printed)[0]) if numbers(p.printed) else (results.alpha, 1.0)
    consistent = bounds[0] <= high and low <= bounds[1]
    key = f"reconciliation.t_interval.{estimate.key}"
    facts: Fields = {"parameter": estimate.what, "n": n, "method": "pooled t test"}
    results.add(f"{key}.df", n - 2, "df", **facts)
    results.add(f"{key}.p", bounds, "ci", 4, **facts)
    results.add(f"{key}.finding", Finding.CONSISTENT if consistent else Finding.NOT_CONSISTENT, "text", **facts)


def possible_neighbours(printed: str, step: int) -> tuple[float, float]:
    """Find the multiples of 1/`step` just below and just above a printed number."""
    below = math.floor(_number(numbers(printed)[0]) * step)
    return below / step, (below + 1) / step


def implied_p(estimate: str, interval: str, df: int, alpha: float = 0.05) -> list[float]:
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
    lower, upper = map(_rounded, numbers(interval))
    low, high = _rounded(numbers(estimate)[0])
    sizes = 0 if low < 0 < high else min(abs(low), abs(high)), max(abs(low), abs(high))
    widths = upper[1] - lower[0], max(upper[0] - lower[1], 0)
    factor = 2 * stats.t.ppf(1 - alpha / 2, df)
    statistics = [factor * size / width if width else math.inf for size, width in zip(sizes, widths, strict=True)]
    return [float(2 * stats.t.sf(statistic, df)) for statistic in reversed(statistics)]


def _number(text: str) -> float:
    return float(text.strip("<>%"))


def _rounded(text: str) -> tuple[float, float]:
    """The values that are printed so: all below or above after a sign, else within half of the last digit."""
    if text[0] in "<>":
        return (-math.inf, _number(text)) if text[0] == "<" else (_number(text), math.inf)
    half = (0.5 + 1e-9) * _last_place(text)
    return _number(text) - half, _number(text) + half


def _last_place(text: str) -> float:
    """What one of the last printed digit is worth."""
    return 10.0 ** -len(text.strip("%").partition(".")[2])
