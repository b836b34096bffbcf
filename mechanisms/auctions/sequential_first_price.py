"""One good after the other, by sealed bids; the winner pays its own bid.

Prescribed bids, ties and what must stay hidden: see `sequential`.

Source: Weber 1983; Krishna, Auction Theory, chapter 15.
"""

import numpy as np

from dynmech.mechanisms.auctions.sequential import SequentialAuction
from dynmech.sim.core.arrays import Array, FloatArray


class SequentialFirstPrice(SequentialAuction):
    """The winner pays its bid.

    Args:
        scale: prescribed bids over those of the equilibrium.
        steps: bids from one prescribed bid to the next.

    Raises:
        Refusal: the economy is no sale of goods, one a period, to more bidders who want one each.
    """

    name = "sequential-first-price"
    source = "Weber 1983; Krishna, Auction Theory, ch. 15"

    def share(self, t: int) -> float:
        """Return (N − K)/(N − k + 1) in round k = t + 1."""
        bidders = len(self.environment.agents)
        return (bidders - self.goods) / (bidders - t)

    def prices(self, bids: FloatArray, winner: Array) -> FloatArray:
        """Return the winner's own bid, `(n,)`."""
        return bids[np.arange(len(bids)), winner]
