"""Docstrings are plain text in the manner of Markdown; this writes them as reStructuredText, with the same meaning.

Code in single backticks, tables with bars, displayed formulas (indented by four), lists without a blank line before
them, and characters that reStructuredText would take for markup (`*`, `|`, a trailing `_`) are all that differs.
Sections (`Args:`, `Raises:`, … or those of numpydoc) are left to napoleon.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial

SECTIONS = ("Args:", "Attributes:", "Raises:", "Returns:", "Yields:")
NUMPYDOC = ("Parameters", "Attributes", "Returns", "Raises", "Yields")
"""Sections of numpydoc whose lines are names with what is said of them; others hold text as any other."""

ITEM = re.compile(r"(\s*)([-*]|\d+\.) +(?=\S)")
CODE = re.compile(r"(`+)(.+?)\1")
LETTER = re.compile(r"(\s*)(?=\(?(?:[A-Za-z]|[ivxlcdmIVXLCDM]+)[.)](?:\s|$))")  # would open a list
EMPHASIS = re.compile(r"(?<![\w*])(\*{1,2})([^\W\d_][^*]*?)\1(?![\w*])")


def escaped(text: str) -> str:
    """One line or paragraph: code becomes a literal, emphasis stays, everything else means itself."""
    out, last = [], 0
    for match in CODE.finditer(text):
        out += [_plain(text[last : match.start()]), f"\0``{match[2]}``\0"]
        last = match.end()
    out.append(_plain(text[last:]))
    return _apart("".join(out))


def _plain(text: str) -> str:
    out, last = [], 0
    for match in EMPHASIS.finditer(text):
        out += [_escape(text[last : match.start()]), f"\0{match[1]}{_escape(match[2])}{match[1]}\0"]
        last = match.end()
    return "".join([*out, _escape(text[last:])])


def _escape(text: str) -> str:
    return re.sub(r"([\\*|`]|_(?!\w))", r"\\\1", text)


def _apart(text: str) -> str:
    """Markup must not touch a word: an escaped blank, which is not printed, keeps them apart."""
    text = re.sub(r"(?<=[^\s\0(\[{\"'—–/-])\0(?=`|\*)", r"\\ ", text)
    text = re.sub(r"(?<=[`*])\0(?=[^\s\0.,:;!?)\]}\"'—–/-])", r"\\ ", text)
    return text.replace("\0", "")


def restructured(lines: Sequence[str]) -> list[str]:
    """A docstring's lines."""
    out: list[str] = []
    base, at = 0, 0
    while at < len(lines):
        line = lines[at]
        indent = len(line) - len(line.lstrip())
        fresh = not out or not out[-1].strip()
        if not line.strip():
            out.append("")
            at += 1
        elif line.strip().startswith("|") and _rule(lines, at + 1):
            end = _while(lines, at, lambda text: text.strip().startswith("|"))
            out += ["", *_table(lines[at:end], indent), ""]
            at = end
        elif line.lstrip().startswith(">>> "):
            end = _while(lines, at, lambda text: bool(text.strip()))
            out += ["", *lines[at:end], ""]
            at = end
        elif _underlined(lines, at):
            end = _section_end(lines, at) if line.strip() in NUMPYDOC else at + 2
            out += ["", *lines[at : at + 2], *(escaped(text) for text in lines[at + 2 : end])]
            base, at = 0, end
        elif line.strip() in SECTIONS and indent == 0:
            end = _while(lines, at + 1, lambda text: not text.strip() or text.startswith("    "))
            out += ["", line, *(escaped(text) for text in lines[at + 1 : end]), ""]
            base, at = 0, end
        elif (fresh and indent >= base + 4) or (indent >= base + 8):
            end = _while(lines, at, partial(_deeper, base))
            out += ["", f"{' ' * base}::", "", *lines[at:end], ""]
            at = end
        else:
            item = ITEM.match(line)
            if not fresh and ((item and not ITEM.match(_opening(lines, at))) or (indent < base and not item)):
                out.append("")
            base = item.end() if item else min(base, indent)
            marker = line[: item.end()] if item else ""
            text = escaped(line[len(marker) :])
            out.append(marker + (LETTER.sub(r"\1\\", text, count=1) if LETTER.match(text) else text))
            at += 1
    return out


def _underlined(lines: Sequence[str], at: int) -> bool:
    """Whether a line is the heading of a section of numpydoc."""
    return at + 1 < len(lines) and re.fullmatch(r"---+", lines[at + 1]) is not None and lines[at].strip().isalpha()


def _section_end(lines: Sequence[str], at: int) -> int:
    """The line of the next heading, or the end."""
    return next((below for below in range(at + 1, len(lines)) if _underlined(lines, below)), len(lines))


def _opening(lines: Sequence[str], at: int) -> str:
    """The line that opened the block that the line before belongs to."""
    at -= 1
    while at > 0 and lines[at].strip() and not ITEM.match(lines[at]):
        at -= 1
    return lines[at]


def _deeper(than: int, text: str) -> bool:
    """Whether a line is empty, or stands further in."""
    return not text.strip() or _indent(text) > than


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _rule(lines: Sequence[str], at: int) -> bool:
    return at < len(lines) and re.fullmatch(r"[|\s:-]+", lines[at].strip() or "x") is not None


def _while(lines: Sequence[str], at: int, holds: Callable[[str], bool]) -> int:
    while at < len(lines) and holds(lines[at]):
        at += 1
    return at


def _table(lines: Sequence[str], indent: int) -> list[str]:
    """Rows with bars, as a list table; the second one is the rule."""
    pad = " " * indent
    out = [f"{pad}.. list-table::", f"{pad}   :header-rows: 1", ""]
    for line in (lines[0], *lines[2:]):
        for number, cell in enumerate(re.split(r"(?<!\\)\|", line.strip().strip("|"))):
            mark = "* -" if number == 0 else "  -"
            out.append(f"{pad}   {mark} {escaped(cell.strip())}".rstrip())
    return out
