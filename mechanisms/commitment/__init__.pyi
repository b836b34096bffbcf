from .base_fee import BaseFee as BaseFee
from .commitment import Commitment as Commitment
from .ratchet import Ratchet as Ratchet
from .spot_price import SpotPrice as SpotPrice
