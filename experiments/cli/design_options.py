"""The options of `dynmech design`; their types, flags and help."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli.completion import complete_from, complete_mechanism

Rule = Annotated[
    str,
    typer.Option("--rule", metavar="RULE", help="efficient, a mechanism (or its file) whose rule is kept, or free."),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="MEMORY",
        help="What transfers may depend on: none, last, lags=L or history.",
        show_default="last; history with --rule free",
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
    str | None,
    typer.Option(
        "--participation",
        metavar="KIND",
        show_default="none; interim with --rule free",
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
Margin = Annotated[
    str,
    typer.Option(
        "--margin",
        metavar="ε",
        help="By how much every lie must lose; auto: so much that truth is best under every law that data leaves open.",
        autocompletion=complete_from("auto"),
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="What `estimate` wrote, for --margin auto (or ENV is it)."),
]
Confidence = Annotated[
    float, typer.Option("--confidence", metavar="C", help="That the true laws are among those of --margin auto.")
]
Observations = Annotated[
    str | None,
    typer.Option(
        "--observations",
        metavar="N,N,…",
        help="With --margin auto: what safety would cost had every law been seen so many times.",
    ),
]
Maximise = Annotated[
    str | None,
    typer.Option(
        "--maximise",
        metavar="WHAT",
        help="revenue or margin; with --rule free revenue or welfare.",
        autocompletion=complete_from("revenue", "margin", "welfare"),
    ),
]
Minimise = Annotated[
    str | None,
    typer.Option(
        "--minimise",
        metavar="WHAT",
        help="largest (the largest transfer) or deficit; of a repair change or total-change.",
        show_default="largest; with --rule free --maximise revenue (welfare if --budget balanced)",
        autocompletion=complete_from("largest", "deficit", "change", "total-change"),
    ),
]
Out = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the mechanism, for every other command.")
]
Proof = Annotated[
    Path | None,
    typer.Option(
        "--certificate",
        metavar="FILE",
        help="Write the proof, for `dynmech verify`: of what is gained, or that there is none.",
    ),
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
