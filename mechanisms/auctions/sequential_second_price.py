"""One good after the other, by sealed bids; the winner pays the highest bid of the others.

Prescribed bids, ties and what must stay hidden: see `sequential`.

Source: Weber 1983; Krishna, Auction Theory, chapter 15.
"""

import numpy as np

from dynmech.mechanisms.auctions.sequential import SequentialAuction
from dynmech.sim.core.arrays import Array, FloatArray


class SequentialSecondPrice(SequentialAuction):
    """The winner pays the highest bid of the others.

    Args:
        scale: prescribed bids over those of the equilibrium.
        steps: bids from one prescribed bid to the next.

    Raises:
        Refusal: the economy is no sale of goods, one a period, to more bidders who want one each.
    """

    name = "sequential-second-price"
    source = "Weber 1983; Krishna, Auction Theory, ch. 15"

    def share(self, t: int) -> float:
        """Return (N − K)/(N − k) in round k = t + 1."""
        bidders = len(self.environment.agents)
        return (bidders - self.goods) / (bidders - t - 1)

    def prices(self, bids: FloatArray, winner: Array) -> FloatArray:
        """Return the highest bid of the others, `(n,)`."""
        others = bids.copy()
        others[np.arange(len(bids)), winner] = 0.0
        return np.asarray(others.max(axis=1), dtype=np.float64)
