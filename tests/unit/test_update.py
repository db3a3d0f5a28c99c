"""A later template is taken up, and what the authors wrote stays."""

import pytest

from trialbook.template import update

PAGE = "one\n\ntwo\n\nthree\n"
ENGINE = {"engine/e-1.whl": b"1", "requirements.txt": b"lock"}


@pytest.fixture
def paper(tmp_path):
    update.update(tmp_path, {"book/a.md": PAGE, "book/b.md": PAGE}, ENGINE)
    return tmp_path


def test_what_nobody_changed_stays(paper):
    assert update.update(paper, {"book/a.md": PAGE, "book/b.md": PAGE}, ENGINE) == update.Changed()


def test_a_passage_of_each_is_merged(paper):
    (paper / "book/a.md").write_text(PAGE.replace("one", "mine"), "utf8")
    changed = update.update(paper, {"book/a.md": PAGE.replace("three", "theirs"), "book/b.md": PAGE}, ENGINE)
    assert changed == update.Changed(merged=["book/a.md"])
    assert (paper / "book/a.md").read_text("utf8") == "mine\n\ntwo\n\ntheirs\n"
    again = update.update(paper, {"book/a.md": PAGE.replace("three", "theirs"), "book/b.md": PAGE}, ENGINE)
    assert again == update.Changed()


def test_the_same_passage_of_both_stands_twice_with_marks(paper):
    (paper / "book/a.md").write_text(PAGE.replace("two", "mine"), "utf8")
    changed = update.update(paper, {"book/a.md": PAGE.replace("two", "theirs"), "book/b.md": PAGE}, ENGINE)
    assert changed.conflicts == ["book/a.md"]
    text = (paper / "book/a.md").read_text("utf8")
    assert "<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> the template now" in text


def test_a_page_that_the_authors_took_out_stays_out(paper):
    (paper / "book/b.md").unlink()
    assert update.update(paper, {"book/a.md": PAGE, "book/b.md": "new\n"}, ENGINE) == update.Changed()
    assert not (paper / "book/b.md").exists()


def test_a_page_that_the_template_drops_goes_unless_it_was_changed(paper):
    (paper / "book/b.md").write_text("mine\n", "utf8")
    changed = update.update(paper, {"c.md": "new\n"}, ENGINE)
    assert changed == update.Changed(written=["c.md"], removed=["book/a.md"])
    assert (paper / "book/b.md").read_text("utf8") == "mine\n"


def test_the_engine_takes_the_place_of_the_one_before(paper):
    changed = update.update(
        paper, {"book/a.md": PAGE, "book/b.md": PAGE}, {"engine/e-2.whl": b"2", "requirements.txt": b"new"}
    )
    assert changed == update.Changed(removed=["engine/e-1.whl"])
    assert [path.name for path in (paper / "engine").iterdir()] == ["e-2.whl"]
    assert (paper / "requirements.txt").read_bytes() == b"new"
