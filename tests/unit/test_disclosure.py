"""The disclosure gate: each kind is refused in words, passes with a named exception, and nothing else is refused."""

import json

import pandas as pd
import pytest

from trialbook import cli
from trialbook.checks import disclosure
from trialbook.checks.disclosure import DisclosureError
from trialbook.displays import figures, tables
from trialbook.errors import FaultsError, UserError
from trialbook.results import row as results
from trialbook.trial import config
from trialbook.trial.config import read_facts


@pytest.fixture
def adsl(copy):
    return pd.read_csv(copy.folder / "adsl.csv")


@pytest.fixture
def gate(copy, tmp_path):
    """Check the trial's copy, by the defaults, against one executed notebook whose cell ``shown`` shows some things."""
    copy.facts(lambda stated: stated.pop("disclosure"))
    folder = tmp_path / "executed"
    folder.mkdir()

    def check(*shown, source=""):
        outputs = [_output(thing) for thing in shown]
        cells = [{"id": "shown", "cell_type": "code", "source": source, "outputs": outputs}]
        (folder / "02_safety.ipynb").write_text(json.dumps({"cells": cells}), "utf8")
        return disclosure.check(copy.folder, read_facts(copy.folder), folder)

    return check


def _output(thing):
    """What a notebook keeps of a thing that is shown or, if it is a text, printed."""
    if isinstance(thing, str):
        return {"output_type": "stream", "text": thing}
    if hasattr(thing, "_repr_mimebundle_"):
        bundle = thing._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    else:
        data, metadata = {"text/plain": repr(thing), "text/html": thing._repr_html_()}, {}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _row(key, value, statistic, **given):
    made = results.Results()
    made.add(key, value, statistic, **given)
    return made


def _table(rows, columns=("", "NK+ART", "ART"), key="safety.some"):
    return tables.Table(key, list(columns), rows)


def _figure(label, alt="Something."):
    """A figure with a label, and its alternative text."""
    drawing, axes = figures.figure.plt.subplots()
    axes.set_title(label)
    return figures.Figure("safety.timeline", drawing, alt)


def _crossed(adsl):
    return pd.crosstab(adsl["SEX"], adsl["TRANSMIS"])


DISCLOSED = {
    "identifier": {
        "in a row's value": lambda adsl: _row("safety.first", "NKINR-003", "text"),
        "in a key": lambda adsl: _row("safety.nkinr_003.days", 4, "count"),
        "in a table": lambda adsl: _table([tables.Row("NKINR-003", ["1", "2"])]),
        "printed": lambda adsl: "the first was nkinr 003.",
        "in a figure": lambda adsl: _figure("NKINR-003"),
        "in an alternative text": lambda adsl: _figure("Days", "Days of NKINR-003."),
    },
    "date": {
        "in a row": lambda adsl: _row("safety.first", "2018-02-06", "text"),
        "with a time": lambda adsl: "2018-02-06T10:30",
        "in words": lambda adsl: "on 6 February 2018",
        "in American": lambda adsl: "on Feb. 6 and February 6th, 2018",
        "with points": lambda adsl: "am 6.2.2018",
        "as SAS writes it": lambda adsl: "06FEB2018",
        "in a key": lambda adsl: _row("cohort.on_2018_02_06.n", 12, "count"),
        "that no table holds": lambda adsl: "since 1999-12-31",
        "in a figure": lambda adsl: _figure("2018-02-06"),
    },
    "listing": {
        "with the identifiers' column": lambda adsl: adsl.iloc[:2, 1:2].assign(USUBJID=""),
        "printed, with that column": lambda adsl: "USUBJID  EVENT\n      1  fever\n      2  fever",
        "without it": lambda adsl: adsl[["AGE", "SEX", "NADIRCD4"]],
        "printed": lambda adsl: adsl[["AGE", "SEX", "NADIRCD4"]].head().to_string(),
        "printed as CSV": lambda adsl: adsl[["AGE", "SEX", "NADIRCD4"]].head().to_csv(),
        "of the book's own": lambda adsl: _table(
            [
                tables.Row(str(i), [str(age), {"F": "Female", "M": "Male"}[sex], str(years)])
                for i, (age, sex, years) in enumerate(zip(adsl["AGE"], adsl["SEX"], adsl["HIVDUR"], strict=True))
            ],
            ["No.", "Age", "Sex", "Time since HIV diagnosis"],
        ),
        "as a figure": lambda adsl: _figure("Participant, numbered within the arm"),
        "as a figure that says so": lambda adsl: _figure("ALT", "The highest ALT of each participant."),
        "by participant": lambda adsl: _table([tables.Row("1", ["Fever", "3"])], ["Participant", "Event", "Day"]),
    },
    "small cell": {
        "crossed": _crossed,
        "crossed, in lines": lambda adsl: adsl.groupby(["SEX", "TRANSMIS"])[["ITTFL"]].count(),
        "in a section": lambda adsl: _table(
            [tables.Row("Female"), tables.Row("Heterosexual contact", ["1 (10%)", "8"], 1)]
        ),
        "of two variables": lambda adsl: _row("baseline.sex.transmis.n", 2, "count", method="rows of ADSL"),
        "share of two variables": lambda adsl: _row("baseline.x.n_pct", [1, 10], "n (%)", method="SEX: F, RACE: ASIAN"),
        "an outcome in few": lambda adsl: _row("cd4.final.sex.f.mean", 310.0, "mean", n=1),
        "an event in few": lambda adsl: _row("safety.fever.sex.f.n_of", [1, 3], "n of N"),
    },
}
CASES = [(kind, name) for kind, cases in DISCLOSED.items() for name in cases]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_tells_of_a_participant_is_refused_until_it_is_excepted_with_a_reason(kind, name, copy, gate, adsl):
    shown = DISCLOSED[kind][name](adsl)
    with pytest.raises(DisclosureError, match=rf"02_safety, cell shown, .*: {kind} \(") as refused:
        gate(shown)
    assert "disclosure.exceptions" in str(refused.value)
    kinds = sorted({kind for kind in DISCLOSED if f": {kind} (" in str(refused.value)})
    excepted = [{"kind": kind, "where": "02_safety/shown", "reason": "invented data"} for kind in kinds]
    copy.facts(lambda stated: stated.update(disclosure={"exceptions": excepted}))
    assert "excepted with a reason" in gate(shown)
    others = [other for other in excepted if other["kind"] != kind]
    copy.facts(lambda stated: stated.update(disclosure={"exceptions": others}))
    with pytest.raises(DisclosureError, match=f"{kind} "):
        gate(shown)


