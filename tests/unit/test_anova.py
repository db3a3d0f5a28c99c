"""Arm by visit ANOVA: against afex, car and ez on real trials, classical tests and simulation."""

from functools import partial

import numpy as np
import pytest
from reference import PARAMETERS, answers, facts, table
from scipy import stats

from trialbook.errors import NotEstimable
from trialbook.stats import anova

EFFECTS = {"ARM": "arm", "VIS": "visit", "ARM:VIS": "interaction"}


def complete_cases(name, param):
    """Outcomes (n, visits) of the subjects with every visit of R's analysis, and their arms."""
    visits = facts(name)["anova"]
    visits = visits[param] if isinstance(visits, dict) else visits
    adlb = table(name, "adlb")
    rows = adlb[(adlb["PARAMCD"] == param) & adlb["AVISITN"].isin(visits)]
    wide = rows.pivot(index="USUBJID", columns="AVISITN", values="AVAL").dropna()
    return wide.to_numpy(), table(name, "adsl").set_index("USUBJID")["TRT01P"][wide.index].tolist()


@pytest.fixture
def trial():
    """Nine subjects in arms of five and four at four visits, in shuffled rows: wide, arm."""
    rng = np.random.default_rng(5)
    arm = rng.permutation(["A"] * 5 + ["B"] * 4)
    wide = rng.normal(size=(9, 1)) + rng.normal(size=(9, 4)) * [1, 2, 1, 3] + [0, 1, 2, 3]
    return wide + np.outer(arm == "B", [0, 1, 1, 2]), arm


def lines(columns):
    """The lines of a table that R wrote by column, each cell in a data frame of its own."""
    cells = {name: [next(iter(cell.values())) for cell in column] for name, column in columns.items()}
    return [dict(zip(cells, line, strict=True)) for line in zip(*cells.values(), strict=True)]


def rows(result):
    return result.arm, result.visit, result.interaction


# R's answers


def test_every_answer_of_r_is_compared():
    for name in {name for name, _ in PARAMETERS}:
        own = {param for trial, param in PARAMETERS if trial == name}
        kinds = ("type2", "type3", "aov_type1", "ez_type3", "rstatix_type3")
        assert {key for key in answers(name) if ".anova_" in key} == {
            f"{p}.anova_{kind}" for p in own for kind in kinds
        }


@pytest.mark.parametrize("ss_type", [2, 3])
@pytest.mark.parametrize(("name", "param"), PARAMETERS)
def test_table_equals_afex(name, param, ss_type):
    value = answers(name)[f"{param}.anova_type{ss_type}"]["value"]
    result = anova.mixed_anova(*complete_cases(name, param), ss_type)
    assert result.ss_type == ss_type
    assert sum(result.n_by_arm.values()) == value["n_subj"]
    for label, effect in EFFECTS.items():
        row, theirs = getattr(result, effect), value["table"][label]
        assert (row.df, row.df_error) == (theirs["df1"], theirs["df2"])
        ours = (row.ss, row.ss_error, row.f, row.p)
        assert ours == pytest.approx([theirs[q] for q in ("SS", "SSE", "F", "p")], rel=1e-10)


@pytest.mark.parametrize("ss_type", [2, 3])
@pytest.mark.parametrize(("name", "param"), [pair for pair in PARAMETERS if pair[1] in ("PAIN", "CD4")])
def test_sphericity_equals_car(name, param, ss_type):
    """With three visits Mauchly's P has no second-order term, and R's is the theory's."""
    value = answers(name)[f"{param}.anova_type{ss_type}"]["value"]
    result = anova.mixed_anova(*complete_cases(name, param), ss_type)
    for label in ("VIS", "ARM:VIS"):
        row, theirs = getattr(result, EFFECTS[label]), value["GG_HF"][label]
        ours = (result.epsilon_gg, row.p_gg, result.epsilon_hf, row.p_hf)
        assert ours == pytest.approx([theirs[q] for q in ("GGeps", "p_GG", "HFeps", "p_HF")], rel=1e-10)
        mauchly = value["mauchly"][label]
        assert (result.mauchly_w, result.mauchly_p) == pytest.approx((mauchly["W"], mauchly["p"]), rel=1e-10)
    assert (result.arm.p_gg, result.arm.p_hf) == (None, None)


@pytest.mark.parametrize(("name", "param"), PARAMETERS)
def test_sequential_sums_of_squares_are_type_two(name, param):
    """R's aov takes the arm first: of a visit that everybody has, that is type II."""
    result = anova.mixed_anova(*complete_cases(name, param), 2)
    for label, theirs in answers(name)[f"{param}.anova_aov_type1"]["value"].items():
        row = getattr(result, EFFECTS[label])
        assert (row.ss, row.df, row.f, row.p) == pytest.approx(
            tuple(theirs[q] for q in ("SS", "df1", "F", "p")), rel=1e-9
        )


