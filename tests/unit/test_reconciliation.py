"""The published figures: beside the computed ones, and among themselves."""

import itertools
import math

import numpy as np
import pytest
import yaml
from conftest import NK_INR
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trialbook.analysis import adverse_events, efficacy, flow, protocol, reconciliation
from trialbook.analysis.reconciliation import agrees
from trialbook.displays import tables
from trialbook.errors import FaultsError
from trialbook.results.row import Results

ANALYSES = (
    protocol.facts,
    flow.flow,
    adverse_events.adverse_events,
    efficacy.by_visit,
    efficacy.final_difference,
    efficacy.gee,
)


@pytest.fixture(scope="module")
def computed(nk):
    found = Results(nk.facts.alpha)
    for analysis in ANALYSES:
        found.update(analysis(nk))
    return found


# what agrees


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("67", 66.51),
        ("67", 67.49),
        ("0.024", 0.0244),
        ("0.010", 0.0096),
        ("10 to 124", [9.6, 124.3]),
        ("\u22125.0 to 1.2", [-5.04, 1.15]),
        ("2/10", [2, 10]),
        ("20%", 20.0),
        ("1,234", 1234.2),
        ("0.00", -0.004),
        ("<0.001", 0.0004),
        ("not significant", 0.05),
        ("Month 24", "Month 24"),
        ("0·024", 0.0244),
        (".024", 0.0236),
        ("10-124", [9.6, 124.3]),
        ("10\u2013124", [9.6, 124.3]),
        ("10 \u2013 124", [9.6, 124.3]),
        ("\u22125 to \u22121", [-5.1, -0.9]),
        ("-5--1", [-5.1, -0.9]),
        ("95% CI 10 to 124", [9.6, 124.3]),
        ("97.5 % confidence interval, 10, 124", [9.6, 124.3]),
        ("(10; 124)", [9.6, 124.3]),
        ("< 0.001", 0.0004),
        ("P<.001", 0.0004),
        ("p = 0.02", 0.0151),
        ("1 234", 1234.2),
        ("1\u2009234", 1234.2),
        ("1'234'567", 1234567.0),
        ("NS", 0.05),
        ("n.s.", 0.9),
        ("Not significant", 0.5),
        ("2 (20%)", [2, 10]),
        ("2/10 (20%)", [2, 10]),
        ("20 %", 20.0),
        ("12%", 12.5),
        ("13%", 12.5),
    ],
)
def test_a_value_that_rounds_to_the_printed_digits_agrees(printed, value):
    assert agrees(printed, value)


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("67", 67.51),
        ("67.0", 67.4),
        ("0.010", 0.0106),
        ("10 to 124", [10.0, 124.6]),
        ("10 to 124", 67.0),
        ("2/10", [2, 11]),
        ("5", -5.0),
        ("<0.001", 0.0011),
        ("not significant", 0.0499),
        ("not significant", [0.5, 0.6]),
        ("67", None),
        ("Month 24", "Month 12"),
        ("unclear", 5.0),
        ("0,024", 24.0),
        ("0·024", 0.0254),
        ("10-124", [10.0, -124.0]),
        ("2 (30%)", [2, 10]),
        ("NS", 0.04),
        ("95% CI 10 to 124", 95.0),
    ],
)
def test_any_other_value_does_not(printed, value):
    assert not agrees(printed, value)


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_value_agrees_with_itself_as_printed_and_not_with_the_next_digit(value, digits):
    printed = f"{value:.{digits}f}"
    assert agrees(printed, value)
    assert agrees(printed.replace("-", "\u2212"), value)
    assert not agrees(f"{value + 2 * 10**-digits:.{digits}f}", value)


@pytest.mark.parametrize(
    ("printed", "value", "said"),
    [
        ("12%", 12.5, "half to even"),
        ("13%", 12.5, "half away from zero"),
        ("1/8 (12%)", [1, 8], "half to even"),
        ("5/8 (63%)", [5, 8], "half away from zero"),
        ("-13", -12.5, "half away from zero"),
        ("-12", -12.5, "half to even"),
        ("13", 13.5, "half towards zero"),
        ("0.02", 0.025, "half to even"),
        ("12 to 14", [12.5, 13.5], "half to even"),
        ("13 to 14", [12.5, 13.6], "half away from zero"),
        ("13 to 14", [12.5, 14.5], "halves by several rules"),
        ("14", 13.5, "half away from zero"),
        ("12", 12.4, ""),
        ("0.13", 0.1251, ""),
        ("<0.001", 0.0005, ""),
        ("NS", 0.5, ""),
        ("Month 24", "Month 24", ""),
    ],
)
def test_how_a_half_was_rounded_is_said(printed, value, said):
    assert agrees(printed, value) and reconciliation.halves_rounded(printed, value) == said


