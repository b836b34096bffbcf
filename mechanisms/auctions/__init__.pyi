from .generalized_vcg import GeneralizedVCG as GeneralizedVCG
from .lowest_bid import LowestBid as LowestBid
from .pay_your_report import PayYourReport as PayYourReport
from .second_price import SecondPrice as SecondPrice
from .sequential import SequentialAuction as SequentialAuction
from .sequential_first_price import SequentialFirstPrice as SequentialFirstPrice
from .sequential_second_price import SequentialSecondPrice as SequentialSecondPrice
