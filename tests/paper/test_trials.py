"""Other trials: their books are built by the same code, say what they lack, equal R, and leave ours as it was."""

import pytest
import yaml
from builds import ROOT, Site, differences
from reference import answers

NAMES = ("amitriptyline_hivsn", "actg175_n20")


@pytest.fixture(scope="module")
def books(book, real_trial, tmp_path_factory):
    """Our book with the drafts of both other trials' books built beside it, what was planned, and what was said."""
    copy = book.clone(tmp_path_factory.mktemp("trials") / "copy").with_few_scenarios(["ancova", "cr2"])
    before = copy.plan()
    return copy, before, {name: copy.make(trial=real_trial(name), draft=True) for name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def site(books, name):
    return Site(books[0].folder / "_build/trials" / name / "html")


@pytest.fixture(scope="module")
def rows(site):
    return site.results


def test_our_book_stays_as_it_was(books, book):
    copy, before, _ = books
    assert differences(copy.site.digests(), book.site.digests()) == []
    assert copy.plan() == before


def test_a_trial_has_a_whole_book_of_its_own(site, book):
    assert set(site.pages) == set(book.site.pages)
    assert site.results["trial.title"]["display"] != book.site.results["trial.title"]["display"]
    title = site.pages["book/index.html"].select_one("h1").get_text()
    assert title.startswith(site.results["trial.title"]["display"])


def test_no_page_says_that_real_data_are_synthetic(site):
    assert site.results["trial.provenance"]["display"] == "real"
    for page, soup in site.pages.items():
        banner = soup.select_one(".bd-header-announcement")
        assert "synthetic" not in banner.get_text() and "Draft" in banner.get_text(), page


def test_what_a_trial_lacks_is_shown_where_it_is_cited_and_listed(site, books, name):
    listed = (site.folder / "not_available.txt").read_text("utf8").splitlines()
    pages = {key: where.split(", ") for key, where in (line.split(": ") for line in listed)}
    assert pages and not pages.keys() & site.results.keys()
    for key, where in pages.items():
        for page in where:
            assert f"[not available: {key}]" in site.text(f"{page}.html")
    shown = {
        notice.get_text().removeprefix("[not available: ").removesuffix("]")
        for soup in site.pages.values()
        for notice in soup.select("article .not-available")
    }
    assert shown == pages.keys()
    assert f"{len(pages)} results are not available" in books[-1][name]


def test_every_number_shown_is_a_row_of_this_trial(site):
    for page in site.pages:
        for key, text in site.numbers(page):
            assert text == site.results[key]["display"], page


@pytest.mark.parametrize("name", NAMES[:1], indirect=True)
def test_without_draft_mode_what_is_lacking_is_an_error_that_names_the_keys(site, books, real_trial, name):
    copy, before = books[0], site.digests()
    said = copy.make(trial=real_trial(name), fails=True)
    for line in (site.folder / "not_available.txt").read_text("utf8").splitlines():
        assert repr(line.split(": ")[0]) in said
    assert site.digests() == before


# ------------------------------------------------------------------------------------------------------ as R says


each_parameter = pytest.mark.parametrize(
    ("name", "parameter"),
    [("amitriptyline_hivsn", "PAIN"), ("actg175_n20", "CD4"), ("actg175_n20", "CD8"), ("actg175_n20", "CD4CD8")],
    indirect=["name"],
)


@pytest.fixture
def said(name, parameter):
    """What R says of one analysis of the parameter."""
    return lambda analysis: answers(name)[f"{parameter}.{analysis}"]["value"]


def agrees(found, expected):
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


@each_parameter
def test_visit_means_are_those_of_r(rows, name, parameter, said):
    stated = yaml.safe_load((ROOT / "tests/trials" / name / "trial.yml").read_text("utf8"))
    visits = {str(visit["avisitn"]): visit["label"] for visit in stated["visits"]["schedule"]}
    arms = {arm["value"]: arm["id"] for arm in stated["arms"]}
    for r in said("visit_summary"):
        here = (parameter, visits[r["VIS"]], arms[r["ARM"]])
        own = [row for row in rows.values() if (row["parameter"], row["visit"], row["group"]) == here]
        for statistic, answer in (("mean", r["mean"]), ("SD", r["sd"]), ("n", r["n"])):
            values = [row["value"] for row in own if row["statistic"] == statistic and row["key"].count(".") == 3]
            assert len(set(values)) == 1
            agrees(values[0], answer)


@each_parameter
@pytest.mark.parametrize(("part", "analysis"), [("", "last_pooled"), (".welch", "last_welch")])
def test_the_final_difference_is_that_of_r(rows, parameter, said, part, analysis):
    key, r = f"{parameter.lower()}.final.difference", said(analysis)
    agrees(rows[key]["value"], r["diff"])
    agrees(rows[f"{key}{part}.ci"]["value"], [r["lo"], r["hi"]])
    for name in ("t", "df", "p"):
        agrees(rows[f"{key}{part}.{name}"]["value"], r[name])


@each_parameter
def test_the_anova_is_that_of_r(rows, parameter, said):
    key, r = f"{parameter.lower()}.anova", said("anova_type3")
    for row, name in (("arm", "ARM"), ("visit", "VIS"), ("interaction", "ARM:VIS")):
        effect, corrected = r["table"][name], r["GG_HF"].get(name, {})
        agrees(rows[f"{key}.{row}.f"]["value"], effect["F"])
        if row != "arm" and corrected["GGeps"] is not None:  # with two visits there is nothing to correct
            agrees(rows[f"{key}.epsilon"]["value"], corrected["GGeps"])
            agrees(rows[f"{key}.{row}.p"]["value"], corrected["p_GG"])
        else:
            agrees(rows[f"{key}.{row}.p"]["value"], effect["p"])


@each_parameter
def test_the_gee_is_that_of_r(rows, parameter, said, name):
    # R has no exchangeable fit where there is one follow-up visit, and the two are then the same
    kind = "exchangeable" if f"{parameter}.gee.adj.exchangeable" in answers(name) else "independence"
    key, robust, small = f"{parameter.lower()}.gee.effect", said(f"gee.adj.{kind}"), said(f"gee.adj.{kind}.CR2_satt")
    agrees(rows[key]["value"], robust["coef"])
    for part, r, names in (("", robust, ("se", "p")), (".cr2", small, ("se", "df", "p"))):
        for statistic in names:
            agrees(rows[f"{key}{part}.{statistic}"]["value"], r[statistic])
