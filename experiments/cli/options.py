"""Options that several commands take; their types, flags and help."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli.completion import complete_from, complete_mechanism, complete_scenario, complete_strategy
from dynmech.experiments.figures.forms import figure_form

EnvironmentName = Annotated[
    str,
    typer.Argument(
        metavar="ENV",
        help="A scenario, name:key=value,…, or an environment file.",
        autocompletion=complete_scenario,
    ),
]
EnvironmentOrStudy = Annotated[
    str,
    typer.Argument(
        metavar="ENV|STUDY.toml",
        help="A scenario, an environment file, or a study.",
        autocompletion=complete_scenario,
    ),
]
MechanismName = Annotated[
    str,
    typer.Argument(
        metavar="MECHANISM",
        help="A mechanism, name:key=value,…, or a mechanism file.",
        autocompletion=complete_mechanism,
    ),
]
MechanismOrNone = Annotated[
    str | None,
    typer.Argument(
        metavar="MECHANISM",
        help="A mechanism, name:key=value,…, or a mechanism file.",
        autocompletion=complete_mechanism,
    ),
]
Mechanisms = Annotated[
    list[str],
    typer.Option(
        "--mechanism",
        metavar="M",
        help="A mechanism (all that fit, if none is given).",
        autocompletion=complete_mechanism,
    ),
]
Strategies = Annotated[
    list[str],
    typer.Option(
        "--strategy",
        metavar="AGENT=NAME:…",
        help="Who plays what; others as prescribed.",
        autocompletion=complete_strategy,
    ),
]
Plugins = Annotated[
    list[Path],
    typer.Option("--plugin", metavar="FILE", help="A Python file with strategies, mechanisms or scenarios."),
]
Bounds = Annotated[
    bool,
    typer.Option("--bounds", help="Bound gains from both sides along drawn paths instead of searching exactly."),
]
Width = Annotated[
    float | None,
    typer.Option(
        "--width",
        help="With --bounds: play until the sides are this close (in units of utility) or the budget is spent.",
        show_default="10 % of the gain or 1 % of the scale",
    ),
]
Effort = Annotated[
    float,
    typer.Option("--effort", help="With --bounds: how often the usual budget, of about a minute, may be spent."),
]
BoundWorkers = Annotated[
    int, typer.Option("--workers", metavar="N", help="With --bounds: processes that share out the deviators.")
]
BoundFolder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="With --bounds: keep what is played here; the same line goes on."),
]
Certificate = Annotated[
    Path | None, typer.Option("--certificate", metavar="FILE", help="Write a proof of the gains, for `dynmech verify`.")
]
Payments = Annotated[
    str,
    typer.Option(
        "--payments",
        metavar="P",
        help="enforced: bills are always paid; billed: the same, bills and payments in the log; voluntary: an agent "
        "pays or does not.",
        autocompletion=complete_from("enforced", "billed", "voluntary"),
    ),
]
Default = Annotated[
    str | None,
    typer.Option(
        "--default",
        metavar="RULE",
        help="What follows an unpaid bill: exclude (out from then on) or ignore (nothing).",
        show_default="exclude",
        autocompletion=complete_from("exclude", "ignore"),
    ),
]
Grace = Annotated[
    int | None,
    typer.Option("--grace", metavar="G", help="Periods within which a bill can still be paid.", show_default="0"),
]
Deposit = Annotated[
    str | None,
    typer.Option(
        "--deposit",
        metavar="auto|D",
        help="What an agent loses that does not pay; auto: the least with which no default gains.",
        show_default="0",
        autocompletion=complete_from("auto"),
    ),
]
Leave = Annotated[
    bool,
    typer.Option("--exit", help="Deviators may leave: what they owe stays unpaid, their payoff is 0 from then on."),
]
Episodes = Annotated[int, typer.Option("--episodes", help="Episodes per case.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all random numbers.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Run folder (default: below runs/).")]
Shard = Annotated[int, typer.Option("--shard", help="Episodes per shard (0: chosen).")]
Block = Annotated[int, typer.Option("--block", help="Episodes per message; changes nothing but the speed.")]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="E",
        help="loop: the event loop plays; tables: from tables where that can be; compiled: those in machine code "
        "(extra fast); auto: what pays. Equal results.",
        autocompletion=complete_from("auto", "loop", "tables", "compiled"),
    ),
]
Tail = Annotated[
    float,
    typer.Option(
        "--tail",
        help="What may be left out of a payoff by cutting an infinite horizon, relative to the economy's scale.",
    ),
]
Deadline = Annotated[float, typer.Option("--deadline", help="When in a period the designer settles, in [0, 1).")]
Latency = Annotated[
    list[str],
    typer.Option("--latency", metavar="AGENT=L", help="L: 0.2, uniform:0.5 or exponential:0.1; AGENT may be all."),
]
Disclosure = Annotated[
    str,
    typer.Option(
        "--disclosure",
        help="everything, announced (decisions, and of the reports the winning bid), decisions or own.",
        autocompletion=complete_from("everything", "announced", "decisions", "own"),
    ),
]
Log = Annotated[
    str,
    typer.Option(
        "--log",
        metavar="LEVEL",
        help="full: a row per agent and period; episodes; summary: no rows.",
        autocompletion=complete_from("full", "episodes", "summary"),
    ),
]
Count = Annotated[int, typer.Option("--workers", metavar="N", help="Processes (0: as many as there are cores).")]
Cluster = Annotated[
    str, typer.Option("--cluster", metavar="ADDRESS", help="A Dask scheduler whose workers do the work instead.")
]
TimeLimit = Annotated[
    float, typer.Option("--time-limit", metavar="S", help="Seconds that a plug-in may take for one piece of work.")
]
MemoryLimit = Annotated[
    float, typer.Option("--memory-limit", metavar="GB", help="Memory that a plug-in may take in one piece of work.")
]


def _timed(context: typer.Context, wanted: bool) -> bool:
    """Say on standard error, when a command has ended, how long it took; results hold no times."""
    if wanted and not context.resilient_parsing:
        start = time.monotonic()
        context.call_on_close(lambda: sys.stderr.write(f"{context.info_name}: {time.monotonic() - start:.1f} s\n"))
    return wanted


Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", callback=_timed, help="Say more: all that is folded away, and the time.")
]
Timed = Annotated[
    bool, typer.Option("--verbose", "-v", callback=_timed, help="Say on standard error how long it took.")
]
"""Of a command that folds nothing away; its callback does all."""


def _picture(path: Path | None) -> Path | None:
    """Refuse a name that stands for no format before anything is played."""
    if path is not None:
        figure_form(path)
    return path


Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", callback=_picture, help="A picture too: FILE.pdf, .svg or .png."),
]
Why = Annotated[
    bool,
    typer.Option(
        "--why", "--verbose", "-v", callback=_timed, help="Say more: why each mechanism was not played, and the time."
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress and no tables: the verdict, and what was written, a line each."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, errors too.")]
