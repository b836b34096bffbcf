"""A base fee that rises after full blocks and falls after empty ones, as in EIP-1559, or by an average of blocks.

Timing, slot by slot: a base fee b stands. Whoever proposes says how much it is ready to include: nothing, up to the
target, or up to the limit of twice the target; prescribed is the limit, and a missed slot is an empty block. Users pay
a total price p a unit: b is burned (it goes to the designer), the tip p − b is the proposer's. Then

    b′ = b (1 + a (ḡ − 1)),    a = 1/8,

ḡ the mean of the gas used, in targets, over the last L blocks (`window`; 1: EIP-1559). With D and P the demand curve
and its inverse, and q what the proposer is ready to include, gas is g = min(q, D(p)) and

| tips | the price p |
| --- | --- |
| clearing | max(b + τ, P(q)): users know q and outbid each other for scarce space |
| minimal | max(b + τ, P(2)): they do so only where the limit binds, and else pay the least tip τ |

At b* = 1 − τ users want exactly the target, and prescribed play stays there. An empty block costs its proposer τ and
lowers the fee. Where tips clear the market, whoever proposes next can fill its block to the target only, keep the fee
low, and take as tips what was burned before. So what is gained depends on the share of slots, and a coalition of
proposers counts as one with the sum of its shares.

Memory is a fee on a grid of log b around b*, `mesh` points to a step of ln 9/8, and the gas of the last L − 1 blocks.
The fees that the rule leads to are not on any grid (ln 9/8 and ln 8/7 have no common measure), nor are units of gas
whole: each lands on one of two neighbours by a lottery that keeps the mean, of log b and of gas. Between units P is a
straight line. Below `lowest` times b* and above 9/8 b* the fee is held at the end of the grid.

Guarantee: no deficit, since tips are paid by users. Filling blocks is not promised to be best: the audit says from
which share on it is not.

Source: EIP-1559; Azouvi, Goren, Heimbach and Hicks 2023 on base fee manipulation; the model of tips is ours.
"""

from math import ceil, isfinite, log
from typing import Literal, NamedTuple, get_args

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

Tips = Literal["clearing", "minimal"]

READY = ("empty", "target", "full")
"""What a proposer may be ready to include: 0, 1 or 2 targets."""

STEP = log(9 / 8)
"""The largest rise of log b after one block of EIP-1559."""

EXACT = 1e-9
"""A place on a grid so close to a point is that point: rounding must not open a lottery."""


class Slot(NamedTuple):
    """What happens in a slot: base fee, total price and expected gas, `(n,)` each."""

    fee: FloatArray
    price: FloatArray
    gas: FloatArray


