"""Mechanisms that were not played: one line for all, or each with its reason."""

from collections.abc import Callable, Mapping

from rich.console import Console
from rich.text import Text


def show_refusals(refusals: Mapping[str, str], console: Console, why: bool) -> None:
    """Say which mechanisms were not played: by name in one line, or, where `why` is asked for, with the reasons."""
    if why:
        show_by_text({name: f"not played, {reason}" for name, reason in refusals.items()}, console, style="dim")
    elif refusals:
        console.print(Text(f"Not played: {', '.join(refusals)} (--why says why).", style="dim"))


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
