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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dynmech.agents.oracle.search import Family
from dynmech.experiments.catalog.names import MECHANISMS, STRATEGIES, is_shipped
from dynmech.experiments.catalog.options import split
from dynmech.experiments.runs.episode_trace import tell_safely
from dynmech.experiments.runs.exact import TOLERANCE
from dynmech.experiments.runs.fingerprint import code_hashes, environment_hash, file_hash
from dynmech.experiments.runs.loading import open_environment, open_game
from dynmech.experiments.runs.moments import ENOUGH, ZERO, Moments, amount
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, TRIED, Contest, choose, untried
from dynmech.experiments.runs.rerun_command import command_line
from dynmech.experiments.runs.results import kept_result, save_result
from dynmech.experiments.runs.shards import known_level, make_job, play_jobs, require_apart, shard_keys, totals
from dynmech.experiments.runs.simulation import PRESCRIBED, Progress, Sampling, default_folder, silent, slug, versions
from dynmech.experiments.runs.tally import Tally, properties, signal_dates
from dynmech.experiments.workers.pool import TRIES, Workers
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import descending
from dynmech.sim.economy.environment import Environment
from dynmech.sim.log.run_folder import RunFolder, configuration_hash
from dynmech.sim.play.game import Game, ProtocolOptions

if TYPE_CHECKING:
    import pandas as pd

ROWS = 600_000
"""Rows of the log per case at which the number of episodes is chosen (at most 10,000 episodes, at least 1,000)."""

BEST = "best-response"
"""Family name of the exact best response in play."""

EXACT = ("one-shot", "belief-manipulation", BEST)
"""Families whose exact gain is a figure of their own; that of any other is bounded by the best response."""


