"""The command line: `dynmech COMMAND …`; results on standard output, progress on standard error.

Exit 0: done, and what was promised holds. Exit 1: `audit` found a promise that breaks or is open. Exit 2: bad
input, one line on standard error.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from dynmech.experiments.audits.audit_json import audit_data
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.audits.continuous import measure
from dynmech.experiments.audits.frozen_weights import FrozenAudit, frozen_audit, too_large
from dynmech.experiments.audits.limited import LimitedAudit, limited_audit
from dynmech.experiments.audits.relaxed_economy import relaxation
from dynmech.experiments.audits.revenue_bound import bound
from dynmech.experiments.catalog.names import load
from dynmech.experiments.catalog.options import split
from dynmech.experiments.cli import console as screen
from dynmech.experiments.cli.audit_screen import show_audit, show_frozen, show_limited
from dynmech.experiments.cli.check import check_command
from dynmech.experiments.cli.continuous_screen import holds, miss_data, show_miss
from dynmech.experiments.cli.listing import list_command
from dynmech.experiments.cli.reproduce import reproduce_command
from dynmech.experiments.cli.sweep import sweep_command
from dynmech.experiments.cli.tournament import tournament_command
from dynmech.experiments.report.page import report
from dynmech.experiments.runs.loading import make_workers, open_environment, open_game, open_plugins
from dynmech.experiments.runs.replaying import replay
from dynmech.experiments.runs.running import make_protocol, run
from dynmech.experiments.runs.simulation import Sampling
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.runs.study import load_study
from dynmech.experiments.runs.to_json import print_json
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import DynmechError, InputError, Refusal
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.log.run_folder import DATASETS

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A laboratory for dynamic mechanisms: does it hold, and if not, what does the worst lie earn?",
)

Plugins = Annotated[
    list[Path],
    typer.Option("--plugin", metavar="FILE", help="A Python file with strategies, mechanisms or scenarios."),
]
Episodes = Annotated[int, typer.Option("--episodes", help="Episodes per case.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all random numbers.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Run folder (default: below runs/).")]
Shard = Annotated[int, typer.Option("--shard", help="Episodes per shard (0: chosen).")]
Block = Annotated[int, typer.Option("--block", help="Episodes per message; changes nothing but the speed.")]
Tail = Annotated[float, typer.Option("--tail", help="What may be left out of a payoff by cutting an infinite horizon.")]
Deadline = Annotated[float, typer.Option("--deadline", help="When in a period the designer settles, in [0, 1).")]
Latency = Annotated[
    list[str],
    typer.Option("--latency", metavar="AGENT=L", help="L: 0.2, uniform:0.5 or exponential:0.1; AGENT may be all."),
]
Disclosure = Annotated[str, typer.Option("--disclosure", help="everything, decisions or own.")]
Log = Annotated[
    str,
    typer.Option("--log", metavar="LEVEL", help="full: a row per agent and period; episodes; summary: no rows."),
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
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


app.command("list")(list_command)
app.command("check")(check_command)


@app.command("run")
def run_command(
    context: typer.Context,
    environment: Annotated[
        str, typer.Argument(metavar="ENV|STUDY.toml", help="A scenario, an environment file, or a study.")
    ],
    mechanism: Annotated[str | None, typer.Argument(metavar="MECHANISM", help="A mechanism, name:key=value,…")] = None,
    strategy: Annotated[
        list[str],
        typer.Option("--strategy", metavar="AGENT=NAME:…", help="Who plays what; others as prescribed."),
    ] = [],  # noqa: B006
    episodes: Episodes = 10_000,
    seed: Seed = 0,
    out: Out = None,
    shard: Shard = 0,
    block: Block = 4096,
    tail: Tail = 1e-4,
    deadline: Deadline = 0.0,
    latency: Latency = [],  # noqa: B006
    disclosure: Disclosure = "everything",
    log: Log = "full",
    workers: Count = 1,
    cluster: Cluster = "",
    time_limit: TimeLimit = 120.0,
    memory_limit: MemoryLimit = 2.0,
    plugin: Plugins = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Simulate one mechanism with one strategy per agent, log it and sum it up; the same line resumes."""
    strategies, delays = _pairs(strategy, "--strategy"), _pairs(latency, "--latency")
    if environment.endswith(".toml"):
        for name in ("mechanism", "strategy", "episodes", "seed", "tail", "deadline", "latency", "disclosure"):
            source = context.get_parameter_source(name)
            if source is not None and source.name != "DEFAULT":
                raise InputError(f"{environment}: a study says what is played; {name!r} stands in it, not beside it")
        study = load_study(Path(environment))
        environment, mechanism, strategies = study.environment, study.mechanism, dict(study.strategies)
        episodes, seed, tail = study.episodes, study.seed, study.tail
        deadline, delays, disclosure = study.deadline, dict(study.latency), study.disclosure
        out = out or (Path(study.out) if study.out else None)
        plugin = [*plugin, *map(Path, study.plugins)]
    if mechanism is None:
        raise InputError("run: a mechanism is missing; write run ENV MECHANISM, or run STUDY.toml")
    staff = make_workers(workers, time_limit, memory_limit, cluster)
    open_plugins(plugin, staff)
    economy = open_environment(environment, staff)
    with screen.progress_bars() as progress:
        result = run(
            economy,
            mechanism,
            strategies,
            out=out,
            protocol=make_protocol(economy.agents, deadline, delays, disclosure),
            tail=tail,
            sampling=Sampling(episodes, seed, shard, block),
            plugins=plugin,
            log=log,
            workers=staff,
            progress=progress,
            typed=environment,
        )
    if as_json:
        print_json(result.data())
        return
    console = screen.make_console()
    screen.show_run(result, console)
    screen.show_faults(console, [], result.remarks, result.damaged)
    _show_paths(console, result.folder, result.reused, None)


