from .spot_price import SpotPrice as SpotPrice
