"""Stress test: every mechanism against every family of deviations, simulated, and exact where that is possible.

For each mechanism, agent and family a *pilot* on draws of its own picks the family's most profitable member; that
member is then played in earnest on fresh draws, so the gain that is reported is not flattered by the choice. Gains
are against prescribed play by the same agent under the same draws, ex ante, the others as prescribed.

Beside them stands what `dynmech.agents.oracle.search` says exactly: for one lie, for belief manipulation, and for the
best response of all, which is played as well (`best-response`). A simulated gain of a best response must agree with the
exact figure, any other simulated gain must not exceed that of its family, up to four standard errors and the tail; rows
that do not are flagged.

A simulated gain counts as found where its interval stays above 0 although the table makes many comparisons
(Bonferroni), unless the exact figure is 0 and it agrees with it; the interval that is printed is the plain 95 % one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.accepted import MechanismLike, mechanism_list, mechanism_text
from dynmech.experiments.catalog.fingerprint import code_hashes, mechanism_files, scenario_classes, with_plugin_files
from dynmech.experiments.catalog.names import MECHANISMS, STRATEGIES, is_shipped, mechanism_class, mechanism_classes
from dynmech.experiments.engines.fused_games import engines_of
from dynmech.experiments.runs.episode_trace import tell_safely
from dynmech.experiments.runs.execution import Desk, Outcome, Planner, RunSpec, Settings, execute
from dynmech.experiments.runs.kept_stress import kept_stress, request_hash
from dynmech.experiments.runs.loading import as_workers, given_environment, open_game
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, TRIED, Contest, choose, untried
from dynmech.experiments.runs.results import kept_result
from dynmech.experiments.runs.shards import (
    Job,
    make_job,
    play_jobs,
    require_apart,
    shard_keys,
    totals,
    users_code,
)
from dynmech.experiments.runs.simulation import PRESCRIBED, Progress, Sampling, silent, slug
from dynmech.experiments.runs.stress_frames import contest_scale, gains_frame, mechanisms_frame
from dynmech.experiments.runs.stress_result import StressResult, headline
from dynmech.experiments.runs.tally import Tally
from dynmech.experiments.searches.exact_searches import search_games
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.play.game import Game, ProtocolOptions

ROWS = 600_000
"""Rows of the log per case at which the number of episodes is chosen (at most 10,000 episodes, at least 1,000)."""


@checked_arguments
def stress(
    environment: object,
    mechanisms: MechanismLike | Sequence[MechanismLike] = (),
    *,
    episodes: int = 0,
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
) -> StressResult:
    """Run a stress test; the same call resumes it, and costs next to nothing once it is finished.

    What a user's strategy or mechanism breaks is left out and reported; the rest is played.

    Parameters
    ----------
    environment : str, path or Environment
        An economy, or its name, `name:key=value,…` or file.
    mechanisms : str, class or Mechanism, or a sequence of these
        A mechanism, a class or a name with options, or several; empty: all that there are.
    episodes : int
        Per case; 0: 10,000, fewer in long games.
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
        What the environment was typed as, where it was opened before; the result calls it so.

    Returns
    -------
    StressResult
        A row per mechanism, family and agent that was played, exact gains beside the simulated ones, the sentence, the
        folder.

    Raises
    ------
    InputError
        A name or number is wrong, or there is no mechanism that fits the environment.
    Refusal
        None of the mechanisms that were named fits.
    PlayError
        Every mechanism is a user's and breaks the rules of play.
    StorageError
        The run folder cannot be written; the same call resumes.

    Notes
    -----
    Per mechanism, agent and family the member that gains most in a pilot is played on draws of its own; a gain is a
    difference to prescribed play under the same draws of nature, its interval simultaneous over all comparisons.
    """
    workers = as_workers(workers)
    env, typed = given_environment(environment, typed, workers)
    asked = mechanism_list(mechanisms)
    named, families = _by_name(asked), list(STRATEGIES.all().values())
    given = Settings(Sampling(episodes, seed, shard, block, engine), protocol, tail, log, tuple(plugins))
    request = request_hash(env, typed, named, families, given.configuration(_pilot()))
    kept = kept_stress(request, env.name, Path(out) if out is not None else None, progress)
    if kept is not None:
        return kept
    games, refusals, broken = _games(env, named, protocol, tail, workers)
    typed = typed if all(isinstance(one, str) or is_shipped(one) for one in asked) else ""
    sampling = _with_episodes(given.sampling, games, len(env.agents))
    rules = [cls for name in named or MECHANISMS.all() for cls in _classes_of(name, named)]
    files = with_plugin_files(plugins, [*scenario_classes(typed), *rules, *families])
    settings = Settings(sampling, protocol, tail, log, files)
    planner = _Planner(env, typed, named, games, refusals, families, settings, workers)
    spec = RunSpec(
        kind="stress",
        name=env.name,
        configuration=planner.configuration([*games, *broken]),
        out=Path(out) if out is not None else None,
        broken={f"mechanism={slug(name)}": reason for name, reason in broken.items()},
        command=planner.command(),
        request=request,
        engine=engines_of(games, engine),
    )
    return execute(spec, planner, workers, progress)


@dataclass(frozen=True)
class _Found:
    """The contests that could be played, and by mechanism what their shards add up to."""

    contests: list[Contest]
    tallies: dict[str, dict[str, Tally]]


@dataclass(frozen=True)
class _Work:
    """What is played: a contest and a job per mechanism."""

    contests: list[Contest]
    jobs: list[Job]


@dataclass(frozen=True, eq=False)
class _Planner(Planner[_Work, _Found, StressResult]):
    """What a stress test is, before it is played.

    Attributes
    ----------
        typed: the economy as it was typed; empty where something was given as an object.
        named: the mechanisms that were named, by their text.
        games: a game per mechanism that fits.
        refusals: why others do not.
        families: of strategies.
    """

    environment: Environment
    typed: str
    named: Mapping[str, MechanismLike]
    games: dict[str, Game]
    refusals: dict[str, str]
    families: Sequence[type[Strategy]]
    settings: Settings
    workers: Workers

    def configuration(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what decides the figures; `names` are the mechanisms that are played or that break."""
        return {
            "command": "stress",
            "environment": {"name": self.environment.name, "hash": environment_hash(self.environment)},
            "mechanisms": [name for name in self.named or MECHANISMS.all() if name in names],
            "families": [cls.name for cls in self.families],
            **self.settings.configuration(_pilot()),
            "code": code_hashes([*(_class_of(name, self.named) for name in names), *self.families]),
            **mechanism_files(names),
        }

    def command(self) -> str | None:
        """Return the line that makes the test again."""
        if not self.typed:
            return None
        what = [self.typed, *(f"--mechanism={name}" for name in self.named)]
        return self.settings.command("stress", what, self.environment.agents)

    def plan(self, desk: Desk) -> _Work:
        """Search exactly what can be; then choose what is played."""
        sampling, log = self.settings.sampling, self.settings.log
        exact = search_games(self.games, users_code, desk.workers, desk.progress)
        contests = choose(self.games, self.families, exact, sampling, desk.folder, desk.workers, desk.progress)
        return _Work(contests, [make_job(c.game, c.mechanism, c.cases, sampling, desk.folder, log) for c in contests])

    def play(self, work: _Work, desk: Desk) -> None:
        """Play what is missing."""
        total = sum(len(job.cases) * job.sampling.shard_count(job.game) for job in work.jobs)
        play_jobs(work.jobs, desk.folder, desk.workers, desk.progress("playing", total))

    def keys(self, work: _Work, folder: RunFolder) -> Iterable[str]:  # noqa: ARG002
        """Return the names of all shards."""
        return shard_keys(work.jobs)

    def sum_up(self, work: _Work, folder: RunFolder) -> _Found:
        """Return the contests that could be played, with what their shards add up to.

        Raises
        ------
            PlayError: none could.
        """
        tallies = {job.mechanism: totals(job, folder) for job in work.jobs}
        played = [contest for contest in work.contests if PRESCRIBED in tallies[contest.mechanism]]
        if not played:
            raise PlayError(folder.failures()[0]["failed"])
        return _Found(played, tallies)

    def tell(self, found: _Found, outcome: Outcome) -> StressResult:
        """Return the result."""
        contests, sampling = found.contests, self.settings.sampling
        comparisons = sum(len(contest.cases) for contest in contests)
        gains = gains_frame(contests, found.tallies, comparisons)
        scale = max(contest_scale(contest, found.tallies) for contest in contests)
        kept = kept_result(outcome.folder, "stories") if outcome.reused else None
        return StressResult(
            gains=gains,
            mechanisms=mechanisms_frame(self.environment, contests, found.tallies, gains, self.workers),
            refusals=self.refusals,
            environment=self.typed or self.environment.name,
            comparisons=comparisons,
            scale=scale,
            untried=untried(self.families),
            stories=kept or _stories(contests, gains, sampling, self.workers, scale),
            asked=list(self.named),
            **vars(outcome),
        )

    def kept(self, result: StressResult) -> dict[str, Any]:
        """Return all of it."""
        return result.data()


