"""One mechanism, one profile of strategies: simulate, log, summarise."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.accepted import MechanismLike, StrategyLike, as_strategy, mechanism_text
from dynmech.experiments.catalog.fingerprint import (
    code_hashes,
    mechanism_files,
    profile_files,
    scenario_classes,
    with_plugin_files,
)
from dynmech.experiments.catalog.names import is_shipped, mechanism_classes
from dynmech.experiments.engines.fused_games import engines_of
from dynmech.experiments.runs.agent_profiles import agent_index, strategy_profile
from dynmech.experiments.runs.episode_trace import tell_safely
from dynmech.experiments.runs.execution import Desk, Outcome, Planner, RunSpec, Settings, execute
from dynmech.experiments.runs.loading import (
    as_workers,
    check_case,
    given_environment,
    open_game,
    open_strategy,
    require_fit,
)
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.results import kept_result
from dynmech.experiments.runs.run_result import RunResult
from dynmech.experiments.runs.shards import Job, learned, make_job, play_jobs, shard_keys, totals
from dynmech.experiments.runs.simulation import (
    PRESCRIBED,
    Case,
    Progress,
    Sampling,
    made_for,
    prescribed_case,
    silent,
    slug,
)
from dynmech.experiments.runs.tally import Tally, properties
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.play.game import Game, ProtocolOptions
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.payment_terms import PaymentTerms
from dynmech.sim.play.record import stretches

if TYPE_CHECKING:
    import pandas as pd


@checked_arguments
def run(
    environment: object,
    mechanism: MechanismLike,
    strategies: Mapping[str, StrategyLike] | None = None,
    *,
    episodes: int = 10_000,
    seed: int = 0,
    out: Path | str | None = None,
    protocol: ProtocolOptions | None = None,
    tail: float = 1e-4,
    shard: int = 0,
    block: int = 4096,
    engine: str = "auto",
    plugins: Sequence[Path] = (),
    log: str = "full",
    workers: Workers | int | None = None,
    progress: Progress = silent,
    typed: str = "",
) -> RunResult:
    """Simulate a profile of strategies; agents that are not named play as prescribed. The same call resumes.

    Parameters
    ----------
    environment : str, path or Environment
        An economy, or its name, `name:key=value,…` or file.
    mechanism : str, class or Mechanism
        A mechanism, its class, its name, or `name:key=value,…`.
    strategies : mapping of str to str, class or Strategy, optional
        By agent (name, or number from 0): a strategy, its class, its name, or `name:key=value,…`.
    episodes : int
        Independent plays of the whole game, at least 2.
    seed : int
        Of all random numbers.
    out : Path or str, optional
        The run folder; without one it lies in `runs/`.
    protocol : ProtocolOptions, optional
        Deadline and latency of messages, in periods, and what the designer discloses.
    tail : float
        Share of all discounted weight that is left out of an infinite horizon.
    shard : int
        Episodes of a shard, the unit of work, of resuming and of the log; 0: chosen.
    block : int
        Episodes per message; changes nothing but the speed.
    engine : str
        `loop`: the event loop plays; `tables`: play from tables wherever that can be; `compiled`: those in machine
        code, with the extra `fast`; `auto`: what pays. It changes nothing but the speed.
    plugins : sequence of Path
        Files that users' classes come from; they are part of what makes two runs the same.
    log : str
        `full`, `episodes` or `summary`.
    workers : Workers or int, optional
        Processes, and limits of users' code; or how many processes.
    progress : Progress
        Is told of phases and of finished work.
    typed : str
        The text that an `Environment` was made from, for the result and for the line that makes the run again.

    Returns
    -------
    RunResult
        Payoffs and paired gains of all agents with 95 % intervals, welfare, revenue, the folder.

    Raises
    ------
    InputError, Refusal, PlayError
        One line each. What a user's strategy broke stands in the run folder too.
    StorageError
        The run folder cannot be written; the same call resumes.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     result = run("oil-leases", "linked", {"firm 1": "misreport:map=flip"}, episodes=50, out=f"{folder}/oil")
    >>> result.agents["strategy"].tolist()
    ['misreport:map=flip', 'truthful']
    """
    workers = as_workers(workers)
    env, typed = given_environment(environment, typed, workers)
    sampling = Sampling(episodes, seed, shard, block, engine)
    if not sampling.episodes:
        raise InputError("episodes: 0 is below 2; an interval needs two")
    text, game = mechanism_text(mechanism), open_game(env, mechanism, protocol, tail, workers)
    known = isinstance(mechanism, str) or is_shipped(game.mechanism)
    profile = _fitting_profile(game, strategies or {}, workers)
    parts = [*scenario_classes(typed), *_classes(mechanism, game), *(c for one in profile for c in one.components())]
    files = with_plugin_files(plugins, parts)
    planner = _Planner(
        typed=typed if known else "",
        mechanism=text,
        game=game,
        profile=profile,
        settings=Settings(sampling, protocol, tail, log, files),
        workers=workers,
    )
    name, where = f"{env.name}-{slug(text)}", Path(out) if out is not None else None
    engines = engines_of({text: game}, engine)
    spec = RunSpec("run", name, planner.configuration(), where, command=planner.command(), engine=engines)
    return execute(spec, planner, workers, progress)


def _classes(mechanism: MechanismLike, game: Game) -> list[object]:
    """Return a mechanism and the classes of those that it builds on."""
    return [game.mechanism, *(mechanism_classes(mechanism) if isinstance(mechanism, str) else [])]


@dataclass(frozen=True)
class _Found:
    """What a run's shards add up to; without tallies, why the case could not be played."""

    tallies: dict[str, Tally]
    before: Moments | None
    failed: str = ""