class BaseFee(Mechanism):
    """Fees by EIP-1559's rule, or by an average of blocks.

    Args:
        tips: how users bid, see the module.
        tip: τ, the least tip, as a share of the price at which users want the target.
        adjustment: a, how far the fee moves after a full block.
        window: L, over how many blocks gas is averaged.
        mesh: points of the grid to a step of ln 9/8.
        lowest: the lowest fee of the grid, as a share of b*.

    Raises:
        Refusal: the economy is no sale of block space: proposers without private information or utility, whose slots
            are drawn anew and are the public state, and users, who stand last.
    """

    name = "base-fee"
    source = "EIP-1559; Azouvi, Goren, Heimbach and Hicks 2023"
    promises = Promises(budget="no deficit")
    environment: TableEnvironment

    def __init__(
        self,
        environment: Environment,
        tips: Tips = "clearing",
        tip: float = 0.05,
        adjustment: float = 0.125,
        window: int = 1,
        mesh: int = 4,
        lowest: float = 0.2,
    ) -> None:
        super().__init__(environment)
        if tips not in get_args(Tips):
            raise InputError(f"tips: {tips!r} is none of {', '.join(get_args(Tips))}")
        if not (isfinite(tip) and 0 < tip < 1):
            raise InputError(f"tip: {tip:g} is not between 0 and 1")
        if not (isfinite(adjustment) and 0 <= adjustment <= 0.5):
            raise InputError(f"adjustment: {adjustment:g} is not in [0, 0.5]")
        if not (1 <= window <= 8 and 1 <= mesh <= 64):
            raise InputError(f"window: {window}, mesh: {mesh}; expected 1 to 8 blocks and 1 to 64 points")
        if not (isfinite(lowest) and 0 < lowest < 1):
            raise InputError(f"lowest: {lowest:g} is not between 0 and 1")
        self.tips, self.tip, self.adjustment, self.window, self.mesh = tips, tip, adjustment, window, mesh
        self._read_off()
        below = ceil(-log(lowest) * mesh / STEP - EXACT)
        self.logs = log(1 - tip) + STEP / mesh * np.arange(-below, mesh + 1)
        self.start = below

    def _read_off(self) -> None:
        """Read the demand curve off the users' utility, and see that the economy is one of block space."""
        environment = self.environment
        if not isinstance(environment, TableEnvironment) or len(environment.stages) > 1:
            raise self._other("the same economy every period")
        stage, self.users = environment.stage(0), len(environment.agents) - 1
        levels, odd = divmod(len(stage.decisions), 2)
        if len(stage.public) != self.users + 1 or any(len(own) > 1 for own in stage.signals) or not self.users:
            raise self._other("a public state that says whose slot it is, nothing private, and users, who stand last")
        if odd or levels % 2 == 0 or levels < 3 or stage.private_actions or stage.cost_table.any():
            raise self._other("two decisions for each of 0 to 2 targets of gas, at no cost")
        flat = stage.utility.reshape(self.users + 1, len(stage.decisions), -1)
        if np.abs(flat[: self.users]).max() > 0 or np.ptp(flat[self.users], axis=1).max() > 0:
            raise self._other("nobody but the users to enjoy gas, and them alike in every slot")
        pairs = flat[self.users, :, 0].reshape(-1, 2)
        self.units = (levels - 1) // 2
        worth = np.diff(pairs[:, 0]) * self.units
        kept = np.abs(pairs[:, 0] - pairs[:, 1]).max() <= TIE * environment.scale
        if not kept or (np.diff(worth) >= 0).any() or worth[-1] <= 0 or abs(worth[self.units - 1] - 1) > TIE:
            raise self._other("units whose worth falls, stays above 0 and is 1 at the target")
        before = 2 * worth[0] - worth[1]
        self._worth, self._gas = np.append(before, worth), np.arange(levels) / self.units

    def _other(self, what: str) -> Exception:
        return self.refuse(f"it needs {what}; scenario base-fee has it")

    # The market of a slot

    def demand(self, price: FloatArray) -> FloatArray:
        """D(p) in targets, at most 2."""
        return np.interp(-price, -self._worth, self._gas)

    def slot(self, now: Situation, messages: Array) -> Slot:
        """Return base fee, price and expected gas of a slot."""
        proposer = np.asarray(now.public, np.intp)
        said = np.column_stack([messages[:, : self.users], np.full(len(messages), 2)])
        ready = said[np.arange(len(messages)), proposer].astype(np.float64)
        fee = np.exp(self.logs)[self._fee(now)]
        scarce = ready if self.tips == "clearing" else np.full(len(ready), 2.0)
        price = np.maximum(fee + self.tip, np.interp(scarce, self._gas, self._worth))
        price = np.where(scarce > 0, price, fee + self.tip)
        return Slot(fee, price, np.minimum(ready, self.demand(price)))

    # Memory: the fee's place on the grid, and the gas of the last L − 1 blocks, the latest the fastest digit

    def _fee(self, now: Situation) -> IntArray:
        """Return the fee's place, `(n,)`."""
        if now.t == 0:
            return np.full(len(now.memory), self.start, np.intp)
        return np.asarray(now.memory, np.intp) // len(self._gas) ** (self.window - 1)

    def _past(self, now: Situation) -> IntArray:
        """Return the units of gas of the last L − 1 blocks as one number, `(n,)`; at first, all on target."""
        base, digits = len(self._gas), self.window - 1
        if now.t == 0:
            return np.full(len(now.memory), sum(self.units * base**j for j in range(digits)), np.intp)
        return np.asarray(now.memory, np.intp) % base**digits

    def memory_size(self, t: int) -> int:
        """Return 1 at first, then fees times histories of gas."""
        return 1 if t == 0 else len(self.logs) * len(self._gas) ** (self.window - 1)

    def _place(self, now: Situation, units: IntArray) -> FloatArray:
        """Return where on the grid the next fee would lie after a block with these units of gas, `(n,)`."""
        base, past = len(self._gas), self._past(now)
        total = units.copy()
        for _ in range(self.window - 1):
            past, digit = np.divmod(past, base)
            total += digit
        mean = total / (self.window * self.units)
        move = np.log1p(self.adjustment * (mean - 1)) * self.mesh / STEP
        place = np.clip(self._fee(now) + move, 0, len(self.logs) - 1)
        return np.where(np.abs(place - np.rint(place)) < EXACT, np.rint(place), place)

    # Rules

    def messages(self, t: int, agent: int) -> Finite:  # noqa: ARG002
        """Return what a proposer may be ready to include; users say nothing."""
        return Finite(("-",) if agent == self.users else READY)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return a full block, whoever's slot it is, `(n,)`."""
        return np.full(len(signal), 0 if agent == self.users else 2, np.intp)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the lottery over gas and the rounding of the fee, `(n, D)`."""
        gas = self.slot(now, messages).gas * self.units
        gas = np.where(np.abs(gas - np.rint(gas)) < EXACT, np.rint(gas), gas)
        low = np.minimum(np.floor(gas).astype(np.intp), 2 * self.units - 1)
        out, rows = np.zeros((len(gas), 2 * len(self._gas))), np.arange(len(gas))
        for units, chance in ((low, 1 - (gas - low)), (low + 1, gas - low)):
            up = np.mod(self._place(now, units), 1)
            out[rows, 2 * units] = chance * (1 - up)
            out[rows, 2 * units + 1] = chance * up
        return out

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the price, paid by users, and the tips, paid to the proposer, `(n, N)`."""
        slot, gas = self.slot(now, messages), self._gas[decision // 2]
        out = np.zeros((len(messages), self.users + 2))
        out[np.arange(len(messages)), np.asarray(now.public, np.intp)] = -(slot.price - slot.fee) * gas
        out[:, self.users + 1] = slot.price * gas
        return np.delete(out, self.users, axis=1)  # the tips of the others, who are no agents

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the next fee's place and the gas of the last L − 1 blocks, `(n,)`."""
        base, digits = len(self._gas), self.window - 1
        place = np.floor(self._place(now, decision // 2)).astype(np.intp) + decision % 2
        history = self._past(now) * base + decision // 2
        return np.minimum(place, len(self.logs) - 1) * base**digits + history % base**digits

    def transfer_bound(self) -> float:
        """Return twice the highest price that two targets are sold at."""
        return 2 * max(float(np.exp(self.logs[-1])) + self.tip, float(self._worth[1:].max()))