@pytest.mark.parametrize(("name", "param"), PARAMETERS)
def test_ez_and_rstatix_agree(name, param):
    """ez prints all digits, rstatix three; rstatix has partial eta squared, ez the generalised."""
    result = anova.mixed_anova(*complete_cases(name, param), 3)
    for package, exact in (("ez", {"rel": 1e-10}), ("rstatix", {"abs": 6e-4, "rel": 1e-9})):
        theirs = answers(name)[f"{param}.anova_{package}_type3"]["value"]
        theirs = theirs if "ANOVA" in theirs else {"ANOVA": lines(theirs)}
        for line in theirs["ANOVA"]:
            row = getattr(result, EFFECTS[line["Effect"]])
            assert (row.df, row.df_error) == (line["DFn"], line["DFd"])
            assert (row.f, row.p) == pytest.approx((line["F"], line["p"]), **exact)
            ours = {"ges": row.generalised_eta_squared, "pes": row.partial_eta_squared}
            shown = [name for name in ours if name in line]
            assert shown == ["pes" if package == "rstatix" else "ges"]
            assert ours[shown[0]] == pytest.approx(line[shown[0]], **exact)
            assert row.partial_eta_squared == pytest.approx(row.f * row.df / (row.f * row.df + row.df_error))
        for line in theirs.get("Sphericity Corrections", []):
            row = getattr(result, EFFECTS[line["Effect"]])
            ours = (result.epsilon_gg, row.p_gg, result.epsilon_hf, row.p_hf)
            assert ours == pytest.approx([line[q] for q in ("GGe", "p[GG]", "HFe", "p[HF]")], **exact)
        for line in theirs.get("Mauchly's Test for Sphericity", []):
            assert (result.mauchly_w, result.mauchly_p) == pytest.approx((line["W"], line["p"]), **exact)


# classical tests


def test_two_visits_are_t_tests_of_means_and_of_changes(trial):
    wide, arm = trial[0][:, :2], trial[1]
    result = anova.mixed_anova(wide, arm)
    change, in_b = wide[:, 1] - wide[:, 0], arm == "B"
    between = stats.ttest_ind(wide[in_b].mean(axis=1), wide[~in_b].mean(axis=1))
    interaction = stats.ttest_ind(change[in_b], change[~in_b])
    assert (result.arm.f, result.arm.p) == pytest.approx((between.statistic**2, between.pvalue))
    assert (result.interaction.f, result.interaction.p) == pytest.approx((interaction.statistic**2, interaction.pvalue))
    assert result.epsilon_gg == pytest.approx(1)
    assert (result.epsilon_hf, result.mauchly_w) == (1, pytest.approx(1))
    assert np.isnan(result.mauchly_p)
    assert (result.visit.p_gg, result.visit.p_hf) == pytest.approx((result.visit.p, result.visit.p))


def test_sums_of_squares_decompose_the_total(trial):
    """Type II is orthogonal: arm, visit, interaction and both errors add up to the total."""
    wide, arm = trial
    result = anova.mixed_anova(wide, arm, 2)
    parts = [row.ss for row in rows(result)] + [result.arm.ss_error, result.visit.ss_error]
    assert sum(parts) == pytest.approx(np.sum((wide - wide.mean()) ** 2))


def test_types_differ_only_in_the_visit_row_of_unequal_arms(trial):
    wide, arm = trial
    two, three = (anova.mixed_anova(wide, arm, ss_type) for ss_type in (2, 3))
    for one, other in ((two.arm, three.arm), (two.interaction, three.interaction)):
        assert (one.ss, one.ss_error, one.f, one.p) == pytest.approx((other.ss, other.ss_error, other.f, other.p))
    assert two.visit.ss != pytest.approx(three.visit.ss, rel=1e-3)
    kept = np.delete(np.arange(9), np.flatnonzero(arm == "A")[0])
    two, three = (anova.mixed_anova(wide[kept], arm[kept], ss_type) for ss_type in (2, 3))
    assert two.visit.ss == pytest.approx(three.visit.ss, rel=1e-12)


def test_three_arms_reduce_to_one_way_analysis(trial):
    wide, arm = trial
    arm = np.where(np.arange(9) % 3 == 0, "C", arm)
    means = [wide[arm == name].mean(axis=1) for name in "ABC"]
    result = anova.mixed_anova(wide, arm)
    assert (result.arm.f, result.arm.p) == pytest.approx(tuple(stats.f_oneway(*means)))
    assert result.interaction.df == 6


