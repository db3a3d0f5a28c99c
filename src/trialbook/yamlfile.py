"""A YAML file of a project: its keys are checked, and what is wrong with it is said with line, key and remedy."""

import difflib
import reprlib
from pathlib import Path
from typing import NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from yaml.constructor import ConstructorError

from trialbook.errors import Fault, FaultsError

LARGEST = 10 * 2**20  # bytes of a file
MOST = 1_000_000  # values of a file
_SHORT = reprlib.Repr()  # of bounded length and depth
Model = TypeVar("Model", bound=BaseModel)


class Keys(BaseModel):
    """A part of a YAML file: keys that are known, with values that are checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, raw):
        """Take a known key without a value as not given."""
        if not isinstance(raw, dict):
            return raw
        return {key: value for key, value in raw.items() if value not in ("", "null") or key not in cls.model_fields}


def read_yaml(path: Path, model: type[Model], form: str = "") -> Model:
    """Read a YAML file into a pydantic model.

    Parameters
    ----------
    path : Path
    model : type of BaseModel
    form : str
        Where the keys of such a file are listed, for whoever lacks one.

    Returns
    -------
    BaseModel
        An instance of `model`.

    Raises
    ------
    FaultsError
        With every fault found: line or key, rule, remedy.
    """

    listed = f" ({form} lists its keys)" if form else ""

    def fail(rule: str, remedy: str, row: int | None = None) -> NoReturn:
        raise FaultsError(path.parent, [Fault(path.name, rule, remedy, row)]) from None

    try:
        if path.stat().st_size > LARGEST:
            fail(f"the file is larger than {LARGEST // 2**20} MB", "take out what is not a fact of the trial")
        raw = yaml.load(path.read_text("utf-8-sig"), _AsTyped)
        if _size(raw) > MOST:
            fail("its aliases stand for more than a million values", "write out what is meant")
    except FileNotFoundError:
        fail("the file is missing", f"put {path.name} into this folder{listed}")
    except OSError as error:
        fail(f"the file cannot be read: {error.strerror}", "mend that")
    except UnicodeDecodeError:
        fail("the file is not UTF-8", "save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        fail(f"not YAML: {error.problem}", "mend this line or the one before it", mark.line + 1 if mark else None)
    except RecursionError:
        fail("its keys stand too deep within each other", "write it with fewer levels")
    except yaml.YAMLError:
        fail("not a text file: it holds characters that YAML does not allow", "save it as plain text, UTF-8")
    if raw is None and not any(field.is_required() for field in model.model_fields.values()):
        raw = {}  # every key has its default
    if not isinstance(raw, dict):
        fail("the file holds no keys", f"write it{listed}")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise FaultsError(
            path.parent, [_fault(path.name, problem, model, listed) for problem in error.errors()]
        ) from None


class _AsTyped(yaml.CBaseLoader):
    """YAML whose values stay as they are typed: no ``Yes`` becomes true, no ``0.010`` loses a digit."""

    def construct_mapping(self, node, deep=False):
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                problem = "a key must be a word; a text with braces or brackets stands in quotes"
                raise ConstructorError(problem=problem, problem_mark=key.start_mark)
            if key.value in seen:
                raise ConstructorError(problem=f"the key `{key.value}` stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _fault(file, problem, model, listed):
    """Say one of pydantic's problems in words, with the nearest known key for a misspelt one."""
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    kind, limits = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), sorted(_known_keys(model)), 1)
        remedy = f"did you mean `{near[0]}`?" if near else "take the key away, or correct its spelling"
        return Fault(file, "there is no such key", remedy, column=where)
    if kind == "missing":
        return Fault(file, "the key is missing or has no value", f"add it{listed}", column=where)
    if kind == "value_error" and not where:
        return Fault(file, problem["msg"].removeprefix("Value error, "), "correct it")
    if kind in ("too_short", "too_long"):
        bound = f"at least {limits['min_length']}" if kind == "too_short" else f"at most {limits['max_length']}"
        return Fault(
            file, f"must have {bound} entries, has {limits['actual_length']}", "correct the list", column=where
        )
    words = {
        "list_type": "must be a list: one entry a line, each beginning with `- `",
        "dict_type": "must be keys with values",
        "model_type": "must be keys with values",
        "string_type": "must be a text",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "finite_number": "must be a number",
        "string_pattern_mismatch": "must be lower-case letters, digits and underscores, a letter first",
    }
    rule = words.get(kind, problem["msg"].removeprefix("Value error, "))
    return Fault(file, f"{rule} (found {_short(problem['input'])})", "correct it", column=where)


def _short(found):
    """Show what was found on one line, cut short."""
    text = found if isinstance(found, str) else _SHORT.repr(found)
    return f"{text[:40]}…" if len(text) > 40 else text


def _size(raw, known=None):
    """Count the values of a file with those that its aliases stand for."""
    known = {} if known is None else known
    if not isinstance(raw, (dict, list)):
        return 1
    if id(raw) not in known:
        known[id(raw)] = 1 + sum(_size(part, known) for part in (raw.values() if isinstance(raw, dict) else raw))
    return known[id(raw)]


def _known_keys(model):
    """All keys that stand in the file of a model."""
    schema = model.model_json_schema()
    return {key for part in (schema, *schema.get("$defs", {}).values()) for key in part.get("properties", {})}
