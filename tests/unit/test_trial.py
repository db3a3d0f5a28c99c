"""Reading a trial: what is valid, and who is analysed."""

from dataclasses import replace

import pytest
from conftest import NK_INR, TRIALS

from trialbook import cli
from trialbook.analysis import adverse_events, baseline, efficacy, exposure, flow, laboratory, longitudinal, protocol
from trialbook.errors import FaultsError, UserError

ANALYSES = (
    protocol.facts,
    flow.flow,
    baseline.baseline,
    exposure.exposure,
    adverse_events.adverse_events,
    laboratory.by_visit,
    efficacy.by_visit,
    efficacy.final_difference,
    longitudinal.anova,
    efficacy.gee,
)


# valid trials


def test_our_trial_is_valid(capsys):
    assert cli.main(["validate", str(NK_INR)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "NK-INR is valid: 20 participants" in said.out


@pytest.mark.parametrize("name", sorted(path.name for path in TRIALS.iterdir() if path.is_dir()))
def test_real_trials_are_valid(real, name):
    found = real(name)
    assert found.facts.provenance == "real"
    assert [arm.role for arm in found.arms] == ["test", "reference"]
    assert found.facts.visits.unit == "week"
    assert sum(map(len, found.subjects().values())) == len(found.adsl)


def same_rows(found, known):
    """Rows that are equal but for the last digits of their values, which depend on the order of sums."""
    for one, two in zip(found, known, strict=True):
        assert replace(one, value=None) == replace(two, value=None)
        exact = two.value is None or isinstance(two.value, str)
        assert one.value == (two.value if exact else pytest.approx(two.value, rel=1e-9, abs=1e-12)), one.key


def same_results(found, expected, first=0):
    """All analyses, or those from some on, give the same rows."""
    for analysis, known in zip(ANALYSES[first:], expected[first:], strict=True):
        same_rows(analysis(found), known)


@pytest.fixture(scope="module")
def expected(nk):
    """The results of the trial of the paper, analysis by analysis."""
    return [list(analysis(nk)) for analysis in ANALYSES]


def test_encoding_mark_line_ends_blanks_and_order_do_not_matter(copy, nk, expected):
    for path in copy.folder.glob("*.csv"):
        lines = path.read_text("utf8").splitlines()
        spaced = [", ".join(line.split(",")) for line in lines if '"' not in line]
        assert len(spaced) == len(lines)
        path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*spaced, "", ",,," * 3, ""]).encode())
    found = copy.read()
    assert list(found.adsl["USUBJID"]) == list(nk.adsl["USUBJID"])
    same_results(found, expected)


def test_old_mac_line_ends_and_trailing_blank_lines(copy, expected):
    path = copy.folder / "adlb.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r") + b"\r\r")
    found = copy.read()
    same_results(found, expected)


def test_quoted_commas_quotation_marks_and_line_ends_within_a_cell(copy):
    copy.cell("adsl", 3, "TRANSMIS", 'Other, "unknown"\nor not told')
    found = copy.read()
    assert found.adsl.loc[1, "TRANSMIS"] == 'Other, "unknown"\nor not told'
    copy.cell("adsl", 5, "ITTFL", "maybe")
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    assert refusal.value.faults[0].row == 6  # the line of the file: row 3 takes two


def test_columns_that_nobody_asked_for_are_left_alone(copy, expected):
    copy.table("adlb", lambda table: table.assign(SITE="01", VISITNOTE="=1+1"))
    copy.table("adsl", lambda table: table.assign(**{"": ""}))
    found = copy.read()
    same_results(found, expected)


def test_empty_age_and_sex_leave_their_lines_out(copy, nk):
    copy.table("adsl", lambda table: table.assign(AGE="", SEX=""))
    keys = {row.key for row in baseline.baseline(copy.read())}
    assert keys == {
        row.key for row in baseline.baseline(nk) if not row.key.startswith(("baseline.age.", "baseline.sex."))
    }


def test_absent_age_and_sex(copy):
    """Absent is well where trial.yml does not name them, and said where it does: a name may be misspelt."""
    copy.table("adsl", lambda table: table.drop(columns=["AGE", "SEX"]))
    with pytest.raises(FaultsError) as refusal:
        copy.read()
    text = str(refusal.value)
    assert "adsl.csv: the column AGE is missing" in text and "adsl.csv: the column SEX is missing" in text
    copy.facts(lambda facts: facts.update(baseline=facts["baseline"][2:]))
    assert not any(row.parameter in ("age", "sex") for row in baseline.baseline(copy.read()))


