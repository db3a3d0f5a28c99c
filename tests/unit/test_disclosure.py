"""The disclosure gate: each kind is refused in words, passes with a named exception, and nothing else is refused."""

from dataclasses import replace

import pandas as pd
import pytest
from builds import ROOT

from notebooks import write
from trialbook import cli
from trialbook.checks import disclosure
from trialbook.checks.disclosure import DisclosureError
from trialbook.displays import figures, tables
from trialbook.errors import FaultsError, UserError
from trialbook.project import Project
from trialbook.results.row import Results
from trialbook.trial.config import read_facts
from trialbook.trial.stated import Disclosure


@pytest.fixture
def adsl(nk):
    return nk.adsl


@pytest.fixture
def gate(nk, tmp_path):
    """Check a trial, by the defaults ours, against a notebook whose cell ``shown`` shows some things."""

    def check(*shown, source="", trial=nk, **declared):
        write(tmp_path / "02_safety.ipynb", {"shown": shown}, source)
        facts = trial.facts.model_copy(update={"disclosure": Disclosure(**declared)})
        return disclosure.check(replace(trial, facts=facts), tmp_path)

    return check


def row(key, value, statistic, **given):
    made = Results()
    made.add(key, value, statistic, **given)
    return made


def table(rows, columns=("", "NK+ART", "ART"), key="safety.some"):
    return tables.Table(key, list(columns), rows)


def listed(frame, label="No."):
    """A table with the lines of a data frame."""
    lines = zip(frame.index, frame.astype(str).to_numpy().tolist(), strict=True)
    return table([tables.Row(str(name), cells) for name, cells in lines], [label, *map(str, frame.columns)])


def figure(label, alt="Something."):
    """A figure with a label, and its alternative text."""
    drawing, axes = figures.figure.plt.subplots()
    axes.set_title(label)
    return figures.Figure("safety.timeline", drawing, alt)


def in_markdown(text):
    plain = "<IPython.core.display.Markdown object>"
    return {"output_type": "display_data", "data": {"text/markdown": text, "text/plain": plain}, "metadata": {}}


DISCLOSED = {
    "identifier": {
        "in a row's value": lambda adsl: row("safety.first", "NKINR-003", "text"),
        "in a row's reason": lambda adsl: row("safety.first", None, "mean", reason="NKINR-003 left"),
        "in a key": lambda adsl: row("safety.nkinr_003.days", 4, "count"),
        "in a table": lambda adsl: table([tables.Row("NKINR-003", ["1", "2"])]),
        "in a footnote": lambda adsl: tables.Table("safety.some", [""], [], ["But NKINR-003."]),
        "printed": lambda adsl: "The first was nkinr 003.",
        "in Markdown": lambda adsl: in_markdown("The first was *NKINR-003*."),
        "in a figure": lambda adsl: figure("NKINR-003"),
        "in an alternative text": lambda adsl: figure("Days", "Days of NKINR-003."),
    },
    "date": {
        "in a row": lambda adsl: row("safety.first", "2018-02-06", "text"),
        "with a time": lambda adsl: row("safety.first", "2018-02-06T10:30", "text"),
        "in words": lambda adsl: "on 6 February 2018",
        "in American": lambda adsl: "on Feb. 6 and February 6th, 2018",
        "with points": lambda adsl: "am 6.2.2018",
        "as SAS writes it": lambda adsl: "on 06FEB2018",
        "in a key": lambda adsl: row("cohort.on_2018_02_06.n", 12, "count"),
        "that no table holds": lambda adsl: "since 1999-12-31",
        "in Markdown": lambda adsl: in_markdown("## Since 1999-12-31"),
        "in a figure": lambda adsl: figure("2018-02-06"),
    },
    "listing": {
        "with the identifiers' column": lambda adsl: listed(adsl.iloc[:2, 1:2].assign(USUBJID="")),
        "without it": lambda adsl: listed(adsl[["AGE", "SEX", "NADIRCD4"]]),
        "of some": lambda adsl: listed(adsl[["AGE", "SEX", "NADIRCD4"]].head()),
        "by the variables' labels": lambda adsl: table(
            [
                tables.Row(str(i), [str(age), {"F": "Female", "M": "Male"}[sex], str(years)])
                for i, (age, sex, years) in enumerate(zip(adsl["AGE"], adsl["SEX"], adsl["HIVDUR"], strict=True))
            ],
            ["No.", "Age", "Sex", "Time since HIV diagnosis"],
        ),
        "as a figure": lambda adsl: figure("Participant, numbered within the arm"),
        "as a figure that says so": lambda adsl: figure("ALT", "The highest ALT of each participant."),
        "by participant": lambda adsl: table([tables.Row("1", ["Fever", "3"])], ["Participant", "Event", "Day"]),
    },
    "small cell": {
        "crossed": lambda adsl: listed(pd.crosstab(adsl["SEX"], adsl["TRANSMIS"]), "SEX"),
        "crossed, in lines": lambda adsl: listed(
            adsl.groupby(["SEX", "TRANSMIS"]).size().to_frame("n").reset_index("TRANSMIS"), "SEX"
        ),
        "in a section": lambda adsl: table(
            [tables.Row("Female"), tables.Row("Heterosexual contact", ["1 (10%)", "8"], 1)]
        ),
        "of two variables": lambda adsl: row("baseline.sex.transmis.n", 2, "count", method="rows of ADSL"),
        "share of two variables": lambda adsl: row("baseline.x.n_pct", [1, 10], "n (%)", method="SEX: F, RACE: ASIAN"),
        "as the row's label": lambda adsl: row("baseline.sex.n_pct", [1, 10], "n (%)", label="RACE: ASIAN"),
        "an outcome in few": lambda adsl: row("cd4.final.sex.f.mean", 310.0, "mean", n=1),
        "an event in few": lambda adsl: row("safety.fever.sex.f.n_of", [1, 3], "n of N"),
    },
}
CASES = [(kind, name) for kind, cases in DISCLOSED.items() for name in cases]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_tells_of_a_participant_is_refused_until_it_is_excepted_with_a_reason(kind, name, gate, adsl):
    shown = DISCLOSED[kind][name](adsl)
    with pytest.raises(DisclosureError, match=rf"02_safety, cell shown, .*: {kind} \(") as refused:
        gate(shown)
    assert "disclosure.exceptions" in str(refused.value)
    kinds = sorted({kind for kind in DISCLOSED if f": {kind} (" in str(refused.value)})
    excepted = [{"kind": kind, "where": "02_safety/shown", "reason": "invented data"} for kind in kinds]
    assert "excepted with a reason" in gate(shown, exceptions=excepted)
    others = [other for other in excepted if other["kind"] != kind]
    with pytest.raises(DisclosureError, match=f"{kind} "):
        gate(shown, exceptions=others)


