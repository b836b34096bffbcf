"""The command line: `dynmech COMMAND …`; results on standard output, progress on standard error.

Exit 0: done, and what was promised holds. Exit 1: `audit` found a promise that fails or is undecided. Exit 2: bad
input, one line on standard error.
"""

import io
import json
import sys
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from experiments import console as screen
from experiments.audit_screen import show_audit, show_frozen, show_limited
from experiments.auditing import audit, audit_data
from experiments.catalog import MECHANISMS, SCENARIOS, STRATEGIES, make_environment, use_plugins
from experiments.frozen_audit import FrozenAudit, frozen_audit, too_large
from experiments.limited import LimitedAudit, limited_audit
from experiments.options import options_of, shown, split
from experiments.replaying import replay
from experiments.running import make_conduct, run
from experiments.simulate import Sampling, open_game
from experiments.stressing import stress
from experiments.study import load_study
from mechanisms.base import BaseMechanism
from mechanisms.virtual_pivot import VirtualPivot
from sim.errors import DynmechError, InputError, Refusal
from sim.registry import Registry

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
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
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("list")
def list_command(
    kind: Annotated[str, typer.Argument(help="scenarios, mechanisms, strategies, or all of them.")] = "all",
    plugin: Plugins = [],  # noqa: B006 - Typer copies defaults
    as_json: Json = False,
) -> None:
    """What there is, a line each, with its options and its source."""
    use_plugins(plugin)
    registries: dict[str, Registry[Any]] = {"scenarios": SCENARIOS, "mechanisms": MECHANISMS, "strategies": STRATEGIES}
    if kind not in (*registries, "all"):
        raise InputError(f"list: {kind!r} is none of {', '.join(registries)}")
    chosen = {name: r for name, r in registries.items() if kind in (name, "all")}
    if as_json:
        _print_json(
            {
                name: [
                    {"name": key, "source": _source(cls), "options": _option_texts(cls), "about": _about(cls)}
                    for key, cls in registry.all().items()
                ]
                for name, registry in chosen.items()
            }
        )
        return
    out = screen.make_console()
    for name, registry in chosen.items():
        screen.show_names(
            name, [(key, _about(cls), _option_texts(cls), _source(cls)) for key, cls in registry.all().items()], out
        )


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
    use_plugins(plugin)
    economy = make_environment(environment)
    with screen.progress_bars() as progress:
        result = run(
            economy,
            mechanism,
            strategies,
            out=out,
            conduct=make_conduct(economy.agents, deadline, delays, disclosure),
            tail=tail,
            sampling=Sampling(episodes, seed, shard, block),
            plugins=plugin,
            progress=progress,
        )
    if as_json:
        _print_json(
            {**result.summary, "agents": _records(result.agents), "folder": str(result.folder), "reused": result.reused}
        )
        return
    console = screen.make_console()
    screen.show_run(result, console)
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
    plugin: Plugins = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Every mechanism against every family of deviations: who gains what from which lie."""
    from experiments.plots import plot_stress

    use_plugins(plugin)
    economy = make_environment(environment)
    with screen.progress_bars() as progress:
        result = stress(
            economy,
            mechanism,
            out=out,
            conduct=make_conduct(economy.agents, deadline, _pairs(latency, "--latency"), disclosure),
            tail=tail,
            sampling=Sampling(episodes, seed, shard, block),
            plugins=plugin,
            progress=progress,
        )
    plot = plot_stress(result, result.folder / "gains.png")
    if as_json:
        _print_json(
            {
                "environment": result.environment,
                "sentence": result.sentence,
                "mechanisms": _records(result.mechanisms),
                "gains": _records(result.gains),
                "refusals": result.refusals,
                "comparisons": result.comparisons,
                "reused": result.reused,
                "folder": str(result.folder),
            }
        )
        return
    console = screen.make_console()
    screen.show_stress(result, console)
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
    """Exact verdicts: the most that any deviation gains, every promise; exit code 1 if one fails or is undecided."""
    use_plugins(plugin)
    economy = make_environment(environment)
    game = open_game(economy, mechanism, None, 1e-4)
    assert isinstance(game.mechanism, BaseMechanism)
    if isinstance(game.mechanism, VirtualPivot) and too_large(game.mechanism) and not (coalition or leave):
        with screen.progress_bars() as progress:
            frozen = frozen_audit(game.mechanism, tolerance=tolerance, progress=progress)
        _frozen(frozen, split(mechanism, "mechanism")[1], as_json)
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
            _limited(limited_audit(game, mechanism, str(error), progress=progress), as_json)
            return
    if as_json:
        _print_json({**audit_data(found), "options": split(mechanism, "mechanism")[1]})
    else:
        show_audit(found, screen.make_console())
    if not found.holds:
        raise typer.Exit(1)


def _frozen(found: FrozenAudit, options: dict[str, str], as_json: bool) -> None:
    """An audit first report by first report."""
    if as_json:
        _print_json({**found.data(), "options": options})
    else:
        show_frozen(found, screen.make_console())
    if not found.holds:
        raise typer.Exit(1)


def _limited(limited: LimitedAudit, as_json: bool) -> None:
    """A refused audit's lower bound; what is promised then fails or is undecided."""
    if as_json:
        _print_json(limited.data())
    else:
        show_limited(limited, screen.make_console())
    raise typer.Exit(1)


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


def _show_paths(console: Any, folder: Path, reused: bool, plot: Path | None) -> None:
    console.print()
    if reused:
        console.print(Text("This run was there already; nothing was played again."))
    for name in ("outcomes", "episodes", "gains"):
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


def _about(cls: type) -> str:
    return getattr(cls, "summary", None) or (cls.__doc__ or "").strip().split("\n")[0].rstrip(".")


def _source(cls: type) -> str:
    """Where it comes from; a user's own class that does not say: its file."""
    stated = getattr(cls, "source", "")
    return stated if stated else Path(getattr(sys.modules[cls.__module__], "__file__", "")).name


def _option_texts(cls: type) -> list[str]:
    return [name if p.default is p.empty else f"{name}={shown(p.default)}" for name, p in options_of(cls).items()]


def _records(frame: Any) -> Any:
    """Rows as plain data."""
    return frame.astype(object).to_dict("records")


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(_plain(data), indent=1, allow_nan=False) + "\n")


def _plain(data: Any) -> Any:
    """What JSON can say: NumPy's scalars as Python's, what is not finite as null."""
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(value) for value in data]
    value = data.item() if hasattr(data, "item") else data
    return None if isinstance(value, float) and not isfinite(value) else value


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
        if not hasattr(error, "format_message"):
            raise
        _fail(error.format_message())
    except KeyboardInterrupt:
        sys.stderr.write("dynmech: interrupted; the same line resumes\n")
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(text: str) -> None:
    sys.stderr.write(f"dynmech: {' '.join(text.split())}\n")
    sys.exit(2)
