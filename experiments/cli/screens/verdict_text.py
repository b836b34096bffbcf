"""Verdicts on the terminal, and which mechanisms were not played."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from dynmech.experiments.runs.verdicts import HOLDS, NOT_PROMISED, WORDS, Verdict
from dynmech.sim.core.ties import figure

STYLES = {
    "holds": "green",
    "breaks": "bold red",
    "undecided": "yellow",
    "not_refuted": "yellow",
    "outside_assumptions": "cyan",
    "not_promised": "dim",
}
"""By status of a verdict."""

WIDTH = max(map(len, WORDS.values()))


def show_promises(verdicts: Sequence[Verdict], violated: Sequence[str], console: Console, scale: float = 1.0) -> None:
    """A line per promise, and which assumptions do not hold; `scale`: the economy's."""
    for verdict in verdicts:
        console.print(_promise(verdict, scale))
    for assumption in violated:
        console.print(Text(f"assumption not satisfied here: {assumption}", style=STYLES["outside_assumptions"]))


def _promise(verdict: Verdict, scale: float) -> Text:
    """The status in words, the promise, and by how much it is missed."""
    text = Text.assemble((f"{WORDS[verdict.status]:{WIDTH}} ", STYLES[verdict.status]), verdict.promise)
    if verdict.status == NOT_PROMISED:
        return text.append(": truth is not promised to be best")
    if verdict.status == HOLDS or verdict.worst != verdict.worst:
        return text
    bound = f" (± {verdict.bound:.1g})" if verdict.bound == verdict.bound else ""
    where = where_text(verdict.where)
    return text.append(f": misses by {figure(verdict.worst, scale=scale)}{bound}{f', {where}' if where else ''}")


def where_text(place: Mapping[str, Any]) -> str:
    """A place in words; agents have names enough."""
    return ", ".join(str(value) if key == "agent" else f"{key} {value}" for key, value in place.items())


def show_refusals(refusals: Mapping[str, str], console: Console, why: bool, asked: Collection[str] = ()) -> None:
    """Say which mechanisms were not played.

    Args:
        refusals: the reasons by name.
        why: whether all reasons are asked for; else those that nobody named stand in one line.
        asked: the mechanisms that were named; of these the reason is always said.
    """
    told = {name: f"not played, {reason}" for name, reason in refusals.items() if why or name in asked}
    show_by_text(told, console, style="dim")
    if rest := [name for name in refusals if name not in told]:
        console.print(Text(f"Not played: {', '.join(rest)} (--why says why).", style="dim"))


def show_by_text(
    said: Mapping[str, str],
    console: Console,
    style: str = "",
    after: Callable[[str], None] = lambda _: None,
) -> None:
    """Print what is said of each name; names of which the same is said stand together.

    Args:
        after: is called with each name when its text has been printed.
    """
    for text in dict.fromkeys(said.values()):
        names = [name for name in said if said[name] == text]
        console.print(Text.assemble((f"{', '.join(names)}: ", "bold"), (text, style)))
        for name in names:
            after(name)