WELL = {
    "a marginal count of one": lambda adsl: row("baseline.sex.nk_art.f.n_pct", [1, 10], "n (%)", method="SEX: F"),
    "an empty cell of a cross": lambda adsl: row("baseline.sex.transmis.n", 0, "count"),
    "an event in one": lambda adsl: row("safety.fever.nk_art.n_of", [1, 10], "n of N", method="AEDECOD"),
    "a month": lambda adsl: row("cohort.first", "February 2018", "text"),
    "a year and a month": lambda adsl: row("cohort.first", "2018-02, 2018/03, 2018", "text"),
    "versions": lambda adsl: row("software.pytz", "2024.1.20240101", "text"),
    "an interval of years": lambda adsl: "in 1998-2018-",
    "counts by visit": lambda adsl: table([tables.Row("n", ["10", "9", "9"])] * 2, ["", "a", "b", "c"]),
    "levels of one variable": lambda adsl: listed(adsl["SEX"].value_counts().to_frame(), "SEX"),
    "means by arm": lambda adsl: listed(adsl.groupby("TRT01P")[["AGE", "NADIRCD4"]].mean(), "TRT01P"),
    "a description": lambda adsl: listed(adsl[["AGE", "NADIRCD4", "HIVDUR"]].describe()),
    "frequent terms": lambda adsl: listed(pd.DataFrame({"AEBODSYS": ["A", "B"], "AEDECOD": ["C", "D"], "n": [1, 1]})),
    "a part of an identifier": lambda adsl: "NKINR-0034 and XNKINR-003",
    "nothing": lambda adsl: "",
}


@pytest.mark.parametrize("name", WELL)
def test_what_trials_publish_passes(name, gate, adsl):
    assert "nothing published tells of a participant" in gate(WELL[name](adsl))


def test_the_course_of_each_participant_is_a_listing_also_without_any_heading(gate, nk):
    wide = nk.values("CD4")["art"].reset_index(drop=True)
    for listing in (wide, wide.T, wide.head(3)):
        with pytest.raises(DisclosureError, match="courses of single participants"):
            gate(listed(listing.set_axis([f"c{i}" for i in range(listing.shape[1])], axis=1)))
    gate(listed(wide.describe()))


