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

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.accepted import MechanismLike, mechanism_text
from dynmech.experiments.catalog.names import MECHANISMS, STRATEGIES, is_shipped
from dynmech.experiments.catalog.options import split
from dynmech.experiments.runs.episode_trace import tell_safely
from dynmech.experiments.runs.fingerprint import code_hashes, file_hash
from dynmech.experiments.runs.loading import as_workers, open_environment, open_game
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, TRIED, Contest, choose, untried
from dynmech.experiments.runs.rerun_command import command_line
from dynmech.experiments.runs.results import kept_result, save_result
from dynmech.experiments.runs.shards import known_level, make_job, play_jobs, require_apart, shard_keys, totals
from dynmech.experiments.runs.simulation import PRESCRIBED, Progress, Sampling, default_folder, silent, slug, versions
from dynmech.experiments.runs.stress_frames import gains_frame, mechanisms_frame
from dynmech.experiments.runs.stress_result import StressResult, headline
from dynmech.experiments.runs.tally import Tally
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.economy.units import money_scale
from dynmech.sim.log.run_folder import RunFolder, configuration_hash
from dynmech.sim.play.game import Game, ProtocolOptions

ROWS = 600_000
"""Rows of the log per case at which the number of episodes is chosen (at most 10,000 episodes, at least 1,000)."""


