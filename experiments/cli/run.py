"""`dynmech run`: one mechanism, one strategy per agent, or a study that says both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out, open_economy, read_pairs, show_engine, show_paths, terms_of
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.runs.run_result import RunResult
    from dynmech.experiments.runs.study import Study

IN_STUDY = (
    *("mechanism", "strategy", "episodes", "seed", "tail", "deadline", "latency", "disclosure"),
    *("payments", "default", "grace", "deposit"),
)
"""Parameters that a study sets, so that they cannot be given beside it."""


def run_command(
    context: typer.Context,
    environment: options.EnvironmentOrStudy,
    mechanism: options.MechanismOrNone = None,
    strategy: options.Strategies = [],  # noqa: B006 - Typer copies defaults
    episodes: options.Episodes = 10_000,
    seed: options.Seed = 0,
    out: options.Out = None,
    shard: options.Shard = 0,
    block: options.Block = 4096,
    engine: options.Engine = "auto",
    tail: options.Tail = 1e-4,
    deadline: options.Deadline = 0.0,
    latency: options.Latency = [],  # noqa: B006
    disclosure: options.Disclosure = "everything",
    payments: options.Payments = "enforced",
    default: options.Default = None,
    grace: options.Grace = None,
    deposit: options.Deposit = None,
    log: options.Log = "full",
    workers: options.Count = 1,
    cluster: options.Cluster = "",
    time_limit: options.TimeLimit = 120.0,
    memory_limit: options.MemoryLimit = 2.0,
    plugin: options.Plugins = [],  # noqa: B006
    plot: options.Plot = None,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Simulate one mechanism with one strategy per agent, log it and sum it up; the same line resumes."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.runs.study import Study, load_study

    numbers: dict[str, Any] = {"episodes": episodes, "seed": seed, "tail": tail, "deadline": deadline}
    who: dict[str, Any] = {"strategies": read_pairs(strategy, "--strategy")}
    who["latency"] = read_pairs(latency, "--latency")
    what: dict[str, Any] = {"environment": environment, "mechanism": mechanism or "", "disclosure": disclosure}
    what |= {"payments": payments, "default": default, "grace": grace, "deposit": deposit}
    study = Study.model_construct(None, **what, **who, **numbers)
    if environment.endswith(".toml"):
        _refuse_beside_study(context, environment)
        study = load_study(Path(environment))
    elif mechanism is None:
        raise InputError("run: a mechanism is missing; write run ENV MECHANISM, or run STUDY.toml")
    staff = make_workers(workers, time_limit, memory_limit, cluster)
    with progress_bars(quiet) as progress:
        how = {"shard": shard, "block": block, "engine": engine, "log": log, "workers": staff, "progress": progress}
        result = _play(study, [*plugin, *map(Path, study.plugins)], out, how)
    _hand_out(result, plot, engine, quiet, as_json)


def _hand_out(result: RunResult, plot: Path | None, engine: str, quiet: bool, as_json: bool) -> None:
    """Draw and print what was found."""
    from dynmech.experiments.cli.console import run_sentence

    if plot is not None:
        result.plot(plot)
    hand_out(
        as_json,
        result.data,
        lambda console: _show(result, console, plot, engine),
        quiet=quiet,
        brief=lambda: (run_sentence(result), result.folder),
    )


def _refuse_beside_study(context: typer.Context, study: str) -> None:
    """Raise if what a study says is given beside it."""
    for name in IN_STUDY:
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise InputError(f"{study}: a study says what is played; {name!r} stands in it, not beside it")


def _play(
    study: Study,
    plugins: Sequence[Path],
    out: Path | None,
    how: Mapping[str, Any],
) -> RunResult:
    """Play what a study says; `how`: what it does not say, as `run` takes it."""
    from dynmech.experiments.runs.running import make_protocol, run

    terms = terms_of(study.payments, study.default, study.grace, study.deposit)
    economy = open_economy(study.environment, plugins, how["workers"])
    return run(
        economy,
        study.mechanism,
        study.strategies,
        out=out or (Path(study.out) if study.out else None),
        protocol=make_protocol(economy.agents, study.deadline, study.latency, study.disclosure, terms),
        tail=study.tail,
        episodes=study.episodes,
        seed=study.seed,
        plugins=plugins,
        typed=study.environment,
        **how,
    )


def _show(result: RunResult, console: Console, plot: Path | None, engine: str) -> None:
    from dynmech.experiments.cli.console import show_faults, show_run

    show_run(result, console)
    show_faults(console, [], result.remarks, result.damaged)
    show_engine(console, result.folder, engine)
    show_paths(console, result.folder, result.reused, plot)
