"""Simulate one profile of strategies in memory: no folder, nothing to resume."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.accepted import (
    MechanismLike,
    StrategyLike,
    as_environment,
    as_mechanism,
    as_strategy,
)
from dynmech.experiments.runs.agent_profiles import strategy_profile
from dynmech.experiments.runs.deposits import with_deposits
from dynmech.experiments.runs.loading import require_fit
from dynmech.experiments.runs.moments import Moments, amount
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.runs.simulation import Case, Sampling, made_for, play, prescribed_case
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.record import Record

if TYPE_CHECKING:
    import pandas as pd

BYTES = 200
"""Per row of `outcomes`, about: what is refused beforehand is counted with it."""


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(ShownResult):
    """A profile of strategies played in memory, beside prescribed play under the same draws of nature.

    Attributes
    ----------
    game : Game
        The economy, the mechanism and the protocol.
    case : Case
        A strategy per agent.
    sampling : Sampling
        Episodes and seed.
    records, prescribed : list of Record
        What happened, shard by shard, and under prescribed play.
    """

    game: Game
    case: Case
    sampling: Sampling
    records: list[Record]
    prescribed: list[Record]

    @checked_arguments
    def outcomes(self, prescribed: bool = False) -> "pd.DataFrame":
        """Return a row per episode, period and agent; columns as in the dataset `outcomes` of a run."""
        from dynmech.sim.log.tables import outcomes_table

        case = prescribed_case(self.game) if prescribed else self.case
        names, records = _names(case), self.prescribed if prescribed else self.records
        return _joined([outcomes_table(record, start, names) for start, record in self._from(records)])

    @checked_arguments
    def episodes(self, prescribed: bool = False) -> "pd.DataFrame":
        """Return a row per episode and agent: discounted utility, transfers, payoff."""
        from dynmech.sim.log.tables import episodes_table

        case = prescribed_case(self.game) if prescribed else self.case
        names, records = _names(case), self.prescribed if prescribed else self.records
        return _joined([episodes_table(record, start, names) for start, record in self._from(records)])

    def gains(self) -> "pd.DataFrame":
        """Return a row per episode and agent: payoff, that of prescribed play under the same draws, the difference."""
        from dynmech.sim.log.tables import gains_table

        names, deviates = _names(self.case), self.case.deviates
        pairs = zip(self._from(self.records), self.prescribed, strict=True)
        return _joined([gains_table(r, truth.payoffs, start, names, deviates) for (start, r), truth in pairs])

    @cached_property
    def agents(self) -> "pd.DataFrame":
        """A row per agent: strategy, mean payoff and mean gain with the half-widths of their 95 % intervals."""
        import pandas as pd

        payoffs = np.concatenate([record.payoffs for record in self.records], axis=1)
        gained = payoffs - np.concatenate([record.payoffs for record in self.prescribed], axis=1)
        payoff, gain = Moments.of(payoffs), Moments.of(gained)
        return pd.DataFrame(
            {
                "agent": self.game.environment.agents,
                "strategy": _names(self.case),
                "payoff": payoff.mean,
                "payoff_half_width": payoff.half(),
                "gain": gain.mean,
                "gain_half_width": gain.half(),
            }
        )

    def _from(self, records: list[Record]) -> list[tuple[int, Record]]:
        """Return records with their first episodes."""
        starts = [start for start, _ in self.sampling.shards(self.game)]
        return list(zip(starts, records, strict=True))

    def data(self) -> dict[str, Any]:
        """Return what was played, and the table of agents."""
        return {
            "environment": self.game.environment.name,
            "mechanism": self.game.mechanism.name,
            "episodes": self.sampling.episodes,
            "seed": self.sampling.seed,
            "periods": self.game.periods,
            "tail": self.game.tail,
            "agents": self.agents,
        }

    def lines(self) -> list[str]:
        """Return what was played, and who gained what."""
        gains = [
            f"{row['agent']} ({row['strategy']}) {amount(row['gain'])} ± {amount(row['gain_half_width'])}"
            for row in self.agents.to_dict("records")
            if row["strategy"] != "truthful"
        ]
        what = f"{self.game.mechanism.name} on {self.game.environment.name}: {self.sampling.episodes} episodes"
        return [what, f"gains against prescribed play: {', '.join(gains) or 'nobody deviates'}"]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the table of agents."""
        return {"agents": self.agents}


@checked_arguments
def simulate(
    environment: object,
    mechanism: MechanismLike,
    strategies: Mapping[str, StrategyLike] | None = None,
    *,
    episodes: int = 1000,
    seed: int = 0,
    protocol: ProtocolOptions | None = None,
    tail: float = 1e-4,
) -> Simulation:
    """Simulate a profile of strategies in memory; agents that are not named play as prescribed.

    Parameters
    ----------
    environment : str, path or Environment
        An economy, or its name or file.
    mechanism : str, class or Mechanism
        A mechanism, its class, or its name with options.
    strategies : mapping of str to str, class or Strategy, optional
        By agent (name, or number from 0): a strategy, its class, or its name with options.
    episodes : int
        Independent plays of the whole game, at least 2.
    seed : int
        Of all random numbers; the same as in `run`, which logs to a folder.
    protocol : ProtocolOptions, optional
        Deadline and latency of messages, in periods, and what the designer discloses.
    tail : float
        Share of all discounted weight that is left out of an infinite horizon.

    Returns
    -------
    Simulation
        `outcomes()`, `episodes()`, `gains()` and `agents` are DataFrames.

    Raises
    ------
    InputError, Refusal, PlayError
        One line each.

    Examples
    --------
    >>> import dynmech as dm
    >>> played = dm.simulate("oil-leases-prior", "cremer-mclean", {"firm 1": "best-response"}, episodes=400)
    >>> played.outcomes()["strategy"].unique().tolist()
    ['best-response', 'truthful']
    >>> bool(played.agents.set_index("agent").gain["firm 1"] > 1)
    True
    """
    economy = as_environment(environment)
    rules = as_mechanism(mechanism, economy)
    game = with_deposits(make_game(rules.environment, rules, protocol, tail=tail))
    sampling = Sampling(episodes, seed)
    if not episodes:
        raise InputError("episodes: 0 is below 2; an interval needs two")
    rows = episodes * (game.periods + game.closing) * len(game.environment.agents)
    what = f"{episodes:,} episodes of {rows // episodes:,} rows in memory (`run` logs them to a folder)"
    require_room(what, rows * BYTES / 8)
    case = made_for(game, Case("deviation", _profile(game, strategies or {})))
    shards = list(enumerate(sampling.shards(game)))
    truth = [play(game, prescribed_case(game), sampling, number, count) for number, (_, count) in shards]
    records = [play(game, case, sampling, number, count) for number, (_, count) in shards]
    return Simulation(game, case, sampling, records, truth)


def _profile(game: Game, strategies: Mapping[str, StrategyLike]) -> tuple[Strategy, ...]:
    """Return a strategy per agent, each of which fits."""
    profile = strategy_profile(game.environment.agents, strategies, as_strategy)
    for agent, strategy in enumerate(profile):
        require_fit(game, agent, strategy)
    return profile


def _names(case: Case) -> list[str]:
    return [strategy.key() for strategy in case.strategies]


def _joined(tables: list[object]) -> "pd.DataFrame":
    """Return Arrow tables as one DataFrame."""
    import pyarrow as pa

    frame: pd.DataFrame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    return frame