def stress(
    environment: Environment | str,
    mechanisms: MechanismLike | Sequence[MechanismLike] = (),
    *,
    episodes: int = 0,
    seed: int = 0,
    out: Path | str | None = None,
    protocol: ProtocolOptions | None = None,
    tail: float = 1e-4,
    sampling: Sampling | None = None,
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
    environment : Environment or str
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
    sampling : Sampling, optional
        In place of `episodes` and `seed`; sets the episodes of a shard and of a block as well.
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
    env = open_environment(environment, workers) if isinstance(environment, str) else environment
    typed = environment if isinstance(environment, str) else typed
    asked = [mechanisms] if isinstance(mechanisms, str | type | Mechanism) else list(mechanisms)
    named = _by_name(asked)
    games, refusals, broken = _games(env, named, protocol, tail, workers)
    typed = typed if all(isinstance(one, str) or is_shipped(one) for one in asked) else ""
    sampling = _with_episodes(sampling or Sampling(episodes, seed), games, len(env.agents))
    families = list(STRATEGIES.all().values())
    configuration = _configuration(env, [*games, *broken], families, sampling, protocol, tail, log, plugins, named)
    path = Path(out) if out is not None else default_folder("stress", env.name, configuration_hash(configuration))
    with RunFolder(path, configuration, versions()) as folder:
        contests, tallies = _play(games, broken, families, sampling, folder, log, workers, progress)
    comparisons = sum(len(contest.cases) for contest in contests)
    gains = gains_frame(contests, tallies, comparisons)
    reused = bool(folder.data["complete"]) and not folder.written
    result = StressResult(
        gains=gains,
        mechanisms=mechanisms_frame(env, contests, tallies, gains, workers),
        refusals=refusals,
        environment=typed or env.name,
        folder=path,
        comparisons=comparisons,
        reused=reused,
        scale=money_scale(env),
        untried=untried(families),
        failures=folder.failures(),
        remarks=folder.remarks(),
        damaged=folder.damaged,
        stories=(kept_result(path, "stories") if reused else None) or _stories(contests, gains, sampling, workers),
        command=_command(env, typed, list(named), sampling, protocol, tail, log, plugins) if typed else None,
        asked=list(named),
    )
    save_result(path, "stress", result.data())
    return result


def _with_episodes(sampling: Sampling, games: Mapping[str, Game], agents: int) -> Sampling:
    """Return the sampling with a number of episodes: where none was given, fewer in long games."""
    if sampling.episodes:
        return sampling
    rows = max((game.periods + game.closing) * agents for game in games.values())
    return replace(sampling, episodes=min(10_000, max(1_000, ROWS // rows)))


def _command(
    env: Environment,
    typed: str,
    mechanisms: Sequence[str],
    sampling: Sampling,
    protocol: ProtocolOptions | None,
    tail: float,
    log: str,
    plugins: Sequence[Path],
) -> str:
    """Return the line that makes the test again; `typed` is the environment as it was typed."""
    chosen, options = [typed, *(f"--mechanism={name}" for name in mechanisms)], {"--tail": tail, "--log": log}
    return command_line(
        "stress", chosen, sampling, agents=env.agents, protocol=protocol, options=options, plugins=plugins
    )


def _play(
    games: dict[str, Game],
    broken: Mapping[str, str],
    families: Sequence[type[Strategy]],
    sampling: Sampling,
    folder: RunFolder,
    log: str,
    workers: Workers,
    progress: Progress,
) -> tuple[list[Contest], dict[str, dict[str, Tally]]]:
    """Choose what is played, play what is missing, and return the contests with what their shards add up to."""
    folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
    for name, reason in broken.items():
        folder.fail(f"mechanism={slug(name)}", reason, TRIES)
    contests = choose(games, families, sampling, folder, workers, progress)
    jobs = [make_job(c.game, c.mechanism, c.cases, sampling, folder, log) for c in contests]
    advance = progress("playing", sum(len(job.cases) * sampling.shard_count(job.game) for job in jobs))
    play_jobs(jobs, folder, workers, advance)
    folder.finish(shard_keys(jobs))
    tallies = {job.mechanism: totals(job, folder) for job in jobs}
    played = [contest for contest in contests if PRESCRIBED in tallies[contest.mechanism]]
    if not played:
        raise PlayError(folder.failures()[0]["failed"])
    return played, tallies


def _configuration(
    env: Environment,
    names: Sequence[str],
    families: Sequence[type[Strategy]],
    sampling: Sampling,
    protocol: ProtocolOptions | None,
    tail: float,
    log: str,
    plugins: Sequence[Path],
    mechanisms: Mapping[str, MechanismLike],
) -> dict[str, Any]:
    """Return what decides the figures of a stress test; `names` are the mechanisms that are played or that break."""
    return {
        "command": "stress",
        "environment": {"name": env.name, "hash": environment_hash(env)},
        "mechanisms": [name for name in mechanisms or MECHANISMS.all() if name in names],
        "families": [cls.name for cls in families],
        "episodes": sampling.episodes,
        "seed": sampling.seed,
        "shard": sampling.shard,
        "log": known_level(log),
        "pilot": {"episodes": PILOT, "left": PILOT_LEFT, "tried": TRIED},
        "tail": tail,
        "protocol": (protocol or ProtocolOptions()).data(),
        "plugins": [file_hash(path) for path in plugins],
        "code": code_hashes([*(_class_of(name, mechanisms) for name in names), *families]),
    }


def _class_of(name: str, mechanisms: Mapping[str, MechanismLike]) -> object:
    """Return the class of a mechanism, or one that stands for it."""
    given = mechanisms.get(name, name)
    return MECHANISMS.get(split(given, "mechanism")[0]) if isinstance(given, str) else given


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
            if names or is_shipped(MECHANISMS.get(name)):
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
    contests: Sequence[Contest], gains: "pd.DataFrame", sampling: Sampling, workers: Workers
) -> dict[str, dict[str, Any]]:
    """Per mechanism under which a gain was found, the one to tell first."""
    out = {}
    for contest in contests:
        worst = headline(gains, contest.mechanism, money_scale(contest.game.environment))
        if worst is None:
            continue
        (case,) = [one for one in contest.cases if one.key == worst["case"]]
        told = tell_safely(contest.game, case, sampling, workers, f"{worst['agent']} {worst['words']}")
        out[contest.mechanism] = {"case": case.key, "mean": worst["gain"], "half_width": worst["half_width"], **told}
    return out
