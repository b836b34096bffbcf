from .exporting import FORMATS as FORMATS, export as export
from .payoff_tensors import PayoffTensor as PayoffTensor, payoff_tensor as payoff_tensor
from .sources import Source as Source, open_source as open_source
