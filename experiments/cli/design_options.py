"""The options of `dynmech design`; their types, flags and help."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli.completion import complete_from, complete_mechanism

Rule = Annotated[
    str, typer.Option("--rule", metavar="RULE", help="efficient, or a mechanism (or its file) whose rule is kept.")
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory",
        metavar="MEMORY",
        help="What transfers may depend on: none, last, lags=L or history.",
        autocompletion=complete_from("none", "last", "lags=2", "history"),
    ),
]
Incentive = Annotated[
    str,
    typer.Option(
        "--incentive",
        metavar="KIND",
        help="ex-post, bayesian or none.",
        autocompletion=complete_from("ex-post", "bayesian", "none"),
    ),
]
Participation = Annotated[
    str,
    typer.Option(
        "--participation",
        metavar="KIND",
        help="none, ex-ante, interim, ex-post, exit (leaving never pays) or default (not paying never does).",
        autocompletion=complete_from("none", "ex-ante", "interim", "ex-post", "exit", "default"),
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        "--budget",
        metavar="KIND",
        help="none, no-deficit or balanced.",
        autocompletion=complete_from("none", "no-deficit", "balanced"),
    ),
]
BudgetLevel = Annotated[
    str,
    typer.Option(
        "--budget-level",
        metavar="LEVEL",
        help="Where the budget counts: ex-post, period or ex-ante.",
        autocompletion=complete_from("ex-post", "period", "ex-ante"),
    ),
]
Largest = Annotated[
    float | None,
    typer.Option("--largest", metavar="B", help="A bound on every transfer.", show_default="1000 × the scale"),
]
Margin = Annotated[float, typer.Option("--margin", metavar="ε", help="By how much every lie must lose.")]
Maximise = Annotated[
    str | None,
    typer.Option(
        "--maximise", metavar="WHAT", help="revenue or margin.", autocompletion=complete_from("revenue", "margin")
    ),
]
Minimise = Annotated[
    str | None,
    typer.Option(
        "--minimise",
        metavar="WHAT",
        help="largest (the largest transfer) or deficit; of a repair change or total-change.",
        show_default="largest",
        autocompletion=complete_from("largest", "deficit", "change", "total-change"),
    ),
]
Out = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the mechanism, for every other command.")
]
Proof = Annotated[
    Path | None,
    typer.Option("--certificate", metavar="FILE", help="Write the proof that there is none, for `dynmech verify`."),
]
Map = Annotated[
    bool,
    typer.Option(
        "--map",
        help="Which of the three goals can be had together, by memory; with -o FILE.json an interrupted map goes on.",
    ),
]
Near = Annotated[
    str | None,
    typer.Option(
        "--near",
        metavar="MECHANISM",
        help="Repair this mechanism (or file): change what it charges as little as possible.",
        autocompletion=complete_mechanism,
    ),
]
