"""The examples of the documentation: Python runs and gives what is said, commands exist."""

import doctest
import io
import re
import shlex
from pathlib import Path

import generated_tables
import pytest

import trialbook
from trialbook import cli
from trialbook.claims import claims, consort
from trialbook.sphinx import words

pytestmark = pytest.mark.unit
ROOT = generated_tables.ROOT
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(Path(generated_tables.__file__).parent.glob("*.md"))]
WITH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page, *languages):
    """The code blocks of a page in these languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```$", page.read_text("utf8"), re.DOTALL | re.MULTILINE)


def outcome(examples, names, name):
    """Run the examples of a doctest; what went wrong, as text."""
    found, said = doctest.DocTestParser().get_doctest(examples, names, name, name, 0), io.StringIO()
    doctest.DocTestRunner(optionflags=WITH).run(found, out=said.write, clear_globs=False)
    names.update(found.globs)
    return said.getvalue()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {}
    for block in blocks(page, "python"):
        if ">>>" in block:
            assert outcome(block, names, page.name) == ""
        else:
            exec(compile(block, page.name, "exec"), names)


@pytest.mark.parametrize("name", trialbook.__all__)
def test_a_name_of_the_public_api_has_an_example_that_runs(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert ">>>" in getattr(trialbook, name).__doc__
    assert outcome(getattr(trialbook, name).__doc__, {}, name) == ""


def test_a_wrong_example_is_found():
    assert "Expected:\n    3" in outcome(">>> 1 + 1\n3\n", {}, "wrong")


def commands():
    """Each line of a page that calls make or trialbook, without its comment."""
    for page in PAGES:
        for line in "".join(blocks(page, "bash", "console", "sh")).splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words and words[0] in ("make", "trialbook") and "[" not in line:
                yield pytest.param(words, id=f"{page.stem}: {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_that_a_page_shows_exists(words, monkeypatch):
    monkeypatch.chdir(ROOT)
    program, *given = words
    if program == "make":
        known = re.findall(r"(?m)^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf8"))
        assert {word for word in given if "=" not in word} <= set(known)
    else:
        cli._parser().parse_args(given)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_a_link_to_a_file_leads_to_one(name):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


READERS = {"claims.yml": claims.read, "consort.yml": consort.read, "words.yml": words.read}


@pytest.mark.parametrize("name", READERS)
def test_an_example_of_a_file_is_read(name, tmp_path):
    examples = [block for page in PAGES for block in blocks(page, "yaml") if block.startswith(f"# {name}\n")]
    assert examples
    for example in examples:
        (tmp_path / name).write_text(example, "utf8")
        assert READERS[name](tmp_path / name)