def test_the_table_says_where_a_match_rests_on_the_rounding_of_a_half():
    source = {"source": "print", "figures": [{"key": "a", "printed": "12", "where": "text", "what": "the mean"}]}
    known = Results()
    known.add("a", 12.5, "mean", 1)
    compared = reconciliation.compare(reconciliation.Published(**source), {row.key: row for row in known})
    assert compared["reconciliation.a.match"].value == "yes"
    assert tables.reconciliation(compared).notes[-1] == "The mean: the same by half to even."


# what the published figures imply


def brute_force(estimate, limits, df, alpha):
    """Two-sided P at every corner of the box of values that are printed so."""
    corners = itertools.product(*(np.linspace(x - half, x + half, 3) for x, half in (estimate, *limits)))
    for value, low, high in corners:
        se = (high - low) / 2 / stats.t.ppf(1 - alpha / 2, df)
        yield 2 * stats.t.sf(abs(value) / se, df)


@pytest.mark.parametrize(
    ("estimate", "interval", "df", "alpha", "box"),
    [
        ("67", "10 to 124", 18, 0.05, ((67, 0.5), ((10, 0.5), (124, 0.5)))),
        ("0.25", "0.1 to 0.40", 40, 0.10, ((0.25, 0.005), ((0.1, 0.05), (0.4, 0.005)))),
        ("\u221212.3", "\u221220.1 to \u22124.5", 7, 0.05, ((-12.3, 0.05), ((-20.1, 0.05), (-4.5, 0.05)))),
        ("0", "\u22123 to 3", 9, 0.05, ((0, 0.5), ((-3, 0.5), (3, 0.5)))),
    ],
)
def test_implied_p_spans_all_values_printed_so(estimate, interval, df, alpha, box):
    found = list(brute_force(*box, df, alpha))
    assert reconciliation.implied_p(estimate, interval, df, alpha) == pytest.approx([min(found), max(found)])


def test_implied_p_of_an_interval_without_width_has_no_lower_bound():
    assert reconciliation.implied_p("5", "5 to 5", 10)[0] == 0


def test_published_difference_is_a_pooled_t_test(nk):
    """t = 2.47 with 18 degrees of freedom, as /shared/docs/statistics.md found by hand."""
    low, high = reconciliation.implied_p("67", "10 to 124", 18)
    assert low < 2 * stats.t.sf(2.47, 18) < high
    assert low < 0.024 < high


@pytest.mark.parametrize(("printed", "possible"), [("54.59", False), ("322.47", True), ("\u221254.59", False)])
def test_means_of_counts_over_sixty_values_are_multiples_of_a_sixtieth(printed, possible):
    below, above = reconciliation.possible_neighbours(printed, 60)
    assert above - below == pytest.approx(1 / 60)
    assert below <= float(printed.replace("\u2212", "-")) < above
    assert (agrees(printed, below) or agrees(printed, above)) is possible


@given(st.integers(-10_000, 10_000), st.integers(1, 100))
def test_every_multiple_of_the_step_is_possible(whole, step):
    printed = f"{whole / step:.2f}"
    assert any(agrees(printed, value) for value in reconciliation.possible_neighbours(printed, step))


# the published trial


def test_every_published_figure_is_what_the_analyses_give(computed):
    published = reconciliation.read(NK_INR / "published.yml")
    compared = reconciliation.compare(published, computed)
    wrong = [
        (figure.key, figure.printed, compared[f"reconciliation.{figure.key}.computed"].display)
        for figure in published.figures
        if compared[f"reconciliation.{figure.key}.match"].value != "yes"
    ]
    assert wrong == []
    assert compared["reconciliation.matched.n_of"].value == [len(published.figures)] * 2


def test_published_figures_among_themselves(nk):
    found = reconciliation.consistency(reconciliation.read(NK_INR / "published.yml"), nk)
    assert found["reconciliation.granularity.cd4.gee.effect.finding"].value == "not possible"
    assert found["reconciliation.granularity.cd8.gee.effect.finding"].value == "possible"
    assert found["reconciliation.t_interval.cd4.final.difference.finding"].value == "consistent"
    arms = [len(rows) for rows in nk.subjects().values()]
    assert found["reconciliation.t_interval.cd4.final.difference.df"].value == sum(arms) - 2
    visits = len(nk.facts.visits.schedule) - 1
    step = math.lcm(*(n * visits for n in arms))
    assert found["reconciliation.granularity.cd4.gee.effect.step"].value == step


