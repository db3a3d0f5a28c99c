"""A condition on results, in a small language of keys, numbers and comparisons that can only be true or false."""

import ast
import re
from collections.abc import Mapping
from typing import Any, Protocol

from simpleeval import DEFAULT_OPERATORS, InvalidExpression, SimpleEval

LONGEST = 2000  # characters
FUNCTIONS = {"abs": abs, "len": len, "max": max, "min": min}
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.Not)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_OPERATORS = (*_ARITHMETIC, *_COMPARISONS)
_FORMS = (ast.Expression, ast.And, ast.Or, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Subscript, ast.Call)
_NODES = (*_OPERATORS, *_FORMS, ast.Name, ast.Constant, ast.Load)
_TEXT_OR_KEY = re.compile(r"""'[^']*'|"[^"]*"|([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)""")
_ONLY = "it may hold keys of results, numbers, texts in quotes, + - * / ( ) [ ], < <= == != >= > in and or not"


class Valued(Protocol):
    """A result, or the number that a lock keeps of one."""

    @property
    def value(self) -> Any: ...
    @property
    def display(self) -> str: ...


class ConditionError(ValueError):
    """A condition that cannot be read, or that gives neither true nor false."""


class Condition:
    """A condition such as ``cd4.final.difference > 0 and min(cd4.final.difference.ci) > 0``.

    Parameters
    ----------
    text : str
        Names results by their keys; an interval is a pair, whose ends are its ``min`` and ``max``.

    Raises
    ------
    ConditionError
        If it is not of the language.
    """

    def __init__(self, text: str):
        self.text = " ".join(text.split())
        if len(self.text) > LONGEST:
            raise ConditionError(
                f"a condition of {len(self.text):,} characters is not a condition that anybody can read: part it"
            )
        self.keys = list(dict.fromkeys(key for key in _TEXT_OR_KEY.findall(self.text) if key))
        self._names = {key: f"result_{place}" for place, key in enumerate(self.keys)}
        try:
            self._tree = ast.parse(self._with(self._names), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ConditionError(f"not a condition: {_ONLY}") from None
        for node in ast.walk(self._tree):
            self._allow(node)
        if not self.keys:
            raise ConditionError("it names no result (such as cd4.final.difference), so it can never fail")
        self._can_fail()

    def _with(self, words: dict[str, str]) -> str:
        """The text with another word for each key."""
        return _TEXT_OR_KEY.sub(lambda found: words[found[1]] if found[1] else found[0], self.text)

    def _allow(self, node: ast.AST) -> None:
        if not isinstance(node, _NODES):
            raise ConditionError(f"not a condition, for its {type(node).__name__}: {_ONLY}")
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            raise ConditionError(f"the only functions are {', '.join(FUNCTIONS)}")
        if isinstance(node, ast.Name) and node.id not in {*FUNCTIONS, *self._names.values()}:
            raise ConditionError(f"{node.id!r} is no key of a result (such as cd4.final.difference) and no function")

    def _can_fail(self) -> None:
        """Refuse a part that says the same whatever the results are."""
        for node in ast.walk(self._tree):
            parts = node.values if isinstance(node, ast.BoolOp) else [node] if isinstance(node, ast.Compare) else []
            for part in parts:
                if not any(isinstance(one, ast.Name) and one.id not in FUNCTIONS for one in ast.walk(part)):
                    raise ConditionError(f"{self._said(part)!r} names no result, so it is always the same")
            if isinstance(node, ast.Compare):
                sides = [ast.dump(side) for side in (node.left, *node.comparators)]
                if len(set(sides)) < len(sides):
                    raise ConditionError(f"{self._said(node)!r} compares a result with itself")

    def _said(self, node: ast.AST) -> str:
        text = ast.unparse(node)
        for key, name in self._names.items():
            text = re.sub(rf"\b{name}\b", key, text)
        return text

    def holds(self, rows: Mapping[str, Valued]) -> bool:
        """Say whether the condition is true.

        Parameters
        ----------
        rows : dict of str to Result
            Has every key of the condition.

        Returns
        -------
        bool

        Raises
        ------
        ConditionError
            If a result has no value, or the condition gives something else than true or false.
        """
        for key in self.keys:
            if rows[key].value is None:
                raise ConditionError(f"{key} is {rows[key].display}")
        names = {name: rows[key].value for key, name in self._names.items()}
        operators = {kind: DEFAULT_OPERATORS[kind] for kind in _OPERATORS}
        try:
            found = SimpleEval(operators, FUNCTIONS, names).eval(self.text, self._tree.body)
        except (InvalidExpression, ArithmeticError, LookupError, TypeError, RecursionError) as error:
            raise ConditionError(f"it cannot be computed: {error}") from None
        if not isinstance(found, bool):
            raise ConditionError(f"it gives {found!r}, not true or false")
        return found

    def is_true(self, rows: Mapping[str, Valued]) -> bool:
        """Say whether the condition is true; one that cannot be judged, for want of an estimate, is not."""
        try:
            return self.holds(rows)
        except ConditionError:
            return False

    def filled(self, rows: Mapping[str, Valued]) -> str:
        """The condition with the displays of the results in the places of their keys."""

        def shown(found: re.Match[str]) -> str:
            key, place = found[1], found[2]
            if not key:
                return found[0]
            value = rows[key].value
            if place and isinstance(value, list) and int(place) < len(value):
                return str(value[int(place)])
            return rows[key].display + (f"[{place}]" if place else "")

        return re.sub(rf"(?:{_TEXT_OR_KEY.pattern})(?:\[(\d+)\])?", shown, self.text)

    def values(self, rows: Mapping[str, Valued]) -> str:
        """Each key with its display and its raw value, as words."""
        return ", ".join(f"{key} = {rows[key].display} (raw {rows[key].value})" for key in self.keys)
