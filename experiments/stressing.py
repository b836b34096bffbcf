"""Stress test: every mechanism against every family of deviations, simulated, and exact where that is possible.

For each mechanism, agent and family a *pilot* on draws of its own picks the family's most profitable member; that
member is then played in earnest on fresh draws, so the gain that is reported is not flattered by the choice. Gains
are against prescribed play by the same agent under the same draws, ex ante, the others as prescribed.

Beside them stands what `agents.oracle` says exactly: for one lie, for belief manipulation, and for the best response of
all, which is played as well (`best-response`). A simulated gain of a best response must agree with the exact figure,
any other simulated gain must not exceed that of its family, up to four standard errors and the tail; rows that do not
are flagged.

A simulated gain counts as found where its interval stays above 0 although the table makes many comparisons
(Bonferroni); the interval that is printed is the plain 95 % one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.base import BaseStrategy, Setting
from agents.oracle import Family
from experiments.catalog import MECHANISMS, STRATEGIES, make_environment, make_strategy
from experiments.exact import TOLERANCE, Exact, exact_gains
from experiments.fingerprint import code_hashes, environment_hash, file_hash
from experiments.moments import ENOUGH, ZERO, Moments, amount
from experiments.options import options_of
from experiments.simulate import (
    PRESCRIBED,
    Case,
    Progress,
    Sampling,
    blaming,
    check_cases,
    default_folder,
    lone_deviation,
    open_game,
    pilot,
    play_cases,
    silent,
    versions,
)
from experiments.tally import Tally, properties, signal_dates
from sim.environment import Environment
from sim.errors import InputError, PlayError, Refusal
from sim.game import Conduct, Game, shortened
from sim.run_folder import RunFolder, configuration_hash
from sim.spaces import Finite

PILOT = 600
"""Episodes per candidate in the pilot."""

PILOT_LEFT = 0.02
"""Share of all discounted weight that the pilot leaves out of an infinite horizon."""

ROWS = 600_000
"""Rows of the log per case at which the number of episodes is chosen (at most 10,000 episodes, at least 1,000)."""

BEST = "best-response"
"""Family name of the exact best response in play."""

EXACT = ("one-shot", "belief-manipulation", BEST)
"""Families whose exact gain is a figure of their own; that of any other is bounded by the best response."""

TRIED = 40
"""Candidates per family and agent; larger menus are thinned evenly."""


@dataclass(frozen=True)
class Contest:
    """One mechanism's part of a stress test."""

    mechanism: str
    game: Game
    cases: tuple[Case, ...]
    tried: dict[str, int]
    exact: Exact


