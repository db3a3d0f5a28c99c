"""What a passport says: nothing that is not known, the parameters of the run, and values with all their digits."""

from types import SimpleNamespace

from trialbook.results.executed import Cell, Executed
from trialbook.results.row import Result
from trialbook.sphinx import passport
from trialbook.sphinx.cards import Passports


def fact(key, value, **facts):
    return Result(key, "text", value, value, dataset="trial.yml", **facts)


def test_what_is_not_known_or_ambiguous_is_not_stated():
    same = [
        fact(f"trial.{name}_set.flag", flag, analysis_set="full") for name, flag in (("a", "FASFL"), ("b", "SAFFL"))
    ]
    few = passport.Conditions([*same, fact("arm.x.value", 'the "X"', group="x")])
    row = Result("k", "mean", 1.0, "1", parameter="ABC", visit="Week 2", group="x", analysis_set="full", dataset="adlb")
    assert few.of(row) == r'TRT01P == "the \"X\""'
    assert passport.Conditions([]).of(row) == ""


def test_the_parameters_are_those_of_the_run():
    def cell(source, *tags):
        return Cell(id="c", cell_type="code", metadata={"tags": list(tags)}, source=source)

    cells = [
        cell("elsewhere = 1"),
        cell('folder = "../data"\nmissing = "available"\nadjusted = True  # on baseline', "parameters"),
        cell('# Parameters\nfolder = "../other"\nmissing = "complete"', "injected-parameters"),
    ]
    assert passport.parameters(cells) == {"missing": "'complete'", "adjusted": "True"}


def test_a_number_that_there_is_not_says_why():
    row = Result(
        "k", "mean", None, "not estimable", method="by a <t> test", reason="an arm has <2 values", notebook="n"
    )
    config = SimpleNamespace(trialbook_code="", trialbook_data="")
    lines = Passports(Executed({"n": []}, {}, {"k": row}, {}, {}), config).lines(row)
    assert lines == {"Method": "by a &lt;t&gt; test", "Reason": "an arm has &lt;2 values"}


def test_agreement_is_to_six_digits():
    assert passport.agree(67.1, 67.10000000000001) and passport.agree([2, 10], [2, 10]) and passport.agree("a", "a")
    assert not passport.agree(67.1, 67.1002) and not passport.agree([2, 10], [3, 10])


def test_raw_values_have_all_their_digits():
    assert passport.raw([0.1 + 0.2, 10]) == "0.30000000000000004, 10"
