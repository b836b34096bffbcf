"""Tables as HTML, the same on the page of a run and in a notebook.

A row is one line. On a narrow screen each row becomes a card in which every figure has its heading (`tables.css`); on
paper what stands behind a figure on the screen, such as its interval, is printed beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files

from markupsafe import Markup, escape

from dynmech.sim.core.plain_text import BIDIRECTIONAL


@dataclass(frozen=True)
class Heading:
    """A column.

    Attributes:
        text: its heading; text is escaped, markup is not.
        left: whether it holds text, which begins at the left; figures end at the right.
        narrow: what it is called in a card; its heading, unless given.
        constant: whether it may be left out where all its cells are the same.
    """

    text: str
    left: bool = False
    narrow: str = ""
    constant: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: what it shows; text is escaped, markup is not.
        hover: what is said when the pointer rests on it.
        paper: what is printed after the text and not shown on the screen.
        below: what stands below in small letters or as a drawing.
        share: how strongly it is shaded, 0 to 100; None: not at all.
        kind: a class of the style sheet.
        value: what it is sorted by; its text, where there is no figure.
    """

    text: str = ""
    hover: str = ""
    paper: str = ""
    below: str = ""
    share: float | None = None
    kind: str = ""
    value: float | None = None

    def html(self, heading: Heading) -> Markup:
        """Return the cell in its column."""
        classes = " ".join(one for one in ("left" if heading.left else "", self._shade(), self.kind) if one)
        marks = Markup(' data-label="{}"').format(harmless(heading.narrow or plain_text(heading.text)))
        marks += Markup(' class="{}"').format(classes) if classes else ""
        marks += Markup(' title="{}"').format(harmless(self.hover)) if self.hover else ""
        marks += Markup(' style="--share: {}"').format(round(self.share)) if self.share is not None else ""
        marks += Markup(' data-value="{}"').format(repr(float(self.value))) if self.value is not None else ""
        paper = Markup('<span class="paper">{}</span>').format(self.paper) if self.paper else ""
        below = Markup("<small>{}</small>").format(self.below) if self.below else ""
        return Markup("<td{}>{}{}{}</td>").format(marks, harmless(self.text), paper, below)

    def _shade(self) -> str:
        return "" if self.share is None else "hot"


@dataclass(frozen=True)
class Group:
    """Rows under a heading of their own; without rows the heading says it all."""

    title: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Table:
    """Headings, and rows in groups.

    Attributes:
        headings: of the columns.
        groups: of rows.
        remark: what was left out because it is the same in all rows; empty: nothing.
    """

    headings: Sequence[Heading]
    groups: Sequence[Group]
    remark: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, headings: Sequence[Heading], rows: Sequence[Sequence[Cell]]) -> "Table":
        """Return a table without groups."""
        return cls(headings, [Group("", rows)])

    @property
    def rows(self) -> list[Sequence[Cell]]:
        """All rows."""
        return [row for group in self.groups for row in group.rows]

    def varying(self) -> "Table":
        """Return the table without columns that may go and say the same in all of several rows; these are a remark."""
        rows = self.rows
        same = [
            k
            for k, heading in enumerate(self.headings)
            if heading.constant and len(rows) > 1 and len({(row[k].text, row[k].paper) for row in rows}) == 1
        ]
        said = Markup(", ").join(
            Markup("{} {}").format(plain_text(self.headings[k].text), plain_text(rows[0][k].text)) for k in same
        )
        kept = [k for k in range(len(self.headings)) if k not in same]
        groups = [Group(group.title, [[row[k] for k in kept] for row in group.rows]) for group in self.groups]
        remark = Markup("The same in all rows: {}.").format(said) if same else ""
        return replace(self, headings=[self.headings[k] for k in kept], groups=groups, remark=remark)

    def first(self, most: int) -> "Table":
        """Return the table with its first rows only."""
        groups: list[Group] = []
        left = most
        for group in self.groups:
            if left > 0:
                groups.append(Group(group.title, group.rows[:left]))
            left -= len(group.rows)
        return replace(self, groups=groups)

    def html(self, kind: str = "sortable") -> Markup:
        """Return the table; `kind`: classes of the style sheet."""
        head = Markup("").join(
            Markup('<th scope="col"{}>{}</th>').format(Markup(' class="left"') if one.left else "", harmless(one.text))
            for one in self.headings
        )
        bodies = Markup("\n").join(self._body(group) for group in self.groups if group.rows or group.title)
        return Markup(
            '<div class="scroll" tabindex="0"><table class="stack {}">\n<thead><tr>{}</tr></thead>\n{}\n</table></div>'
        ).format(kind, head, bodies)

    def folded(self, most: int, words: str) -> Markup:
        """Return the table; of a longer one the first rows, and all of it behind a line that opens it."""
        count = len(self.rows)
        if count <= most:
            return self.html()
        return Markup('{}<details class="whole"><summary>All {} {}</summary>{}</details>').format(
            self.first(most).html("short"), count, words, self.html()
        )

    def _body(self, group: Group) -> Markup:
        title = (
            Markup('<tr class="group"><th scope="rowgroup" colspan="{}">{}</th></tr>\n').format(
                len(self.headings), group.title
            )
            if group.title
            else ""
        )
        rows = Markup("\n").join(
            Markup("<tr>{}</tr>").format(
                Markup("").join(cell.html(heading) for cell, heading in zip(row, self.headings, strict=True))
            )
            for row in group.rows
        )
        return Markup("<tbody>{}{}</tbody>").format(title, rows)


def harmless(text: str) -> str:
    """Return plain text that cannot change the direction of what follows it; markup is what its maker made it."""
    return text if isinstance(text, Markup) else BIDIRECTIONAL.sub("\ufffd", text)


def plain_text(text: str) -> str:
    """Return a text without its markup."""
    return Markup(text).striptags() if isinstance(text, Markup) else text


def style() -> str:
    """Return the style sheet of tables, for elements within the class `dynmech`."""
    return files(__package__).joinpath("tables.css").read_text(encoding="utf-8")


def notebook(lines: Sequence[str], tables: Sequence[str]) -> str:
    """Return lines and tables as they are shown in a notebook, the first line as a headline."""
    first, *rest = [escape(line) for line in lines] or [Markup()]
    said = Markup("").join(Markup("<p>{}</p>").format(line) for line in rest)
    return str(
        Markup('<div class="dynmech notebook"><style>{}</style><p class="lead"><b>{}</b></p>{}{}</div>').format(
            Markup(style()), first, said, Markup("\n").join(tables)
        )
    )