@dataclass(frozen=True, eq=False)
class _Planner(Planner[Job, _Found, RunResult]):
    """What a run is, before it is played; the attributes are arguments of `run`, opened."""

    typed: str
    mechanism: str
    game: Game
    profile: tuple[Strategy, ...]
    settings: Settings
    workers: Workers

    @cached_property
    def case(self) -> Case:
        """The profile as a case; prescribed play, if nobody deviates."""
        if any(not isinstance(strategy, Truthful) for strategy in self.profile):
            return made_for(self.game, Case("deviation", self.profile))
        return prescribed_case(self.game)

    def configuration(self) -> dict[str, Any]:
        """Return what makes two runs the same."""
        env = self.game.environment
        return {
            "command": "run",
            "environment": {"name": env.name, "hash": environment_hash(env)},
            "mechanism": self.mechanism,
            "strategies": {name: strategy.key() for name, strategy in zip(env.agents, self.profile, strict=True)},
            **self.settings.configuration(),
            "code": code_hashes([self.game.mechanism, *self.profile]),
            **mechanism_files([self.mechanism]),
            **profile_files(self.profile),
        }

    def command(self) -> str | None:
        """Return the line that makes the run again; None where the economy was given as an object."""
        if not self.typed:
            return None
        agents = self.game.environment.agents
        deviations = [
            f"--strategy={agent}={strategy.key()}"
            for agent, strategy in zip(agents, self.profile, strict=True)
            if not isinstance(strategy, Truthful)
        ]
        return self.settings.command("run", [self.typed, self.mechanism, *deviations], agents)

    def plan(self, desk: Desk) -> Job:
        """Return the case's shards, and prescribed play's."""
        return make_job(self.game, self.mechanism, [self.case], self.settings.sampling, desk.folder, self.settings.log)

    def play(self, work: Job, desk: Desk) -> None:
        """Play what is missing, if users' strategies keep to what they declare."""
        if _fit(work, self.case, desk.folder, desk.workers):
            total = len(work.cases) * work.sampling.shard_count(self.game)
            play_jobs([work], desk.folder, desk.workers, desk.progress("playing", total))

    def keys(self, work: Job, folder: RunFolder) -> Iterable[str]:  # noqa: ARG002
        """Return the names of all shards."""
        return shard_keys([work])

    def void(self, work: Job, folder: RunFolder) -> bool:
        """Return whether the case could not be played."""
        shards = range(work.sampling.shard_count(self.game))
        return not all(folder.has(work.key(len(work.cases) - 1, number)) for number in shards)

    def sum_up(self, work: Job, folder: RunFolder) -> _Found:
        """Return sums over all shards; what failed stays recorded in the folder."""
        tallies = totals(work, folder)
        if self.case.key not in tallies:
            return _Found(tallies, None, _failed(folder))
        return _Found(tallies, learned(work, self.case, folder))

    def tell(self, found: _Found, outcome: Outcome) -> RunResult:
        """Return the result.

        Raises
        ------
            PlayError: the case could not be played.
        """
        if found.failed:
            raise PlayError(found.failed)
        tally, facts = found.tallies[self.case.key], vars(outcome)
        return RunResult(
            agents=_agents_frame(self, tally),
            summary=_summary(self, tally, found.tallies[PRESCRIBED]),
            story=_story(self, outcome, self.workers),
            learning=_learning(self.case, found.before, tally.payoff),
            **{name: facts[name] for name in ("folder", "reused", "remarks", "damaged", "command")},
        )

    def kept(self, result: RunResult) -> dict[str, Any]:
        """Return all of it."""
        return result.data()


