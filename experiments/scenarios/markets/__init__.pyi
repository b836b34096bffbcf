from .airline import Airline as Airline
from .base_fee import BaseFeeScenario as BaseFeeScenario
from .markov_consumer import MarkovConsumer as MarkovConsumer
from .sequential_sale import SequentialSale as SequentialSale
