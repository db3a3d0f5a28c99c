"""The tutorial: every command does what its page says, in the order of the page."""

import re
import shutil
import subprocess
from pathlib import Path

import generated_tables
import pytest
import reference
from builds import Copy
from test_examples import blocks

PAGE = Path(generated_tables.__file__).parent / "your_paper.md"


@pytest.mark.long
def test_the_tutorial_does_what_it_says(tmp_path):
    shutil.copytree(
        reference.folder("amitriptyline_hivsn"), tmp_path / "tables", ignore=shutil.ignore_patterns("source")
    )
    at = tmp_path
    for block in blocks(PAGE, "console"):
        for command, *expected in _steps(block):
            if command.startswith("cd "):
                at = at / command.removeprefix("cd ")
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=at,
                env=Copy(at).environment,
                text=True,
                capture_output=True,
                encoding="utf8",
            )
            said = done.stdout + done.stderr
            for line in expected:
                assert line.strip() in said, f"$ {command}\n{said}"
            assert done.returncode == 0 or any(word in said for word in ("still to be written", "is typed by hand")), (
                said
            )


def _steps(block):
    """Each command of a block with the lines that it says."""
    for step in re.split(r"(?m)^\$ ", block)[1:]:
        yield step.rstrip("\n").split("\n")
