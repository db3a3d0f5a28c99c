"""A file that cannot be written whole stays as it was."""

import errno
import os

import pytest

from trialbook import cli, files


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "lock.json"
    for text in ("one\n", "zwei: ä\n"):
        files.replace(path, text)
        assert path.read_text("utf8") == text and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "lock.json"
    path.write_text("as it was")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.replace(path, "another")
    assert path.read_text() == "as it was" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_only_the_user_can_mend_is_said_in_a_line(number, monkeypatch, capsys):
    def fail(given):
        raise OSError(number, os.strerror(number), "_build/a")

    monkeypatch.setattr("trialbook.cli.validate.run", fail)
    assert cli.main(["validate"]) == 1
    assert f"_build/a: {os.strerror(number)}; what stood before stands" in capsys.readouterr().err


def test_another_mistake_of_the_system_is_not_hidden(monkeypatch):
    def fail(given):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("trialbook.cli.validate.run", fail)
    with pytest.raises(OSError, match="Invalid"):
        cli.main(["validate"])
