r"""Tables in LaTeX with the package booktabs. Names are shown as they are: nothing in them is a command."""

import re
import unicodedata
from collections.abc import Sequence

ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "*": "{*}",
    "→": r"$\to$", "±": r"$\pm$", "∞": r"$\infty$", "–": r"\textendash{}", "δ": r"$\delta$", "ε": r"$\varepsilon$",
}  # fmt: skip
"""What means something to LaTeX (a bracket or a star does after the end of a row), and what is written for it."""

LIGATURES = re.compile(r"([-,'])(?=\1)")
"""Letters that two of are printed as another one."""

NUMBER = re.compile(r"(?<![\w.-])-(?=\d)")
"""A minus sign before a number."""

MINUS = "\0"
"""Stands for a minus sign; no text holds it."""


def table(heads: Sequence[str], columns: str, rows: Sequence[Sequence[str]], caption: str, name: str) -> str:
    r"""Return one table; every text is escaped here.

    Args:
        heads: of the columns.
        columns: their alignment, a letter each.
        rows: of the body.
        caption: above the table.
        name: for `\ref`; what it cannot hold becomes a hyphen.
    """
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"  \centering",
            rf"  \caption{{{escaped(caption)}}}",
            rf"  \label{{{re.sub(r'[^A-Za-z0-9:.-]', '-', name)}}}",
            rf"  \begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"    \toprule",
            f"    {' & '.join(map(escaped, heads))} \\\\",
            r"    \midrule",
            *(f"    {' & '.join(map(escaped, row))} \\\\" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    r"""Return a text that LaTeX shows as it is; a minus before a number is one.

    >>> print(escaped("net_revenue: -0.5 ± 0.1 & 50 %"))
    net\_revenue: $-$0.5 $\pm$ 0.1 \& 50 \%
    >>> print(escaped("a--b [1]"))
    a-{}-b {[}1{]}
    """
    parts = LIGATURES.split(NUMBER.sub(MINUS, one_line(text)))
    shown = ["".join(ESCAPED.get(letter, letter) for letter in part) for part in parts[::2]]
    joined = shown[0] + "".join(f"{mark}{{}}{part}" for mark, part in zip(parts[1::2], shown[1:], strict=True))
    return joined.replace(MINUS, "$-$")


def one_line(text: str) -> str:
    """Return a text without breaks and without what is not shown."""
    blanks = "".join(" " if letter.isspace() else letter for letter in text)
    return "".join(letter for letter in blanks if not unicodedata.category(letter).startswith("C"))
