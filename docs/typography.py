"""Formulas are written as plain text (θ_t, W_{−i}, u^j), in pages and docstrings alike; here they get real indices.

Only what a page shows in HTML changes, with no script and nothing from the network: what has indices becomes MathML,
and long names in tables may break after a punctuation mark. Code in backticks is left alone. A letter (with its marks),
a closing bracket or a word such as max can carry an index; `snake_case` cannot.
"""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes  # type: ignore[import-untyped] # it has no types
from sphinx.addnodes import desc_signature, literal_emphasis, literal_strong
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from docs.mathml import scripted

LETTER = r"[^\W\d_][\u0300-\u036f]*[′']*"  # hats and tildes combine with their letter
BASE = rf"(?<![A-Za-z_])(?:(?:arg)?max|(?:arg)?min|sup|inf|lim|{LETTER}[*⁺]?)|[)\]|⁺∫]|\d+(?=\^)"
BELOW = rf"\{{[^{{}}\n]+\}}|\d+(?![A-Za-z0-9_])|[ijkt]{{2,3}}(?!\w)|{LETTER}(?![A-Za-z0-9_])|[*+×]"
ABOVE = r"\{[^{}\n]+\}|−?[^\W_]+[′']*|[*+×−]"
SCRIPTED = re.compile(rf"(?P<base>{BASE})(?P<scripts>(?:_(?:{BELOW})|\^(?:{ABOVE}))+)")
SCRIPT = re.compile(rf"_(?P<below>{BELOW})|\^(?P<above>{ABOVE})")
CODE = (nodes.FixedTextElement, nodes.literal, nodes.raw, desc_signature, literal_strong, literal_emphasis)
BREAK = re.compile(r"(?<=[_.:=,/])(?=[A-Za-z])")


def typeset(text: str) -> Iterator[nodes.Node]:
    """A text with what has indices as MathML.

    >>> [node.astext() for node in typeset("δ^t W_{−i}(θ_t) of snake_case")][1::2]
    [' ', '(', ') of snake_case']
    """
    last = 0
    for match in SCRIPTED.finditer(text):
        if match.start() > last:
            yield nodes.Text(text[last : match.start()])
        yield nodes.raw("", with_scripts(match["base"], match["scripts"]), format="html")
        last = match.end()
    if last < len(text):
        yield nodes.Text(text[last:])


def with_scripts(base: str, scripts: str) -> str:
    """Return MathML of a symbol and what is written below and above it; of two on one side, both in a row."""
    places: dict[str, list[str]] = {"below": [], "above": []}
    for script in SCRIPT.finditer(scripts):
        kind = "below" if script["below"] else "above"
        places[kind].append(script[kind].removeprefix("{").removesuffix("}"))
    below, above = (" ".join(said) or None for said in places.values())
    return scripted(base, below, above)


class Indices(SphinxPostTransform):
    """Indices, in running text and in displayed formulas."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:  # noqa: ARG002 - Sphinx may pass some
        """Replace every text that has indices."""
        for text in list(self.document.findall(nodes.Text)):
            said = text.astext()  # without the marks of what was escaped
            if SCRIPTED.search(said) and is_prose(text):
                text.parent.replace(text, list(typeset(said)))


def is_prose(text: nodes.Text) -> bool:
    """Running text, or a displayed formula: a block of code in no language, which then is not coloured either."""
    above = text.parent
    if isinstance(above, nodes.literal_block):
        return above.get("language", "default") in ("default", "text")
    while above is not None:
        if isinstance(above, CODE):
            return False
        above = above.parent
    return True


class Breaks(SphinxPostTransform):
    """In tables, a long name may break after a punctuation mark."""

    default_priority = 910
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:  # noqa: ARG002 - Sphinx may pass some
        """Put a possible break wherever one may be."""
        for entry in self.document.findall(nodes.entry):
            for literal in list(entry.findall(nodes.literal)):
                parts = BREAK.split(literal.astext())
                literal.children = []
                for number, part in enumerate(parts):
                    if number:
                        literal += nodes.raw("", "<wbr>", format="html")
                    literal += nodes.Text(part)


def setup(app: Sphinx) -> dict[str, bool]:
    """As a Sphinx extension."""
    app.add_post_transform(Indices)
    app.add_post_transform(Breaks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