def test_absent_adverse_events_and_exposure(copy):
    (copy.folder / "adae.csv").unlink()
    (copy.folder / "adex.csv").unlink()
    found = copy.read()
    assert (found.adae, found.adex) == (None, None)
    assert len(adverse_events.adverse_events(found)) == len(exposure.exposure(found)) == 0
    assert cli.main(["validate", str(copy.folder)]) == 0


@pytest.mark.parametrize("baseline", ["1", "-2", "0.5"])
def test_baseline_may_have_any_number(copy, nk, expected, baseline):
    """The follow-up visits move ten on; nothing but visit numbers may differ."""
    moved = {visit.avisitn: visit.avisitn + 10 for visit in nk.facts.visits.schedule} | {0: float(baseline)}
    copy.table("adlb", lambda t: t.assign(AVISITN=[f"{moved[float(number)]:g}" for number in t["AVISITN"]]))

    def renumber(facts):
        facts["visits"]["baseline"] = float(baseline)
        for visit in facts["visits"]["schedule"]:
            visit["avisitn"] = moved[visit["avisitn"]]

    copy.facts(renumber)
    found = copy.read()
    same_results(found, expected, first=1)


def test_weeks_as_visits(real):
    found = real("amitriptyline_hivsn")
    assert protocol.facts(found)["visits.unit"].value == "week"
    assert protocol.facts(found)["visits.final"].value == "week 6"


def test_unscheduled_visits_are_counted_and_not_analysed(copy, nk):
    extra = copy.folder / "adlb.csv"
    row = extra.read_text("utf8").splitlines()[1].split(",")
    row[6], row[7], row[9], row[11:14] = "Unscheduled", "2.5", "9999", ["", "", ""]
    extra.write_text(extra.read_text("utf8") + ",".join(row) + "\n", "utf8")
    found = copy.read()
    assert flow.flow(found)["cohort.unscheduled.records"].value == 1
    same_rows(efficacy.by_visit(found), efficacy.by_visit(nk))


def test_text_of_trial_yml_stays_as_typed(copy):
    """YAML would make truths of Yes and No, 8 of 010 and a day of 2018-02-01."""
    copy.text("trial.yml", "F: Female, M: Male", "F: Yes, M: No")
    copy.text("trial.yml", "number: ChiCTR1900020634", "number: 010")
    copy.text("trial.yml", "enrolment: February to April 2018", "enrolment: 2018-02-01")
    copy.text("trial.yml", "site: Nankai University Second People's Hospital", "site:")
    facts = copy.read().facts
    assert facts.baseline[1].levels == {"F": "Yes", "M": "No"}
    assert (facts.registration.number, facts.enrolment, facts.site) == ("010", "2018-02-01", "")


def test_signs_in_categories_make_different_keys(copy):
    copy.table("adsl", lambda t: t.assign(TRANSMIS=["<50" if i % 2 else "≥50" for i in range(len(t))]))
    keys = {row.key for row in baseline.baseline(copy.read()) if row.parameter == "transmis" and row.group == "all"}
    assert len(keys) == 3


def test_another_analysis_set_changes_who_is_analysed(copy):
    copy.table("adsl", lambda t: t.assign(PPROTFL=t["PPROTFL"].where(t["USUBJID"] != "NKINR-001", "N")))
    found = copy.read()
    adherent = found.within("per_protocol")
    assert adherent.facts.analysis_sets.efficacy.label == "per protocol"
    sizes = [sum(map(len, t.values("CD4", t.facts.analysis_sets.efficacy).values())) for t in (found, adherent)]
    assert sizes == [len(found.adsl), len(found.adsl) - 1]


def test_an_analysis_set_that_is_not_declared_is_said(nk):
    with pytest.raises(UserError, match=r"trial\.yml: no set 'nobody' .* efficacy, safety, per_protocol"):
        nk.within("nobody")


def test_what_a_notebook_does_not_say_that_it_reads_cannot_be_used(nk):
    part = nk.only(["adsl", "adlb"], ["efficacy"])
    assert set(part.adlb["PARAMCD"]) == {"CD4", "CD8", "CD4CD8"}
    assert part.adsl is nk.adsl
    for use in (len, list, lambda table: table["AESEV"], lambda table: table.empty, lambda table: "AESEV" in table):
        with pytest.raises(UserError, match=r"adae is not among the tables .*\n.*`read_tables`"):
            use(part.adae)
