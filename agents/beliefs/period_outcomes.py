"""Everything that can happen in a period, row by row, and what a deviator is shown of it.

A *state* of a period is (what is recalled h, profile θ), flat with the profile fastest. While the others draw their
messages from their strategies, the deviator's message r and its private action b lead to rows with a chance each. What
it is shown, as in a run (`dynmech.sim.play.disclosure`):

- *before* it acts: the decision as far as the policy shows it, and, where everything is public, all messages;
- *after* the period: the same, its own transfers and utilities; with the next signals also what is asked of it.

Axes: H, S; O messages of the others, R own messages, L draws of a lottery, B own actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.agents.beliefs.profiles import Profile, places, prescribed_messages
from dynmech.agents.beliefs.recall import NOTHING
from dynmech.agents.oracle.merging import clusters
from dynmech.agents.oracle.post_decision_states import own_information
from dynmech.agents.oracle.problem import own_actions
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.laws_of_motion import FactoredLaw, LawOfMotion, WrittenLaw
from dynmech.sim.play.disclosure import ANNOUNCED, shown_decision
from dynmech.sim.play.roles import Situation


@dataclass(frozen=True, eq=False)
class Signs:
    """What each of the things that can be shown is: whole numbers, a row each, and amounts, a row each.

    Whole numbers: what is told of the decision, the messages if all are shown; then what the next period opens with, as
    `Shown.opening`. Amounts: own utilities and payments.
    """

    whole: IntArray
    amounts: FloatArray


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The rows of one entry, those of a state together.

    Attributes:
        states, messages, acts: H S, R and B.
        seen_before: how many different things can be shown before the action.
        follow: the deviator's own strategy, `(states, R)`.
        obey: the prescribed action by what is shown before it, `(seen_before,)`.
        flow_start, move_start: where the rows of each state begin, `(states + 1,)`.
        choice: of every row of flows, (message, shown before, action) as one number.
        flow, chance: payoff × chance, and the chance.
        move_choice, seen, following, move_chance: of every row of moves: its choice, what is shown by the time of the
            next message, the next state, and its chance. No rows in a last period.
        shown: how many different things can be shown, `following_states` how many next states there are.
        signs: what these things are; `signs_before`: what is shown before the action, the action that is asked first.
    """

    states: int
    messages: int
    acts: int
    seen_before: int
    follow: FloatArray
    obey: IntArray
    flow_start: IntArray
    choice: IntArray
    flow: FloatArray
    chance: FloatArray
    move_start: IntArray
    move_choice: IntArray
    seen: IntArray
    following: IntArray
    move_chance: FloatArray
    shown: int
    following_states: int
    signs: Signs
    signs_before: IntArray


