"""A seller and a buyer meet every period, and a perishable good may change hands.

Timing: both learn what the good is worth to them this period (the seller: its cost of giving it up); it is traded or
not; values move on, each by a Markov chain of its own. Trade is efficient where the buyer's value is the higher.

Who would care: a platform that matches the same two sides again and again, power sold ahead from plant to factory, two
desks of a firm that share a machine. Efficient trade costs the go-between the gains from trade once over; membership
fees pay for that if, and only if, values change often enough and members are patient (`pivot-with-fees`).

Chains: `persistent` (a value stays with probability `persistence`, else becomes one of the others evenly),
`independent`, `fixed`, `swap` (k becomes K − 1 − k: periodic), `absorbing` (Theorem 6: the seller's highest cost and
the buyer's lowest value are for ever, else as `persistent`), `random`, or the path of a JSON file

    {"costs": […], "values": […], "seller": [[…], …], "buyer": [[…], …], "first_seller": […], "first_buyer": […]}

whose first laws may be left out (even).

Source: Yoon 2021, §3.3.1 B and §3.3.2.
"""

from pathlib import Path

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import trade
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment

CHAINS = ("persistent", "independent", "fixed", "swap", "absorbing", "random")


def environment_of(
    chains: Trade, discount: float, horizon: int | None = None, name: str = "bilateral-trade"
) -> TableEnvironment:
    """The economy of two chains: decisions "no trade" and "buyer 1"."""
    return trade(
        [float(c) for c in chains.costs],
        [[float(v) for v in chains.values]],
        [chains.seller, chains.buyer],
        np.outer(chains.first_seller, chains.first_buyer),
        discount,
        horizon=horizon,
        name=name,
    )


class BilateralTrade(Scenario):
    """Finitely many values.

    Args:
        values: how many, 0 to 1 in even steps, for both sides. With 2 the only lie that changes the decision loses the
            whole surplus, so that even paying one's report holds; 3 is the least with something in between.
        midpoints: the middles of as many equal parts of [0, 1] instead: the grid of the continuous economy.
        chain: how values move, see the module.
        persistence: probability that a value stays, of `persistent` and `absorbing` chains.
        discount: δ.
        horizon: number of periods; none means infinitely many.
        seed: of the random chains.
    """

    name = "bilateral-trade"
    source = "Yoon 2021 §3.3"
    summary = (
        "a seller and a buyer whose values follow Markov chains; do fees pay for efficient trade? "
        "(values=2 leaves little to lie about: a false report that matters costs the whole surplus)"
    )

    def __init__(
        self,
        values: int = 3,
        midpoints: bool = False,
        chain: str = "persistent",
        persistence: float = 0.75,
        discount: float = 0.9,
        horizon: int | None = None,
        seed: int = 0,
    ) -> None:
        if values < 2:
            raise InputError(f"values: {values} is below 2")
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence: {persistence:g} is not in [0, 1]")
        self.values, self.midpoints, self.chain, self.persistence = values, midpoints, chain, persistence
        self.discount, self.horizon, self.seed = discount, horizon, seed

    def build(self) -> TableEnvironment:
        """One repeated stage, an independent kernel."""
        return environment_of(self.chains(), self.discount, self.horizon, self.name)

    def chains(self) -> Trade:
        """The two chains, as the budget condition takes them."""
        k = self.values
        points = (np.arange(k) + 0.5) / k if self.midpoints else np.linspace(0, 1, k)
        even = np.full(k, 1 / k)
        seller = buyer = persistent_chain(k, self.persistence)
        match self.chain:
            case "persistent":
                pass
            case "independent":
                seller = buyer = np.full((k, k), 1 / k)
            case "fixed":
                seller = buyer = np.eye(k)
            case "swap":
                seller = buyer = np.eye(k)[::-1]
            case "absorbing":
                seller, buyer = _absorbing(seller, k - 1), _absorbing(buyer, 0)
            case "random":
                generator = np.random.Generator(np.random.Philox(key=self.seed))
                seller, buyer = generator.dirichlet(np.ones(k), (2, k))
                first = generator.dirichlet(np.ones(k), 2)
                return Trade(points, points, seller, buyer, first[0], first[1])
            case path if path.endswith(".json"):
                return read_chains(Path(path))
            case other:
                raise InputError(f"chain: {other!r} is none of {', '.join(CHAINS)}, or a file that ends in .json")
        return Trade(points, points, seller, buyer, even, even)


def _absorbing(chain: FloatArray, type_: int) -> FloatArray:
    out = chain.copy()
    out[type_] = np.eye(len(chain))[type_]
    return out


def read_chains(path: Path) -> Trade:
    """Two chains from a file.

    Raises:
        InputError: the file cannot be read, or a field is missing or wrong.
    """
    from dynmech.sim.core.json_files import read_json  # it needs pydantic, which takes a while

    try:
        data = read_json(path, "two chains")
    except InputError as error:
        raise InputError(f"chain: {path}: {error}") from None
    try:
        tables = {key: np.asarray(data[key], dtype=np.float64) for key in ("costs", "values", "seller", "buyer")}
        for side, types in (("first_seller", "costs"), ("first_buyer", "values")):
            even = np.full(tables[types].shape, 1 / max(tables[types].size, 1))
            tables[side] = np.asarray(data.get(side, even), dtype=np.float64)
    except KeyError as error:
        raise InputError(f"chain: {path}: {error.args[0]} is missing") from None
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise InputError(f"chain: {path}: expected an object of lists of numbers, see the scenario") from None
    for key in ("costs", "values"):
        if tables[key].ndim != 1 or not len(tables[key]) or not np.isfinite(tables[key]).all():
            raise InputError(f"chain: {path}: {key}: expected a list of finite numbers")
    return Trade(**tables)
