"""What the tables of a trial hold of its participants, and how what is published is compared with it."""

import csv
import json
import re
from collections import Counter, defaultdict
from functools import cached_property
from pathlib import Path

from trialbook.errors import UserError

IDENTIFIERS = ("USUBJID", "SUBJID")
QUASI_IDENTIFIERS = ("AGE", "SEX", "RACE", "ETHNIC", "COUNTRY", "REGION", "SITEID")  # where ADSL has them
TABLES = ("adsl", "adlb", "adae", "adex")


class Participants:
    """What the tables of a trial hold of its participants, as text."""

    def __init__(self, folder, facts):
        self.facts = facts
        self.tables = {name: _rows(Path(folder, f"{name}.csv")) for name in TABLES}
        declared = facts.disclosure.quasi_identifiers
        known = set(self.tables["adsl"][0])
        if unknown := [name for name in declared if name not in known]:
            raise UserError(
                f"{folder}/trial.yml, disclosure.quasi_identifiers: adsl.csv has no column {unknown[0]}\n"
                "      → correct its spelling, or take it out"
            )
        categories = [line.variable for line in facts.baseline if line.variable and line.type == "category"]
        by_default = [name for name in dict.fromkeys([*QUASI_IDENTIFIERS, *categories]) if name in known]
        self.quasi = declared or by_default

    @cached_property
    def sought(self):
        """The words of each identifier and each date of the tables: (kind, as it is written) by the words."""
        found = {}
        for table in self.tables.values():
            for column in table[0] if table else []:
                kind = "identifier" if column in IDENTIFIERS else "date" if re.search("DT[CM]?$", column) else None
                for value in {row[column] for row in table} if kind else ():
                    words = words_of(value)
                    letters = "".join(words)
                    if len(letters) >= 8 if kind == "date" else len(letters) >= 5 or re.search("[a-z]", letters):
                        found[words] = (kind, value)
        return found

    @cached_property
    def stated(self):
        """All that ``trial.yml`` says, its exceptions apart."""
        return spoken(json.dumps(self.facts.model_dump(exclude={"disclosure"}), default=str, ensure_ascii=False))

    @cached_property
    def variables(self):
        """The variable that a heading names: its name itself, or its label in the baseline table."""
        named = {column.casefold(): column for table in self.tables.values() if table for column in table[0]}
        labels = {line.label.casefold(): line.variable for line in self.facts.baseline if line.variable}
        return labels | named

    @cached_property
    def levels(self):
        """The values of each quasi-identifier, and the labels they are shown with, as they are compared."""
        lines = {line.variable: line.levels for line in self.facts.baseline if line.variable}
        found = {}
        for name in self.quasi:
            values = {plain_value(row[name]): plain_value(row[name]) for row in self.tables["adsl"] if row[name]}
            found[name] = values | {
                plain_value(label): plain_value(value) for value, label in lines.get(name, {}).items()
            }
        return found

    @cached_property
    def courses(self):
        """The values of each participant and parameter in the order of the visits, where they differ."""
        courses = defaultdict(dict)
        for row in self.tables["adlb"]:
            if row.get("AVAL"):
                courses[row["USUBJID"], row["PARAMCD"]][float(row["AVISITN"])] = float(row["AVAL"])
        ordered = (tuple(by_visit[visit] for visit in sorted(by_visit)) for by_visit in courses.values())
        return {course for course in ordered if len(course) > 2 and len(set(course)) > 1}

    def told(self, table, columns):
        """The combinations of values of some columns of a table that belong to exactly one participant each."""
        holders = defaultdict(set)
        for row in self.tables[table]:
            holders[tuple(self.value(column, row[column]) for column in columns)].add(row["USUBJID"])
        return {values for values, who in holders.items() if len(who) == 1}

    def value(self, column, text):
        """A value as it is compared: a label is the value it stands for."""
        plain = plain_value(text)
        return self.levels.get(column, {}).get(plain, plain)

    def unique(self):
        """Count the participants whom their quasi-identifiers tell from all others."""
        combinations = Counter(tuple(row[name] for name in self.quasi) for row in self.tables["adsl"])
        return sum(count == 1 for count in combinations.values()) if self.quasi else 0


def words_of(text):
    """Take a text apart into lower-case words; a point or comma within a number does not part it."""
    return tuple(re.findall(r"[^\W_]+", re.sub(r"(?<=\d)[.,](?=\d)", "", text).lower()))


def spoken(text):
    """The words of a text between single blanks, one before and one behind, so that whole words are sought in it."""
    return f" {' '.join(words_of(text))} "


def plain_value(text):
    """A value as it is compared: a number as one, a text without regard to case."""
    try:
        return float(text)
    except ValueError:
        return text.strip().casefold()


def _rows(path):
    """The rows of a table as texts by column; none where the trial does not have it."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        return [{name: (cell or "").strip() for name, cell in row.items() if name} for row in rows if any(row.values())]
