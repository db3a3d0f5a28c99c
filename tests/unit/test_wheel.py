"""The engine as a wheel: whole, as the format wants it, and the same each time."""

import base64
import csv
import hashlib
import io
import zipfile

from trialbook.template import wheel


def test_the_wheel_holds_every_file_of_the_engine_with_its_hash():
    name, content = wheel.of_this_engine()
    archive = zipfile.ZipFile(io.BytesIO(content))
    about = name.removesuffix("-py3-none-any.whl") + ".dist-info"
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(archive.read(f"{about}/RECORD").decode()))}
    assert set(archive.namelist()) == set(rows)
    for where, (digest, size) in rows.items():
        if where != f"{about}/RECORD":
            data = archive.read(where)
            found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={found}", len(data))
    inside = {path.relative_to(wheel.PACKAGE.parent).as_posix() for path in wheel.PACKAGE.rglob("*") if path.is_file()}
    assert {where for where in inside if not where.endswith(".pyc")} <= set(rows)
    assert "trialbook/template/files/notebooks/01_cohort.ipynb" in rows
    assert b"trialbook = trialbook.cli:main" in archive.read(f"{about}/entry_points.txt").replace(b"=", b" = ").replace(
        b"  ", b" "
    )
    assert b"Name: trialbook" in archive.read(f"{about}/METADATA")


def test_the_same_engine_gives_the_same_wheel():
    assert wheel.of_this_engine() == wheel.of_this_engine()
