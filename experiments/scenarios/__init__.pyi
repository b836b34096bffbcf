from .ad_exchange import AdExchange as AdExchange
from .ar1_additive import Ar1Additive as Ar1Additive
from .autoregressive_auction import AutoregressiveAuction as AutoregressiveAuction
from .base import Scenario as Scenario
from .bilateral_trade import BilateralTrade as BilateralTrade, environment_of as environment_of
from .bilateral_trade_continuous import BilateralTradeContinuous as BilateralTradeContinuous
from .common_state import CommonState as CommonState
from .continuous_licence import ContinuousLicence as ContinuousLicence
from .correlated_first_signal import CorrelatedFirstSignal as CorrelatedFirstSignal
from .durable_good import DurableGood as DurableGood
from .graded_ore import GradedOre as GradedOre
from .lowest_bid_auction import LowestBidAuction as LowestBidAuction
from .non_separable import NonSeparable as NonSeparable
from .oil_leases import OilLeases as OilLeases
from .oil_leases_prior import OilLeasesPrior as OilLeasesPrior
from .power_plants import PowerPlants as PowerPlants
from .public_good import PublicGood as PublicGood
from .random_economy import RandomEconomy as RandomEconomy
from .renewable_resource import RenewableResource as RenewableResource
from .repeated_auction import RepeatedAuction as RepeatedAuction
from .repeated_trade import RepeatedTrade as RepeatedTrade
from .single_buyer import SingleBuyer as SingleBuyer
from .spectrum import Spectrum as Spectrum
from .sponsored_search import SponsoredSearch as SponsoredSearch
from .supply_chain import SupplyChain as SupplyChain
from .trading_game import TradingGame as TradingGame, Variation as Variation
from .trading_game_continuous import TradingGameContinuous as TradingGameContinuous
from .two_period_sale import TwoPeriodSaleScenario as TwoPeriodSaleScenario