@pytest.mark.filterwarnings("error")
def test_compound_symmetry_has_epsilon_one_and_its_opposite_the_least():
    """One contrast carries all change within arms: epsilon is 1 / (k - 1) and W is zero."""
    subject, arm = np.array([1.0, 2, 4, 3, 7, 5]), list("AAABBB")
    # many, because rounding may leave a determinant of either sign
    for shape in np.random.default_rng(4).normal(size=(20, 4)):
        result = anova.mixed_anova(np.outer(subject**2, shape - shape.mean()) + subject[:, None], arm)
        assert result.epsilon_gg == pytest.approx(1 / 3)
        assert result.mauchly_w >= 0
        assert (result.mauchly_w, result.mauchly_p) == pytest.approx((0, 0), abs=1e-12)
    # errors of one arm orthogonal, equal in length and sum: pooled covariance is exactly spherical
    spherical = np.vstack([np.eye(4), np.eye(4)]) + np.arange(8)[:, None]
    result = anova.mixed_anova(spherical, list("AAAABBBB"))
    assert result.epsilon_gg == pytest.approx(1)
    assert (result.mauchly_w, result.mauchly_p, result.epsilon_hf) == pytest.approx((1, 1, 1))


def test_few_subjects_for_the_visits_leave_mauchly_undefined(trial):
    wide, arm = trial
    few = np.concatenate([np.flatnonzero(arm == name)[:2] for name in "AB"])
    result = anova.mixed_anova(wide[few], arm[few])
    assert np.isnan(result.mauchly_p)
    assert result.mauchly_w == pytest.approx(0, abs=1e-12)
    assert 1 / 3 <= result.epsilon_gg <= result.epsilon_hf <= 1


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.7, 1.1])
def test_equal_eigenvalues_of_few_subjects_leave_huynh_feldt_at_one(scale):
    one, two = scale * np.array([[1, -1, 0.1, -0.1, 0], [0.1, 0.1, -1, -1, 1.8]])
    two *= np.linalg.norm(one) / np.linalg.norm(two)
    result = anova.mixed_anova(np.array([one + 1, -one, two + 1, -two]), list("AABB"))
    assert result.epsilon_gg == pytest.approx(1 / 2)
    assert result.epsilon_hf == 1


def test_mauchly_p_follows_theory_with_four_visits():
    """P is the share of spherical Wishart matrices with a smaller W; without the second-order term it is
    0.009 off at six degrees of freedom."""
    rng = np.random.default_rng(11)
    draws = rng.normal(size=(300_000, 6, 3))
    sscp = np.einsum("sij,sik->sjk", draws, draws)
    null = np.linalg.det(sscp) / (np.trace(sscp, axis1=1, axis2=2) / 3) ** 3
    for _ in range(5):
        result = anova.mixed_anova(rng.normal(size=(8, 4)) + rng.normal(size=(8, 1)), list("AAAABBBB"))
        assert result.mauchly_p == pytest.approx(np.mean(null < result.mauchly_w), abs=0.0035)


# assumptions


def test_residuals_are_those_of_the_two_error_terms(trial):
    """Of the participants' means around the arm, and of an additive model within participants (least squares)."""
    wide, arm = trial
    checks, result = anova.check_assumptions(wide, arm), anova.mixed_anova(wide, arm)
    subject, visit = np.indices(wide.shape)
    columns = [subject == s for s in range(9)] + [(visit == v) & (arm == a)[:, None] for v in range(4) for a in "AB"]
    design = np.stack([column.ravel() for column in columns], axis=1).astype(float)
    residual = wide.ravel() - design @ np.linalg.lstsq(design, wide.ravel(), rcond=None)[0]
    assert residual @ residual == pytest.approx(result.visit.ss_error)
    assert checks.within.observed == pytest.approx(np.sort(residual) / np.sqrt(np.mean(residual**2)))
    assert (checks.within.w, checks.within.p) == pytest.approx(tuple(stats.shapiro(residual)))
    means = wide.mean(axis=1)
    left = means - np.where(arm == "A", means[arm == "A"].mean(), means[arm == "B"].mean())
    assert (checks.subjects.w, checks.subjects.p) == pytest.approx(tuple(stats.shapiro(left)))


def test_arms_that_vary_alike_or_not(trial):
    wide, arm = trial
    checks = anova.check_assumptions(wide, arm)
    groups = [wide[arm == name] for name in checks.arms]
    assert checks.sd == pytest.approx(np.stack([group.std(axis=0, ddof=1) for group in groups]))
    variances = [group.var(axis=0, ddof=1) for group in groups]
    assert checks.variance_ratio == pytest.approx(np.max(variances) / np.min(variances))
    for values, p in zip(zip(*(group.T for group in groups), strict=True), checks.p_visits, strict=True):
        # an analysis of variance of the distances from the median
        assert p == pytest.approx(stats.f_oneway(*(np.abs(x - np.median(x)) for x in values)).pvalue)
    distances = [np.abs(group.mean(axis=1) - np.median(group.mean(axis=1))) for group in groups]
    assert checks.p_subjects == pytest.approx(stats.f_oneway(*distances).pvalue)


