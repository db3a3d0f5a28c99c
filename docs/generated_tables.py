"""Directives whose tables are made from the one place that holds what they tell: code, settings, patterns.

``{import-rules}`` reads the contracts of ``pyproject.toml``, ``{key-patterns}`` the file of patterns, ``{yaml-keys}``
a model of a YAML file, ``{commands}`` the parsers of the command line, ``{settings}`` those of the extension,
``{template-sentences}`` the template of a new paper.
"""

import argparse
import inspect
import re
import tomllib
import types
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal, Union, get_args, get_origin

import yaml
from docutils import nodes
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parent.parent
RULES = ROOT / "pyproject.toml"
TEMPLATE = ROOT / "src/trialbook/template/files"
PATTERNS = Path(__file__).parent / "keys.yml"
SAID = {str: "text", int: "whole number", float: "number", bool: "true or false"}
LIMITS = {"ge": "from {}", "gt": "over {}", "lt": "under {}", "min_length": "at least {}", "max_length": "at most {}"}


class Generated(SphinxDirective, ABC):
    """A directive that writes MyST, which is read as if it stood in the page."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(self.lines()), allow_section_headings=True)

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """Write the text, line by line."""


class ImportRules(Generated):
    """``{import-rules}``: each contract of ``pyproject.toml`` with its reason."""

    def lines(self) -> Iterator[str]:
        for number, rule in enumerate(contracts(), start=1):
            yield f"{number}. **{rule['name']}.**"
            yield f"   {' '.join(rule['broken_contract_guidance'].split())}"
            yield f"   {_forbidden(rule)}" if rule["type"] == "forbidden" else _layers(rule)
            yield ""


def contracts() -> list[dict]:
    """The contracts of import-linter."""
    return tomllib.loads(RULES.read_text("utf8"))["tool"]["importlinter"]["contracts"]


def _layers(rule: dict) -> str:
    rooms = [", ".join(f"`{room.strip(' ()')}`" for room in layer.split("|")) for layer in rule["layers"]]
    return f"   From the top: {'; '.join(rooms)}."


def _forbidden(rule: dict) -> str:
    said = f"{_names(rule['source_modules'])} may not import {_names(rule['forbidden_modules'])}"
    passed = [line.partition(" -> ")[::2] for line in rule.get("ignore_imports", [])]
    but = " and ".join(f"{_names([who.removesuffix('.**')])} may import {_names([what])}" for who, what in passed)
    return f"{said}, in one step or several{f'; but {but}' if but else ''}."


def _names(modules: list[str]) -> str:
    return ", ".join(f"`{module.removeprefix('trialbook.')}`" for module in modules)


class KeyPatterns(Generated):
    """``{key-patterns} topic``: the patterns of the keys of a topic, and what stands in angle brackets.

    Without a topic, what stands in angle brackets in all of them.
    """

    optional_arguments = 1

    def lines(self) -> Iterator[str]:
        patterns = yaml.safe_load(PATTERNS.read_text("utf8"))
        parts = patterns.pop("parts")
        shared = {name: part for name, part in parts.items() if "from" in part}
        if not self.arguments:
            yield from _parts_table(shared)
            return
        topic = patterns[self.arguments[0]]
        yield from table(("Key", "Value"), ((f"`{key}`", said) for key, said in topic.items()))
        named = {name: parts[name] for name in _named(" ".join(topic), parts) if name not in shared}
        if named:
            yield from _parts_table(named)


def _named(text: str, parts: dict[str, dict]) -> list[str]:
    """The parts in angle brackets of a text, and those within them, as they come."""
    found: list[str] = []
    for name in re.findall(r"<(\w+)>", text):
        inner = _named(" ".join(parts[name].get("any", [])), parts)
        found += [one for one in (name, *inner) if one not in found]
    return found


def _parts_table(parts: dict[str, dict]) -> Iterator[str]:
    rows = []
    for name, part in parts.items():
        words = [f"`{word}`" for word in part.get("any", [])]
        rows.append((f"`<{name}>`", part["is"] + (f": {', '.join(words)}" if words else "")))
    yield from table(("Part", "Stands for"), rows)


class YamlKeys(Generated):
    """``{yaml-keys} module.Model``: the keys of a YAML file, and of each part of it, from its pydantic model."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        module, _, name = self.arguments[0].rpartition(".")
        home = import_module(module)
        for model in _parts(getattr(home, name)):
            meanings = ModuleAnalyzer.for_module(model.__module__).find_attr_docs()
            yield from (f"## {_title(model)}", "", inspect.getdoc(model) or "", "")
            rows = []
            for key, field in model.model_fields.items():
                said = " ".join(meanings.get((model.__name__, key), []))
                if not said:
                    raise self.error(f"{model.__name__}.{key} in {model.__module__} has no docstring below it")
                kind = ", ".join([_kind(field.annotation), *_limits(field)])
                rows.append((f"`{key}`", kind, _default(field), said))
            yield from table(("Key", "Is", "Default", "Meaning"), rows)


