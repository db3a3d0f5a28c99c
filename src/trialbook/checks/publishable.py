"""What a cell may publish: `Results`, a `Table` or a `Figure`, each whole, or plain words; the gate can read no more.

Whole is what shows nothing but what the engine's own class made of it: rows and layouts are read as data, and the
HTML beside them must be theirs. The PDF of a figure is taken to show what its SVG does.

Plain words are one line that is printed, or shown as Markdown: at most `LONGEST` characters that begin with a letter
(after the marks of a heading), with at most `NUMBERS` numbers, single blanks, and none of the marks that make tables,
lists of values, links, images and HTML. The value of an expression is none: ``[34, 52]`` is as short as a sentence.
Two lines after one another are none either: a listing is printed line by line.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trialbook.displays.tables import Row, Table
from trialbook.results.executed import PDF, SVG, Layout, Output
from trialbook.results.row import MIME, TABLE, Result, Results

LONGEST, NUMBERS = 120, 3
_LINE = re.compile(r"(?:#{1,6} )?[^\W\d_][^][{}<>|\\]*")
_NUMBER = re.compile(r"\d[\d.,]*")
_MARKDOWN = "<IPython.core.display.Markdown object>"  # what IPython says of it in plain text


class Refusal(NamedTuple):
    """What an output is, and what to show instead."""

    said: str
    remedy: str


_STREAMS = {
    "stdout": Refusal("printed text beyond a line of words", "print one sentence, or show `Results` or a `Table`"),
    "stderr": Refusal("text on stderr", "run the notebook with the engine, which shows it to you alone"),
}
_FORMS = (  # by MIME type, the most telling first
    (r".*javascript|.*json", Refusal("a display with a script", "show a `Figure` or a `Table`")),
    (r"text/latex", Refusal("an equation", "write it in a Markdown cell, and its numbers as `Results`")),
    (r"text/html", Refusal("HTML", "show a `Table` of `Results`")),
    (r"image/.*|application/pdf", Refusal("an image", "show it as a `Figure`, with its alternative text")),
    (r"text/markdown", Refusal("Markdown beyond a line of words", "write it in a Markdown cell, or show a `Table`")),
    (r"(?!text/plain$).*", Refusal("a form that the gate cannot read", "show `Results`, a `Table` or a `Figure`")),
    (r"text/plain", Refusal("the value of an expression", "show `Results`, print a line, or end the cell with `;`")),
)
_AGAIN = Refusal("a line of words after another", "join them in one sentence, or show `Results` or a `Table`")
_FORGED = "let the object show itself, alone: what else it shows is not made of its data"


def judged(outputs: Iterable[Output], known: dict[str, Result]) -> Iterator[tuple[Output, Refusal | None]]:
    """Say of each output of a cell why it may not be published.

    Parameters
    ----------
    outputs : iterable of Output
    known : dict of str to Result
        The results of all notebooks, by key.

    Yields
    ------
    output : Output
    refusal : Refusal or None
        None for `Results`, a `Table`, a `Figure` and plain words.
    """
    spoke = False
    for output in outputs:
        refusal = _refusal(output, known)
        speaks = refusal is None and (output.output_type == "stream" or "text/markdown" in output.data)
        yield output, _AGAIN if spoke and speaks else refusal
        spoke = speaks


def _refusal(output: Output, known: dict[str, Result]) -> Refusal | None:
    if output.output_type == "error":
        return Refusal(f"the error {output.ename}", "mend the cell")
    if output.output_type == "stream":
        fine = output.name == "stdout" and (not output.text.strip() or are_plain_words(output.text))
        return None if fine else _STREAMS[output.name]
    ours = {"Results": MIME in output.data, "a Table": TABLE in output.data, "a Figure": output.figure is not None}
    if any(ours.values()):
        name = next(name for name, there in ours.items() if there)
        return None if _is_whole(output, known) else Refusal(f"{name} with something else", _FORGED)
    return None if _is_markdown(output) else _unreadable(output)


def are_plain_words(text: str) -> bool:
    """Tell whether a text is one line of plain words."""
    line = text.removesuffix("\n")
    shaped = line.isprintable() and "  " not in line and _LINE.fullmatch(line) is not None
    return shaped and len(line) <= LONGEST and len(_NUMBER.findall(line)) <= NUMBERS


def _is_markdown(output: Output) -> bool:
    forms = dict(output.data)
    plain = forms.pop("text/plain", _MARKDOWN)
    return list(forms) == ["text/markdown"] and plain == _MARKDOWN and are_plain_words(forms["text/markdown"])


def _is_whole(output: Output, known: dict[str, Result]) -> bool:
    """Tell whether an output is what the engine's own class would show of its data, and nothing else."""
    if output.figure:
        named = {"trialbook": output.figure.model_dump()}
        forms = {SVG, PDF, "text/plain"}
        return (
            output.metadata == named and output.data.keys() == forms and output.data["text/plain"] == output.figure.alt
        )
    made = _table(output.table, known) if output.table else Results().update(output.results)
    return made is not None and output.metadata == {} and output.data == made._repr_mimebundle_()


def _table(layout: Layout, known: dict[str, Result]) -> Table | None:
    """The table of a layout; None where it has none, as when a result of it is in no notebook."""

    def content(cell: dict[str, str]) -> Result | str:
        return known[cell["key"]] if "key" in cell else cell["text"]

    try:
        columns = [(c["text"], known[c["key"]]) if c["key"] else c["text"] for c in layout["columns"]]
        rows = [Row(row["label"], [*map(content, row["cells"])], row["indent"]) for row in layout["rows"]]
        return Table(layout["key"], columns, rows, layout["notes"])
    except (KeyError, ValueError):
        return None


def _unreadable(output: Output) -> Refusal:
    if not output.data:
        return Refusal("an empty output", "take it out of the cell")
    said, remedy = next(of for form, of in _FORMS if any(re.fullmatch(form, kind) for kind in output.data))
    return Refusal(f"{said} ({', '.join(sorted(output.data))})", remedy)