WELL = {
    "a marginal count of one": lambda adsl: _row("baseline.sex.nk_art.f.n_pct", [1, 10], "n (%)", method="SEX: F"),
    "an empty cell of a cross": lambda adsl: _row("baseline.sex.transmis.n", 0, "count"),
    "an event in one": lambda adsl: _row("safety.fever.nk_art.n_of", [1, 10], "n of N", method="AEDECOD"),
    "a month": lambda adsl: _row("cohort.first", "February 2018", "text"),
    "a year and a month": lambda adsl: "2018-02, 2018/03, 2018",
    "versions": lambda adsl: _row("software.pytz", "2024.1.20240101", "text"),
    "an interval of years": lambda adsl: "1998-2018-",
    "counts by visit": lambda adsl: _table(
        [tables.Row("n", ["10", "9", "9"]), tables.Row("n", ["9"] * 3)], ["", "Week 0", "Week 1", "Week 2"]
    ),
    "levels of one variable": lambda adsl: adsl["SEX"].value_counts().to_frame(),
    "means by sex": lambda adsl: adsl.groupby("TRT01P")[["AGE", "NADIRCD4"]].mean(),
    "a description": lambda adsl: adsl[["AGE", "NADIRCD4", "HIVDUR"]].describe(),
    "frequent terms": lambda adsl: pd.DataFrame({"AEBODSYS": ["A", "B"], "AEDECOD": ["C", "D"], "n": [1, 1]}),
    "a part of an identifier": lambda adsl: "NKINR-0034 and XNKINR-003",
    "nothing": lambda adsl: "",
}


@pytest.mark.parametrize("name", WELL)
def test_what_trials_publish_passes(name, gate, adsl):
    assert "nothing published tells of a participant" in gate(WELL[name](adsl))


def test_the_course_of_each_participant_is_a_listing_also_without_any_heading(gate, nk):
    wide = nk.values("CD4")["art"].reset_index(drop=True)
    for listing in (wide, wide.T, wide.head(3)):
        listing = listing.set_axis([f"c{i}" for i in range(listing.shape[1])], axis=1)
        with pytest.raises(DisclosureError, match="courses of single participants"):
            gate(listing)
    gate(wide.describe())


