"""The engine as a wheel, packed from where it is installed: a paper carries the engine that it was made with."""

import base64
import hashlib
import zipfile
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path

import trialbook

PACKAGE = Path(trialbook.__file__).parent
WHEN = (1980, 1, 1, 0, 0, 0)  # the same engine gives the same file
ABOUT = "Wheel-Version: 1.0\nGenerator: trialbook\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def of_this_engine() -> tuple[str, bytes]:
    """Pack the engine that runs.

    Returns
    -------
    name : str
        Of the file, by PEP 427.
    content : bytes
        The same for the same engine.
    """
    installed = distribution(trialbook.__name__)
    name = f"{installed.name}-{installed.version}"
    files = {f"{PACKAGE.name}/{where}": path.read_bytes() for where, path in _sources()}
    about = f"{name}.dist-info"
    for part in ("METADATA", "entry_points.txt"):
        files[f"{about}/{part}"] = (installed.read_text(part) or "").encode()
    files[f"{about}/WHEEL"] = ABOUT.encode()
    rows = [f"{where},sha256={_hash(content)},{len(content)}" for where, content in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*rows, f"{about}/RECORD,,", ""]).encode()
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for where, content in files.items():
            archive.writestr(zipfile.ZipInfo(where, WHEN), content, zipfile.ZIP_DEFLATED)
    return f"{name}-py3-none-any.whl", packed.getvalue()


def digest(content: bytes) -> str:
    """The SHA-256 of a file's content, as a lock gives it."""
    return hashlib.sha256(content).hexdigest()


def _sources() -> list[tuple[str, Path]]:
    """Every file of the engine, by its path in the package."""
    found = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return [(path.relative_to(PACKAGE).as_posix(), path) for path in found]


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
