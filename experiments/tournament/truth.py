"""Whether truth by all is best: exactly, where the economy is finite, beside what the strategies of a study show.

The exact search asks what *any* deviation of one agent gains ex ante while all others play as prescribed; it runs once
per economy and mechanism and is kept with the result. Where there is none, the regret of truth among the strategies
that were played decides: *breaks* where it is surely above 0, *not refuted* where it is surely small, else *undecided*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Self

from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.assumptions import broken_assumptions
from dynmech.experiments.runs.loading import run_isolated
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.experiments.runs.verdicts import BREAKS, HOLDS, NOT_PROMISED, OUTSIDE_ASSUMPTIONS, UNDECIDED
from dynmech.experiments.searches.exact import Exact, exact_gains
from dynmech.experiments.tournament.empirical import Regret
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.errors import DynmechError, WorkerDied
from dynmech.sim.core.ties import first_largest
from dynmech.sim.play.game import Game


@dataclass(frozen=True)
class TruthSearch:
    """What any deviation from truth by all gains, and what the mechanism promises of it.

    Attributes:
        found: whether somebody gains, exactly: `breaks`, `holds` or `undecided`; empty where there is no exact search.
        gains: exactly, ex ante, of each agent's best response.
        bound: how far these may be off.
        agent, words: who gains most and how; empty where nobody gains.
        refused: why there is no exact search, if so.
        promised: whether truth is promised to be best.
        violated: assumptions of that promise that are shown not to hold here.
        tail: what the end of the game that is cut may be worth to an agent, in simulated payoffs.
    """

    found: str
    gains: Mapping[str, float]
    bound: float = 0.0
    agent: str = ""
    words: str = ""
    refused: str = ""
    promised: bool = True
    violated: tuple[str, ...] = ()
    tail: float = 0.0

    @property
    def known(self) -> bool:
        """Whether there is an exact search."""
        return bool(self.found)

    @property
    def most(self) -> float:
        """The largest gain."""
        return max(self.gains.values())

    @property
    def largest(self) -> float | None:
        """The largest gain; None where there is no exact search."""
        return self.most if self.gains else None

    def verdict(self, regret: Regret | None, scale: float) -> str:
        """Return the status of truth by all, in the words of `dynmech.experiments.runs.verdicts`; empty: not known.

        Args:
            regret: of truth among the strategies that were played; None where it was not played.
            scale: the largest payoff in size.
        """
        found = self.without_promise(regret, scale)
        if found and not self.promised:
            return NOT_PROMISED
        return OUTSIDE_ASSUMPTIONS if found == BREAKS and self.violated else found

    def without_promise(self, regret: Regret | None, scale: float) -> str:
        """Return whether truth by all is best, whatever is promised: `breaks` where somebody gains."""
        if self.known:
            return self.found
        return "" if regret is None else regret.verdict(scale)

    def data(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "gains": dict(self.gains), "violated": list(self.violated)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return it from `data`."""
        return cls(**{**data, "violated": tuple(data["violated"])})


def search_truth(game: Game, truth: Strategy, workers: Workers) -> TruthSearch:
    """Search every agent's deviations from truth by all; a user's mechanism in a process of its own.

    Args:
        truth: the strategy that the study calls truth; where it is no plain truth, nothing is searched.
    """
    agents = game.environment.agents
    exact = _exact(game, workers) if type(truth) is Truthful else Exact({}, {}, "truth of the study is no plain truth")
    best = [exact.gains.get((agent, Family.BEST_RESPONSE)) for agent in range(len(agents))]
    known = [figure for figure in best if figure is not None]
    promised = game.mechanism.promises.incentive != "none"
    gains = {name: figure.gain for name, figure in zip(agents, best, strict=True) if figure is not None}
    found = "" if not known else BREAKS if exact.witnesses else HOLDS if exact.holds() else UNDECIDED
    sure = [figure.gain if agent in exact.witnesses else -inf for agent, figure in enumerate(known)]
    who = first_largest(sure) if exact.witnesses else None
    return TruthSearch(
        found,
        gains,
        bound=max((figure.bound for figure in known), default=0.0),
        agent="" if who is None else agents[who],
        words="" if who is None else exact.witnesses[who].words,
        refused=exact.refused,
        promised=promised,
        violated=tuple(broken_assumptions(game, workers)) if promised and found != HOLDS else (),
        tail=game.tail,
    )


def _exact(game: Game, workers: Workers) -> Exact:
    families = (Family.BEST_RESPONSE,)
    if is_shipped(game.mechanism):
        return exact_gains(game, families)
    try:
        exact: Exact = run_isolated(workers, users_code(game), exact_gains, game, families)
    except WorkerDied:
        raise
    except DynmechError as error:
        return Exact({}, {}, str(error))
    return exact


def search_all(
    games: Mapping[str, Game],
    truth: Strategy,
    kept: Sequence[Mapping[str, Any]] | None,
    workers: Workers,
    progress: Progress,
) -> dict[str, TruthSearch]:
    """Return the searches by mechanism: those that an earlier call has kept in its result, else made now.

    Args:
        kept: plain data of the games of that result; None where there is none.
    """
    found = {game["mechanism"]: TruthSearch.from_data(game["exact"]) for game in kept or () if "exact" in game}
    missing = [mechanism for mechanism in games if mechanism not in found]
    advance = progress("searching exactly", len(missing)) if missing else silent("", 0)
    for mechanism in missing:
        found[mechanism] = search_truth(games[mechanism], truth, workers)
        advance(1)
    return found