def test_the_source_of_a_cell_is_published_too(gate):
    with pytest.raises(DisclosureError, match=r"source: identifier \(NKINR-007\)"):
        gate(source=["study\n", "who = 'NKINR-007'"])


def test_a_date_that_trial_yml_states_is_no_participants(copy, gate):
    copy.facts(lambda stated: stated.update(enrolment="6 February 2018 to 30 April 2018"))
    gate("enrolled from 6 February 2018")
    with pytest.raises(DisclosureError, match="7 February 2018"):
        gate("enrolled on 7 February 2018")


def test_numbers_are_no_identifiers_unless_they_are_long(copy, gate):
    def numbered(length):
        return lambda table: table.assign(SUBJID=[f"{i:0{length}}" for i in range(11, 11 + len(table))])

    copy.table("adsl", numbered(2))
    gate("11 of 20")
    copy.table("adsl", numbered(6))
    gate("of 0.000011, 1000,011")
    with pytest.raises(DisclosureError, match="000011"):
        gate("number 000011")


def test_the_quasi_identifiers_and_the_smallest_cell_can_be_declared(copy, gate):
    row = _row("cd4.final.sex.f.mean", 310.0, "mean", n=4)
    with pytest.raises(DisclosureError, match="SEX: 310, of 4"):
        gate(row)
    copy.facts(lambda stated: stated.update(disclosure={"smallest_cell": 4}))
    gate(row)
    copy.facts(lambda stated: stated.update(disclosure={"quasi_identifiers": ["AGE"]}))
    assert gate(row).endswith("are the only one with their AGE")
    copy.facts(lambda stated: stated.update(disclosure={"quasi_identifiers": ["AGE", "SECT"]}))
    with pytest.raises(UserError, match="no column SECT"):
        gate(row)


def test_those_whom_the_tables_would_tell_are_counted_and_warned_of_where_they_are_real(copy, gate, adsl):
    combined = adsl[["AGE", "SEX", "RACE", "TRANSMIS"]].value_counts()
    said = gate()
    assert f"{(combined == 1).sum()} of 20 participants are the only one" in said
    assert "do not publish the tables" not in said
    copy.facts(lambda stated: stated.update(provenance="real"))
    assert "do not publish the tables" in gate()


def test_an_exception_that_excepts_nothing_is_a_fault(copy, gate):
    unused = {"kind": "date", "where": "safety.*", "reason": "invented data"}
    copy.facts(lambda stated: stated.update(disclosure={"exceptions": [unused]}))
    gate(_row("safety.first", "2018-02-06", "text"))
    with pytest.raises(DisclosureError, match=r"nothing published is a date at 'safety\.\*'"):
        gate()


@pytest.mark.parametrize(
    ("exception", "said"),
    [
        ({"kind": "date", "where": "safety.*"}, "reason: the key is missing"),
        ({"kind": "date", "where": "safety.*", "reason": ""}, "reason: the key is missing"),
        ({"kind": "date", "where": "*", "reason": "all"}, "must begin with the name of a notebook or of a key"),
        ({"kind": "dates", "where": "safety.*", "reason": "some"}, "kind: "),
    ],
)
def test_an_exception_must_be_precise_and_give_its_reason(copy, exception, said):
    copy.facts(lambda stated: stated.update(disclosure={"exceptions": [exception]}))
    with pytest.raises(FaultsError, match=r"disclosure\.exceptions\.1\.") as refused:
        config.read_facts(copy.folder)
    assert said in str(refused.value)


def test_many_disclosures_stay_on_one_screen(gate, adsl):
    rows = results.Results()
    for number, who in enumerate(adsl["USUBJID"]):
        rows.add(f"safety.event_{number}", who, "text")
    with pytest.raises(DisclosureError, match=r"20 disclosure faults found(.|\n)*and 10 more$"):
        gate(rows)
    with pytest.raises(DisclosureError, match=r"identifier \(NKINR-\d+, NKINR-\d+, NKINR-\d+ and 17 more\)"):
        gate("\n".join(adsl["USUBJID"]))


def test_the_command_fails_with_words(copy, tmp_path, capsys):
    (tmp_path / "01_cohort.ipynb").write_text(
        json.dumps({"cells": [{"id": "flow", "source": "", "outputs": [_output("NKINR-001")]}]}), "utf8"
    )
    assert cli.main(["disclose", str(copy.folder), str(tmp_path)]) == 1
    assert "01_cohort, cell flow, text: identifier (NKINR-001)" in capsys.readouterr().err
