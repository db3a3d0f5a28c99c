"""The roles of numbers, and the link that a number is on a page."""

from docutils import nodes
from sphinx.util.docutils import SphinxRole
from sphinx.writers.html5 import HTML5Translator

from trialbook.sphinx.placed import Shown, number
from trialbook.sphinx.prose import lineage


class result_reference(nodes.reference):
    """A displayed number that leads to the notebook cell that computed it."""


class NumberRole(SphinxRole):
    """``{num}`key```: the display of a result."""

    def run(self) -> Shown:
        return [number(self, self.text)], []


class PValueRole(SphinxRole):
    """``{p}`key```: a P value as a sentence writes it, *P* = 0.024 or *P* <0.001."""

    def run(self) -> Shown:
        node = number(self, self.text)
        equal = "" if node.astext()[:1] in "<>[" else "= "
        return [nodes.emphasis("P", "P"), nodes.Text(f" {equal}"), node], []


class IntervalRole(SphinxRole):
    """``{ci}`key```: the confidence interval of a result as a sentence writes it, 95% CI, 10 to 124."""

    def run(self) -> Shown:
        return [number(self, "trial.ci_level"), nodes.Text(" CI, "), number(self, f"{self.text}.ci")], []


def open_html(self: HTML5Translator, node: result_reference) -> None:
    """Open the link of a number; inside another link, which HTML does not allow, only mark it."""
    inside = any(isinstance(around, nodes.reference) for around in lineage(node.parent))
    node["tag"] = "span" if inside else "a"
    told = {"title": node["title"], "data-key": node["key"]}
    if node["evidence"]:
        told["data-evidence"] = node["evidence"]
    if not inside:
        told["href"] = node["refuri"] if "refuri" in node else f"#{node['refid']}"
    self.body.append(self.starttag(node, node["tag"], "", False, **told))


def close_html(self: HTML5Translator, node: result_reference) -> None:
    """Close what `open_html` opened."""
    self.body.append(f"</{node['tag']}>")