@dataclass(frozen=True, eq=False)
class Shown:
    """What the search is about: a profile, who deviates, what is disclosed, and whether it sees current signals."""

    profile: Profile
    who: tuple[int, ...]
    disclosure: str = "everything"
    spying: bool = False

    def entry_after(self, t: int) -> int | None:
        """Return the entry after entry t; None after the last."""
        game = self.profile.game
        if game.environment.horizon is None:
            return 1
        return t + 1 if t + 1 < game.entries else None

    def known_signals(self, t: int) -> IntArray:
        """Return what the deviator knows of every profile when it reports, `(S,)`."""
        stage = self.profile.game.environment.stage(t)
        return np.arange(stage.size) if self.spying else own_information(stage, self.who)[0]

    def opening(self, t: int) -> IntArray:
        """Return what it knows in every state when it reports, beside what it was shown before, `(states, columns)`."""
        game, rows = self.profile.game, self.profile.recalled[t]
        public, signals = places(game, t)
        columns = [np.broadcast_to(self.known_signals(t), (len(rows), len(public)))]
        columns += [prescribed_messages(game, t, i, rows.memory)[:, public, signals[i]] for i in self.who]
        if self.disclosure == "everything":
            columns.append(np.broadcast_to(rows.memory[:, None], columns[0].shape))
        return np.stack(columns, axis=-1).reshape(len(rows) * len(public), -1)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows before own actions: indices of what is recalled, profile, own message; flat messages, decision, chance."""

    h: IntArray
    s: IntArray
    r: IntArray
    sent: IntArray
    draw: IntArray
    decided: IntArray
    chance: FloatArray

    def repeated(self, times: int) -> "Rows":
        """Return every row so many times."""
        return Rows(*(np.repeat(column, times) for column in vars(self).values()))


def outcomes(shown: Shown, t: int) -> Outcomes:
    """Return the outcomes of an entry.

    Raises:
        Refusal: the mechanism acts on what is done or replied, or the table is too large.
    """
    game = shown.profile.game
    stage, tables = game.environment.stage(t), game.tables[t]
    if tables.acts:
        raise game.mechanism.refuse(
            "it acts on replies or observed actions, which a search over beliefs does not know; everything public, and "
            "prescribed play by the others, it can be searched"
        )
    rows = drawn_rows(shown, t)
    obey, done = own_actions(stage, shown.who, rows.decided)
    acts = done.shape[1]
    alone = np.zeros_like(rows.h), np.zeros((1, 1), np.intp)
    before, signs_before = _before(shown, t, rows, obey) if acts > 1 else alone
    asked = signs_before[:, 0]
    rows, before, done = rows.repeated(acts), np.repeat(before, acts), done.reshape(-1)
    act = np.tile(np.arange(acts), len(rows.h) // acts)
    utility = stage.utility.reshape(len(stage.utility), -1)[:, done * stage.size + rows.s]
    paid = _paid(shown, t, rows)
    flow = sum((utility[i] - paid[i] for i in shown.who), np.zeros(len(done)))
    choice = (rows.r * len(asked) + before) * acts + act
    state = rows.h * stage.size + rows.s
    states = len(shown.profile.recalled[t]) * stage.size
    own = prod(tables.shape[1 + i] for i in shown.who)
    seen, following, move_chance, origin, signs = _moves(shown, t, rows, done, (utility, paid))
    after = shown.entry_after(t)
    return Outcomes(
        states=states,
        messages=own,
        acts=acts,
        seen_before=len(asked),
        follow=shown.profile.of(t, shown.who).reshape(states, own),
        obey=asked,
        flow_start=np.searchsorted(state, np.arange(states + 1)),
        choice=choice,
        flow=flow * rows.chance,
        chance=rows.chance,
        move_start=np.searchsorted(state[origin], np.arange(states + 1)),
        move_choice=choice[origin],
        seen=seen,
        following=following,
        move_chance=move_chance,
        shown=int(seen.max(initial=-1)) + 1,
        following_states=0
        if after is None
        else len(shown.profile.recalled[after]) * game.environment.stage(after).size,
        signs=signs,
        signs_before=signs_before,
    )


def drawn_rows(shown: Shown, t: int) -> Rows:
    """Return what the others may send and what may be drawn, for every state and own message."""
    game, profile = shown.profile.game, shown.profile
    tables = game.tables[t]
    others = [j for j in range(len(game.environment.agents)) if j not in shown.who]
    sigma = profile.of(t, others)
    h, s, o = np.nonzero(sigma > 0)
    strides = np.array([prod(tables.shape[k + 1 :]) for k in range(len(tables.shape))])
    own, rest = (_flat_messages(tables.shape, strides, agents) for agents in (shown.who, others))
    public = places(game, t)[0]
    require_room("the outcomes of a period", len(h) * len(own) * tables.draws * 12.0)
    sent = (public[s] * strides[0] + rest[o])[:, None] + own
    memory = profile.recalled[t].memory[h][:, None]
    chance = tables.chance[memory, sent] * sigma[h, s, o][:, None, None]
    row, r, draw = np.nonzero(chance > 0)
    decided = tables.decide[memory[row, 0], sent[row, r], draw]
    return Rows(h[row], s[row], r, sent[row, r], draw, decided, chance[row, r, draw])


def _flat_messages(shape: tuple[int, ...], strides: IntArray, agents: Sequence[int]) -> IntArray:
    """Return what joint messages of some agents add to the flat message profile."""
    sizes = tuple(shape[1 + j] for j in agents)
    places_of = np.unravel_index(np.arange(prod(sizes)), sizes) if sizes else ()
    return sum((k * strides[1 + j] for k, j in zip(places_of, agents, strict=True)), np.zeros(prod(sizes), np.intp))


def _paid(shown: Shown, t: int, rows: Rows) -> FloatArray:
    """Return what every agent pays by row, `(N, rows)`: charged, and due from before."""
    tables, memory = shown.profile.game.tables[t], shown.profile.recalled[t].memory[rows.h]
    return tables.charge[:, memory, rows.sent, rows.draw] + tables.due[:, memory, rows.sent]


def _told(shown: Shown, t: int, rows: Rows) -> list[IntArray]:
    """Return what the deviator is told of the decision and the messages."""
    environment = shown.profile.game.environment
    columns = [shown_decision(shown.disclosure, environment, t, rows.decided, i) for i in shown.who]
    messages = [rows.sent] if shown.disclosure == "everything" else []
    if shown.disclosure == ANNOUNCED:
        messages = [_announced(shown, t, rows)]
    return [column for column in columns if column is not None] + messages


def _announced(shown: Shown, t: int, rows: Rows) -> IntArray:
    """Return what the mechanism announces of the messages by row, as `announced_sign` has it."""
    game, memory = shown.profile.game, shown.profile.recalled[t].memory[rows.h]
    public, *sent = np.unravel_index(rows.sent, game.tables[t].shape)
    dates = (t,) if game.environment.horizon is not None or t == 0 else (1, 2, 3, 10)
    messages = np.stack(sent, axis=1)
    told = [
        np.asarray(game.mechanism.announces(Situation(date, memory, public), messages, rows.decided)) for date in dates
    ]
    if any(not np.array_equal(other, told[0]) for other in told):
        raise game.mechanism.false_declaration("announces answers otherwise in later periods")
    return announced_sign(told[0])


def announced_sign(announced: Array) -> IntArray:
    """Return what is announced as whole numbers, equal where the announcements are: their bits; 0 has one sign."""
    return (np.asarray(announced, np.float64) + 0.0).view(np.int64).astype(np.intp)


def _before(shown: Shown, t: int, rows: Rows, obey: IntArray) -> tuple[IntArray, IntArray]:
    """Return what is shown before the action by row, numbered, and what it is: the action that is asked for first."""
    distinct, number = np.unique(np.column_stack([obey, *_told(shown, t, rows)]), axis=0, return_inverse=True)
    return number.reshape(-1), distinct


def _moves(
    shown: Shown, t: int, rows: Rows, done: IntArray, flows: tuple[FloatArray, FloatArray]
) -> tuple[IntArray, IntArray, FloatArray, IntArray, Signs]:
    """Return, by move: what is shown, the next state, the chance, and the row that it belongs to; and all signs."""
    game, after = shown.profile.game, shown.entry_after(t)
    nothing = np.zeros(0, np.intp)
    law = game.laws[t]
    if after is None or law is None:
        return nothing, nothing, np.zeros(0), nothing, Signs(np.zeros((0, 0), np.intp), np.zeros((0, 0)))
    size, stage = game.environment.stage(after).size, game.environment.stage(t)
    event, chances = law_rows(law, done * stage.size + rows.s)
    require_room("the moves of a period", 8.0 * float((chances[event] > 0).sum()))
    origin, profile = np.nonzero(chances[event] > 0)
    chance = rows.chance[origin] * chances[event][origin, profile]
    state = recalled_after(shown, t, after, rows)[origin] * size + profile
    told, amounts = _told(shown, t, rows), [table[i] for i in shown.who for table in flows]
    alike = [clusters(amount, scale_of(amount)) for amount in amounts]
    number = np.unique(np.column_stack([*told, *alike]), axis=0, return_inverse=True)[1].reshape(-1)
    opens = shown.opening(after)
    opening = np.unique(opens, axis=0, return_inverse=True)[1].reshape(-1)
    codes = number[origin] * (opening.max() + 1) + opening[state]
    _, first, seen = np.unique(codes, return_index=True, return_inverse=True)
    columns = [*(column[origin[first]] for column in told), *opens[state[first]].T]
    signs = Signs(np.column_stack(columns), np.column_stack([amount[origin[first]] for amount in amounts]))
    return seen.reshape(-1), state, chance, origin, signs


def recalled_after(shown: Shown, t: int, after: int, rows: Rows) -> IntArray:
    """Return the number of what is recalled in entry `after`, by row."""
    profile, nobody = shown.profile, np.full(len(rows.h), NOTHING)
    known = profile.recalled[t]
    following = profile.game.tables[t].remember[known.memory[rows.h], rows.sent, rows.draw]
    past = {
        "none": (nobody, nobody, nobody),
        "reports": (rows.sent, rows.decided, nobody),
        "signals": (rows.sent, rows.decided, rows.s),
    }[profile.recall]
    return profile.recalled[after].number(following, *past, *known.rows[rows.h, 1:-3].T)


def law_rows(law: LawOfMotion, event: IntArray) -> tuple[IntArray, Array]:
    """Return the laws of the next profile at the distinct events, `(e, S')`, and which of them each is."""
    distinct, where = np.unique(event, return_inverse=True)
    if isinstance(law, FactoredLaw):
        require_room("the law of the next profile", 3.0 * len(distinct) * law.following)
        return where.reshape(-1), law.rows_at(distinct).reshape(len(distinct), -1)
    if not isinstance(law, WrittenLaw):
        raise Refusal("the law of the next profile is held in a way that a search over beliefs does not know")
    return where.reshape(-1), law.flat[distinct]