def test_prose_and_the_source_of_a_cell_are_published_too(gate):
    with pytest.raises(DisclosureError, match=r"02_safety, cell shown, source: identifier \(NKINR-007\)"):
        gate(source=["study\n", "who = 'NKINR-007'"])


def test_a_date_that_trial_yml_states_is_no_participants(copy, gate):
    copy.facts(lambda stated: stated.update(enrolment="6 February 2018 to 30 April 2018"))
    gate("enrolled from 6 February 2018", trial=copy.read())
    with pytest.raises(DisclosureError, match="7 February 2018"):
        gate("enrolled on 7 February 2018", trial=copy.read())


def test_numbers_are_no_identifiers_unless_they_are_long(copy, gate):
    def numbered(length):
        copy.table("adsl", lambda own: own.assign(SUBJID=[f"{i:0{length}}" for i in range(11, 11 + len(own))]))
        return copy.read()

    gate("It was 11 of 20.", trial=numbered(2))
    gate("of 0.000011, 1000,011", trial=numbered(6))
    with pytest.raises(DisclosureError, match="000011"):
        gate("number 000011", trial=numbered(6))


def test_the_quasi_identifiers_and_the_smallest_cell_can_be_declared(gate):
    few = row("cd4.final.sex.f.mean", 310.0, "mean", n=4)
    with pytest.raises(DisclosureError, match="SEX: 310, of 4"):
        gate(few)
    gate(few, smallest_cell=4)
    assert gate(few, quasi_identifiers=["AGE"]).endswith("are the only one with their AGE")
    with pytest.raises(UserError, match="no column SECT"):
        gate(few, quasi_identifiers=["AGE", "SECT"])


def test_those_whom_the_tables_would_tell_are_counted_and_warned_of_where_they_are_real(nk, gate, adsl):
    combined = adsl[["AGE", "SEX", "RACE", "TRANSMIS"]].value_counts()
    said = gate()
    assert f"{(combined == 1).sum()} of 20 participants are the only one" in said
    assert "do not publish the tables" not in said
    real = replace(nk, facts=nk.facts.model_copy(update={"provenance": "real"}))
    assert "do not publish the tables" in gate(trial=real)


def test_an_exception_that_excepts_nothing_is_a_fault(gate):
    unused = {"kind": "date", "where": "safety.*", "reason": "invented data"}
    gate(row("safety.first", "2018-02-06", "text"), exceptions=[unused])
    with pytest.raises(DisclosureError, match=r"nothing at 'safety\.\*' is of the kind 'date'"):
        gate(exceptions=[unused])


@pytest.mark.parametrize(
    ("exception", "said"),
    [
        ({"kind": "date", "where": "safety.*"}, "reason: the key is missing"),
        ({"kind": "date", "where": "safety.*", "reason": ""}, "reason: the key is missing"),
        ({"kind": "date", "where": "*", "reason": "all"}, "must begin with the name of a notebook or of a key"),
        ({"kind": "dates", "where": "safety.*", "reason": "some"}, "kind: "),
        ({"kind": "unreadable", "where": "02_safety/*", "reason": "some"}, "kind: "),
    ],
)
def test_an_exception_must_be_precise_and_give_its_reason(copy, exception, said):
    copy.facts(lambda stated: stated.update(disclosure={"exceptions": [exception]}))
    with pytest.raises(FaultsError, match=r"disclosure\.exceptions\.1\.") as refused:
        read_facts(copy.folder)
    assert said in str(refused.value)


def test_many_disclosures_stay_on_one_screen(gate, adsl):
    rows = Results()
    for number, who in enumerate(adsl["USUBJID"]):
        rows.add(f"safety.event_{number}", who, "text")
    with pytest.raises(DisclosureError, match=r"20 disclosure faults found(.|\n)*and 10 more$"):
        gate(rows)
    with pytest.raises(DisclosureError, match=r"identifier \(NKINR-\d+, NKINR-\d+, NKINR-\d+ and 17 more\)"):
        gate(table([tables.Row(who, ["", ""]) for who in adsl["USUBJID"]]))


def test_the_command_fails_with_words(copy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    executed = Project.find(trial=copy.folder, output=tmp_path / "out").executed
    executed.mkdir(parents=True)
    write(executed / "01_cohort.ipynb", {"flow": ["It was NKINR-001."]})
    assert cli.main(["disclose", "--trial", str(copy.folder), "--output", str(tmp_path / "out")]) == 1
    assert "01_cohort, cell flow, text: identifier (NKINR-001)" in capsys.readouterr().err
