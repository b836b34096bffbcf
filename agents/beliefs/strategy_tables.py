"""A strategy as chances of messages: asked in every situation that it may be in, as if it were played.

A strategy may look at its signal, the public state, the mechanism's memory, what is asked of it and, where the profile
recalls them, at messages, decisions and own signals of the last periods. It is asked twice, with other payments and
utilities in the past that is shown; one whose answers differ looks at more, and is refused. Random numbers are known of
those that report at random, alone or as noise; others must be written out as tables.
"""

from dataclasses import replace
from math import prod

import numpy as np

from dynmech.agents.beliefs.profiles import places, prescribed_messages, pure
from dynmech.agents.beliefs.recall import NOTHING, Recalled
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.noisy import Noisy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.wrapping import Wrapping
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import DynmechError, Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.game import make_game
from dynmech.sim.play.roles import GameSpaces, Past, View

DATES = (0, 1, 2, 9)
"""How long after all that is recalled has begun to be there a strategy is asked, where one period repeats."""


def strategy_chances(
    game: FiniteGame, strategy: Strategy, agent: int, known: tuple[Recalled, ...], recall: str
) -> list[FloatArray]:
    """Return the chances of a strategy's messages per entry, `(H, O, K, R)`.

    Raises:
        Refusal: it does what no table of messages says, or looks at what the profile does not recall.
        InputError: its options do not fit.
    """
    played = make_game(game.environment, game.mechanism)
    _require_table(game, strategy, agent, known[0].periods if recall != "none" else 0)
    strategy.validate(AgentContext.of(played, agent))
    out = []
    for t, rows in enumerate(known):
        depth = rows.depth
        chances = np.zeros((*game.tables[t].prescribed[agent][rows.memory].shape, game.tables[t].shape[1 + agent]))
        for deep in np.unique(depth).tolist():
            chosen = replace(rows, rows=rows.rows[depth == deep])
            dates = _dates(rows, deep) if game.environment.horizon is None and t else (t,)
            tables = [_asked(game, strategy, agent, t, date, chosen, played.game_spaces) for date in dates]
            if any(not np.array_equal(table, tables[0]) for table in tables):
                raise _refused(game, strategy, agent, "does not do the same in all later periods, which no table says")
            chances[depth == deep] = tables[0]
        out.append(chances)
    return out


def _dates(rows: Recalled, deep: int) -> tuple[int, ...]:
    """Return the dates of a repeated period at which so many periods can be recalled: one, or all later ones."""
    if 0 < deep < rows.periods:
        return (deep,)
    return tuple(max(deep, 1) + later for later in DATES)


def _refused(game: FiniteGame, strategy: Strategy, agent: int, why: str) -> Refusal:
    return Refusal(f"strategies.{game.environment.agents[agent]!r}: strategy {strategy.key()!r} {why}")


def _require_table(game: FiniteGame, strategy: Strategy, agent: int, periods: int) -> None:
    """Raise where a strategy is none that sends messages by what is known, of so many past periods."""
    parts = list(strategy.components())
    acts = any(type(part).action is not Strategy.action for part in parts if not isinstance(part, Wrapping))
    replies = any(type(part).reply is not Strategy.reply for part in parts if not isinstance(part, Wrapping))
    if acts or replies or strategy.spies or strategy.silent or strategy.leaves or strategy.rounds > 1:
        raise _refused(
            game, strategy, agent, "acts, replies, spies, is silent or learns, which no table of messages says"
        )
    if strategy.memory_periods is None:
        raise _refused(game, strategy, agent, "looks at all periods that were, which a profile does not recall")
    if strategy.memory_periods and not periods:
        raise _refused(
            game, strategy, agent, "looks at the last period; give the profile recall 'reports' or 'signals'"
        )
    if strategy.memory_periods > periods:
        raise _refused(
            game, strategy, agent, f"looks {strategy.memory_periods} periods back; give the profile as many 'periods'"
        )


def _asked(
    game: FiniteGame, strategy: Strategy, agent: int, t: int, date: int, rows: Recalled, spaces: GameSpaces
) -> FloatArray:
    """Return the chances of messages at one date, `(H, O, K, R)`."""
    if isinstance(strategy, RandomReport):
        shape = (*game.tables[t].prescribed[agent][rows.memory].shape, game.tables[t].shape[1 + agent])
        return np.full(shape, 1 / shape[-1])
    if isinstance(strategy, Noisy):
        inner, drawn = (_asked(game, part, agent, t, date, rows, spaces) for part in strategy.parts)
        return (1 - strategy.noise) * inner + strategy.noise * drawn
    if strategy.width:
        raise _refused(game, strategy, agent, "draws random numbers; write its chances out as a table")
    answers = [_answer(game, strategy, agent, t, date, rows, spaces, made_up) for made_up in range(3)]
    if any(not np.array_equal(one, answers[0]) for one in answers):
        raise _refused(
            game, strategy, agent, "looks at what the profile does not recall: payments, utilities or signals"
        )
    return pure(answers[0], game.tables[t].shape[1 + agent])


def _answer(
    game: FiniteGame,
    strategy: Strategy,
    agent: int,
    t: int,
    date: int,
    rows: Recalled,
    spaces: GameSpaces,
    made_up: int,
) -> IntArray:
    """Return the messages in every situation, `(H, O, K)`; `made_up`: which of several pasts it is shown."""
    asked = prescribed_messages(game, t, agent, rows.memory)
    h, public, signal = np.unravel_index(np.arange(asked.size), asked.shape)
    space = game.mechanism.messages(date, agent)
    assert isinstance(space, Finite)
    view = View(
        t=date,
        agent=agent,
        signal=signal,
        public=public,
        memory=rows.memory[h],
        space=space,
        prescribed=asked.reshape(-1),
        uniforms=np.zeros((asked.size, 0)),
        past=(),
        private={},
        game_spaces=spaces,
    )
    if strategy.memory_periods and t:
        backs = range(min(strategy.memory_periods, int(rows.depth[0])), 0, -1)
        view = replace(view, past=tuple(_past(game, agent, t, date, rows.rows[h], back, made_up) for back in backs))
    try:
        sent = np.asarray(strategy.message(view))
    except DynmechError:
        raise
    except Exception as error:
        raise _refused(game, strategy, agent, f"raised {type(error).__name__} in period {date}") from None
    if sent.shape != (asked.size,) or sent.dtype.kind not in "iu" or not ((sent >= 0) & (sent < space.size)).all():
        raise _refused(game, strategy, agent, f"sends what is no message in period {date}")
    return sent.astype(np.intp).reshape(asked.shape)


def _past(game: FiniteGame, agent: int, t: int, date: int, rows: IntArray, back: int, made_up: int) -> Past:
    """Return the period so many before as it is recalled, by row; the rest is made up."""
    before = t - back if game.environment.horizon is not None else min(t, 1)
    shape, count = game.tables[before].shape, len(rows)
    sent, decided, felt = rows[:, 3 * back - 2 : 3 * back + 1].T
    public, *messages = np.unravel_index(sent % prod(shape), shape)
    signals = places(game, before)[1][agent]
    own = signals[felt] if (felt != NOTHING).all() else np.full(count, made_up % (signals.max() + 1))
    payments = np.full((count, len(messages)), float(made_up))
    return Past(
        t=date - back,
        public=public,
        signal=own,
        message=messages[agent],
        decision=decided,
        reports=np.stack(messages, axis=1),
        transfer=payments[:, agent],
        transfers=payments,
        utility=payments[:, agent] + 0.5,
    )