@app.command("stress")
def stress_command(
    environment: Annotated[
        str, typer.Argument(metavar="ENV", help="A scenario, name:key=value,…, or an environment file.")
    ],
    mechanism: Annotated[
        list[str],
        typer.Option("--mechanism", metavar="M", help="A mechanism (all that fit, if none is given)."),
    ] = [],  # noqa: B006
    episodes: Annotated[
        int, typer.Option("--episodes", help="Episodes per case (0: 10,000, fewer in long games).")
    ] = 0,
    seed: Seed = 0,
    out: Out = None,
    shard: Shard = 0,
    block: Block = 4096,
    tail: Tail = 1e-4,
    deadline: Deadline = 0.0,
    latency: Latency = [],  # noqa: B006
    disclosure: Disclosure = "everything",
    log: Log = "full",
    workers: Count = 1,
    cluster: Cluster = "",
    time_limit: TimeLimit = 120.0,
    memory_limit: MemoryLimit = 2.0,
    plugin: Plugins = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Every mechanism against every family of deviations: who gains what from which lie."""
    from dynmech.experiments.plots.stress_plots import plot_stress

    staff = make_workers(workers, time_limit, memory_limit, cluster)
    open_plugins(plugin, staff)
    economy = open_environment(environment, staff)
    with screen.progress_bars() as progress:
        result = stress(
            economy,
            mechanism,
            out=out,
            protocol=make_protocol(economy.agents, deadline, _pairs(latency, "--latency"), disclosure),
            tail=tail,
            sampling=Sampling(episodes, seed, shard, block),
            plugins=plugin,
            log=log,
            workers=staff,
            progress=progress,
            typed=environment,
        )
    plot = plot_stress(result, result.folder / "gains.png")
    if as_json:
        print_json(result.data())
        return
    console = screen.make_console()
    screen.show_stress(result, console)
    screen.show_faults(console, result.failures, result.remarks, result.damaged)
    _show_paths(console, result.folder, result.reused, plot)


@app.command("audit")
def audit_command(
    environment: Annotated[
        str, typer.Argument(metavar="ENV", help="A scenario, name:key=value,…, or an environment file.")
    ],
    mechanism: Annotated[str, typer.Argument(metavar="MECHANISM", help="A mechanism, name:key=value,…")],
    coalition: Annotated[
        list[str],
        typer.Option("--coalition", metavar="A+B", help="Search this coalition instead of every agent alone."),
    ] = [],  # noqa: B006
    leave: Annotated[
        bool, typer.Option("--exit", help="Deviators may leave, what they owe unpaid and their payoff 0 from then on.")
    ] = False,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Up to which a promise holds.")] = 1e-6,
    all_states: Annotated[
        bool, typer.Option("--all-states", help="Maxima over all states, not only those that some play leads to.")
    ] = False,
    plugin: Plugins = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Exact verdicts: the most that any deviation gains, every promise; exit code 1 if one breaks or is open."""
    staff = Workers()
    open_plugins(plugin, staff)
    economy = open_environment(environment, staff)
    game, title = open_game(economy, mechanism, None, 1e-4, staff), f"{mechanism} on {environment}"
    assert isinstance(game.mechanism, Mechanism)
    if isinstance(game.mechanism, VirtualPivot) and too_large(game.mechanism) and not (coalition or leave):
        with screen.progress_bars() as progress:
            frozen = frozen_audit(game.mechanism, tolerance=tolerance, progress=progress)
        _frozen(frozen, split(mechanism, "mechanism")[1], as_json, title)
        return
    if isinstance(game.mechanism, ContingentDensity) and not (coalition or leave):
        _measured(game.mechanism, split(mechanism, "mechanism")[1], as_json)
        return
    with screen.progress_bars() as progress:
        try:
            found = audit(
                economy,
                game.mechanism,
                coalitions=[members.split("+") for members in coalition],
                exit=leave,
                tolerance=tolerance,
                all_states=all_states,
                progress=progress,
            )
        except Refusal as error:
            if coalition or leave:
                raise
            _limited(limited_audit(game, mechanism, str(error), progress=progress), as_json, title)
            return
    if as_json:
        print_json({**audit_data(found), "options": split(mechanism, "mechanism")[1]})
    else:
        show_audit(found, screen.make_console(), title)
    if not found.holds:
        raise typer.Exit(1)


def _measured(mechanism: ContingentDensity, options: dict[str, str], as_json: bool) -> None:
    """An audit up to ε."""
    found = measure(mechanism)
    if as_json:
        print_json({**miss_data(mechanism, found), "options": options})
    else:
        show_miss(mechanism, found, screen.make_console())
    if not holds(found):
        raise typer.Exit(1)


def _frozen(found: FrozenAudit, options: dict[str, str], as_json: bool, title: str) -> None:
    """An audit first report by first report."""
    if as_json:
        print_json({**found.data(), "options": options})
    else:
        show_frozen(found, screen.make_console(), title)
    if not found.holds:
        raise typer.Exit(1)


def _limited(limited: LimitedAudit, as_json: bool, title: str) -> None:
    """A refused audit's lower bound: what is promised breaks, is not refuted or is undecided."""
    if as_json:
        print_json(limited.data())
    else:
        show_limited(limited, screen.make_console(), title)
    if not limited.holds:
        raise typer.Exit(1)


app.command("tournament")(tournament_command)


@app.command("report")
def report_command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The page.")] = Path("run.html"),
) -> None:
    """A run as one page that opens offline: does it hold, who gains what, the worst lie period by period."""
    screen.make_console().print(f"page: {report(run_folder, out)}", soft_wrap=True)