def _agents_frame(plan: _Planner, tally: Tally) -> "pd.DataFrame":
    """Return a row per agent: strategy, payoff and gain with half-widths."""
    import pandas as pd

    return pd.DataFrame(
        {
            "agent": plan.game.environment.agents,
            "strategy": [strategy.key() for strategy in plan.profile],
            "payoff": tally.payoff.mean,
            "payoff_half_width": tally.payoff.half(),
            "gain": tally.gain.mean,
            "gain_half_width": tally.gain.half(),
        }
    )


def _summary(plan: _Planner, tally: Tally, truth: Tally) -> dict[str, Any]:
    """Return what was run, and welfare, revenue and participation of the case beside prescribed play's."""
    return {
        "environment": plan.typed or plan.game.environment.name,
        "mechanism": plan.mechanism,
        "episodes": plan.settings.sampling.episodes,
        "periods": plan.game.periods,
        "tail": plan.game.tail,
        **properties(plan.game.environment, tally, truth),
    }


def _story(plan: _Planner, outcome: Outcome, workers: Workers) -> dict[str, Any] | None:
    """One episode of the deviation: the one that a run folder keeps, else traced now; None if nobody deviates."""
    story = kept_result(outcome.folder, "story") if outcome.reused else None
    if story is None and any(plan.case.deviates):
        return tell_safely(plan.game, plan.case, plan.settings.sampling, workers)
    return story


def _learning(case: Case, before: Moments | None, last: Moments) -> list[dict[str, Any]]:
    """Return a row per agent and stretch of rounds, the one that counts last; `last` by agent `(N,)`."""
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


def _fitting_profile(game: Game, strategies: Mapping[str, StrategyLike], workers: Workers) -> tuple[Strategy, ...]:
    """Return a strategy per agent; ours must fit, users' own are asked later, with the rest that they declare."""

    def opened(given: StrategyLike) -> Strategy:
        return open_strategy(given, workers) if isinstance(given, str) else as_strategy(given)

    profile = strategy_profile(game.environment.agents, strategies, opened)
    for agent, strategy in enumerate(profile):
        if all(map(is_shipped, strategy.components())):
            require_fit(game, agent, strategy)
    return profile


def make_protocol(
    agents: Sequence[str],
    deadline: float = 0.0,
    latency: Mapping[str, str] | None = None,
    disclosure: str = "everything",
    terms: PaymentTerms | None = None,
    *,
    exit: bool = False,
) -> ProtocolOptions:
    """Return the options of the protocol from text; `latency` by agent, or `all` for those that are not named."""
    by_agent = dict(latency or {})
    latencies = [Latency.parse(by_agent.pop("all", "0"))] * len(agents)
    named: set[int] = set()
    for who, text in by_agent.items():
        i = agent_index(agents, who)
        if i in named:
            raise InputError(f"latency: agent {agents[i]!r} is given twice")
        named.add(i)
        latencies[i] = Latency.parse(text)
    for name, delay in zip(agents, latencies, strict=True):
        if delay.hopeless(deadline):
            raise InputError(
                f"latency: no message of {name!r} ({delay.kind} {delay.value:g}) can arrive by the deadline "
                f"{deadline:g}; give a later deadline, below 1"
            )
    return ProtocolOptions(deadline, tuple(latencies) if latency else (), disclosure, terms, exit)
