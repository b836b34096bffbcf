"""One mechanism, one profile of strategies: simulate, log, summarise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.episode_trace import tell_safely
from dynmech.experiments.runs.fingerprint import code_hashes, environment_hash, file_hash
from dynmech.experiments.runs.loading import check_case, open_environment, open_game, open_strategy, require_fit
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.rerun_command import command_line
from dynmech.experiments.runs.results import kept_result, save_result
from dynmech.experiments.runs.shards import Job, known_level, learned, make_job, play_jobs, shard_keys, totals
from dynmech.experiments.runs.simulation import (
    PRESCRIBED,
    Case,
    Progress,
    Sampling,
    default_folder,
    prescribed_case,
    silent,
    slug,
    versions,
)
from dynmech.experiments.runs.tally import properties
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.economy.environment import Environment
from dynmech.sim.log.run_folder import RunFolder, configuration_hash
from dynmech.sim.play.channel import Latency
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.record import stretches

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run found.

    Attributes:
        agents: a row per agent: strategy, payoff, gain against prescribed play by all, with 95 % intervals.
        summary: welfare beside the first best, revenue, worst deficit, participation, periods and tail.
        folder: where the log lies.
        reused: whether the run was there already.
        remarks: what was played, but wrote where it should not: `key`, `remark`.
        damaged: files that were found damaged and made again.
        story: one episode of the deviation, period by period (`dynmech.experiments.runs.episode_trace`); None if nobody
        deviates. learning: a row per agent and stretch of rounds: payoff while it was learned, and last what then was
        earned. command: the line that makes it again; None where the economy was given as an object.
    """

    agents: "pd.DataFrame"
    summary: dict[str, Any]
    folder: Path
    reused: bool
    remarks: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    story: dict[str, Any] | None = None
    learning: list[dict[str, Any]] = field(default_factory=list)
    command: str | None = None

    def data(self) -> dict[str, Any]:
        """Everything, for `--json` and the page."""
        rest = {key: value for key, value in vars(self).items() if key != "summary"}
        return {**self.summary, **rest}


def run(
    environment: Environment | str,
    mechanism: str,
    strategies: Mapping[str, str | Strategy] | None = None,
    *,
    episodes: int = 10_000,
    seed: int = 0,
    out: Path | str | None = None,
    protocol: ProtocolOptions | None = None,
    tail: float = 1e-4,
    sampling: Sampling | None = None,
    plugins: Sequence[Path] = (),
    log: str = "full",
    workers: Workers | None = None,
    progress: Progress = silent,
    typed: str = "",
) -> RunResult:
    """Simulate a profile of strategies; agents that are not named play as prescribed. The same call resumes.

    Args:
        strategies: by agent (name, or number from 0): a strategy, or what the command line takes for one.
        log: `full`, `episodes` or `summary`.
        workers: processes, and limits of users' code.
        typed: what the environment was typed as, where it was opened before; the result calls it so.

    Raises:
        InputError, Refusal, PlayError: one line each. What a user's strategy broke stands in the run folder too.
        StorageError: the run folder cannot be written; the same call resumes.
    """
    import pandas as pd

    workers = workers or Workers()
    env = open_environment(environment, workers) if isinstance(environment, str) else environment
    typed = environment if isinstance(environment, str) else typed
    sampling = sampling or Sampling(episodes, seed)
    if not sampling.episodes:
        raise InputError("episodes: 0 is below 2; an interval needs two")
    game = open_game(env, mechanism, protocol, tail, workers)
    profile = _profile(env.agents, strategies or {}, workers)
    for agent, strategy in enumerate(profile):
        if all(map(is_shipped, strategy.components())):  # users' own are asked apart, with the rest that they declare
            require_fit(game, agent, strategy)
    case = Case("deviation", profile) if any(not isinstance(s, Truthful) for s in profile) else prescribed_case(game)
    configuration = {
        "command": "run",
        "environment": {"name": env.name, "hash": environment_hash(env)},
        "mechanism": mechanism,
        "strategies": {name: strategy.key() for name, strategy in zip(env.agents, profile, strict=True)},
        "episodes": sampling.episodes,
        "seed": sampling.seed,
        "shard": sampling.shard,
        "log": known_level(log),
        "tail": tail,
        "protocol": (protocol or ProtocolOptions()).data(),
        "plugins": [file_hash(path) for path in plugins],
        "code": code_hashes([game.mechanism, *profile]),
    }
    label = f"{env.name}-{slug(mechanism)}"
    path = Path(out) if out is not None else default_folder("run", label, configuration_hash(configuration))
    options = {"--tail": tail, "--log": log}
    by_agent = dict(zip(env.agents, profile, strict=True))
    command = _command(typed, mechanism, by_agent, sampling, protocol, options, plugins)
    with RunFolder(path, configuration, versions()) as folder:
        folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
        job = make_job(game, mechanism, [case], sampling, folder, log)
        if _fit(job, case, folder, workers):
            advance = progress("playing", len(job.cases) * sampling.shard_count(game))
            play_jobs([job], folder, workers, advance)
        tallies = totals(job, folder)
        before = learned(job, case, folder) if case.key in tallies else None
        folder.finish(shard_keys([job]), void=case.key not in tallies)
    if case.key not in tallies:
        raise PlayError(_failed(folder))
    tally, truth = tallies[case.key], tallies[PRESCRIBED]
    agents = pd.DataFrame(
        {
            "agent": env.agents,
            "strategy": [strategy.key() for strategy in profile],
            "payoff": tally.payoff.mean,
            "payoff_half_width": tally.payoff.half(),
            "gain": tally.gain.mean,
            "gain_half_width": tally.gain.half(),
        }
    )
    summary = {
        "environment": typed or env.name,
        "mechanism": mechanism,
        "episodes": sampling.episodes,
        "periods": game.periods,
        "tail": game.tail,
        **properties(env, tally, truth),
    }
    reused = bool(folder.data["complete"]) and not folder.written
    told = kept_result(path, "story") if reused else None
    if told is None and any(case.deviates):
        told = tell_safely(game, case, sampling, workers)
    result = RunResult(
        agents=agents,
        summary=summary,
        folder=path,
        reused=reused,
        remarks=folder.remarks(),
        damaged=folder.damaged,
        story=told,
        learning=_learning(case, before, tally.payoff),
        command=command,
    )
    save_result(path, "run", result.data())
    return result


