"""Trace one episode of a deviation: the one in which it gains most, period by period, beside prescribed play.

Both are played again, under the same draws of nature, when a run's result is made, and the trace is kept with the
result; so it exists at every level of the log, and for economies and strategies that were given as objects. The
episodes are the run's own: streams are addressed, so episode 17 of the first shard is the same however few are
played.
"""

from collections.abc import Sequence
from typing import Any

from dynmech.experiments.runs.loading import run_isolated
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.simulation import Case, Sampling, play, prescribed_case
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.errors import DynmechError, WorkerDied
from dynmech.sim.core.ties import first_largest, scale_of
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Record

EPISODES = 256
"""Episodes that are searched for the one in which the deviators gain most."""

LEARNED = 16
"""Episodes that are searched where somebody learns: each takes thousands of rounds."""

ROWS = 500_000
"""Largest number of rows (period, agent) that are held in memory for the search."""

PERIODS = 8
"""Periods that are shown: all of a game that is no longer, else the first that differ from prescribed play."""

COMPARED = ("public", "signal", "report", "counted", "decision", "action", "utility", "transfer")


def tell_case(game: Game, case: Case, sampling: Sampling, words: str = "") -> dict[str, Any]:
    """Return the trace of a case in which somebody deviates, as plain data.

    The episode is that of the largest gain of the deviators together, or of their largest loss if they lose on average.
    `told` holds the periods that are shown: what every agent sees, sends, earns and pays as it was played and under
    prescribed play (`truth`), and the deviators' discounted gain; `rest` says how many other periods differ, and the
    gain there. The gains add up to those of the episode.
    """
    count = _count(game, case, sampling)
    lying = play(game, case, sampling, 0, count)
    honest = play(game, prescribed_case(game), sampling, 0, count)
    gains = lying.payoffs - honest.payoffs
    liars = [i for i, deviates in enumerate(case.deviates) if deviates]
    together = gains[liars].sum(axis=0)
    wins = bool(together.mean() >= 0)
    episode = first_largest(together if wins else -together, scale_of(honest.payoffs, lying.payoffs))
    names = game.environment.agents
    periods = _periods(game, _rows(lying, episode), _rows(honest, episode), liars)
    shown = periods if len(periods) <= PERIODS else [period for period in periods if period["differs"]][:PERIODS]
    left = [period for period in periods if period["differs"] and period not in shown]
    return {
        "words": words,
        "strategies": {names[i]: case.strategies[i].key() for i in liars},
        "episode": episode,
        "of": count,
        "wins": wins,
        "periods": game.periods,
        "gain": {names[i]: float(gains[i, episode]) for i in liars},
        "told": shown,
        "rest": {
            "periods": len(left),
            "gain": {names[i]: sum(period["gain"][names[i]] for period in left) for i in liars},
        },
    }


def tell_safely(game: Game, case: Case, sampling: Sampling, workers: Workers, words: str = "") -> dict[str, Any]:
    """As `tell_case`, with users' code in a process of its own; `{"untold": reason}` if that fails.

    Raises:
        WorkerDied: that process was ended from outside again and again; the same call tries it again.
    """
    whose = users_code(game, case)
    try:
        if not whose:
            return tell_case(game, case, sampling, words)
        trace: dict[str, Any] = run_isolated(workers, whose, tell_case, game, case, sampling, words)
    except WorkerDied:  # a result that lacks its story would be kept as if it were whole
        raise
    except DynmechError as error:
        return {"words": words, "untold": str(error)}
    return trace


def _count(game: Game, case: Case, sampling: Sampling) -> int:
    """Return how many episodes are searched: fewer of a long game, whose rows must fit in memory."""
    learns = any(strategy.rounds > 1 for strategy in case.strategies)
    most = ROWS // (len(game.weights) * len(game.environment.agents))
    return min(LEARNED if learns else EPISODES, sampling.episodes, sampling.shard_size(game), max(1, most))


def _rows(record: Record, episode: int) -> list[dict[str, Any]]:
    """Return the rows of one episode, one per (period, agent)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from dynmech.sim.log.tables import outcomes_table

    table = outcomes_table(record, 0, [""] * len(record.game.environment.agents))
    rows: list[dict[str, Any]] = table.filter(pc.equal(table["episode"], pa.scalar(episode))).to_pylist()
    return rows


def _periods(
    game: Game, lying: Sequence[dict[str, Any]], honest: Sequence[dict[str, Any]], liars: Sequence[int]
) -> list[dict[str, Any]]:
    """Return every period of an episode beside the same period under prescribed play."""
    agents = len(game.environment.agents)
    out = []
    for t, weight in enumerate(game.weights):
        pairs = list(zip(lying[t * agents : (t + 1) * agents], honest[t * agents : (t + 1) * agents], strict=True))
        flows = [(row["utility"] - row["transfer"]) - (true["utility"] - true["transfer"]) for row, true in pairs]
        out.append(
            {
                "period": t,
                "closing": t >= game.periods,
                "differs": any(row[key] != true[key] for row, true in pairs for key in COMPARED),
                "rows": [
                    {**_shown(row), "truth": _shown(true), "prescribed": _prescribed(game, row, true)}
                    for row, true in pairs
                ],
                "gain": {game.environment.agents[i]: weight * flows[i] for i in liars},
            }
        )
    return out


def _prescribed(game: Game, row: dict[str, Any], true: dict[str, Any]) -> str | None:
    """Return the message that is prescribed at the signal that an agent had, which an earlier lie may have moved.

    A direct mechanism asks for the signal. What another one prescribes may rest on what it remembers: it is told where
    signal and public state are those of prescribed play, and is None elsewhere.
    """
    if isinstance(game.mechanism, DirectMechanism):
        return _label(row["signal"])
    if (row["signal"], row["public"]) == (true["signal"], true["public"]):
        return _label(true["report"])
    return None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of an agent's period: labels as text, amounts as numbers."""
    labels = {key: _label(row[key]) for key in ("agent", "signal", "report", "counted", "decision", "action")}
    return {**labels, "earns": row["utility"], "pays": row["transfer"]}


def _label(value: object) -> str:
    """A label, a number, or nothing."""
    if value is None or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