@dataclass(frozen=True, eq=False)
class StressResult:
    """What a stress test found.

    Attributes:
        gains: a row per mechanism, family and agent: gain, 95 % interval, exact gain of the family (NaN: not searched)
            and whether the two agree, words, the own signal at which it is largest.
        mechanisms: a row per mechanism, worst first: worst gain (exact where it is searched, else the largest that was
            found), verdict (`exact`: no deviation whatever gains), welfare, revenue, deficit, participation.
        refusals: mechanisms that do not fit the environment, with the reason.
        environment: what it was called.
        folder: where the log lies.
        comparisons: number of gains looked at.
        reused: whether the run was there already and nothing was played.
        untried: families that offer nothing to try, with the reason.
        failures: what could not be played: `key`, `failed` (the reason), `tries`.
        remarks: what was played, but wrote where it should not: `key`, `remark`.
        damaged: files that were found damaged and made again.
        stories: per mechanism that breaks, its worst lie in one episode, period by period
        (`dynmech.experiments.runs.episode_trace`). command: the line that makes it again; None where the economy was
            given as an object.
    """

    gains: "pd.DataFrame"
    mechanisms: "pd.DataFrame"
    refusals: dict[str, str]
    environment: str
    folder: Path
    comparisons: int
    reused: bool
    untried: dict[str, str] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    stories: dict[str, dict[str, Any]] = field(default_factory=dict)
    command: str | None = None

    def data(self) -> dict[str, Any]:
        """Everything, for `--json` and the page."""
        return {"sentence": self.sentence, **vars(self)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From what `save_result` has kept of `data`."""
        import pandas as pd

        numbers = ["gain", "half_width", "exact", "exact_bound", "given_gain", "given_half_width"]
        gains = pd.DataFrame(data["gains"]).astype(dict.fromkeys(numbers, "float64"))
        kept = {key: data[key] for key in ("refusals", "environment", "comparisons", "untried", "failures", "remarks")}
        mechanisms = pd.DataFrame(data["mechanisms"])
        return cls(gains=gains, mechanisms=mechanisms, folder=Path(), reused=True, **kept)

    @property
    def sentence(self) -> str:
        """What holds and what breaks; and who lies, when, and what it earns, where it is worst."""
        breaks = self.mechanisms[self.mechanisms["breaks"]]["mechanism"].tolist()
        holds = self.mechanisms[~self.mechanisms["breaks"]]["mechanism"].tolist()
        if not breaks:
            return f"On {self.environment}, {_listed(holds, 'holds', 'hold')}: nothing that was tried gains anything."
        kept = f"{_listed(holds, 'holds', 'hold')}; " if holds else ""
        first = headline(self.gains, breaks[0])
        worst = "" if first is None else f"; the worst lie, under {breaks[0]}: {describe_gain(first)}"
        return f"On {self.environment}, {kept}{_listed(breaks, 'breaks', 'break')}{worst}."


def _listed(names: Sequence[str], one: str, many: str) -> str:
    """`a, b and c hold`."""
    if len(names) == 1:
        return f"{names[0]} {one}"
    return f"{', '.join(names[:-1])} and {names[-1]} {many}"


def headline(gains: "pd.DataFrame", mechanism: str) -> "pd.Series[Any] | None":
    """The gain to tell first of a mechanism that breaks: that of the agent whose best response gains most, exactly.

    Told is its simplest deviation that earned what the best response did under the same draws. `exact` is then what
    that one gains. Where no best response was played it is NaN, and the simplest is told of what no interval tells
    apart from the largest simulated gain.
    """
    mine = gains[gains["mechanism"] == mechanism]
    best = mine[mine["family"] == BEST]
    if best.empty:
        found = mine[mine["found"]]
        if found.empty:
            return None
        most = found.iloc[0]
        alike = found[found["gain"] + found["half_width"] >= most["gain"] - most["half_width"]].assign(exact=np.nan)
    else:
        most = best[best["exact"] >= best["exact"].max() - TOLERANCE].iloc[0]
        same = np.isclose(mine[["gain", "half_width"]], [most["gain"], most["half_width"]], ZERO, ZERO).all(axis=1)
        alike = mine[same & (mine["agent"] == most["agent"])].assign(exact=most["exact"])
    simplest: pd.Series[Any] = alike.sort_values("complexity", kind="stable").iloc[0]
    return simplest


def describe_gain(row: "pd.Series[Any]") -> str:
    """One gain in words, as `headline` gives it."""
    import pandas as pd

    simulated = f"{amount(row['gain'])} ± {amount(row['half_width'])}"
    exact = f"{amount(row['exact'])} ex ante (exact; simulated {simulated})"
    text = f"{row['agent']} {row['words']}: it gains {exact if pd.notna(row['exact']) else f'{simulated} ex ante'}"
    if row["given"] and row["given_gain"] > row["gain"]:
        text += f", {amount(row['given_gain'])} ± {amount(row['given_half_width'])} {row['given']}"
    return text


def stress(
    environment: Environment | str,
    mechanisms: str | Sequence[str] = (),
    *,
    episodes: int = 0,
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
) -> StressResult:
    """Run a stress test; the same call resumes it, and costs next to nothing once it is finished.

    What a user's strategy or mechanism breaks is left out and reported; the rest is played.

    Args:
        environment: an environment, or what the command line takes for one.
        mechanisms: a name with options, or several; empty: all that there are.
        episodes: per case; 0: 10,000, fewer in long games.
        sampling: overrides `episodes` and `seed`, with shard and block sizes.
        log: `full`, `episodes` or `summary`.
        workers: processes, and limits of users' code.
        typed: what the environment was typed as, where it was opened before; the result calls it so.

    Raises:
        InputError: a name or number is wrong, or every mechanism refuses the environment.
        PlayError: every mechanism is a user's and breaks the rules of play.
        StorageError: the run folder cannot be written; the same call resumes.
    """
    workers = workers or Workers()
    env = open_environment(environment, workers) if isinstance(environment, str) else environment
    typed = environment if isinstance(environment, str) else typed
    mechanisms = [mechanisms] if isinstance(mechanisms, str) else list(mechanisms)
    games, refusals, broken = _games(env, mechanisms, protocol, tail, workers)
    sampling = sampling or Sampling(episodes, seed)
    if not sampling.episodes:
        rows = max((game.periods + game.closing) * len(env.agents) for game in games.values())
        sampling = replace(sampling, episodes=min(10_000, max(1_000, ROWS // rows)))
    families = list(STRATEGIES.all().values())
    configuration = {
        "command": "stress",
        "environment": {"name": env.name, "hash": environment_hash(env)},
        "mechanisms": [name for name in mechanisms or MECHANISMS.all() if name in games or name in broken],
        "families": [cls.name for cls in families],
        "episodes": sampling.episodes,
        "seed": sampling.seed,
        "shard": sampling.shard,
        "log": known_level(log),
        "pilot": {"episodes": PILOT, "left": PILOT_LEFT, "tried": TRIED},
        "tail": tail,
        "protocol": (protocol or ProtocolOptions()).data(),
        "plugins": [file_hash(path) for path in plugins],
        "code": code_hashes([*(MECHANISMS.get(split(name, "mechanism")[0]) for name in [*games, *broken]), *families]),
    }
    path = Path(out) if out is not None else default_folder("stress", env.name, configuration_hash(configuration))
    command = None
    if typed:
        chosen, options = [typed, *(f"--mechanism={name}" for name in mechanisms)], {"--tail": tail, "--log": log}
        command = command_line(
            "stress", chosen, sampling, agents=env.agents, protocol=protocol, options=options, plugins=plugins
        )
    with RunFolder(path, configuration, versions()) as folder:
        folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
        for name, reason in broken.items():
            folder.fail(f"mechanism={slug(name)}", reason, TRIES)
        contests = choose(games, families, sampling, folder, workers, progress)
        jobs = [make_job(c.game, c.mechanism, c.cases, sampling, folder, log) for c in contests]
        advance = progress("playing", sum(len(job.cases) * sampling.shard_count(job.game) for job in jobs))
        play_jobs(jobs, folder, workers, advance)
        folder.finish(shard_keys(jobs))
        tallies = {job.mechanism: totals(job, folder) for job in jobs}
    contests = [contest for contest in contests if PRESCRIBED in tallies[contest.mechanism]]
    if not contests:
        raise PlayError(folder.failures()[0]["failed"])
    comparisons = sum(len(contest.cases) for contest in contests)
    gains = _gains_frame(contests, tallies, comparisons)
    reused = bool(folder.data["complete"]) and not folder.written
    result = StressResult(
        gains=gains,
        mechanisms=_mechanisms_frame(env, contests, tallies, gains),
        refusals=refusals,
        environment=typed or env.name,
        folder=path,
        comparisons=comparisons,
        reused=reused,
        untried=untried(families),
        failures=folder.failures(),
        remarks=folder.remarks(),
        damaged=folder.damaged,
        stories=(kept_result(path, "stories") if reused else None) or _stories(contests, gains, sampling, workers),
        command=command,
    )
    save_result(path, "stress", result.data())
    return result


def _games(
    env: Environment, names: Sequence[str], protocol: ProtocolOptions | None, tail: float, workers: Workers
) -> tuple[dict[str, Game], dict[str, str], dict[str, str]]:
    """A game per mechanism, the reasons of those that refuse, and of users' that break the rules.

    One that the user has named must not refuse.
    """
    games: dict[str, Game] = {}
    refusals: dict[str, str] = {} if names else MECHANISMS.unavailable()
    broken: dict[str, str] = {}
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"mechanism {name!r} is given twice")
    require_apart(names, "mechanism")
    for name in names or MECHANISMS.all():
        try:
            games[name] = open_game(env, name, protocol, tail, workers)
        except Refusal as error:
            if names:
                raise
            refusals[name] = str(error).partition(": ")[2]
        except PlayError as error:
            broken[name] = str(error)
        except InputError as error:
            if names or is_shipped(MECHANISMS.get(name)):
                raise
            broken[name] = str(error)
    if not games and broken:
        raise PlayError(next(iter(broken.values())))
    if not games:
        raise InputError(f"no mechanism fits environment {env.name!r}")
    return games, refusals, broken


def _gains_frame(contests: Sequence[Contest], tallies: dict[str, dict[str, Tally]], comparisons: int) -> "pd.DataFrame":
    """A row per mechanism, family and agent, largest gain first."""
    import pandas as pd

    rows = []
    for contest in contests:
        names = contest.game.environment.agents
        for case in contest.cases:
            if case.key not in tallies[contest.mechanism]:  # it failed
                continue
            agent = case.deviates.index(True)
            tally = tallies[contest.mechanism][case.key]
            gain = float(tally.gain.mean[agent])
            strategy = case.strategies[agent]
            exact = _beside_exact(contest, agent, strategy.name, gain, float(tally.gain.error[agent]))
            luck = exact["agrees"] and exact["exact"] + exact["exact_bound"] <= TOLERANCE  # it is known to be none
            rows.append(
                {
                    "mechanism": contest.mechanism,
                    "family": strategy.name,
                    "complexity": strategy.complexity,
                    "agent": names[agent],
                    "strategy": strategy.key(),
                    "words": contest.words[case.key],
                    "gain": gain,
                    "half_width": float(tally.gain.half()[agent]),
                    "found": bool(gain - tally.gain.half(comparisons)[agent] > ZERO) and not luck,
                    **exact,
                    **_largest_given(contest.game, tally.gain_given, agent),
                    "tried": contest.tried[case.key],
                    "case": case.key,
                }
            )
    return _ordered(pd.DataFrame(rows), "gain")


def _ordered(rows: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """Largest first; those that tie (`dynmech.sim.core.ties`) in the order in which they come."""
    return rows.iloc[descending(rows[column].to_numpy())].reset_index(drop=True)


def _beside_exact(contest: Contest, agent: int, family: str, gain: float, error: float) -> dict[str, Any]:
    """The exact gain that bounds a family's, and whether the simulated one agrees with it."""
    bounding = {"one-shot": Family.ONE_SHOT, "belief-manipulation": Family.BELIEF_MANIPULATION}
    figure = contest.exact.gains.get((agent, bounding.get(family, Family.BEST_RESPONSE)))
    if figure is None:
        return {"exact": float("nan"), "exact_bound": float("nan"), "agrees": True}
    slack = 4 * error + 2 * contest.game.tail + figure.bound + ZERO
    off = gain - figure.gain
    agrees = abs(off) <= slack if family == BEST else off <= slack
    return {"exact": figure.gain, "exact_bound": figure.bound, "agrees": agrees}


def _largest_given(game: Game, given: Moments, agent: int) -> dict[str, Any]:
    """The own signal at which the deviator gains most: words, mean and half-width."""
    best: dict[str, Any] = {"given": "", "given_gain": float("nan"), "given_half_width": float("nan")}
    half = given.half()
    for row, t in enumerate(signal_dates(game)):
        space = game.environment.signal_space(t, agent)
        assert isinstance(space, Finite)
        for k, label in enumerate(space.labels):
            mean = float(given.mean[agent, row, k])
            if space.size > 1 and given.count[agent, row, k] >= ENOUGH and not mean <= best["given_gain"]:
                best = {
                    "given": f"when its signal in period {t} is {label}",
                    "given_gain": mean,
                    "given_half_width": float(half[agent, row, k]),
                }
    return best


def _mechanisms_frame(
    env: Environment,
    contests: Sequence[Contest],
    tallies: dict[str, dict[str, Tally]],
    gains: "pd.DataFrame",
) -> "pd.DataFrame":
    """A row per mechanism, worst first."""
    import pandas as pd

    rows = []
    for contest in contests:
        truth = tallies[contest.mechanism][PRESCRIBED]
        mine = gains[gains["mechanism"] == contest.mechanism]
        found = mine[mine["found"]]
        rows.append(
            {
                "mechanism": contest.mechanism,
                "breaks": not found.empty or bool(contest.exact.witnesses),
                "exact": contest.exact.holds(),
                "worst_gain": round(max(_best_gains(contest) or found["gain"], default=0.0), 9),  # no order of rounding
                "exact_refused": contest.exact.refused,
                **properties(env, truth, truth),
                **{f"payoff of {a}": float(v) for a, v in zip(env.agents, truth.payoff.mean, strict=True)},
            }
        )
    return _ordered(pd.DataFrame(rows), "worst_gain")


def _stories(
    contests: Sequence[Contest], gains: "pd.DataFrame", sampling: Sampling, workers: Workers
) -> dict[str, dict[str, Any]]:
    """Per mechanism under which a gain was found, the one to tell first."""
    out = {}
    for contest in contests:
        worst = headline(gains, contest.mechanism)
        if worst is None:
            continue
        (case,) = [one for one in contest.cases if one.key == worst["case"]]
        told = tell_safely(contest.game, case, sampling, workers, f"{worst['agent']} {worst['words']}")
        out[contest.mechanism] = {"case": case.key, "mean": worst["gain"], "half_width": worst["half_width"], **told}
    return out


def _best_gains(contest: Contest) -> list[float]:
    """What the best responses that gain something gain, exactly."""
    return [contest.exact.gains[agent, Family.BEST_RESPONSE].gain for agent in contest.exact.witnesses]


def gain_table(result: StressResult, column: str = "gain", agent: str | None = None) -> "pd.DataFrame":
    """Mechanism × family, worst mechanism first: the largest figure of any agent, or of one; NaN where none was found.

    Args:
        column: `gain` (simulated) or `exact`.
    """
    shown = result.gains.assign(shown=result.gains[column].where(_there(result, column)))
    if agent is not None:
        shown["shown"] = shown["shown"].where(shown["agent"] == agent)
    table = shown.pivot_table(index="mechanism", columns="family", values="shown", aggfunc="max", dropna=False)
    families = result.gains.sort_values(["complexity", "family"])["family"].unique()
    return table.reindex(index=result.mechanisms["mechanism"], columns=families)


def _there(result: StressResult, column: str) -> "pd.Series[bool]":
    """Which figures are gains, and not noise."""
    gains = result.gains
    there: pd.Series[bool] = gains["found"] if column == "gain" else gains["exact"] - gains["exact_bound"] > TOLERANCE
    return there


def gainers(result: StressResult, mechanism: str) -> list[str]:
    """The agents that gain something under a mechanism, the largest gain first."""
    gains = result.gains.assign(size=result.gains["exact"].fillna(result.gains["gain"]))
    mine = gains[(gains["mechanism"] == mechanism) & (_there(result, "gain") | _there(result, "exact"))]
    return _ordered(mine, "size")["agent"].unique().tolist()