def test_an_altered_figure_is_reported(copy, computed):
    copy.text("published.yml", 'printed: "54.59"', 'printed: "54.95"')
    compared = reconciliation.compare(reconciliation.read(copy.folder / "published.yml"), computed)
    assert [row.key for row in compared if row.value == "no"] == ["reconciliation.cd4.gee.effect.match"]
    matched, total = compared["reconciliation.matched.n_of"].value
    assert matched == total - 1


def test_a_figure_that_nothing_computes_is_said(copy, computed):
    copy.text("published.yml", "key: cd8.gee.effect,", "key: cd8.gee.efect,")
    copy.text("published.yml", "  - {check: granularity, estimate: cd8.gee.effect}", "")
    compared = reconciliation.compare(reconciliation.read(copy.folder / "published.yml"), computed)
    assert compared["reconciliation.cd8.gee.efect.computed"].value == "not computed"
    assert compared["reconciliation.cd8.gee.efect.match"].value == "no"


@pytest.mark.parametrize(
    ("p", "finding"), [("0.3", "not consistent"), ("<0.001", "not consistent"), ("0.02", "consistent")]
)
def test_a_p_value_that_contradicts_its_interval_is_found(copy, nk, p, finding):
    copy.text("published.yml", 'difference.p, printed: "0.024"', f'difference.p, printed: "{p}"')
    found = reconciliation.consistency(reconciliation.read(copy.folder / "published.yml"), nk)
    assert found["reconciliation.t_interval.cd4.final.difference.finding"].value == finding


def test_nothing_published(copy, nk, computed):
    (copy.folder / "published.yml").unlink()
    published = reconciliation.read(copy.folder / "published.yml")
    assert published is None
    assert len(reconciliation.compare(published, computed)) == 0
    assert len(reconciliation.consistency(published, nk)) == 0


# what is wrong with published.yml is said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source: Published", "sauce: Published", "sauce: there is no such key\n      → did you mean `source`?"),
        ('printed: "67", where', "where", "figures.9.printed: the key is missing"),
        ("key: cd8.gee.effect,", "key: cd4.gee.effect,", "the key cd4.gee.effect stands twice"),
        ("estimate: cd8.gee.effect}", "estimate: cd8.effect}", "cd8.effect is not the key of a figure"),
        (", p: cd4.final.difference.p}", "}", "a t interval needs the keys"),
        ("check: t interval", "check: z interval", "'granularity' or 't interval' (found z interval)"),
        ("checks:", "checks: [", "not YAML"),
    ],
)
def test_faults_of_the_file_are_said(copy, old, new, said):
    copy.text("published.yml", old, new)
    with pytest.raises(FaultsError) as error:
        reconciliation.read(copy.folder / "published.yml")
    assert "published.yml" in str(error.value) and said in str(error.value)


def test_digits_are_kept_without_quotation_marks(copy):
    copy.text("published.yml", 'printed: "0.010"', "printed: 0.010")
    printed = {figure.key: figure.printed for figure in reconciliation.read(copy.folder / "published.yml").figures}
    assert printed["cd8.gee.effect.p"] == "0.010"


PRINTED = [
    "0·024",
    ".024",
    "10-124",
    "95% CI 10 to 124",
    "< 0.001",
    "1 234",
    "NS",
    "n.s.",
    "",
    "—",
    "soon",
    "2/10 (20%)",
    "\u22125",
]


@pytest.mark.parametrize("printed", PRINTED)
@pytest.mark.parametrize(
    "figure", ["cd4.final.difference", "cd4.final.difference.ci", "cd4.final.difference.p", "cd4.gee.effect"]
)
def test_however_a_figure_is_printed_the_checks_say_something_or_it_is_a_fault(copy, figure, printed):
    def change(facts):
        next(one for one in facts["figures"] if one["key"] == figure)["printed"] = printed

    path = copy.folder / "published.yml"
    facts = yaml.safe_load(path.read_text("utf8"))
    change(facts)
    path.write_text(yaml.safe_dump(facts, allow_unicode=True), "utf8")
    trial = copy.read()
    try:
        published = reconciliation.read(path)
    except FaultsError as refused:
        assert "published.yml" in str(refused)
        return
    assert len(reconciliation.consistency(published, trial))
