"""One mechanism, one profile of strategies: simulate, log, summarise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from agents.base import BaseStrategy
from agents.truthful import Truthful
from experiments.catalog import make_environment, make_strategy
from experiments.fingerprint import code_hashes, environment_hash, file_hash
from experiments.simulate import (
    PRESCRIBED,
    Case,
    Progress,
    Sampling,
    check_cases,
    default_folder,
    open_game,
    play_cases,
    prescribed_case,
    silent,
    slug,
    versions,
)
from experiments.tally import properties
from sim.channel import Latency
from sim.environment import Environment
from sim.errors import InputError
from sim.game import Conduct
from sim.run_folder import RunFolder, configuration_hash


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run found.

    Attributes:
        agents: a row per agent: strategy, payoff, gain against prescribed play by all, with 95 % intervals.
        summary: welfare beside the first best, revenue, worst deficit, participation, periods and tail.
        folder: where the log lies.
        reused: whether the run was there already.
    """

    agents: pd.DataFrame
    summary: dict[str, Any]
    folder: Path
    reused: bool


def run(
    environment: Environment | str,
    mechanism: str,
    strategies: Mapping[str, str | BaseStrategy] | None = None,
    *,
    episodes: int = 10_000,
    seed: int = 0,
    out: Path | str | None = None,
    conduct: Conduct | None = None,
    tail: float = 1e-4,
    sampling: Sampling | None = None,
    plugins: Sequence[Path] = (),
    progress: Progress = silent,
) -> RunResult:
    """Simulate a profile of strategies; agents that are not named play as prescribed. The same call resumes.

    Args:
        strategies: by agent (name, or number from 0): a strategy, or what the command line takes for one.

    Raises:
        InputError, Refusal, PlayError: one line each.
    """
    env = make_environment(environment) if isinstance(environment, str) else environment
    sampling = sampling or Sampling(episodes, seed)
    if not sampling.episodes:
        raise InputError("episodes: 0 is below 2; an interval needs two")
    game = open_game(env, mechanism, conduct, tail)
    profile = _profile(env.agents, strategies or {})
    case = Case("deviation", profile) if any(not isinstance(s, Truthful) for s in profile) else prescribed_case(game)
    check_cases(game, [case])
    configuration = {
        "command": "run",
        "environment": {"name": env.name, "hash": environment_hash(env)},
        "mechanism": mechanism,
        "strategies": {name: strategy.key() for name, strategy in zip(env.agents, profile, strict=True)},
        "episodes": sampling.episodes,
        "seed": sampling.seed,
        "shard": sampling.shard,
        "tail": tail,
        "conduct": (conduct or Conduct()).data(),
        "plugins": [file_hash(path) for path in plugins],
        "code": code_hashes([game.mechanism, *profile]),
    }
    label = f"{env.name}-{slug(mechanism)}"
    path = Path(out) if out is not None else default_folder("run", label, configuration_hash(configuration))
    folder = RunFolder(path, configuration, versions())
    cases = [case] if case.key != PRESCRIBED else []
    advance = progress("playing", (len(cases) + 1) * len(sampling.shards(game)))
    with folder:
        tallies = play_cases(game, mechanism, cases, sampling, folder, advance)
    reused = bool(folder.data["complete"]) and not folder.written
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
        "environment": env.name,
        "mechanism": mechanism,
        "episodes": sampling.episodes,
        "periods": game.periods,
        "tail": game.tail,
        **properties(env, tally, truth),
    }
    if not folder.data["complete"]:
        folder.note(complete=True)
    return RunResult(agents, summary, path, reused)


def _profile(agents: Sequence[str], given: Mapping[str, str | BaseStrategy]) -> tuple[BaseStrategy, ...]:
    profile: list[BaseStrategy] = [Truthful()] * len(agents)
    seen: set[int] = set()
    for who, strategy in given.items():
        i = agent_index(agents, who)
        if i in seen:
            raise InputError(f"strategy: agent {agents[i]!r} is given twice")
        seen.add(i)
        if not isinstance(strategy, str | BaseStrategy):
            raise InputError(f"strategy of agent {agents[i]!r}: {strategy!r} is neither a name nor a strategy")
        profile[i] = make_strategy(strategy) if isinstance(strategy, str) else strategy
    return tuple(profile)


def agent_index(agents: Sequence[str], who: str) -> int:
    """An agent by name (spaces may be hyphens), or by number from 0."""
    for i, name in enumerate(agents):
        if who in (name, slug(name)):
            return i
    if who.isdecimal() and int(who) < len(agents):
        return int(who)
    raise InputError(f"no agent {who!r}; agents: {', '.join(agents)}")


def make_conduct(
    agents: Sequence[str],
    deadline: float = 0.0,
    latency: Mapping[str, str] | None = None,
    disclosure: str = "everything",
) -> Conduct:
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
    return Conduct(deadline, tuple(chosen) if latency else (), disclosure)