@dataclass(frozen=True, eq=False)
class StressResult:
    """What a stress test found.

    Attributes:
        gains: a row per mechanism, family and agent: gain, 95 % interval, exact gain of the family (NaN: not searched)
            and whether the two agree, words, the own signal at which it is largest.
        mechanisms: a row per mechanism, worst first: worst gain, verdict (`exact`: no deviation whatever gains),
            welfare, revenue, deficit, participation.
        refusals: mechanisms that do not fit the environment, with the reason.
        environment: its name.
        folder: where the log lies.
        comparisons: number of gains looked at.
        reused: whether the run was there already and nothing was played.
        untried: families that offer nothing to try, with the reason.
    """

    gains: pd.DataFrame
    mechanisms: pd.DataFrame
    refusals: dict[str, str]
    environment: str
    folder: Path
    comparisons: int
    reused: bool
    untried: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What holds and what breaks; and who lies, when, and what it earns, where it is worst."""
        breaks = self.mechanisms[self.mechanisms["breaks"]]["mechanism"].tolist()
        holds = self.mechanisms[~self.mechanisms["breaks"]]["mechanism"].tolist()
        if not breaks:
            return f"On {self.environment}, {_listed(holds, 'holds', 'hold')}: nothing that was tried gains anything."
        kept = f"{_listed(holds, 'holds', 'hold')}; " if holds else ""
        found = self.gains[self.gains["found"] & (self.gains["mechanism"] == breaks[0])]
        worst = f"; the worst lie, under {breaks[0]}: {describe_gain(headline(found))}" if not found.empty else ""
        return f"On {self.environment}, {kept}{_listed(breaks, 'breaks', 'break')}{worst}."


def _listed(names: Sequence[str], one: str, many: str) -> str:
    """`a, b and c hold`."""
    if len(names) == 1:
        return f"{names[0]} {one}"
    return f"{', '.join(names[:-1])} and {names[-1]} {many}"


def headline(found: pd.DataFrame) -> "pd.Series[Any]":
    """The gain to tell first: of those that no interval tells apart from the largest, the simplest story."""
    first = found[found["mechanism"] == found.iloc[0]["mechanism"]]
    best = first.iloc[0]
    alike = first[first["gain"] + first["half_width"] >= best["gain"] - best["half_width"]]
    simplest: pd.Series[Any] = alike.sort_values("lies", kind="stable").iloc[0]
    return simplest


def describe_gain(row: "pd.Series[Any]") -> str:
    """One gain in words."""
    exact = f" (exactly {amount(row['exact'])})" if row["family"] in EXACT and pd.notna(row["exact"]) else ""
    text = f"{row['agent']} {row['words']}: it gains {amount(row['gain'])} ± {amount(row['half_width'])} ex ante{exact}"
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
    conduct: Conduct | None = None,
    tail: float = 1e-4,
    sampling: Sampling | None = None,
    plugins: Sequence[Path] = (),
    progress: Progress = silent,
) -> StressResult:
    """Run a stress test; the same call resumes it, and costs next to nothing once it is finished.

    Args:
        environment: an environment, or what the command line takes for one.
        mechanisms: a name with options, or several; empty: all that there are.
        episodes: per case; 0: 10,000, fewer in long games.
        sampling: overrides `episodes` and `seed`, with shard and block sizes.

    Raises:
        InputError: a name or number is wrong, or every mechanism refuses the environment.
        PlayError: a user's strategy or mechanism broke the rules of play.
    """
    env = make_environment(environment) if isinstance(environment, str) else environment
    mechanisms = [mechanisms] if isinstance(mechanisms, str) else mechanisms
    games, refusals = _games(env, mechanisms, conduct, tail)
    sampling = sampling or Sampling(episodes, seed)
    if not sampling.episodes:
        rows = max((game.periods + game.closing) * len(env.agents) for game in games.values())
        sampling = replace(sampling, episodes=min(10_000, max(1_000, ROWS // rows)))
    families = list(STRATEGIES.all().values())
    configuration = {
        "command": "stress",
        "environment": {"name": env.name, "hash": environment_hash(env)},
        "mechanisms": list(games),
        "families": [cls.name for cls in families],
        "episodes": sampling.episodes,
        "seed": sampling.seed,
        "shard": sampling.shard,
        "pilot": {"episodes": PILOT, "left": PILOT_LEFT, "tried": TRIED},
        "tail": tail,
        "conduct": (conduct or Conduct()).data(),
        "plugins": [file_hash(path) for path in plugins],
        "code": code_hashes([*(game.mechanism for game in games.values()), *families]),
    }
    path = Path(out) if out is not None else default_folder("stress", env.name, configuration_hash(configuration))
    folder = RunFolder(path, configuration, versions())
    with folder:
        contests = _choose(games, families, sampling, folder, progress)
        work = sum((len(c.cases) + 1) * len(sampling.shards(c.game)) for c in contests)
        advance = progress("playing", work)
        tallies = {c.mechanism: play_cases(c.game, c.mechanism, c.cases, sampling, folder, advance) for c in contests}
    reused = bool(folder.data["complete"]) and not folder.written
    comparisons = sum(len(c.cases) for c in contests)
    gains = _gains_frame(contests, tallies, comparisons)
    result = StressResult(
        gains=gains,
        mechanisms=_mechanisms_frame(env, contests, tallies, gains),
        refusals=refusals,
        environment=env.name,
        folder=path,
        comparisons=comparisons,
        reused=reused,
        untried=_untried(families),
    )
    if not folder.data["complete"]:
        folder.note(complete=True)
    return result


def _games(
    env: Environment, names: Sequence[str], conduct: Conduct | None, tail: float
) -> tuple[dict[str, Game], dict[str, str]]:
    """A game per mechanism, and the reasons of those that refuse; one named by the user must not refuse."""
    games: dict[str, Game] = {}
    refusals: dict[str, str] = {}
    for name in names or MECHANISMS.all():
        if name in games:
            raise InputError(f"mechanism {name!r} is given twice")
        try:
            games[name] = open_game(env, name, conduct, tail)
        except Refusal as error:
            if names:
                raise
            refusals[name] = str(error).partition(": ")[2]
    if not games:
        raise InputError(f"no mechanism fits environment {env.name!r}")
    return games, refusals


def _choose(
    games: dict[str, Game],
    families: Sequence[type[BaseStrategy]],
    sampling: Sampling,
    folder: RunFolder,
    progress: Progress,
) -> list[Contest]:
    """The most profitable member of each family for each agent, by pilot; kept in the run folder."""
    stored: dict[str, Any] = folder.data.get("chosen", {})
    menus = {mechanism: menus_of(game, families) for mechanism, game in games.items() if mechanism not in stored}
    work = sum(len(cases) for menu in menus.values() for cases in menu.values())
    advance = progress("looking for deviations", work) if menus else lambda _: None
    contests = []
    for mechanism, game in games.items():
        if mechanism in menus:
            stored[mechanism] = pilot_choice(
                shortened(game, PILOT_LEFT), menus[mechanism], replace(sampling, episodes=PILOT, shard=PILOT), advance
            )
            folder.note(chosen=stored)
        cases, tried = [], {}
        for entry in stored[mechanism]:
            case = lone_deviation(game, entry["agent"], make_strategy(entry["strategy"]))
            cases.append(case)
            tried[case.key] = entry["tried"]
        exact = exact_gains(game)
        for agent, witness in exact.witnesses.items():
            case = lone_deviation(game, agent, witness)
            cases.append(case)
            tried[case.key] = 1
        contests.append(Contest(mechanism, game, tuple(cases), tried, exact))
    return contests


def _untried(families: Sequence[type[BaseStrategy]]) -> dict[str, str]:
    """Families that need an option and have no menu of their own."""
    out = {}
    for cls in families:
        needs = [name for name, p in options_of(cls).items() if p.default is p.empty]
        if needs and "menu" not in cls.__dict__:
            out[cls.name] = f"it needs {needs[0]}; give it a default, or the class a menu"
    return out


def menus_of(game: Game, families: Sequence[type[BaseStrategy]]) -> dict[tuple[int, str], list[Case]]:
    """Candidates by agent and family, thinned evenly to at most `TRIED`."""
    menus = {}
    for agent in range(len(game.environment.agents)):
        setting = Setting.of(game, agent)
        for cls in families:
            with blaming(f"strategy {cls.name!r}, menu"):
                members = list(cls.menu(setting))
            if len(members) > TRIED:
                members = [members[k] for k in np.linspace(0, len(members) - 1, TRIED).round().astype(int)]
            if members:
                menus[agent, cls.name] = [
                    lone_deviation(game, agent, member, f"{agent}.{cls.name}.{k}") for k, member in enumerate(members)
                ]
    return menus


def pilot_choice(
    game: Game, menus: dict[tuple[int, str], list[Case]], sampling: Sampling, advance: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Each menu's member with the largest mean gain on the pilot's draws, as plain data for the run folder."""
    chosen = []
    for (agent, _family), cases in menus.items():
        check_cases(game, cases)
        gains = pilot(game, cases, sampling, advance)
        best = max(cases, key=lambda case: float(gains[case.key][agent].mean())).strategies[agent]
        chosen.append({"agent": agent, "strategy": _typed(best), "tried": len(cases)})
    return chosen


