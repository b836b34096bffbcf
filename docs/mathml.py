"""Formulas as MathML, which browsers draw themselves: no script, no pictures, nothing from the network.

`$…$` and `$$…$$` on pages are TeX, translated by docutils; indices in plain text come from `docs.typography`.
"""

from html import escape

from docutils import nodes  # type: ignore[import-untyped] # it has no types
from docutils.utils.math import MathError  # type: ignore[import-untyped]
from docutils.utils.math.latex2mathml import tex2mathml  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator


def scripted(base: str, below: str | None, above: str | None) -> str:
    """Return a symbol with its indices; letters stand upright, as in the text around them.

    >>> scripted("θ", "t", "i")
    '<math class="inline"><msubsup><mtext>θ</mtext><mtext>t</mtext><mtext>i</mtext></msubsup></math>'
    """
    kind = "msubsup" if below and above else "msub" if below else "msup"
    parts = "".join(f"<mtext>{escape(part)}</mtext>" for part in (base, below, above) if part)
    return f'<math class="inline"><{kind}>{parts}</{kind}></math>'


def translated(tex: str, *, block: bool) -> str:
    r"""Return MathML of TeX.

    >>> "<msub>" in translated(r"\theta_t", block=False)
    True
    """
    return str(tex2mathml(tex, as_block=block))


def _visit(translator: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula; one that cannot be read is a warning, and so fails the build."""
    try:
        translator.body.append(translated(node.astext(), block=isinstance(node, nodes.math_block)))
    except MathError as error:
        logging.getLogger(__name__).warning("formula %r: %s", node.astext(), error, location=node)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """As a Sphinx extension."""
    app.add_html_math_renderer("mathml", (_visit, None), (_visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