def _parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and the models within it, in the order in which they are first named."""
    found = [model]
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            found += [part for part in _parts(inner) if part not in found]
    return found


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _kind(annotation: object) -> str:
    """Say what a value is: ``list of: text``, ``test or reference``, a link to the keys of a part."""
    inner, origin = get_args(annotation), get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in inner if one is not type(None))
    if origin is list:
        return f"list of: {_kind(inner[0])}"
    if origin is dict:
        return f"{_kind(inner[0])} by {_kind(inner[1])}"
    if annotation in SAID:
        return SAID[annotation]
    title = _title(annotation)
    return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"


def _title(model: object) -> str:
    """``AnalysisSet`` as a heading: Analysis set."""
    name = "".join(f" {letter}" if letter.isupper() else letter for letter in getattr(model, "__name__", str(model)))
    return name.strip().capitalize()


def _limits(field: FieldInfo) -> list[str]:
    found = {name: getattr(limit, name) for limit in field.metadata for name in LIMITS if hasattr(limit, name)}
    said = [LIMITS[name].format(value) for name, value in found.items()]
    if any(getattr(limit, "pattern", None) for limit in field.metadata):
        said.append("lower-case letters, digits and underscores")
    return said


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    empty = value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ("", [], {})
    return "–" if empty else f"`{value}`"


class Commands(Generated):
    """``{commands} module:function``: each command with its arguments, from the parser that the function returns."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        module, _, name = self.arguments[0].partition(":")
        for command, parser in commands(getattr(import_module(module), name)()):
            yield from (f"## {command}", "", parser.description or "", "")
            yield from ("```console", f"$ {_usage(parser)}", "```", "")
            rows = [(_spelt(action), action.help or "") for action in parser._actions if action.dest != "help"]
            yield from table(("Argument", "Meaning"), rows)
            if parser.epilog:
                yield from ("```text", *parser.epilog.splitlines(), "```", "")


def commands(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """The commands of a parser."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return list(groups[0].choices.items())


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(parser.format_usage().removeprefix("usage: ").split())


def _spelt(action: argparse.Action) -> str:
    shown = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"`{shown}`"
    return f"`{', '.join(action.option_strings)}{'' if action.nargs == 0 else f' {shown}'}`"


class Settings(Generated):
    """``{settings} module``: what a Sphinx extension may be told, from the `SETTINGS` of its module."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        known = import_module(self.arguments[0]).SETTINGS
        rows = ((f"`trialbook_{s.name}`", f"`{s.default!r}`" if s.default else "–", s.description) for s in known)
        yield from table(("Setting", "Default", "Meaning"), rows)


class TemplateSentences(Generated):
    """``{template-sentences}``: each sentence of the template that places a result, and when it stands in a paper."""

    def lines(self) -> Iterator[str]:
        rows = [
            (path.name.split(".")[0], f"`{sentence}`", f"`{condition}`" if condition else "always")
            for path in [*sorted(TEMPLATE.glob("book/*.md.j2")), TEMPLATE / "sentences.j2"]
            for sentence, condition in sentences(path.read_text("utf8"))
        ]
        yield from table(("Page", "Sentence", "Stands where"), rows)


def sentences(template: str) -> Iterator[tuple[str, str]]:
    """Yield each sentence of a template that places a result or a sentence of others, with the conditions around it."""
    around: list[str] = []
    for line in template.splitlines():
        if tag := re.fullmatch(
            r"\{% *-?(if|for|macro|else|elif|endif|endfor|endmacro|set)\b(.*?)-? *%\}", line.strip()
        ):
            kind, what = tag[1], tag[2].strip()
            if kind in ("if", "for", "macro"):
                around.append(what if kind == "if" else "" if kind == "macro" else f"for {what}")
            elif kind == "else":
                around[-1] = f"not ({around[-1]})"
            elif kind.startswith("end"):
                around.pop()
        elif re.search(r"\{(num|p|ci|claim)\}|\{\{ (at_final|over_follow_up|harms_in_short)", line):
            placed = re.sub(r"\{(?:num|p|ci|claim|numref|cite)\}`([^`]*)`", r"‹\1›", line.strip())
            yield (
                re.sub(r"\{%.*?%\}", "", placed).replace("|", "/"),
                " and ".join(filter(None, around)).replace("|", "/"),
            )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a table in Markdown, each head and cell as it is."""
    for row in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def setup(app: Sphinx) -> dict:
    """Register the directives."""
    app.add_directive("import-rules", ImportRules)
    app.add_directive("key-patterns", KeyPatterns)
    app.add_directive("yaml-keys", YamlKeys)
    app.add_directive("commands", Commands)
    app.add_directive("settings", Settings)
    app.add_directive("template-sentences", TemplateSentences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