def test_band_holds_each_point_of_a_normal_sample():
    """Simulation of order statistics: 95% of each point, and half above the expected one."""
    rng = np.random.default_rng(2)
    wide, arm = rng.normal(size=(12, 3)) + 3 * rng.normal(size=(12, 1)), list("AB") * 6
    points = anova.check_assumptions(wide, arm).subjects
    draws = np.sort(rng.normal(size=(20_000, 12)), axis=1)
    error = 4 * np.sqrt(0.25 / 20_000)
    assert np.mean((draws > points.lower) & (draws < points.upper), axis=0) == pytest.approx(0.95, abs=error)
    assert np.mean(draws > points.expected, axis=0) == pytest.approx(0.5, abs=error)


@pytest.mark.filterwarnings("error")
def test_checks_that_cannot_be_made_are_left_open(trial):
    wide, arm = trial
    flat = wide.copy()
    flat[:, 0] = 1.0
    flat[arm == "A", 1] = 0.1
    checks = anova.check_assumptions(flat, arm)
    assert np.isinf(checks.variance_ratio)
    assert np.isnan(checks.p_visits).tolist() == [True, False, False, False]
    pairs = [*np.flatnonzero(arm == "A")[:2], *np.flatnonzero(arm == "B")[:2]]
    few = anova.check_assumptions(wide[pairs], arm[pairs])
    assert np.isnan([few.p_subjects, *few.p_visits]).all()
    assert np.isfinite([few.subjects.p, few.within.p]).all()
    many = anova.check_assumptions(np.random.default_rng(1).normal(size=(2600, 2)), list("AB") * 1300)
    assert np.isfinite(many.subjects.p) and np.isnan(many.within.p)
    with pytest.raises(NotEstimable, match="no error term for the visits"):
        anova.check_assumptions(np.arange(6.0)[:, None] + np.zeros(3), list("AAABBB"))


# invariances


def test_order_labels_and_units_do_not_matter(trial):
    wide, arm = trial
    base = anova.mixed_anova(wide, arm)
    order = np.random.default_rng(1).permutation(9)
    visits = [2, 0, 3, 1]
    for other in (
        anova.mixed_anova(wide[order], arm[order]),
        anova.mixed_anova(wide[:, visits], arm),
        anova.mixed_anova(wide, [("arm", name) for name in arm.tolist()]),
        anova.mixed_anova(1e4 + 10 * wide, arm),
    ):
        for one, two in zip(rows(base), rows(other), strict=True):
            assert (one.f, one.p, one.partial_eta_squared) == pytest.approx(
                (two.f, two.p, two.partial_eta_squared), rel=1e-8
            )
        assert (base.epsilon_gg, base.epsilon_hf) == pytest.approx((other.epsilon_gg, other.epsilon_hf))
        assert (base.mauchly_w, base.mauchly_p) == pytest.approx((other.mauchly_w, other.mauchly_p))
    assert base.n_by_arm == {"A": 5, "B": 4}
    assert base.n_visits == 4


# what is refused


def refused(message, wide, arm, ss_type=3, error=NotEstimable):
    with pytest.raises(error, match=message):
        anova.mixed_anova(wide, arm, ss_type)


misused = partial(refused, error=ValueError)


def test_what_no_caller_may_ask_is_not_taken_for_a_lack_of_data(trial):
    wide, arm = trial
    gaps = wide.copy()
    gaps[[1, 1, 4], [0, 2, 3]] = np.nan
    misused("2 of 9 subjects miss a visit: keep complete cases only", gaps, arm)
    misused("must be subjects by visits", wide[:, 0], arm)
    misused("must be subjects by visits, with 9 arms, not 8", wide, arm[1:])
    misused("labels are missing", wide, [None, *arm[1:]])
    misused("of type 2 or 3, not 1", wide, arm, 1)


def test_too_few_visits_arms_or_subjects_are_refused_in_words(trial):
    wide, arm = trial
    refused("at least two visits", wide[:, :1], arm)
    refused(r"two arms, each with at least two complete subjects, are needed \(A: 9\)", wide, ["A"] * 9)
    refused(r"are needed \(A: 8, B: 1\)", wide, ["A"] * 8 + ["B"])
    refused(r"are needed \(none\)", wide[:0], [])


def test_no_variation_within_arms_is_refused():
    arm = list("AAABBB")
    level, visit = np.arange(6.0)[:, None], np.array([0.1, 0.7, 0.3])
    refused("all have the same mean: there is no error term for the arm", 0 * level + visit, arm)
    swings = np.array([1, 2, 3, 1, 2, 4])[:, None] * [1.0, -1, 0]
    refused("all have the same mean: there is no error term for the arm", swings, arm)
    refused("all change alike: there is no error term for the visits", level + visit, arm)
