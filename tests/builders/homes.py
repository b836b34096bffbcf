"""An economy for every mechanism: where the tests of conformance try it."""

HOME = "oil-leases-prior"
"""Where most mechanisms fit."""

HOMES = {
    "balanced": "repeated-auction:values=2",
    "balanced-team": "repeated-auction:values=2",
    "base-fee": "base-fee:shares=0.5,units=1",
    "commitment": "with-designer",
    "contingent-density": "continuous-licence",
    "continuous-trade": "trading-game-continuous",
    "generalized-vcg": "repeated-auction:values=2",
    "lowest-bid": "lowest-bid-auction:bidders=2",
    "markovian-contract": "markov-consumer:horizon=2",
    "minimum-rent": "repeated-auction:values=2",
    "once": "repeated-auction:values=2",
    "optimal-contract": "single-buyer:nodes=3",
    "optimal-two-period": "two-period-sale",
    "ratchet": "repeated-auction:values=2",
    "refund-menu": "airline:cells=1",
    "relaxed-prices": "correlated-first-signal",
    "revenue-optimal": "two-period-sale:grid=3,buyers=2",
    "second-price": "lowest-bid-auction:bidders=2",
    "sequential-first-price": "sequential-sale:values=2",
    "sequential-second-price": "sequential-sale:values=2",
    "self-enforcing": "repeated-trade:discount=0.5",
    "spot-price": "durable-good:values=6",
    "trading-pivot": "bilateral-trade-continuous",
    "virtual-index": "sponsored-search:depth=1,nodes=2",
    "virtual-myopic": "single-buyer:buyers=2,nodes=2",
    "virtual-pivot": "sponsored-search:depth=1,nodes=2",
}
"""Where the others do."""

ECONOMIES = (
    *("oil-leases", "oil-leases-prior", "repeated-auction:horizon=4", "repeated-auction:values=2", "random"),
    *sorted(set(HOMES.values()) - {"repeated-auction:values=2"}),
)


def home(mechanism: str) -> str:
    """The economy, as typed."""
    return HOMES.get(mechanism, HOME)