def _typed(strategy: BaseStrategy) -> str:
    """The strategy as it is typed on the command line, which must give it back: it is logged under that text."""
    with blaming(f"strategy {strategy.name!r}, options"):
        key = strategy.key()
    try:
        again = make_strategy(key).key()
    except InputError as error:
        raise PlayError(f"strategy {strategy.name!r}: its options() do not make it again: {error}") from None
    if again != key:
        raise PlayError(f"strategy {strategy.name!r}: its options() do not make it again: {key} becomes {again}")
    return key


def _gains_frame(contests: Sequence[Contest], tallies: dict[str, dict[str, Tally]], comparisons: int) -> pd.DataFrame:
    """A row per mechanism, family and agent, largest gain first."""
    rows = []
    for contest in contests:
        names = contest.game.environment.agents
        for case in contest.cases:
            agent = case.deviates.index(True)
            tally = tallies[contest.mechanism][case.key]
            gain = float(tally.gain.mean[agent])
            strategy = case.strategies[agent]
            with blaming(f"strategy {strategy.name!r}, describe"):
                words = strategy.describe(Setting.of(contest.game, agent))
            rows.append(
                {
                    "mechanism": contest.mechanism,
                    "family": strategy.name,
                    "lies": strategy.lies,
                    "agent": names[agent],
                    "strategy": strategy.key(),
                    "words": words,
                    "gain": gain,
                    "half_width": float(tally.gain.half()[agent]),
                    "found": bool(gain - tally.gain.half(comparisons)[agent] > ZERO),
                    **_beside_exact(contest, agent, strategy.name, gain, float(tally.gain.error[agent])),
                    **_largest_given(contest.game, tally.gain_given, agent),
                    "tried": contest.tried[case.key],
                    "case": case.key,
                }
            )
    return pd.DataFrame(rows).sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def _beside_exact(contest: Contest, agent: int, family: str, gain: float, error: float) -> dict[str, Any]:
    """The exact gain that bounds a family's, and whether the simulated one agrees with it."""
    bounding = {"one-shot": Family.ONE_SHOT, "belief-manipulation": Family.BELIEF_MANIPULATION}
    figure = contest.exact.gains.get((agent, bounding.get(family, Family.CONTINGENT)))
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
    gains: pd.DataFrame,
) -> pd.DataFrame:
    """A row per mechanism, worst first."""
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
                "worst_gain": max(0.0, _worst(found["gain"]), _worst(mine["exact"])),
                "exact_refused": contest.exact.refused,
                **properties(env, truth, truth),
                **{f"payoff of {a}": float(v) for a, v in zip(env.agents, truth.payoff.mean, strict=True)},
            }
        )
    return pd.DataFrame(rows).sort_values("worst_gain", ascending=False, kind="stable", ignore_index=True)


def _worst(gains: "pd.Series[float]") -> float:
    """The largest of some gains, 0 if there are none."""
    largest = gains.max()
    return float(largest) if pd.notna(largest) else 0.0


def gain_table(result: StressResult, column: str = "gain") -> pd.DataFrame:
    """Mechanism × family, worst mechanism first: the largest figure of any agent; NaN where none was found.

    Args:
        column: `gain` (simulated) or `exact`.
    """
    if column == "gain":
        there = result.gains["found"]
    else:
        there = result.gains["exact"] - result.gains["exact_bound"] > TOLERANCE
    found = result.gains.assign(shown=result.gains[column].where(there))
    table = found.pivot_table(index="mechanism", columns="family", values="shown", aggfunc="max", dropna=False)
    families = result.gains.sort_values(["lies", "family"])["family"].unique()
    return table.reindex(index=result.mechanisms["mechanism"], columns=families)
