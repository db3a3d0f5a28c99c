"""What the tables of a trial hold of its participants, and how what is published is compared with it."""

import json
import re
from collections import defaultdict
from datetime import date
from functools import cached_property
from html import unescape
from unicodedata import category, normalize

import pandas as pd

from trialbook.errors import UserError
from trialbook.trial.config import TABLES
from trialbook.trial.model import Trial

IDENTIFIERS = ("USUBJID", "SUBJID")
QUASI_IDENTIFIERS = ("AGE", "SEX", "RACE", "ETHNIC", "COUNTRY", "REGION", "SITEID")  # where ADSL has them
_DATE_COLUMN = re.compile(r".*DT[CM]?")

Plain = float | str


class Participants:
    """What the tables of a trial hold of its participants, as they are compared with what is published.

    Parameters
    ----------
    trial : Trial

    Raises
    ------
    UserError
        If a quasi-identifier that ``trial.yml`` declares is no column of ADSL.
    """

    def __init__(self, trial: Trial):
        self.facts = trial.facts
        self.tables = {name: table for name in TABLES if (table := getattr(trial, name)) is not None}
        declared = self.facts.disclosure.quasi_identifiers
        if unknown := [name for name in declared if name not in trial.adsl]:
            raise UserError(
                f"{trial.folder}/trial.yml, disclosure.quasi_identifiers: adsl.csv has no column {unknown[0]}\n"
                "      → correct its spelling, or take it out"
            )
        categories = [line.variable for line in self.facts.baseline if line.variable and line.type == "category"]
        by_default = [name for name in dict.fromkeys([*QUASI_IDENTIFIERS, *categories]) if name in trial.adsl]
        self.quasi = declared or by_default

    @cached_property
    def sought(self) -> dict[tuple[str, ...], tuple[str, str]]:
        """The words of each identifier and each date of the tables: (kind, as it is written) by the words."""
        found = {}
        for table in self.tables.values():
            for column in (column for column in table if column in IDENTIFIERS or _DATE_COLUMN.fullmatch(column)):
                for value in table[column].dropna().unique():
                    words = words_of(value)
                    letters = "".join(words)
                    if column not in IDENTIFIERS and len(letters) >= 8:
                        found[words] = ("date", value)
                    elif column in IDENTIFIERS and (len(letters) >= 5 or re.search("[a-z]", letters)):
                        found[words] = ("identifier", value)
        return found

    @cached_property
    def days(self) -> set[date]:
        """The days that the tables' columns of dates hold."""
        found = set()
        for kind, value in self.sought.values():
            if kind == "date" and (day := re.match(r"(\d{4})-(\d{2})-(\d{2})", value)):
                found.add(date(*map(int, day.groups())))
        return found

    @cached_property
    def rows(self) -> dict[Plain, set[str]]:
        """Who has each value of ADSL, identifiers and arms apart: the values by which a line of a listing is known."""
        holders: dict[Plain, set[str]] = defaultdict(set)
        adsl = self.tables["adsl"]
        for column in [
            c for c in adsl if c not in IDENTIFIERS and not re.fullmatch(r"STUDYID|(ACT)?ARM\w*|TRT\d\d\w+|\w+FL", c)
        ]:
            for who, cell in zip(adsl["USUBJID"], adsl[column], strict=True):
                if (plain := plain_value(cell)) != "":
                    holders[plain].add(who)
        return holders

    @cached_property
    def stated(self) -> str:
        """All that ``trial.yml`` says, its exceptions apart."""
        return spoken(json.dumps(self.facts.model_dump(exclude={"disclosure"}), default=str, ensure_ascii=False))

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variable that a heading names: its name itself, or its label in the baseline table."""
        named = {column.casefold(): column for table in self.tables.values() for column in table}
        labels = {line.label.casefold(): line.variable for line in self.facts.baseline if line.variable}
        return labels | named

    @cached_property
    def levels(self) -> dict[str, dict[Plain, Plain]]:
        """The values of each quasi-identifier, and the labels they are shown with, as they are compared."""
        lines = {line.variable: line.levels for line in self.facts.baseline if line.variable}
        found = {}
        for name in self.quasi:
            values = {plain_value(value): plain_value(value) for value in self.tables["adsl"][name].dropna()}
            labels = {plain_value(label): plain_value(value) for value, label in lines.get(name, {}).items()}
            found[name] = values | labels
        return found

    @cached_property
    def courses(self) -> set[tuple[float, ...]]:
        """The values of each participant and parameter in the order of the visits, where they differ."""
        values = self.tables["adlb"].dropna(subset=["AVAL"]).sort_values("AVISITN")
        courses = values.groupby(["USUBJID", "PARAMCD"])["AVAL"].agg(tuple)
        return {course for course in courses if len(course) > 2 and len(set(course)) > 1}

    def told(self, table: str, columns: list[str]) -> set[tuple[Plain, ...]]:
        """The combinations of values of some columns of a table that belong to exactly one participant each."""
        rows = self.tables[table]
        compared = pd.DataFrame({column: [self.value(column, cell) for cell in rows[column]] for column in columns})
        holders = rows["USUBJID"].groupby([*map(compared.get, columns)], sort=False).nunique()
        return set(holders.index[holders == 1])

    def value(self, column: str, cell: Plain) -> Plain:
        """A value as it is compared: a label is the value it stands for."""
        plain = plain_value(cell)
        return self.levels.get(column, {}).get(plain, plain)

    def unique(self) -> int:
        """Count the participants whom their quasi-identifiers tell from all others."""
        if not self.quasi:
            return 0
        return int((self.tables["adsl"][self.quasi].value_counts(dropna=False) == 1).sum())


def written(text: str) -> list[str]:
    """Write a text as it is read by a reader, by a program, and by whoever knows what it is made of.

    Parameters
    ----------
    text : str
        Plain, HTML or Markdown.

    Returns
    -------
    list of str
        As it is, without invisible characters and with those of other widths made usual; besides without the tags of
        HTML, what stands in comments kept, and not kept; and without the marks of emphasis of Markdown too.
    """
    usual = "".join(char for char in normalize("NFKC", unescape(text)) if category(char) != "Cf")
    untagged = re.sub(r"<!--|-->", " ", re.sub(r"<(?!!--)[^<>]*>", "", usual))
    uncommented = re.sub(r"<!--.*?-->|<[^<>]*>", "", usual, flags=re.DOTALL)
    return list(dict.fromkeys([usual, untagged, uncommented, re.sub(r"[*_`~\\{}]", "", untagged)]))


def words_of(text: str) -> tuple[str, ...]:
    """Take a text apart into lower-case words; a point or comma within a number does not part it."""
    return tuple(re.findall(r"[^\W_]+", re.sub(r"(?<=\d)[.,](?=\d)", "", text).lower()))


def spoken(text: str) -> str:
    """The words of a text between single blanks, one before and one behind, so that whole words are sought in it."""
    return f" {' '.join(words_of(text))} "


def plain_value(cell: Plain) -> Plain:
    """A value as it is compared: a number as one, a text without regard to case, what is missing as an empty text."""
    try:
        number = float(cell)
    except ValueError:
        return str(cell).strip().casefold()
    return "" if number != number else number