def _learning(case: Case, before: Moments | None, last: Moments) -> list[dict[str, Any]]:
    """A row per agent and stretch of rounds, the round that counts as the last stretch; `last` by agent `(N,)`."""
    if before is None:
        return []
    rounds = max(strategy.rounds for strategy in case.strategies)
    bounds = stretches(rounds)
    first, until = [*bounds[:-1], rounds - 1], [*(b - 1 for b in bounds[1:]), rounds - 1]
    mean, half = np.column_stack([before.mean, last.mean]), np.column_stack([before.half(), last.half()])
    return [
        {"agent": i, "first_round": a, "round": b, "payoff": float(mean[i, k]), "half_width": float(half[i, k])}
        for i in range(len(mean))
        for k, (a, b) in enumerate(zip(first, until, strict=True))
    ]


def _command(
    typed: str,
    mechanism: str,
    profile: Mapping[str, Strategy],
    sampling: Sampling,
    protocol: ProtocolOptions | None,
    options: Mapping[str, Any],
    plugins: Sequence[Path],
) -> str | None:
    """The line that makes the run again."""
    if not typed:
        return None
    plays = [f"--strategy={who}={one.key()}" for who, one in profile.items() if not isinstance(one, Truthful)]
    what = [typed, mechanism, *plays]
    return command_line(
        "run", what, sampling, agents=list(profile), protocol=protocol, options=options, plugins=plugins
    )


def _fit(job: Job, case: Case, folder: RunFolder, workers: Workers) -> bool:
    """Whether users' strategies keep to what they declare; if one does not, that is recorded."""
    if all(folder.has(key) for key in shard_keys([job])):
        return True
    try:
        check_case(job.game, case, workers)
    except PlayError as error:
        folder.fail(job.key(len(job.cases) - 1, 0).rpartition("/")[0], str(error), TRIES)
        return False
    return True


def _failed(folder: RunFolder) -> str:
    """Why there is no result, in one line."""
    failures = folder.failures()
    shards = f" ({len(failures)} shards failed)" if len(failures) > 1 else ""
    return f"{failures[0]['failed']}{shards}; recorded in {folder.path}"


def _profile(agents: Sequence[str], given: Mapping[str, str | Strategy], workers: Workers) -> tuple[Strategy, ...]:
    profile: list[Strategy] = [Truthful()] * len(agents)
    seen: set[int] = set()
    for who, strategy in given.items():
        i = agent_index(agents, who)
        if i in seen:
            raise InputError(f"strategy: agent {agents[i]!r} is given twice")
        seen.add(i)
        if not isinstance(strategy, str | Strategy):
            raise InputError(f"strategy of agent {agents[i]!r}: {strategy!r} is neither a name nor a strategy")
        profile[i] = open_strategy(strategy, workers) if isinstance(strategy, str) else strategy
    return tuple(profile)


def agent_index(agents: Sequence[str], who: str) -> int:
    """An agent by name (spaces may be hyphens), or by number from 0."""
    for i, name in enumerate(agents):
        if who in (name, slug(name)):
            return i
    if who.isdecimal() and int(who) < len(agents):
        return int(who)
    raise InputError(f"no agent {who!r}; agents: {', '.join(agents)}")


def make_protocol(
    agents: Sequence[str],
    deadline: float = 0.0,
    latency: Mapping[str, str] | None = None,
    disclosure: str = "everything",
) -> ProtocolOptions:
    """House rules from text; `latency` by agent, or `all` for those that are not named."""
    given = dict(latency or {})
    chosen = [Latency.parse(given.pop("all", "0"))] * len(agents)
    seen: set[int] = set()
    for who, text in given.items():
        i = agent_index(agents, who)
        if i in seen:
            raise InputError(f"latency: agent {agents[i]!r} is given twice")
        seen.add(i)
        chosen[i] = Latency.parse(text)
    for name, one in zip(agents, chosen, strict=True):
        if one.hopeless(deadline):
            raise InputError(
                f"latency: no message of {name!r} ({one.kind} {one.value:g}) can arrive by the deadline {deadline:g}; "
                "give a later deadline, below 1"
            )
    return ProtocolOptions(deadline, tuple(chosen) if latency else (), disclosure)