def _pilot() -> dict[str, Any]:
    """Return how candidates are chosen, as part of a configuration."""
    return {"pilot": {"episodes": PILOT, "left": PILOT_LEFT, "tried": TRIED}}


def _with_episodes(sampling: Sampling, games: Mapping[str, Game], agents: int) -> Sampling:
    """Return the sampling with a number of episodes: where none was given, fewer in long games."""
    if sampling.episodes:
        return sampling
    rows = max((game.periods + game.closing) * agents for game in games.values())
    return replace(sampling, episodes=min(10_000, max(1_000, ROWS // rows)))


def _class_of(name: str, mechanisms: Mapping[str, MechanismLike]) -> object:
    """Return the class of a mechanism, or one that stands for it."""
    given = mechanisms.get(name, name)
    return mechanism_class(given) if isinstance(given, str) else given


def _classes_of(name: str, mechanisms: Mapping[str, MechanismLike]) -> Sequence[object]:
    """Return the class of a mechanism, and those of the mechanisms that it builds on."""
    given = mechanisms.get(name, name)
    return mechanism_classes(given) if isinstance(given, str) else [given]


def _games(
    env: Environment,
    names: Mapping[str, MechanismLike],
    protocol: ProtocolOptions | None,
    tail: float,
    workers: Workers,
) -> tuple[dict[str, Game], dict[str, str], dict[str, str]]:
    """Return a game per mechanism, the reasons of those that refuse, and of users' that break the rules.

    Raises
    ------
        Refusal: none of those that the user has named fits.
    """
    games: dict[str, Game] = {}
    refusals: dict[str, str] = {} if names else MECHANISMS.unavailable()
    broken: dict[str, str] = {}
    first: Refusal | None = None
    for name, mechanism in (names or {name: name for name in MECHANISMS.all()}).items():
        try:
            games[name] = open_game(env, mechanism, protocol, tail, workers)
        except Refusal as error:
            first = first or error
            refusals[name] = str(error).partition(": ")[2]
        except PlayError as error:
            broken[name] = str(error)
        except InputError as error:
            if names or is_shipped(mechanism_class(name)):
                raise
            broken[name] = str(error)
    if not games and broken:
        raise PlayError(next(iter(broken.values())))
    if not games and names and first is not None:
        raise first
    if not games:
        raise InputError(f"no mechanism fits environment {env.name!r}")
    return games, refusals, broken


def _by_name(mechanisms: Sequence[MechanismLike]) -> dict[str, MechanismLike]:
    """Return mechanisms by their text.

    Raises
    ------
        InputError: one is given twice, or two would have the same files.
    """
    names = [mechanism_text(mechanism) for mechanism in mechanisms]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"mechanism {name!r} is given twice")
    require_apart(names, "mechanism")
    return dict(zip(names, mechanisms, strict=True))


def _stories(
    contests: Sequence[Contest], gains: "pd.DataFrame", sampling: Sampling, workers: Workers, scale: float
) -> dict[str, dict[str, Any]]:
    """Per mechanism under which a gain was found, the one to tell first."""
    out = {}
    for contest in contests:
        worst = headline(gains, contest.mechanism, scale)
        if worst is None:
            continue
        (case,) = [one for one in contest.cases if one.key == worst["case"]]
        told = tell_safely(contest.game, case, sampling, workers, f"{worst['agent']} {worst['words']}")
        out[contest.mechanism] = {"case": case.key, "mean": worst["gain"], "half_width": worst["half_width"], **told}
    return out
