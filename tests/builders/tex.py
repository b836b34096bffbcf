"""What LaTeX would make of a file of tables: a small reader that stops where LaTeX would."""

import re
from typing import NamedTuple

KNOWN = {
    "\\textbackslash": "\\", "\\textasciicircum": "^", "\\textasciitilde": "~", "\\textless": "<", "\\textgreater": ">",
    "\\textbar": "|", "\\textquotedbl": '"', "\\textasciigrave": "`", "\\to": "→", "\\pm": "±", "\\infty": "∞",
    "\\delta": "δ", "\\varepsilon": "ε", "\\{": "{", "\\}": "}", "\\$": "$", "\\&": "&", "\\#": "#", "\\%": "%",
    "\\_": "_", "\\textendash": "–",
}  # fmt: skip
"""Commands that a text may hold, and what they show."""

TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.", re.DOTALL)


class TexTable(NamedTuple):
    """A table as it is shown."""

    caption: str
    label: str
    columns: str
    heads: list[str]
    rows: list[list[str]]


def shown(text: str) -> str:
    """What LaTeX shows for a text; an AssertionError where it would stop, or read a command."""
    out, depth, mathematics = "", 0, False
    tokens = TOKEN.findall(text)
    for k, token in enumerate(tokens):
        if token == "$":
            mathematics = not mathematics
        elif token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            assert depth >= 0
        elif token.startswith("\\"):
            assert token in KNOWN, f"{token} is a command"
            assert not token[1:].isalpha() or tokens[k + 1 : k + 2] in (["{"], ["$"]), f"{token} swallows a blank"
            out += KNOWN[token]
        else:
            assert token not in "&#%_^~\n", f"{token!r} means something"
            assert token not in "-,'" or tokens[k + 1 : k + 2] != [token], f"{token * 2} is another letter"
            out += token
    assert depth == 0
    assert not mathematics
    return out


def read_tables(text: str) -> list[TexTable]:
    """The tables of a file; an AssertionError where LaTeX would stop."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    pattern = (
        r"\\begin\{table\}\[htbp\]\n  \\centering\n  \\caption\{(.*)\}\n  \\label\{(.*)\}\n"
        r"  \\begin\{tabular\}\{@\{\}(\w+)@\{\}\}\n    \\toprule\n    (.*) \\\\\n    \\midrule\n((?:.*\n)*?)"
        r"    \\bottomrule\n  \\end\{tabular\}\n\\end\{table\}\n?"
    )
    assert not re.sub(pattern, "", body).strip(), "something is left beside the tables"
    tables = []
    for caption, label, columns, head, rows in re.findall(pattern, body):
        assert re.fullmatch(r"[A-Za-z0-9:.-]+", label)
        lines = rows.splitlines()
        assert all(line.endswith(" \\\\") and not re.match(r"\s*[\[*]", line) for line in lines)
        cells = [[shown(cell) for cell in re.split(r"(?<!\\) & ", line[4:-3])] for line in lines]
        heads = [shown(cell) for cell in re.split(r"(?<!\\) & ", head)]
        assert all(len(row) == len(columns) == len(heads) for row in cells)
        tables.append(TexTable(shown(caption), label, columns, heads, cells))
    return tables
