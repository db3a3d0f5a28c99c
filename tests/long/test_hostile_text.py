"""Text is text: whatever a trial's own words hold, no page, figure or file of the book takes it for anything else."""

import csv
import json
import re
import xml.etree.ElementTree as ET

import pytest
import yaml
from bs4 import BeautifulSoup
from builds import Copy

from trialbook.trial.generate import generate

HOSTILE = [
    'x<script id="evil">alert(1)</script>',
    "\"><img src=x class=evil onerror='alert(2)'>",
    "</script><script>evil()</script>",
    "--><svg onload=evil()>",
    "{{ 7 * 7 }} {% raw %}",
    r"\input{evil} \def\x{y}",
    "$5 to $10",
    r"NK $\foo$ x",
    "&amp; & %s 100% #1 a_b ^ ~",
    "`code` **bold** [x](javascript:evil())",
    "{num}`trial.title`",
    "\u202eright to left",
    "a" * 150,
]
PLAIN = ("study", "title", "short_title", "design", "allocation", "funding", "site", "enrolment")


def text(number):
    return HOSTILE[number % len(HOSTILE)]


def make_hostile(folder):
    """Put hostile text into every text of trial.yml that is no name, and into every free text of the tables."""
    path = folder / "trial.yml"
    facts = yaml.safe_load(path.read_text("utf8"))
    for number, key in enumerate(PLAIN):
        facts[key] = text(number)
    places = [*facts["arms"], *facts["parameters"], *facts["baseline"], *facts["visits"]["schedule"]]
    for number, place in enumerate(places):
        place["label"] = f"{text(number)} {number}"
    for number, parameter in enumerate(facts["parameters"]):
        parameter["unit"] = text(number + 3)
    facts["intervention"]["product"] = text(1)
    facts["registration"] = {"registry": text(0), "number": text(2)}
    facts["baseline"][1]["levels"] = {"F": text(0), "M": text(7)}
    facts["harms"] = {"window": text(1), "collected": text(5), "coding": text(6), "assessed_by": text(8)}
    attributes = ("label", "population", "treatments", "variable", "intercurrent_events", "summary")
    facts["estimands"] = [{"id": "final", **{name: text(n) for n, name in enumerate(attributes)}}]
    path.write_text(yaml.safe_dump(facts, allow_unicode=True), "utf8")
    units = {parameter["paramcd"]: parameter["unit"] for parameter in facts["parameters"]}
    for name, columns in {
        "adae": ["AETERM", "AEDECOD", "AEBODSYS"],
        "adsl": ["REGION"],
        "adlb": ["PARAM", "AVALU"],
    }.items():
        file = folder / f"{name}.csv"
        with file.open(encoding="utf8", newline="") as source:
            rows = list(csv.DictReader(source))
        for column in columns:
            known = sorted({row[column] for row in rows})
            for row in rows:
                row[column] = f"{text(known.index(row[column]))} {known.index(row[column])}"
                if column == "AVALU":
                    row[column] = units[row["PARAMCD"]]
        with file.open("w", encoding="utf8", newline="") as target:
            writer = csv.DictWriter(target, rows[0])
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The book of a trial with hostile words."""
    copy = Copy.of_sources(tmp_path_factory.mktemp("hostile") / "copy")
    folder = copy.folder / "trial"
    generate(folder, events=40)
    make_hostile(folder)
    copy.make("trial", draft=True)
    copy.run("trialbook", "pages", "--trial", "trial", "--builder", "latex", "--draft")
    return next(copy.folder.glob("_build/**/html/book")).parent, next(copy.folder.glob("_build/**/paper.tex"))


def pages(hostile):
    return {path: BeautifulSoup(path.read_text("utf8"), "html.parser") for path in hostile[0].rglob("*.html")}


def test_no_page_has_an_element_that_came_from_the_data(hostile):
    for path, page in pages(hostile).items():
        assert not page.select("#evil, .evil, img[src=x], [onload*=evil], [onerror]"), path
        assert not [link for link in page.select("[href]") if link["href"].startswith("javascript:evil")], path
        for script in page.select("script"):
            kind = script.get("type", "")
            if kind == "application/json":
                json.loads(script.string)
            else:
                assert "evil" not in (script.string or ""), path


def test_the_words_are_shown_as_they_are(hostile):
    site = " ".join(page.get_text() for page in pages(hostile).values())
    for words in HOSTILE[:9]:
        assert words in site, words
    front = BeautifulSoup((hostile[0] / "book/index.html").read_text("utf8"), "html.parser")
    assert text(2) in front.select_one(".logo__title").get_text()


def test_figures_are_well_formed_and_run_nothing(hostile):
    drawn = list(hostile[0].rglob("*.svg"))
    assert drawn
    for path in drawn:
        for element in ET.parse(path).iter():
            assert not element.tag.endswith("script"), path
            assert not [name for name in element.attrib if name.startswith("on")], path


def test_files_of_numbers_are_json(hostile):
    for path in hostile[0].rglob("*.json"):
        json.loads(path.read_text("utf8"))


def test_tex_reads_no_command_of_the_data(hostile):
    source = hostile[1].read_text("utf8")
    assert not re.search(r"\\input\{evil|\\foo\b|\\def\\x", source)
    assert r"\textbackslash{}input" in source
    assert not re.search(r"(?<!\\)\$5 to", source)
