from .ratchet import Ratchet as Ratchet
from .spot_price import SpotPrice as SpotPrice