@app.command("replay")
def replay_command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, of `run` or `stress`.")],
    case: Annotated[str, typer.Option("--case", metavar="K", help="Which case, as its folder is called.")],
    mechanism: Annotated[
        str | None, typer.Option("--mechanism", metavar="M", help="Under which mechanism, where several played it.")
    ] = None,
    episode: Annotated[
        int | None, typer.Option("--episode", help="Which episode (default: where the deviator gains most).")
    ] = None,
) -> None:
    """A logged episode period by period, beside what truth would have given."""
    screen.show_replay(replay(run_folder, case, mechanism=mechanism, episode=episode), screen.make_console())


@app.command("bound")
def bound_command(
    environment: Annotated[
        str, typer.Argument(metavar="ENV", help="A two-period economy with independent types, or a separable one.")
    ],
    leave: Annotated[bool, typer.Option("--leave", help="Agents may leave in the second period too.")] = False,
    relaxed: Annotated[
        bool, typer.Option("--relaxed", help="Beside what could be earned if only the first signals were private.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The most that any mechanism can earn on a finite economy, and what stands in the way of more.

    Two periods: which constraints bind. A separable economy, or --relaxed: the relaxed bound and the gap to it.
    """
    economy = load(environment)
    if leave and relaxed:
        raise InputError("--leave and --relaxed: the relaxed bound is for agents that stay")
    two_periods = leave or not isinstance(economy, SeparableEnvironment)
    found = relaxation(economy) if relaxed or not two_periods else bound(economy, leave=leave)
    if as_json:
        print_json(found.data())
    else:
        found.show(screen.make_console())


app.command("reproduce")(reproduce_command)
app.command("sweep")(sweep_command)


def _show_paths(console: Any, folder: Path, reused: bool, plot: Path | None) -> None:
    console.print()
    if reused:
        console.print(Text("This run was there already; nothing was played again."))
    for name in (name for name in DATASETS if (folder / name).is_dir()):
        console.print(Text(f"{name:9} {folder / name}", no_wrap=True, overflow="ignore"), crop=False)
    if plot:
        console.print(Text(f"{'plot':9} {plot}", no_wrap=True, overflow="ignore"), crop=False)


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        who, equals, what = text.partition("=")
        if not (who and equals and what):
            raise InputError(f"{option} {text!r}: not of the form AGENT=…")
        if who in pairs:
            raise InputError(f"{option}: agent {who!r} is given twice")
        pairs[who] = what
    return pairs


INTERRUPTED = 130
"""Exit code after Ctrl-C; Typer gives it back as well."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `dynmech`."""
    command = typer.main.get_command(app)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show becomes "?"
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = command.main(given or ["--help"], prog_name="dynmech", standalone_mode=False)
    except DynmechError as error:
        _fail(str(error))
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            code = INTERRUPTED
        elif hasattr(error, "format_message"):
            _fail(error.format_message())
        else:
            raise
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        sys.stderr.write("dynmech: interrupted; the same line resumes\n")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(text: str) -> None:
    sys.stderr.write(f"dynmech: {' '.join(text.split())}\n")
    sys.exit(2)
